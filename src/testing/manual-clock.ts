import type { Clock } from '../core/clock.js'

/** A clock that stands still until it is told to move. */
export class ManualClock implements Clock {
  #now: number
  readonly #alarms = new Set<Alarm>()

  /** @param start - milliseconds since the epoch, or a `Date`. Default 2024-01-15T14:30:52Z. */
  constructor(start: number | Date = Date.UTC(2024, 0, 15, 14, 30, 52)) {
    this.#now = Number(start)
    if (!Number.isSafeInteger(this.#now)) throw new RangeError('start must be a whole number of milliseconds')
  }

  now(): number {
    return this.#now
  }

  /** Calls back when the clock has been moved on by this much. */
  schedule(ms: number, callback: () => void): () => void {
    const alarm: Alarm = { at: this.#now + ms, callback }
    this.#alarms.add(alarm)
    return () => void this.#alarms.delete(alarm)
  }

  /**
   * Moves time on, and calls back what is due on the way, in the order of its time.
   *
   * @throws RangeError when `ms` is negative or not a number.
   */
  advance(ms: number): void {
    if (!(ms >= 0 && Number.isFinite(ms))) throw new RangeError('time only moves forward, by milliseconds')
    const end = this.#now + ms
    for (let alarm = this.#nextUntil(end); alarm !== undefined; alarm = this.#nextUntil(end)) {
      this.#alarms.delete(alarm)
      this.#now = Math.max(this.#now, alarm.at)
      alarm.callback()
    }
    this.#now = end
  }

  #nextUntil(end: number): Alarm | undefined {
    let next: Alarm | undefined
    for (const alarm of this.#alarms)
      if (alarm.at <= end && (next === undefined || alarm.at < next.at)) next = alarm
    return next
  }
}

interface Alarm {
  readonly at: number
  readonly callback: () => void
}
