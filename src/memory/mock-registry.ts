import { type Clock, systemClock } from '../core/clock.js'
import { decodeEvent } from '../core/event-codec.js'
import type { StreamEvent } from '../core/events.js'
import type { Metadata } from '../core/model/stream.js'
import { describeDocument } from '../registry/describe-document.js'
import { makeInstanceId } from '../registry/instance-id.js'
import { type RegistryOptions, type ResolvedOptions, resolveOptions } from '../registry/options.js'
import { StoreRegistry } from '../registry/store-registry.js'
import { MemoryStore } from './memory-store.js'

/** Options of a {@link MockRegistry}. */
export interface MockRegistryOptions<M> extends RegistryOptions<M> {
  /** Default: real time. A `ManualClock` makes a test deterministic. */
  readonly clock?: Clock
  /** Another instance over the same records, as a second process would be; it brings its clock along. */
  readonly sharedWith?: MockRegistry<M>
}

const memories = new WeakMap<object, MemoryStore>()

/**
 * A {@link Registry} in memory, with the same meaning as the one on Redis: for unit tests, and the embedded default.
 *
 * @example
 * const clock = new ManualClock()
 * const registry = new MockRegistry({ clock, defaultTtlMs: 1_000 })
 * await registry.create({ id: 'cam1', type: 'srt', sourceAddr: '10.0.0.1:9000' })
 * clock.advance(1_000)
 * await registry.has('cam1') // false
 */
export class MockRegistry<M = Metadata> extends StoreRegistry<M> {
  /** Where the registry's time comes from. */
  readonly clock: Clock
  readonly #memory: MemoryStore

  constructor(options: MockRegistryOptions<M> = {}) {
    const resolved = resolveOptions(options, makeInstanceId)
    const { sharedWith } = options
    const clock = sharedWith?.clock ?? options.clock ?? systemClock
    const store = (sharedWith && memories.get(sharedWith)) ?? newStore(clock, resolved)
    store.declare(resolved.indexes, describeDocument)
    // Reading costs nothing here: a copy of the last known records would only take memory.
    super(store, { ...resolved, indexCacheSize: 0 })
    memories.set(this, store)
    this.clock = clock
    this.#memory = store
  }

  /**
   * Makes the next call that reaches the store reject with this error, before it does anything. Calls add up; what runs in
   * the background takes none of them.
   */
  failNext(error: Error): void {
    this.#memory.failNext(error)
  }

  /** Every event so far, oldest first, as far as `maxEvents` and `eventRetentionMs` keep them. */
  get recordedEvents(): StreamEvent<M>[] {
    return this.#memory.loggedEvents().map((record) => decodeEvent<M>(record) as StreamEvent<M>)
  }
}

function newStore(
  clock: Clock,
  { maxEvents, eventRetentionMs }: Pick<ResolvedOptions<never>, 'maxEvents' | 'eventRetentionMs'>,
): MemoryStore {
  return new MemoryStore({ clock, maxEvents, maxEventAgeMs: eventRetentionMs })
}
