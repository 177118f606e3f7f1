import type { Call } from '../core/store.js'
import { bounded } from '../registry/bounded.js'

interface Waiting<T, R> {
  readonly item: T
  readonly call: Call
  readonly resolve: (result: R) => void
  readonly reject: (error: unknown) => void
}

/** A longer batch would make its first calls wait for the last: two shorter ones keep Redis and this process busy. */
const MAX_BATCH = 32

/** Calls share a batch when their deadlines lie this close together, so that none waits beyond its own. */
const DEADLINE_SLACK_MS = 10

/** Gathers the calls of one tick of the event loop and runs them as one. */
export class TickBatcher<T, R> {
  readonly #run: (items: readonly T[], call: Call) => Promise<readonly R[]>
  #batches: Waiting<T, R>[][] = []

  constructor(run: (items: readonly T[], call: Call) => Promise<readonly R[]>) {
    this.#run = run
  }

  async add(item: T, call: Call): Promise<R> {
    const result = new Promise<R>((resolve, reject) => {
      this.#enqueue({ item, call, resolve, reject })
    })
    if (call.signal === undefined) return result
    const settled = await bounded(result, { ...call, deadline: call.deadline + DEADLINE_SLACK_MS })
    if (settled.kind === 'value') return settled.value
    if (settled.kind === 'aborted') throw settled.reason
    return result
  }

  #enqueue(waiting: Waiting<T, R>): void {
    const { deadline } = waiting.call
    const batch = this.#batches.find(
      ({ length, 0: first }) =>
        length < MAX_BATCH &&
        first !== undefined &&
        Math.abs(first.call.deadline - deadline) < DEADLINE_SLACK_MS,
    )
    if (batch !== undefined) {
      batch.push(waiting)
      return
    }
    this.#batches.push([waiting])
    if (this.#batches.length === 1) setImmediate(() => this.#flush())
  }

  #flush(): void {
    const batches = this.#batches
    this.#batches = []
    for (const batch of batches) void this.#runBatch(batch)
  }

  async #runBatch(batch: readonly Waiting<T, R>[]): Promise<void> {
    const deadline = batch.reduce(
      (earliest, { call }) => Math.min(earliest, call.deadline),
      Number.POSITIVE_INFINITY,
    )
    try {
      const results = await this.#run(
        batch.map(({ item }) => item),
        { deadline },
      )
      batch.forEach(({ resolve }, i) => {
        resolve(results[i] as R)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
