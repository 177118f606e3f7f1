import type { EventGap, EventType, StatisticsEvent, StreamEvent, UnknownEvent } from '../../core/events.js'
import type { Metadata } from '../../core/model/stream.js'
import type { CallOptions } from '../call.js'

/** What a subscription may ask for: a lifecycle event, or the opt-in statistics. */
export type SubscribableType = EventType | 'stream.stats'

/** What a subscription gives, discriminated by `type`. */
export type SubscriptionItem<M = Metadata> = StreamEvent<M> | StatisticsEvent<M> | UnknownEvent | EventGap

/** The item of each type. */
export type ItemOf<T, M = Metadata> = Extract<SubscriptionItem<M>, { readonly type: T }>

/** Options of `subscribe`. */
export interface SubscribeOptions extends CallOptions {
  /** Default: every lifecycle event; `stream.stats` only where it is named. */
  readonly types?: readonly SubscribableType[]
  /** Events of this stream only. */
  readonly streamId?: string
  /** A cursor to go on behind, `start` (the oldest event that is kept) or `now`. Default `now`. */
  readonly from?: string
  /** How many items are held at most; a slow consumer reads on from the log. Default: the registry's `eventBuffer`. */
  readonly bufferSize?: number
  /** At most one `stream.stats` of a stream in this time, milliseconds. Default 1,000. */
  readonly statsIntervalMs?: number
  /** Ends the subscription. */
  readonly signal?: AbortSignal
}

/** What `on` can listen to. */
export type SubscriptionEventName = SubscribableType | 'gap' | 'unknown' | 'error'

/** A handler of what `on` names. It may be asynchronous: the next item waits for it. */
export type SubscriptionHandler<N extends SubscriptionEventName, M = Metadata> = (
  item: N extends 'error' ? unknown : ItemOf<N, M>,
) => unknown

/**
 * A subscription to the events of a registry: an async iterator, or typed callbacks. One style per subscription.
 *
 * Events of a stream come in their order, those of a partition too; across partitions there is none. After a
 * lost connection, a restart of Redis or a pause of the consumer it goes on where it stood, with nothing lost and
 * nothing twice; where retention or a failover has cut the log, it says so with a `gap`.
 *
 * @example
 * await using subscription = await registry.subscribe({ types: ['stream.created'] })
 * for await (const item of subscription) {
 *   if (item.type === 'gap') await readEverythingAnew()
 *   else console.log(item.type)
 * }
 */
export interface Subscription<M = Metadata> extends AsyncIterableIterator<SubscriptionItem<M>> {
  /** Stands behind all that the consumer has finished with: resume with `from`, in whatever process. */
  readonly cursor: string

  /**
   * Calls the handler for each item of a type, one after the other. An error that a handler throws is reported to
   * `error`, or as a warning of the registry's logger; the subscription goes on.
   */
  on<N extends SubscriptionEventName>(name: N, handler: SubscriptionHandler<N, M>): this
  /** As {@link on}, for one item only. */
  once<N extends SubscriptionEventName>(name: N, handler: SubscriptionHandler<N, M>): this
  /** Takes a handler back. */
  off<N extends SubscriptionEventName>(name: N, handler: SubscriptionHandler<N, M>): this

  next(): Promise<IteratorResult<SubscriptionItem<M>, undefined>>
  /** Ends the subscription. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncIterator](): this
  [Symbol.asyncDispose](): Promise<void>
}
