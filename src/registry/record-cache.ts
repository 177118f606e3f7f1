import type { Rec } from '../core/store.js'

/** The last known records, the least recently used dropped first. A guess to start from, never an answer. */
export class RecordCache {
  readonly #capacity: number
  readonly #records = new Map<string, Rec>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(id: string): Rec | undefined {
    const rec = this.#records.get(id)
    if (rec !== undefined) this.set(rec)
    return rec
  }

  set(rec: Rec): void {
    if (this.#capacity === 0) return
    this.#records.delete(rec.id)
    this.#records.set(rec.id, rec)
    if (this.#records.size <= this.#capacity) return
    const oldest = this.#records.keys().next()
    if (!oldest.done) this.#records.delete(oldest.value)
  }

  delete(id: string): void {
    this.#records.delete(id)
  }
}
