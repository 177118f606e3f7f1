import { z } from 'zod'
import { type CreateCommand, decideCreate, decideRegister } from '../core/commands/create.js'
import type { Context, Decision } from '../core/commands/decision.js'
import { decideUnregister } from '../core/commands/end.js'
import { mergePatch } from '../core/commands/merge-patch.js'
import { decideState, decideStatus, type StatusReport } from '../core/commands/report.js'
import { decideExtendTtl, decideUpdate, requireRevision } from '../core/commands/update.js'
import {
  aboutStream,
  CorruptRecordError,
  RegistryClosedError,
  StreamExistsError,
  StreamNotFoundError,
} from '../core/errors.js'
import { decodeEvent } from '../core/event-codec.js'
import type { EventType, StreamEvent, UnknownEvent } from '../core/events.js'
import { STATUS_TYPE_COUNTER, statisticsScores } from '../core/indexes.js'
import type { StreamStatistics } from '../core/model/statistics.js'
import type { StreamStatus } from '../core/model/status.js'
import type { Metadata, StateReport, Stream, StreamInput, StreamPatch } from '../core/model/stream.js'
import { statisticsToJSON } from '../core/model/wire.js'
import { filterConditions, type StreamFilter } from '../core/query/filter.js'
import { checkedTree } from '../core/query/from-json.js'
import type { QueryTree } from '../core/query/tree.js'
import type { Call, Renewal, RenewalAnswer, Store } from '../core/store.js'
import { within } from './bounded.js'
import { type CallOptions, startCall } from './call.js'
import { CommandRunner, type Decide, type Expected } from './command-runner.js'
import { decodeLive } from './decode.js'
import { describeDocument } from './describe-document.js'
import { openSubscription, readSubscribeOptions } from './events/open-subscription.js'
import type { SubscribableType, SubscribeOptions, Subscription } from './events/subscription.js'
import { IdMinter } from './id-minter.js'
import type { ResolvedOptions } from './options.js'
import { EMPTY_QUERY } from './query/builder.js'
import type { Query } from './query/query.js'
import { QueryRunner } from './query/runner.js'
import { type QuerySource, StoreQuery } from './query/store-query.js'
import type {
  HeartbeatResult,
  ListOptions,
  RegisterOptions,
  Registry,
  RegistryStats,
  StreamPage,
  UpdateOptions,
  VerifyReport,
} from './registry.js'
import { toStats } from './registry-stats.js'
import {
  jsonObject,
  statistics as statisticsSchema,
  streamId,
  ttlMs as ttlMsSchema,
} from './validation/fields.js'
import { stateReport, statusReport, streamInput, streamPatch, streamStatus } from './validation/inputs.js'
import { validateMetadata } from './validation/metadata.js'
import { parse } from './validation/parse.js'

const VERIFY_TIMEOUT_MS = 600_000
/** How many minted ids may collide with ids that users chose before `create` gives up. */
const MINT_ATTEMPTS = 20

const pageLimit = z
  .int('must be an integer')
  .min(1, 'must be at least 1')
  .max(1_000, 'must be at most 1000')
  .default(100)
const revision = z.int('must be an integer').min(1, 'must be at least 1').optional()

/** What a registry is made of. */
interface Internals {
  readonly store: Store
  readonly options: Pick<ResolvedOptions<unknown>, 'batchSize' | 'queryTimeoutMs' | 'warn'>
  /** What ends with the registry. */
  readonly companions: Set<{ close(): Promise<void> }>
}

const internals = new WeakMap<object, Internals>()

/** What a registry is made of, for what is built over it. @throws TypeError for a registry that is not ours. */
export function internalsOf(registry: object): Internals {
  const found = internals.get(registry)
  if (found === undefined) throw new TypeError('not a registry of this package')
  return found
}

/** The store under a registry. @throws TypeError for a registry that is not ours. */
export function storeOf(registry: object): Store {
  return internalsOf(registry).store
}

/** The {@link Registry} over a store: all that is about streams, whatever holds them. */
export class StoreRegistry<M = Metadata> implements Registry<M> {
  readonly instanceId: string
  readonly #options: ResolvedOptions<M>
  readonly #store: Store
  readonly #commands: CommandRunner<M>
  readonly #minter: IdMinter
  readonly #queries: QuerySource<M>
  readonly #companions: Internals['companions'] = new Set()
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(store: Store, options: ResolvedOptions<M>) {
    this.instanceId = options.instanceId
    this.#options = options
    this.#store = store
    internals.set(this, { store, options, companions: this.#companions })
    this.#commands = new CommandRunner(store, options.instanceId, options.indexCacheSize)
    this.#minter = new IdMinter(store)
    this.#queries = {
      runner: new QueryRunner(store, options.batchSize),
      start: (given) => this.#start(given, options.queryTimeoutMs),
    }
  }

  async create(input: StreamInput<M>, options: CallOptions = {}): Promise<Stream<M>> {
    const call = this.#start(options, this.#options.writeTimeoutMs)
    const valid = parse(streamInput, input) as StreamInput<M>
    const metadata = await this.#validMetadata(valid.metadata ?? {}, call)
    for (let attempt = 1; ; attempt++) {
      const command = await this.#command(valid, metadata, call)
      try {
        return await this.#run(
          command.id,
          (current) => decideCreate(current, command, this.#context()),
          call,
          'absent',
        )
      } catch (error) {
        const mayRetry =
          valid.id === undefined && error instanceof StreamExistsError && attempt < MINT_ATTEMPTS
        if (!mayRetry) throw error
      }
    }
  }

  async register(
    input: StreamInput<M>,
    { takeover = false, ...options }: RegisterOptions = {},
  ): Promise<Stream<M>> {
    if (input?.id === undefined) return this.create(input, options)
    const call = this.#start(options, this.#options.writeTimeoutMs)
    const valid = parse(streamInput, input) as StreamInput<M>
    // What a schema says of no metadata matters only if the stream begins: a refresh leaves the old alone.
    const initial = await settle(this.#validMetadata(valid.metadata ?? {}, call))
    const command = await this.#command(valid, valid.metadata === undefined ? undefined : initial(), call)
    const manner = {
      takeover,
      ttlGiven: valid.ttlMs !== undefined,
      initial: () => ({ ...command, metadata: initial() }),
    }
    return this.#run(
      command.id,
      (current) => decideRegister(current, command, manner, this.#context()),
      call,
      'absent',
    )
  }

  async get(id: string, options?: CallOptions): Promise<Stream<M>> {
    const stream = await this.find(id, options)
    if (stream === undefined) throw new StreamNotFoundError(id)
    return stream
  }

  async find(id: string, options: CallOptions = {}): Promise<Stream<M> | undefined> {
    const call = this.#start(options, this.#options.readTimeoutMs)
    const [found] = await this.#store.view([parse(streamId, id, ['id'])], call)
    if (found === undefined || found.kind === 'missing') return undefined
    if (found.kind === 'corrupt') throw new CorruptRecordError(id, found.why)
    return decodeLive(id, found.rec)
  }

  async has(id: string, options: CallOptions = {}): Promise<boolean> {
    const call = this.#start(options, this.#options.readTimeoutMs)
    const [found] = await this.#store.view([parse(streamId, id, ['id'])], call)
    return found?.kind === 'live'
  }

  async list(options: CallOptions = {}): Promise<Stream<M>[]> {
    return this.query().execute(options)
  }

  async listPaginated({ limit, cursor, ...options }: ListOptions = {}): Promise<StreamPage<M>> {
    const query = this.query().limit(parse(pageLimit, limit, ['limit']))
    return (cursor === undefined ? query : query.after(cursor)).page(options)
  }

  query(tree?: QueryTree): Query<M> {
    return new StoreQuery(this.#queries, tree === undefined ? EMPTY_QUERY : checkedTree(tree))
  }

  async update(
    id: string,
    patch: StreamPatch<M> | ((stream: Stream<M>) => StreamPatch<M> | Promise<StreamPatch<M>>),
    { ifRevision, ...options }: UpdateOptions = {},
  ): Promise<Stream<M>> {
    const call = this.#start(options, this.#options.writeTimeoutMs)
    parse(revision, ifRevision, ['ifRevision'])
    if (typeof patch !== 'function') {
      const fixed = parse(streamPatch, patch) as StreamPatch<M>
      return this.#change(id, call, (current) => {
        requireRevision(current, ifRevision)
        return this.#patched(current, fixed, call)
      })
    }
    const decide = async (current: Stream<M>): Promise<Decision<M>> => {
      requireRevision(current, ifRevision)
      return this.#patched(current, parse(streamPatch, await patch(current)) as StreamPatch<M>, call)
    }
    return this.#change(id, call, decide, 'fresh')
  }

  async updateStatus(
    id: string,
    status: StreamStatus,
    { signal, timeoutMs, ...report }: StatusReport & CallOptions = {},
  ): Promise<Stream<M>> {
    const call = this.#start(callOptions(signal, timeoutMs), this.#options.writeTimeoutMs)
    parse(streamStatus, status, ['status'])
    const valid = parse(statusReport, report)
    return this.#change(id, call, (current) => decideStatus(current, status, valid, this.#context()))
  }

  async updateState(id: string, report: StateReport, options: CallOptions = {}): Promise<Stream<M>> {
    const call = this.#start(options, this.#options.writeTimeoutMs)
    const valid = parse(stateReport, report)
    return this.#change(id, call, (current) => decideState(current, valid, this.#context()))
  }

  async updateStats(
    id: string,
    statistics: Partial<StreamStatistics>,
    options: CallOptions = {},
  ): Promise<void> {
    const call = this.#start(options, this.#options.writeTimeoutMs)
    const valid = parse(statisticsSchema, statistics)
    const json = JSON.stringify(statisticsToJSON(valid))
    const side = json === '{}' ? {} : { side: { json, scores: statisticsScores(valid) } }
    await this.#renewOne({ id: parse(streamId, id, ['id']), ...side }, call)
  }

  async heartbeat(id: string, options: CallOptions = {}): Promise<void> {
    const call = this.#start(options, this.#options.writeTimeoutMs)
    await this.#renewOne({ id: parse(streamId, id, ['id']) }, call)
  }

  async #renewOne(renewal: Renewal, call: Call): Promise<void> {
    const [answer] = await this.#store.renew([renewal], call).catch((error: unknown) => {
      throw aboutStream(error, renewal.id)
    })
    if (answer !== 'alive') throw new StreamNotFoundError(renewal.id)
  }

  async heartbeatMany(ids: Iterable<string>, options: CallOptions = {}): Promise<HeartbeatResult> {
    const call = this.#start(options, this.#options.writeTimeoutMs)
    const unique = [...new Set(ids)]
    for (const [i, id] of unique.entries()) parse(streamId, id, ['ids', i])
    const answers = await this.#store.renew(
      unique.map((id) => ({ id })),
      call,
    )
    const result: Record<RenewalAnswer, string[]> = { alive: [], missing: [], stale: [] }
    for (const [i, id] of unique.entries()) result[answers[i] ?? 'missing'].push(id)
    return result
  }

  async extendTtl(id: string, ttlMs: number, options: CallOptions = {}): Promise<Stream<M>> {
    const call = this.#start(options, this.#options.writeTimeoutMs)
    parse(ttlMsSchema, ttlMs, ['ttlMs'])
    return this.#change(id, call, (current) => decideExtendTtl(current, ttlMs, this.#context()))
  }

  async unregister(id: string, options: CallOptions = {}): Promise<Stream<M>> {
    const call = this.#start(options, this.#options.writeTimeoutMs)
    return this.#change(id, call, (current) => decideUnregister(current, this.#context()))
  }

  async delete(id: string, options: CallOptions = {}): Promise<boolean> {
    const call = this.#start(options, this.#options.writeTimeoutMs)
    return this.#commands.remove(parse(streamId, id, ['id']), call)
  }

  async count(filter: StreamFilter & CallOptions = {}, options: CallOptions = {}): Promise<number> {
    const { signal, timeoutMs, ...fields } = filter
    const { readTimeoutMs, queryTimeoutMs } = this.#options
    const where = filterConditions(fields)
    const usualMs = where.length === 0 ? readTimeoutMs : queryTimeoutMs
    const call = this.#start({ ...callOptions(signal, timeoutMs), ...options }, usualMs)
    return this.#queries.runner.count(where, call)
  }

  async stats(options: CallOptions = {}): Promise<RegistryStats> {
    const counters = await this.#store.counters(
      STATUS_TYPE_COUNTER,
      this.#start(options, this.#options.queryTimeoutMs),
    )
    return toStats(counters)
  }

  async verify({
    repair = false,
    ...options
  }: { readonly repair?: boolean } & CallOptions = {}): Promise<VerifyReport> {
    return this.#store.audit(describeDocument, repair, this.#start(options, VERIFY_TIMEOUT_MS))
  }

  async subscribe(
    given: EventType | readonly SubscribableType[] | SubscribableType | SubscribeOptions = {},
    options: CallOptions = {},
  ): Promise<Subscription<M>> {
    const asked = { ...readSubscribeOptions(given), ...options }
    const { signal, timeoutMs } = asked
    const call = this.#start(callOptions(signal, timeoutMs), this.#options.readTimeoutMs)
    const subscription = await openSubscription<M>(asked, {
      store: this.#store,
      call,
      bufferSize: this.#options.eventBuffer,
      upcasters: this.#options.eventUpcasters,
      warn: this.#options.warn,
      onOpen: (opened) => void this.#companions.add(opened),
      onClose: (closed) => void this.#companions.delete(closed),
    })
    if (this.#closing !== undefined) await subscription.close()
    return subscription
  }

  async history(id: string, options: CallOptions = {}): Promise<(StreamEvent<M> | UnknownEvent)[]> {
    const call = this.#start(options, this.#options.queryTimeoutMs)
    const records = await this.#store.readHistory(parse(streamId, id, ['id']), call)
    return records.map((record) => decodeEvent<M>(record, record.logId, this.#options.eventUpcasters))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#companions].map((companion) => companion.close()))
    await this.#store.close()
  }

  #start(options: CallOptions, defaultTimeoutMs: number): Call {
    if (this.#closing !== undefined) throw new RegistryClosedError()
    return startCall(options, defaultTimeoutMs)
  }

  #context(): Context {
    return { now: this.#store.now(), instanceId: this.instanceId }
  }

  /** A command on a stream that must be live. */
  #change(
    id: string,
    call: Call,
    decide: (current: Stream<M>) => Decision<M> | Promise<Decision<M>>,
    expected?: 'fresh',
  ): Promise<Stream<M>> {
    const valid = parse(streamId, id, ['id'])
    return this.#run(
      valid,
      (current) => {
        if (current === undefined) throw new StreamNotFoundError(valid)
        return decide(current)
      },
      call,
      expected,
    )
  }

  #run(id: string, decide: Decide<M>, call: Call, expected?: Expected): Promise<Stream<M>> {
    return this.#commands.run(id, decide, call, expected)
  }

  async #validMetadata(metadata: unknown, call: Call): Promise<M> {
    const { metadataSchema } = this.#options
    return metadataSchema === undefined
      ? (metadata as M)
      : within(validateMetadata(metadataSchema, metadata), call)
  }

  async #command(input: StreamInput<M>, metadata: M | undefined, call: Call): Promise<CreateCommand<M>> {
    // The store's time stamps the record: without a connection there is none yet.
    await this.#store.open(call)
    const id = input.id ?? (await this.#minter.mint(input.type, input.sourceAddr, call))
    const settled = { id, ttlMs: input.ttlMs ?? this.#options.defaultTtlMs }
    return Object.assign({}, input, settled, metadata === undefined ? undefined : { metadata })
  }

  /** A patch is checked once more when it was merged: only then is the result known. */
  #patched(current: Stream<M>, patch: StreamPatch<M>, call: Call): Decision<M> | Promise<Decision<M>> {
    const merged = patch.metadata === undefined ? undefined : mergePatch(current.metadata, patch.metadata)
    const decide = (metadata: M | undefined): Decision<M> => {
      const decision = decideUpdate(current, patch, this.#context(), metadata)
      if (decision.kind === 'put') {
        parse(jsonObject, decision.next.config, ['config'])
        parse(jsonObject, decision.next.metadata, ['metadata'])
      }
      return decision
    }
    if (merged === undefined || this.#options.metadataSchema === undefined) return decide(undefined)
    return this.#validMetadata(merged, call).then(decide)
  }
}

/** A promise's outcome, to be had later: its value, or its failure thrown. */
async function settle<T>(promise: Promise<T>): Promise<() => T> {
  try {
    const value = await promise
    return () => value
  } catch (error) {
    return () => {
      throw error
    }
  }
}

function callOptions(signal: AbortSignal | undefined, timeoutMs: number | undefined): CallOptions {
  return { ...(signal !== undefined && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) }
}
