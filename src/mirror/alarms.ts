import type { Store } from '../core/store.js'

/** Timers that all end together. */
export class Alarms {
  readonly #store: Store
  readonly #pending = new Set<() => void>()
  #isClosed = false

  constructor(store: Store) {
    this.#store = store
  }

  /** Calls back after some of the store's time, unless the answer is called before, or all has ended. */
  after(ms: number, callback: () => void): () => void {
    if (this.#isClosed) return () => {}
    const cancel = this.#store.schedule(ms, () => {
      this.#pending.delete(cancel)
      callback()
    })
    this.#pending.add(cancel)
    return () => {
      this.#pending.delete(cancel)
      cancel()
    }
  }

  close(): void {
    this.#isClosed = true
    for (const cancel of this.#pending) cancel()
    this.#pending.clear()
  }
}
