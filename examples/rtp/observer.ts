import type { Registry, RegistryStats, Stream } from '@mirror/stream-registry'
import { leaseLeftMs } from './table.ts'

/** One stream, as far as it was seen. */
export interface ObservedStream {
  /** The last record known. */
  readonly last: Stream
  /** Why it is no longer there. */
  readonly ending?: string
}

/** The registry at one moment. */
export interface Glimpse {
  readonly streams: readonly Stream[]
  readonly stats: RegistryStats
}

/** Watches the registry from outside as a dashboard would: all it knows of streams it knows by reading. */
export class Observer {
  readonly #registry: Registry
  readonly #log: (message: string) => void
  readonly #observed = new Map<string, ObservedStream>()

  constructor(registry: Registry, log: (message: string) => void) {
    this.#registry = registry
    this.#log = log
  }

  /** Every stream seen so far, in the order of their appearance. */
  get observed(): readonly ObservedStream[] {
    return [...this.#observed.values()]
  }

  async look(): Promise<Glimpse> {
    const [streams, stats] = await Promise.all([this.#registry.list(), this.#registry.stats()])
    for (const stream of streams) {
      if (this.#observed.get(stream.id)?.ending === undefined) this.#observed.set(stream.id, { last: stream })
    }
    this.#noticeExpiry(new Set(streams.map(({ id }) => id)))
    return { streams, stats }
  }

  /** A handler told of an orderly end. */
  ended(last: Stream, reason: string): void {
    this.#observed.set(last.id, { last, ending: `unregistered: ${reason}` })
    this.#log(`${last.name ?? last.id}: ${last.status} and unregistered: ${reason}`)
  }

  #noticeExpiry(live: ReadonlySet<string>): void {
    for (const [id, { last, ending }] of this.#observed) {
      // A stream that is gone with time left on its lease was taken out by its handler.
      if (ending !== undefined || live.has(id) || leaseLeftMs(last, Date.now()) > 0) continue
      this.#observed.set(id, { last, ending: 'expired' })
      this.#log(
        `${last.name ?? id}: gone, its lease ran out ${last.ttlMs / 1_000} s after the last heartbeat`,
      )
    }
  }
}
