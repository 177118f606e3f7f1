import type { Call, Renewal, RenewalAnswer, Store } from '../../core/store.js'

/** A lease that is to be renewed again and again. */
export interface Beating {
  readonly id: string
  /** How often, milliseconds. */
  readonly intervalMs: number
  beat(): Beat
}

/** One renewal of a lease. */
export interface Beat {
  /** What to send now. */
  readonly renewal: Renewal
  /** Takes in what came of it, if that is ever known. `sentAt`: the store's time when it was sent. */
  readonly settle: (answer: RenewalAnswer, sentAt: number) => void
}

/** A beat may take as long as the shortest interval in it, within these bounds, milliseconds. */
const MIN_BEAT_TIMEOUT_MS = 1_000
const MAX_BEAT_TIMEOUT_MS = 5_000
/** After a failure, the next try comes so soon, milliseconds. */
const MAX_RETRY_MS = 1_000
/** So much earlier than it is due may a beat come, to share a call with others: a part of its interval. */
const SLACK = 0.15

interface Turn {
  dueAt: number
  isUnderWay: boolean
  /** When the one after that which is under way is due at the latest. */
  hurriedTo: number
}

/** Renews leases in time, all that are about due in one call for each partition. */
export class Heartbeats {
  readonly #store: Store
  readonly #turns = new Map<Beating, Turn>()
  #alarm: { readonly at: number; readonly cancel: () => void } | undefined

  constructor(store: Store) {
    this.#store = store
  }

  /** Begins with the next beat, not at once: the lease is fresh. */
  add(beating: Beating): void {
    const dueAt = this.#store.elapsed() + jittered(beating.intervalMs)
    this.#turns.set(beating, { dueAt, isUnderWay: false, hurriedTo: Number.POSITIVE_INFINITY })
    this.#arm(dueAt)
  }

  remove(beating: Beating): void {
    this.#turns.delete(beating)
    if (this.#turns.size > 0) return
    this.#alarm?.cancel()
    this.#alarm = undefined
  }

  /** Lets the next beat come so soon at the latest. */
  hurry(beating: Beating, ms: number): void {
    const turn = this.#turns.get(beating)
    const dueAt = this.#store.elapsed() + ms
    if (turn === undefined) return
    if (turn.isUnderWay) turn.hurriedTo = Math.min(turn.hurriedTo, dueAt)
    else if (dueAt < turn.dueAt) {
      turn.dueAt = dueAt
      this.#arm(dueAt)
    }
  }

  #arm(at: number): void {
    if (this.#alarm !== undefined && this.#alarm.at <= at) return
    this.#alarm?.cancel()
    const cancel = this.#store.schedule(Math.max(0, at - this.#store.elapsed()), () => {
      this.#alarm = undefined
      this.#beat()
    })
    this.#alarm = { at, cancel }
  }

  #armNext(): void {
    let next = Number.POSITIVE_INFINITY
    for (const { dueAt, isUnderWay } of this.#turns.values()) if (!isUnderWay && dueAt < next) next = dueAt
    if (next !== Number.POSITIVE_INFINITY) this.#arm(next)
  }

  #beat(): void {
    const now = this.#store.elapsed()
    const due = new Map<number, Beating[]>()
    for (const [beating, turn] of this.#turns) {
      if (turn.isUnderWay || turn.dueAt - beating.intervalMs * SLACK > now) continue
      turn.isUnderWay = true
      const partition = this.#store.partitionOf(beating.id)
      const others = due.get(partition)
      if (others === undefined) due.set(partition, [beating])
      else others.push(beating)
    }
    // A partition that is out of reach must not keep the others waiting.
    for (const each of due.values()) void this.#renew(each)
    this.#armNext()
  }

  async #renew(due: readonly Beating[]): Promise<void> {
    const sentAt = this.#store.now()
    const least = due.reduce((ms, { intervalMs }) => Math.min(ms, intervalMs), MAX_BEAT_TIMEOUT_MS)
    const deadline = performance.now() + Math.max(least, MIN_BEAT_TIMEOUT_MS)
    const call: Call = { deadline, isBackground: true }
    const beats = due.map((beating) => beating.beat())
    const answers = await this.#store
      .renew(
        beats.map(({ renewal }) => renewal),
        call,
      )
      .catch(() => undefined)
    const now = this.#store.elapsed()
    for (const [i, beating] of due.entries()) {
      const turn = this.#turns.get(beating)
      if (turn !== undefined) {
        turn.isUnderWay = false
        const { intervalMs } = beating
        const pauseMs = answers ? jittered(intervalMs) : Math.min(intervalMs / 4, MAX_RETRY_MS)
        turn.dueAt = Math.min(now + pauseMs, turn.hurriedTo)
        turn.hurriedTo = Number.POSITIVE_INFINITY
      }
      const answer = answers?.[i]
      if (answer !== undefined) beats[i]?.settle(answer, sentAt)
    }
    this.#armNext()
  }
}

/** So that those that began together do not stay together: the registry would hear all of them at once. */
function jittered(intervalMs: number): number {
  return intervalMs * (1 - Math.random() * SLACK)
}
