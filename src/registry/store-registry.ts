import { z } from 'zod'
import { decideCreate, decideRegister } from '../core/commands/create.js'
import type { Decision } from '../core/commands/decision.js'
import type { StatusReport } from '../core/commands/report.js'
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
import type { Metadata, StateReport, Stream, StreamInput } from '../core/model/stream.js'
import { statisticsToJSON } from '../core/model/wire.js'
import { filterConditions, type StreamFilter } from '../core/query/filter.js'
import { checkedTree } from '../core/query/from-json.js'
import type { QueryTree } from '../core/query/tree.js'
import type { Call, Renewal, RenewalAnswer, Store } from '../core/store.js'
import { within } from './bounded.js'
import { type CallOptions, startCall } from './call.js'
import { CommandRunner, type Expected } from './command-runner.js'
import { type Change, Decisions, type PatchOf } from './decisions.js'
import { decodeLive } from './decode.js'
import { describeDocument } from './describe-document.js'
import { openSubscription, readSubscribeOptions } from './events/open-subscription.js'
import type { SubscribableType, SubscribeOptions, Subscription } from './events/subscription.js'
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
import type { AttachOptions, StreamSession } from './sessions/session.js'
import { SessionHost } from './sessions/session-host.js'
import { statistics as statisticsSchema, streamId } from './validation/fields.js'
import { parse } from './validation/parse.js'

const VERIFY_TIMEOUT_MS = 600_000
/** How many minted ids may collide with ids that users chose before `create` gives up. */
const MINT_ATTEMPTS = 20

const pageLimit = z
  .int('must be an integer')
  .min(1, 'must be at least 1')
  .max(1_000, 'must be at most 1000')
  .default(100)

/** What a registry is made of. */
interface Internals {
  readonly store: Store
  readonly options: Pick<
    ResolvedOptions<unknown>,
    'instanceId' | 'warn' | 'cleanupIntervalMs' | 'leaderElection'
  >
  /** What ends with the registry. */
  readonly companions: Set<{ close(): Promise<void> }>
  /** @throws RegistryClosedError */
  requireOpen(): void
}

const attachOptions = z
  .strictObject({
    takeover: z.boolean().default(false),
    ifHeld: z.enum(['reject', 'takeover', 'wait']).optional(),
    heartbeatMs: z.int().min(1).optional(),
    statsIntervalMs: z.int().min(1).default(5_000),
  })
  .transform(({ takeover, ifHeld = takeover ? 'takeover' : 'reject', ...rest }) => ({ ...rest, ifHeld }))

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
  readonly #sessions: SessionHost<M>
  readonly #decisions: Decisions<M>
  readonly #queries: QuerySource<M>
  readonly #companions: Internals['companions'] = new Set()
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(store: Store, options: ResolvedOptions<M>) {
    this.instanceId = options.instanceId
    this.#options = options
    this.#store = store
    internals.set(this, {
      store,
      options,
      companions: this.#companions,
      requireOpen: () => this.#requireOpen(),
    })
    this.#commands = new CommandRunner(store, options.instanceId, options.indexCacheSize)
    this.#decisions = new Decisions(store, options)
    this.#sessions = new SessionHost({
      store,
      commands: this.#commands,
      decisions: this.#decisions,
      instanceId: options.instanceId,
      start: (given) => startCall(given, options.writeTimeoutMs),
      warn: options.warn,
    })
    this.#companions.add(this.#sessions)
    this.#queries = {
      runner: new QueryRunner(store, options.batchSize),
      start: (given) => this.#start(given, options.queryTimeoutMs),
    }
  }

  async create(input: StreamInput<M>, options: CallOptions = {}): Promise<Stream<M>> {
    const call = this.#start(options, this.#options.writeTimeoutMs)
    for (let attempt = 1; ; attempt++) {
      const { initial } = await this.#decisions.registration(input, true, call)
      const command = initial()
      try {
        const decide = (current: Stream<M> | undefined): Decision<M> =>
          decideCreate(current, command, this.#decisions.context())
        return await this.#commands.run(command.id, decide, call, 'absent')
      } catch (error) {
        const mayRetry =
          input.id === undefined && error instanceof StreamExistsError && attempt < MINT_ATTEMPTS
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
    const registration = await this.#decisions.registration(input, false, call)
    const decide = (current: Stream<M> | undefined): Decision<M> =>
      decideRegister(current, { ...registration, takeover }, this.#decisions.context())
    return this.#commands.run(registration.command.id, decide, call, 'absent')
  }

  async attach(input: StreamInput<M>, options: AttachOptions = {}): Promise<StreamSession<M>> {
    const { signal, timeoutMs, ...given } = options
    const bounds = callOptions(signal, timeoutMs)
    const { ifHeld, heartbeatMs, statsIntervalMs } = parse(attachOptions, given)
    const call = this.#start(bounds, this.#options.writeTimeoutMs)
    const patient = { ...call, ...(timeoutMs === undefined && { deadline: Number.POSITIVE_INFINITY }) }
    const attempt = (): Call => {
      const one = this.#start(callOptions(signal, undefined), this.#options.writeTimeoutMs)
      return { ...one, deadline: Math.min(one.deadline, patient.deadline) }
    }
    const manner = { heartbeatMs, statsIntervalMs, ifHeld }
    if (ifHeld !== 'wait') return this.#sessions.attach(input, { ...manner, call, attempt: () => call })
    return this.#sessions.attach(input, { ...manner, call: patient, attempt })
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
    patch: PatchOf<M>,
    { ifRevision, ...options }: UpdateOptions = {},
  ): Promise<Stream<M>> {
    const call = this.#start(options, this.#options.writeTimeoutMs)
    const { decide, expected } = this.#decisions.update(patch, ifRevision, call)
    return this.#change(id, call, decide, expected)
  }

  async updateStatus(
    id: string,
    status: StreamStatus,
    { signal, timeoutMs, ...report }: StatusReport & CallOptions = {},
  ): Promise<Stream<M>> {
    const call = this.#start(callOptions(signal, timeoutMs), this.#options.writeTimeoutMs)
    return this.#change(id, call, this.#decisions.status(status, report))
  }

  async updateState(id: string, report: StateReport, options: CallOptions = {}): Promise<Stream<M>> {
    const call = this.#start(options, this.#options.writeTimeoutMs)
    return this.#change(id, call, this.#decisions.state(report))
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
    return this.#change(id, call, this.#decisions.extendTtl(ttlMs))
  }

  async unregister(id: string, options: CallOptions = {}): Promise<Stream<M>> {
    const call = this.#start(options, this.#options.writeTimeoutMs)
    return this.#change(id, call, this.#decisions.unregister())
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
    const ending = Promise.all([...this.#companions].map((companion) => companion.close()))
    // The work of a leader may never end.
    const deadline = performance.now() + this.#options.queryTimeoutMs
    await within(ending, { deadline }).catch((error: unknown) =>
      this.#options.warn(`closed, but not in order: ${String(error)}`),
    )
    await this.#store.close()
  }

  #start(options: CallOptions, defaultTimeoutMs: number): Call {
    this.#requireOpen()
    return startCall(options, defaultTimeoutMs)
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw new RegistryClosedError()
  }

  /** A command on a stream that must be live. */
  #change(id: string, call: Call, change: Change<M>, expected?: Expected): Promise<Stream<M>> {
    const valid = parse(streamId, id, ['id'])
    const decide = (current: Stream<M> | undefined): Decision<M> | Promise<Decision<M>> => {
      if (current === undefined) throw new StreamNotFoundError(valid)
      return change(current)
    }
    return this.#commands.run(valid, decide, call, expected)
  }
}

function callOptions(signal: AbortSignal | undefined, timeoutMs: number | undefined): CallOptions {
  return { ...(signal !== undefined && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) }
}
