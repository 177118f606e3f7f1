import type { Clock } from '../core/clock.js'

/** A clock that stands still until it is told to move. */
export class ManualClock implements Clock {
  #now: number

  /** @param start - milliseconds since the epoch, or a `Date`. Default 2024-01-15T14:30:52Z. */
  constructor(start: number | Date = Date.UTC(2024, 0, 15, 14, 30, 52)) {
    this.#now = Number(start)
    if (!Number.isSafeInteger(this.#now)) throw new RangeError('start must be a whole number of milliseconds')
  }

  now(): number {
    return this.#now
  }

  /** Moves time on. @throws RangeError when `ms` is negative or not a number. */
  advance(ms: number): void {
    if (!(ms >= 0 && Number.isFinite(ms))) throw new RangeError('time only moves forward, by milliseconds')
    this.#now += ms
  }
}
