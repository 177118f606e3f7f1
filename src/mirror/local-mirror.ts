import { z } from 'zod'
import type { Metadata, Stream } from '../core/model/stream.js'
import { checkedTree } from '../core/query/from-json.js'
import type { QueryTree } from '../core/query/tree.js'
import { type CallOptions, startCall } from '../registry/call.js'
import { EMPTY_QUERY } from '../registry/query/builder.js'
import type { QueryShape } from '../registry/query/query.js'
import type { Registry } from '../registry/registry.js'
import { internalsOf } from '../registry/store-registry.js'
import { parse } from '../registry/validation/parse.js'
import { Follower } from './follower.js'
import type { MirrorChange } from './live-query.js'
import { MirrorContent } from './mirror-content.js'
import { type MirrorQuery, TableQuery } from './mirror-query.js'

/** Options of {@link LocalMirror.start}; `timeoutMs` bounds the first list, default 60,000. */
export interface LocalMirrorOptions extends CallOptions {
  /** Statistics are at most so much older than reported, milliseconds. Default 1,000. */
  readonly statsIntervalMs?: number
}

const START_TIMEOUT_MS = 60_000
const SYNC_TIMEOUT_MS = 30_000

const optionsSchema = z.strictObject({ statsIntervalMs: z.int().min(10).max(3_600_000).default(1_000) })

/**
 * All live streams of a registry in this process: listed once, then followed. For who asks often, or wants to be told
 * how the answer changes.
 *
 * It is a copy that follows: a change is in it some milliseconds after it was made, a lapsed stream leaves it one round
 * trip after its lease has run out. While the registry cannot be reached it answers with what it has and says so, see
 * {@link stale}. `lastHeartbeat` is as it was last seen, which may be up to a time to live ago; statistics are up to
 * `statsIntervalMs` late. Costs about 2 kB of memory a stream, and keeps no process alive.
 *
 * @example
 * const mirror = await LocalMirror.start(registry)
 * const newest = mirror.query().filter({ status: 'active' }).sortBy('createdAt', 'desc').limit(10)
 * newest.all()
 * const unwatch = mirror.watch(newest, ({ added, removed, result }) => show(result))
 */
export class LocalMirror<M = Metadata> {
  readonly #content: MirrorContent<M>
  readonly #follower: Follower<M>
  readonly #companions: Set<{ close(): Promise<void> }>
  #closing: Promise<void> | undefined

  private constructor(
    content: MirrorContent<M>,
    follower: Follower<M>,
    companions: Set<{ close(): Promise<void> }>,
  ) {
    this.#content = content
    this.#follower = follower
    this.#companions = companions
    companions.add(this)
  }

  /**
   * Lists a registry and follows it from there. The mirror ends with its registry.
   *
   * @throws `VALIDATION` for wrong options; whatever listing the registry throws.
   */
  static async start<M = Metadata>(
    registry: Registry<M>,
    { signal, timeoutMs, ...options }: LocalMirrorOptions = {},
  ): Promise<LocalMirror<M>> {
    const { statsIntervalMs } = parse(optionsSchema, options)
    const { store, options: resolved, companions } = internalsOf(registry)
    const call = startCall(
      { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) },
      START_TIMEOUT_MS,
    )
    const declared = await store.indexes(call)
    const content = new MirrorContent<M>(declared, (error) =>
      resolved.warn(`a listener of a mirror failed: ${String(error)}`),
    )
    const follower = new Follower<M>({ registry, store, content, statsIntervalMs })
    const mirror = new LocalMirror(content, follower, companions)
    try {
      await follower.start(call)
    } catch (error) {
      await mirror.close()
      throw error
    }
    return mirror
  }

  /** How many streams there are. */
  get size(): number {
    return this.#content.table.records.size
  }

  /** A stream, or `undefined`. O(1). */
  get(id: string): Stream<M> | undefined {
    return this.#content.table.records.get(id)?.stream
  }

  /** A query over the mirror, built as one of the registry and answered at once; or one that was built before. */
  query(tree?: QueryTree): MirrorQuery<M> {
    return new TableQuery<M>(this.#content.table, tree === undefined ? EMPTY_QUERY : checkedTree(tree))
  }

  /**
   * Calls the listener with what matches a query now, if anything does, and then each time the answer changes, until
   * the function that it returns is called.
   *
   * A change costs O(log result), and O(window) when it is in the result, however large the registry is: give a query
   * over many streams a `limit`. Heartbeats alone are not told. What a listener throws goes to the registry's logger.
   *
   * @param query - of this mirror or of its registry.
   * @throws `QUERY` for a cursor that is not of this query.
   */
  watch(query: Pick<QueryShape<M>, 'toJSON'>, listener: (change: MirrorChange<M>) => void): () => void {
    return this.#content.watch(checkedTree(query.toJSON()), listener)
  }

  /** Every change until then is in the mirror. */
  get asOf(): Date {
    return new Date(this.#follower.asOf)
  }

  /**
   * Whether the mirror may be behind: the registry cannot be reached, changes were lost and everything is being listed
   * anew, or the mirror is closed.
   */
  get stale(): boolean {
    return this.#follower.isStale
  }

  /**
   * Waits until the mirror holds all that the registry holds now, last heartbeats and statistics included. Reads every
   * stream.
   */
  async sync(options: CallOptions = {}): Promise<void> {
    await this.#follower.sync(startCall(options, SYNC_TIMEOUT_MS))
  }

  /** Ends following; what the mirror holds stays. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#companions.delete(this)
    this.#follower.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
