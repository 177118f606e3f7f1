import type { StatusReport } from '../core/commands/report.js'
import type { StreamEvent, UnknownEvent } from '../core/events.js'
import type { StreamStatistics } from '../core/model/statistics.js'
import type { StreamStatus } from '../core/model/status.js'
import type {
  Metadata,
  StateReport,
  Stream,
  StreamInput,
  StreamPatch,
  StreamType,
} from '../core/model/stream.js'
import type { StreamFilter } from '../core/query/filter.js'
import type { QueryTree } from '../core/query/tree.js'
import type { Problem } from '../core/store.js'
import type { CallOptions } from './call.js'
import type { SubscribableType, SubscribeOptions, Subscription } from './events/subscription.js'
import type { Query } from './query/query.js'
import type { AttachOptions, StreamSession } from './sessions/session.js'

/** A page of streams; `nextCursor` is there while there may be more. */
export interface StreamPage<M = Metadata> {
  readonly streams: Stream<M>[]
  readonly nextCursor?: string
}

/** What became of many heartbeats. */
export interface HeartbeatResult {
  /** Renewed. */
  readonly alive: string[]
  /** Not live: never there, ended or lapsed. */
  readonly missing: string[]
  /** Held by another owner. Only heartbeats of sessions, which carry a fence, can be stale. */
  readonly stale: string[]
}

/** How many streams live; what counts nothing is left out. */
export interface RegistryStats {
  readonly total: number
  readonly byStatus: Partial<Record<StreamStatus, number>>
  readonly byType: Partial<Record<StreamType, number>>
  readonly byStatusAndType: Partial<Record<StreamStatus, Partial<Record<StreamType, number>>>>
}

/** What `verify` looked at, and found. */
export interface VerifyReport {
  /** How many ids were looked at. */
  readonly checked: number
  readonly problems: readonly Problem[]
}

/** Options of `update`. */
export interface UpdateOptions extends CallOptions {
  /** Refuse with `CONFLICT` when the stream is at another revision. */
  readonly ifRevision?: number
}

/** Options of `register`. */
export interface RegisterOptions extends CallOptions {
  /** Take the stream over when another instance holds it. Default `false`. */
  readonly takeover?: boolean
}

/** Options of `listPaginated`. */
export interface ListOptions extends CallOptions {
  /** Default 100, at most 1,000. */
  readonly limit?: number
  /** From the page before. */
  readonly cursor?: string
}

/**
 * Which streams exist right now, in what state, where, and how well they run.
 *
 * A stream lives while its lease does: `ttlMs` from the last heartbeat. What has lapsed is shown by no read and no
 * count, whether it was removed yet or not; what is alive throughout a call is missed by none.
 *
 * Every call rejects with a `RegistryError`: `VALIDATION` before anything is written; `CLOSED` after {@link close};
 * `UNAVAILABLE` or `TIMEOUT` when the store cannot be reached and surely nothing changed; `OUTCOME_UNKNOWN` when a
 * write was on its way and its reply is lost for good. A call whose reply is lost is repeated under the same
 * operation id until its deadline, and takes effect once.
 *
 * @typeParam M - the user's metadata, see `metadataSchema`.
 */
export interface Registry<M = Metadata> {
  /** Who this process is: `owner` of what it creates, `source` of its events. */
  readonly instanceId: string

  /**
   * Creates a stream. Its id is minted when left out, unique across processes.
   *
   * Emits `stream.created`, then `stream.started` when it is `active` from the start. One round trip.
   *
   * @throws `STREAM_EXISTS` when the id is live, whoever holds it. `CORRUPT` when the id holds what is no stream.
   * @example
   * const stream = await registry.create({ type: 'srt', sourceAddr: '10.0.0.1:9000' })
   * stream.id // 'srt_20240115_143052_001'
   */
  create(input: StreamInput<M>, options?: CallOptions): Promise<Stream<M>>

  /**
   * Creates the stream, or refreshes it when this instance holds it already: `createdAt` stays, the lease is
   * renewed, and the descriptive fields that are given replace the old ones. Status, state and statistics of a live
   * stream are left alone: they are reported by `updateStatus`, `updateState` and `updateStats`.
   *
   * A stream in a terminal status starts anew, whoever held it: new `createdAt`, `epoch` one higher. A stream that
   * another instance holds is refused, or with `takeover` changes hands: the same record, `epoch` one higher.
   * One round trip for a new stream, two else.
   *
   * @throws `STREAM_EXISTS` when another instance holds the live stream and `takeover` is not set.
   */
  register(input: StreamInput<M>, options?: RegisterOptions): Promise<Stream<M>>

  /**
   * Registers a stream and keeps it alive until the session is closed.
   *
   * As {@link register}, but under a fence of its own: whoever held the stream before, also in a session of this
   * instance, is refused from here on. A stream that is live in a terminal status starts anew.
   *
   * @throws `STREAM_EXISTS` when another holds it, unless `ifHeld` says otherwise. `TIMEOUT` when `wait` took too long.
   */
  attach(input: StreamInput<M>, options?: AttachOptions): Promise<StreamSession<M>>

  /** The stream. One round trip, shared by the calls of one tick. @throws `STREAM_NOT_FOUND`, `CORRUPT` */
  get(id: string, options?: CallOptions): Promise<Stream<M>>

  /** The stream, or `undefined`. As {@link get}. @throws `CORRUPT` */
  find(id: string, options?: CallOptions): Promise<Stream<M> | undefined>

  /** Whether the stream is live. */
  has(id: string, options?: CallOptions): Promise<boolean>

  /**
   * Every live stream, by `createdAt`, then id. Read in slices: each record is right, the whole is not one instant.
   * Corrupt records are left out. O(n); `timeoutMs` bounds the whole call, default `queryTimeoutMs`.
   */
  list(options?: CallOptions): Promise<Stream<M>[]>

  /**
   * A page of {@link list}. A stream alive throughout comes exactly once over all pages.
   *
   * @throws `QUERY` when the cursor is none of `listPaginated`.
   */
  listPaginated(options?: ListOptions): Promise<StreamPage<M>>

  /**
   * Changes descriptive fields by an RFC 7396 merge patch: `null` removes an optional field or a metadata key,
   * arrays are replaced, `undefined` is ignored. The function form sees the current stream and runs again when
   * somebody else was faster. An edit is no sign of life: the lease stays as it is.
   *
   * Emits `stream.updated` with `changes`, or nothing when nothing changed. One or two round trips.
   *
   * @throws `STREAM_NOT_FOUND`, `CONFLICT` with `ifRevision`.
   * @example
   * await registry.update(id, { name: 'Camera 3', metadata: { region: 'eu', draft: null } })
   * await registry.update(id, (stream) => ({ tags: [...stream.tags, 'hd'] }))
   */
  update(
    id: string,
    patch: StreamPatch<M> | ((stream: Stream<M>) => StreamPatch<M> | Promise<StreamPatch<M>>),
    options?: UpdateOptions,
  ): Promise<Stream<M>>

  /**
   * Moves the status machine, see `STATUS_TRANSITIONS`, and renews the lease. The same status again only renews.
   *
   * Emits `started` the first time it becomes `active`, `resumed` from `paused`, `paused`, `error`, `terminated`
   * (also for `closed`), else `updated`.
   *
   * @throws `STREAM_NOT_FOUND`, `INVALID_TRANSITION`
   */
  updateStatus(id: string, status: StreamStatus, options?: StatusReport & CallOptions): Promise<Stream<M>>

  /**
   * Reports the processing state (see `PROCESSING_TRANSITIONS`), health, quality, resources or an error, and renews
   * the lease. Quality and resources are merged by key.
   *
   * Emits `stream.updated` unless only the health changed, then `stream.health.changed` if it did.
   *
   * @throws `STREAM_NOT_FOUND`, `INVALID_TRANSITION`
   */
  updateState(id: string, report: StateReport, options?: CallOptions): Promise<Stream<M>>

  /**
   * Reports statistics, merged field by field, and renews the lease. Emits no lifecycle event and moves neither
   * `updatedAt` nor `revision`. One round trip, shared by the calls of one tick.
   *
   * @throws `STREAM_NOT_FOUND`
   */
  updateStats(id: string, statistics: Partial<StreamStatistics>, options?: CallOptions): Promise<void>

  /** Renews the lease. One round trip, shared by the calls of one tick. @throws `STREAM_NOT_FOUND`: it never revives. */
  heartbeat(id: string, options?: CallOptions): Promise<void>

  /** Renews many leases, 200 a round trip. */
  heartbeatMany(ids: Iterable<string>, options?: CallOptions): Promise<HeartbeatResult>

  /** Sets `ttlMs` and renews the lease. Emits `stream.updated` when it changed. @throws `STREAM_NOT_FOUND` */
  extendTtl(id: string, ttlMs: number, options?: CallOptions): Promise<Stream<M>>

  /**
   * The orderly end: what is not terminal becomes `terminated`, then the record is removed. Answers the last record.
   *
   * Emits `stream.terminated` if it was not terminal, then `stream.deleted`.
   *
   * @throws `STREAM_NOT_FOUND`
   */
  unregister(id: string, options?: CallOptions): Promise<Stream<M>>

  /** Removes whatever is there, also a corrupt record. Answers whether something was. Emits `stream.deleted`. */
  delete(id: string, options?: CallOptions): Promise<boolean>

  /**
   * A query of the live streams: of all of them, or the one that the tree says, see `queryFromJSON`.
   *
   * @throws `QUERY` for a tree that is none.
   * @example
   * await registry.query().filter({ status: 'active', type: 'srt' }).sortBy('createdAt', 'desc').limit(10).execute()
   */
  query(tree?: QueryTree): Query<M>

  /**
   * How many streams are live, or how many of them pass the filter. Of all, of one or two of `status` and `type`, or
   * of one other indexed value: one round trip, whatever their number.
   *
   * @throws `QUERY` for an unknown field or a wrong value.
   */
  count(filter?: StreamFilter & CallOptions, options?: CallOptions): Promise<number>

  /** How many streams are live, by status and type. From counters: the cost does not depend on their number. */
  stats(options?: CallOptions): Promise<RegistryStats>

  /**
   * Subscribes to the events of the registry: of some types, of one stream, from a cursor on. When the promise
   * resolves, nothing that follows is missed. All subscriptions share one connection.
   *
   * @throws `VALIDATION` for an unknown type, or a cursor that is none of this registry.
   * @example
   * const subscription = await registry.subscribe(['stream.started', 'stream.expired'])
   * subscription.on('stream.expired', ({ streamId }) => console.log(streamId, 'is gone'))
   */
  subscribe(
    typesOrOptions?: SubscribableType | readonly SubscribableType[] | SubscribeOptions,
    options?: CallOptions,
  ): Promise<Subscription<M>>

  /** The events of one stream that are still kept, oldest first. O(events kept); default `queryTimeoutMs`. */
  history(id: string, options?: CallOptions): Promise<(StreamEvent<M> | UnknownEvent)[]>

  /**
   * Compares records, leases, index entries and counters with each other, and mends them with `repair`. Reads
   * everything: O(n). Safe beside writers; counters are compared only if nothing is written meanwhile. Default
   * `timeoutMs`: ten minutes.
   */
  verify(options?: { readonly repair?: boolean } & CallOptions): Promise<VerifyReport>

  /** Ends the use of this registry; streams live on. Idempotent. Closes only the connections that it opened. */
  close(): Promise<void>
}
