import { TimeoutError } from '../../core/errors.js'
import type { Call } from '../../core/store.js'

/** For how long one search keeps the thread, milliseconds. */
const TURN_MS = 10

/** Lets others have the thread in turn, so that a long search over memory stalls nobody and can be aborted. */
export class Turns {
  #began = performance.now()

  get areOver(): boolean {
    return performance.now() - this.#began >= TURN_MS
  }

  /** @throws TIMEOUT, or the signal's reason */
  async giveWay({ signal, deadline }: Call): Promise<void> {
    if (!this.areOver) return
    await new Promise(setImmediate)
    this.#began = performance.now()
    signal?.throwIfAborted()
    if (this.#began > deadline) throw new TimeoutError('the query ran out of time')
  }
}

/** The same promise. Whoever awaits it later meets its failure; until then it must not count as unhandled. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
