import type { CommitAnswer } from '../core/store.js'

/** The answers to the last operations: a repeated operation follows its first try at once. */
export class AnsweredOperations {
  readonly #capacity: number
  #current = new Map<string, CommitAnswer>()
  #previous: ReadonlyMap<string, CommitAnswer> = new Map()

  /** @param capacity - at least so many answers are kept, and at most twice as many. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(opId: string): CommitAnswer | undefined {
    return this.#current.get(opId) ?? this.#previous.get(opId)
  }

  set(opId: string, answer: CommitAnswer): void {
    if (this.#current.size >= this.#capacity) {
      this.#previous = this.#current
      this.#current = new Map()
    }
    this.#current.set(opId, answer)
  }
}
