import type { Call } from '../core/store.js'
import { bounded } from '../registry/bounded.js'

interface Waiting<T, R> {
  readonly item: T
  readonly call: Call
  readonly resolve: (result: R) => void
  readonly reject: (error: unknown) => void
  isSent: boolean
}

/** A longer batch would make its first calls wait for the last: two shorter ones keep Redis and this process busy. */
const MAX_BATCH = 32

/** Calls share a batch when their deadlines lie this close together, so that none waits beyond its own. */
const DEADLINE_SLACK_MS = 10

/** Gathers the calls of one tick of the event loop and runs them as one. */
export class TickBatcher<T, R> {
  readonly #run: (items: readonly T[], call: Call) => Promise<readonly R[]>
  readonly #onAborted: (reason: unknown) => unknown
  #batches: Waiting<T, R>[][] = []

  /** @param onAborted - what an item's call rejects with when it is aborted after its batch has left. */
  constructor(
    run: (items: readonly T[], call: Call) => Promise<readonly R[]>,
    onAborted: (reason: unknown) => unknown = (reason) => reason,
  ) {
    this.#run = run
    this.#onAborted = onAborted
  }

  async add(item: T, call: Call): Promise<R> {
    const { promise, ...callbacks } = withResolvers<R>()
    const waiting: Waiting<T, R> = { item, call, isSent: false, ...callbacks }
    this.#enqueue(waiting)
    if (call.signal === undefined) return promise
    const settled = await bounded(promise, { ...call, deadline: call.deadline + DEADLINE_SLACK_MS })
    if (settled.kind === 'value') return settled.value
    if (settled.kind !== 'aborted') return promise
    if (waiting.isSent) throw this.#onAborted(settled.reason)
    this.#remove(waiting)
    throw settled.reason
  }

  #remove(waiting: Waiting<T, R>): void {
    this.#batches = this.#batches.map((batch) => batch.filter((other) => other !== waiting))
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
    if (batch.length === 0) return
    for (const waiting of batch) waiting.isSent = true
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

function withResolvers<R>(): {
  promise: Promise<R>
  resolve: (result: R) => void
  reject: (error: unknown) => void
} {
  let resolve: (result: R) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<R>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
