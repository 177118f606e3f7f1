import type { StatisticsEvent } from '../../core/events.js'
import type { Call, Store } from '../../core/store.js'
import { decodeMatch } from '../decode.js'

const READ_TIMEOUT_MS = 5_000

/** What a feed is made of. */
export interface StatisticsFeedOptions {
  readonly store: Store
  readonly intervalMs: number
  readonly streamId: string | undefined
  /** Called when there is something to take. */
  readonly wake: () => void
}

/** Streams that reported statistics, each at most once in an interval, as they are at its end. */
export class StatisticsFeed<M> {
  readonly #options: StatisticsFeedOptions
  readonly #reported = new Set<string>()
  readonly #stopListening: () => void
  #ready = new Map<string, StatisticsEvent<M>>()
  #cancel: (() => void) | undefined
  #isClosed = false

  constructor(options: StatisticsFeedOptions) {
    const { store, streamId } = options
    this.#options = options
    this.#stopListening = store.onStatistics((ids) => {
      for (const id of ids ?? []) if (streamId === undefined || id === streamId) this.#reported.add(id)
      if (this.#reported.size > 0) this.#schedule()
    })
  }

  /** The next event, the longest waiting first. A newer one of the same stream has taken its place. */
  take(): StatisticsEvent<M> | undefined {
    const [first] = this.#ready
    if (first === undefined) return undefined
    this.#ready.delete(first[0])
    return first[1]
  }

  close(): void {
    this.#isClosed = true
    this.#stopListening()
    this.#cancel?.()
  }

  #schedule(): void {
    if (this.#isClosed) return
    this.#cancel ??= this.#options.store.schedule(this.#options.intervalMs, () => {
      this.#cancel = undefined
      void this.#read()
    })
  }

  async #read(): Promise<void> {
    const { store, wake } = this.#options
    const ids = [...this.#reported]
    this.#reported.clear()
    const call: Call = { deadline: performance.now() + READ_TIMEOUT_MS, isBackground: true }
    // What cannot be read now is told with the next report: at most once.
    const found = await store.view(ids, call).catch(() => [])
    if (this.#isClosed) return
    for (const [i, each] of found.entries()) {
      const id = ids[i]
      if (id === undefined || each.kind !== 'live') continue
      const data = decodeMatch<M>({ id, rec: each.rec })
      if (data === undefined) continue
      this.#ready.set(id, { type: 'stream.stats', streamId: id, timestamp: new Date(store.now()), data })
    }
    wake()
  }
}
