import { OutcomeUnknownError, TimeoutError } from '../core/errors.js'
import type {
  Call,
  Commit,
  CommitAnswer,
  Found,
  IndexDeclaration,
  LogRecord,
  LogSlice,
  Renewal,
  RenewalAnswer,
  Section,
  Slice,
  Stored,
  Term,
  Walk,
} from '../core/store.js'
import { LOG_START } from '../core/store.js'
import { SharedTask } from '../registry/shared-task.js'
import type { Caller } from './caller.js'
import type { RedisClient } from './client.js'
import { encodeEntry } from './entries.js'
import { type BellChannels, type PartitionKeys, partitionKeys } from './keys.js'
import { claimLayout, declareIndexes, type LayoutRequest, type PartitionLayout } from './layout.js'
import { BACKLOG_LIMIT, PartitionSearch } from './partition-search.js'
import { PartitionUpkeep } from './partition-upkeep.js'
import type { Script } from './script.js'
import {
  type Columns,
  decodeConflict,
  decodeLogRecord,
  encodeEvent,
  encodeRenewals,
  encodeWrite,
  FOUND_MISSING,
  RENEWAL_ANSWERS,
  type ReadReply,
  toFound,
  withBookkeeping,
} from './script-codec.js'
import { scripts } from './scripts.js'
import { ServerClock } from './server-clock.js'
import { TickBatcher } from './tick-batcher.js'

/** How much of the event log is kept. */
interface LogRetention {
  /** At least this many events a partition. */
  readonly maxEvents: number
  readonly maxAgeMs: number
}

/** What a partition is made of. */
export interface PartitionOptions extends LayoutRequest {
  readonly retention: LogRetention
  /** Who finishes what has lapsed on the way of another call. */
  readonly source: string
  /** The pub/sub channels of events, as lua/lib/channels.lua takes them but for the first field; empty for none. */
  readonly channels: string
}

/** How long a builder that ended without a word keeps others from building. */
const BUILD_LOCK_MS = 10_000
/** How long to believe that an index is still being built. */
const BUILDING_STALE_MS = 1_000

/** Entries of the log that one call looks through for those of one stream: about 3 ms of Redis. */
const HISTORY_SLICE = 500

/** One step of a pass that builds indexes. */
export interface BuildStep {
  readonly version: string
  readonly builder: string
  /** How far the pass had come, and how far it comes with this step: ids of records. */
  readonly before: string
  readonly after: string
  /** The indexes that are complete with it. */
  readonly readyFields: readonly string[]
  /** id, token, number of entries and the entries of each record. */
  readonly records: readonly string[]
}

/** Every script answers how it went and what time it is there; most of the rest is flat text. */
type AnyReply = readonly [state: string, serverNow: string, ...rest: unknown[]]
type Reply = readonly [state: string, serverNow: string, ...rest: string[]]
type LogEntry = [id: string, fields: string[]]
type GapReply = readonly [
  state: string,
  serverNow: string,
  gap: '' | 'trimmed' | 'rewound',
  next: string,
  entries?: readonly LogEntry[],
]
type LeasesReply = readonly [state: string, serverNow: string, deadlines: readonly string[]]
type HistoryReply = readonly [state: string, serverNow: string, last: string, ...entries: LogEntry[]]

/** One partition of the registry: one slot of Redis, over which every script is atomic. */
export class Partition {
  readonly keys: PartitionKeys
  readonly clock: ServerClock = new ServerClock()
  readonly upkeep: PartitionUpkeep
  readonly #caller: Caller
  readonly #search: PartitionSearch
  readonly #request: LayoutRequest
  readonly #channels: BellChannels
  /** What every script that logs an event must know of the log. */
  readonly logArgs: readonly string[]
  /** Who finishes what has lapsed on the way of a read. */
  readonly source: string
  readonly #loading = new SharedTask<PartitionLayout>()
  #layout: PartitionLayout | undefined
  #loadedAt = 0
  readonly #views = new TickBatcher<string, Found<Stored>>((ids, call) => this.view(ids, call))
  readonly #renewals = new TickBatcher<Renewal, RenewalAnswer>(
    (renewals, call) => this.renew(renewals, call),
    (cause) =>
      new OutcomeUnknownError('aborted before Redis answered: the lease may be renewed or not', { cause }),
  )

  constructor(
    caller: Caller,
    options: PartitionOptions,
    number: number,
    tagged: boolean,
    channels: BellChannels,
  ) {
    const { maxEvents, maxAgeMs } = options.retention
    this.#caller = caller
    this.#request = options
    this.#search = new PartitionSearch({
      layout: (of) => this.layout(of),
      reloadLayout: (of) => this.reloadLayout(of),
      read: (script, of, args) => this.#read(script, of, args),
      sweep: (limit, of) => this.upkeep.sweep(limit, this.source, of),
    })
    this.#channels = channels
    this.logArgs = [String(maxEvents), String(maxAgeMs), channels.log, options.channels]
    this.source = options.source
    this.keys = partitionKeys(options.prefix, number, tagged)
    this.upkeep = new PartitionUpkeep({
      keys: this.keys,
      channels,
      caller,
      logArgs: this.logArgs,
      maxAgeMs,
      now: () => this.clock.now(),
      read: (script, of) => this.#read(script, of, []),
      write: (script, of, args) => this.#write(script, of, (_, deadline) => args(deadline)),
    })
  }

  /** The layout as last known; loads it when it is not. */
  async layout(call: Call): Promise<PartitionLayout> {
    return this.#layout ?? (await this.reloadLayout(call))
  }

  /** Declares this registry's indexes (again), and learns of everybody else's. */
  async reloadLayout(call: Call): Promise<PartitionLayout> {
    this.#layout = await this.#loading.run(call, (shared) => this.#loadLayout(shared))
    this.#loadedAt = performance.now()
    return this.#layout
  }

  #loadLayout(call: Call): Promise<PartitionLayout> {
    return this.#caller.run('read', call, async (client) => {
      await claimLayout(client, this.#request)
      const sent = performance.now()
      const { layout, serverNow } = await declareIndexes(client, this.keys, this.#request)
      this.clock.sample(serverNow, sent, performance.now())
      return layout
    })
  }

  async commit(commit: Commit, call: Call): Promise<CommitAnswer> {
    const reply = await this.#write(scripts.commit, call, (layout, deadline) =>
      this.#commitArgs(commit, layout, deadline),
    )
    const [state, , ...rest] = reply
    switch (state) {
      case 'done': {
        const [token = '', fence = '', deadline = '', side = ''] = (rest[0] ?? '').split('\0')
        return { kind: 'done', token, fence, deadline: Number(deadline), ...(side !== '' && { side }) }
      }
      case 'missing':
        return { kind: 'conflict', found: FOUND_MISSING }
      case 'corrupt':
        return { kind: 'conflict', found: { kind: 'corrupt', why: rest[0] ?? '' } }
      default:
        return { kind: 'conflict', found: { kind: 'live', rec: decodeConflict(commit.id, rest) } }
    }
  }

  #commitArgs(commit: Commit, layout: PartitionLayout, deadline: number): string[] {
    const { guard, write } = commit
    return [
      commit.id,
      commit.opId,
      String(deadline),
      layout.version,
      guard.kind,
      guard.kind === 'token' ? guard.token : '',
      (guard.kind === 'token' && guard.fence) || '',
      ...encodeWrite(write),
      commit.source,
      ...this.logArgs,
      String(commit.events.length),
      ...commit.events.flatMap(encodeEvent),
      ...(write.kind === 'put' ? write.entries(layout.indexes).map(encodeEntry) : []),
    ]
  }

  async renew(renewals: readonly Renewal[], call: Call): Promise<RenewalAnswer[]> {
    const reply = await this.#write(scripts.renew, call, (layout, deadline) => [
      String(deadline),
      layout.version,
      this.#channels.statistics,
      ...encodeRenewals(renewals, layout.indexes),
    ])
    return Array.from(reply[2] ?? '', (letter) => RENEWAL_ANSWERS[letter] ?? 'missing')
  }

  /** As `renew`, together with the others of this tick. */
  renewOne(renewal: Renewal, call: Call): Promise<RenewalAnswer> {
    return this.#renewals.add(renewal, call)
  }

  /** As `view`, together with the others of this tick. */
  viewOne(id: string, call: Call): Promise<Found<Stored>> {
    return this.#views.add(id, call)
  }

  async read(ids: readonly string[], call: Call): Promise<Found[]> {
    const { now, deadlines, sides, docs, bookkeeping } = await this.readColumns(ids, true, call)
    return ids.map((id, i) =>
      withBookkeeping(id, toFound(now, deadlines[i], sides[i], docs[i]), bookkeeping[i]),
    )
  }

  async view(ids: readonly string[], call: Call): Promise<Found<Stored>[]> {
    const { now, deadlines, sides, docs } = await this.readColumns(ids, false, call)
    return ids.map((_, i) => toFound(now, deadlines[i], sides[i], docs[i]))
  }

  /** In one script, so that lease, statistics and document of a record are of one instant. */
  async readColumns(ids: readonly string[], withBookkeeping: boolean, call: Call): Promise<Columns> {
    const args = [withBookkeeping ? '1' : '0', ...ids]
    const reply = await this.#read<ReadReply>(scripts.read, call, args)
    const [, now, deadlines = [], sides = [], docs = [], bookkeeping = []] = reply
    return { now: Number(now), deadlines, sides, docs, bookkeeping }
  }

  async leases(ids: readonly string[], call: Call): Promise<(number | undefined)[]> {
    const [, , deadlines] = await this.#read<LeasesReply>(scripts.leases, call, ids)
    return deadlines.map((deadline) => (deadline === '' ? undefined : Number(deadline)))
  }

  /** The declared indexes that hold every record. While one is being built, what is known of it is renewed. */
  async readyIndexes(call: Call): Promise<readonly IndexDeclaration[]> {
    const { indexes } = await this.layout(call)
    const isStale = performance.now() - this.#loadedAt > BUILDING_STALE_MS
    const known =
      isStale && indexes.some(({ isReady }) => !isReady) ? (await this.reloadLayout(call)).indexes : indexes
    return known.filter(({ isReady }) => isReady)
  }

  /** The declared indexes that do not hold every record yet, as last known. */
  unfinishedIndexes(): readonly IndexDeclaration[] {
    return this.#layout?.indexes.filter(({ isReady }) => !isReady) ?? []
  }

  /** Adds entries to records, see lua/build.lua. Answers `false` when the pass has to begin anew. */
  async build(
    { version, builder, before, after, readyFields, records }: BuildStep,
    call: Call,
  ): Promise<boolean> {
    const ready = [String(readyFields.length), ...readyFields]
    const args = [version, builder, String(BUILD_LOCK_MS), before, after, ...ready, ...records]
    const [state] = await this.#caller.run('read', call, (client) => this.#timed(client, scripts.build, args))
    return state === 'done'
  }

  sizes(sections: readonly Section[], call: Call): Promise<number[]> {
    return this.#search.sizes(sections, call)
  }

  walk(walk: Walk, call: Call): Promise<Slice> {
    return this.#search.walk(walk, call)
  }

  count(branches: readonly (readonly Term[])[], call: Call): Promise<number | undefined> {
    return this.#search.count(branches, call)
  }

  /** Adds the partition's counters to `totals`; sweeps first while too many records have lapsed. */
  async counters(index: string, totals: Map<string, number>, call: Call): Promise<void> {
    for (;;) {
      const [state, , ...rest] = await this.#read(scripts.counters, call, [index, String(BACKLOG_LIMIT)])
      if (state === 'done') {
        for (let i = 0; i < rest.length; i += 2) {
          const value = rest[i] ?? ''
          totals.set(value, (totals.get(value) ?? 0) + Number(rest[i + 1]))
        }
        return
      }
      await this.upkeep.sweep(BACKLOG_LIMIT, this.source, call)
    }
  }

  async reserveNumbers(size: number, call: Call): Promise<number> {
    await this.layout(call)
    const key = `${this.keys.base}idx:ids`
    // A block that a lost reply wastes is no harm.
    const last = await this.#caller.run('read', call, (client) => client.incrby(key, size))
    return last - size + 1
  }

  /** The entry at `after` is read, too: only if it is there, what follows is all there is. */
  async readLog(after: string | undefined, limit: number, call: Call): Promise<LogSlice> {
    await this.layout(call)
    const entries = await this.#caller.run('read', call, (client) =>
      client.xrange(this.keys.log, after ?? '-', '+', 'COUNT', limit + 1),
    )
    if (after === undefined) return sliceOf(entries.slice(0, limit), LOG_START)
    if (entries[0]?.[0] === after) return sliceOf(entries.slice(1), after)
    const [, , gap, next, rest = []] = await this.#read<GapReply>(scripts.logGap, call, [
      after,
      String(limit),
    ])
    const slice = { records: rest.map(([id, fields]) => decodeLogRecord(id, fields)), next }
    return gap === '' ? slice : { ...slice, gap }
  }

  async readHistory(id: string, call: Call): Promise<LogRecord[]> {
    const records: LogRecord[] = []
    for (let after = '-'; after !== ''; ) {
      const args = [id, after, String(HISTORY_SLICE)]
      const [, , last, ...entries] = await this.#read<HistoryReply>(scripts.history, call, args)
      for (const [logId, fields] of entries) records.push(decodeLogRecord(logId, fields))
      after = last
    }
    return records
  }

  async logEnd(call: Call): Promise<string> {
    await this.layout(call)
    return (await this.#lastLogId(call)) ?? (await this.#newLogId(call))
  }

  #lastLogId(call: Call): Promise<string | null> {
    return this.#caller.run('read', call, (client) => client.get(`${this.keys.base}log:last`))
  }

  /** Everything was lost, so another log begins, with the layout. */
  async #newLogId(call: Call): Promise<string> {
    await this.reloadLayout(call)
    return (await this.#lastLogId(call)) ?? LOG_START
  }

  /** Runs a write script; renews the layout and the estimate of the server's time where it asks for that. */
  async #write(
    script: Script,
    call: Call,
    args: (layout: PartitionLayout, serverDeadline: number) => string[],
  ): Promise<Reply> {
    for (;;) {
      const layout = await this.layout(call)
      const reply = await this.#caller.run('write', call, (client) =>
        this.#timed(client, script, args(layout, this.clock.serverDeadline(call.deadline))),
      )
      if (reply[0] === 'layout') await this.reloadLayout(call)
      else if (reply[0] !== 'late') return reply
      else if (performance.now() >= call.deadline - 1)
        throw new TimeoutError('out of time: nothing was changed')
    }
  }

  async #read<R extends AnyReply = Reply>(script: Script, call: Call, args: readonly string[]): Promise<R> {
    await this.layout(call)
    return this.#caller.run('read', call, (client) => this.#timed(client, script, args))
  }

  async #timed<R extends AnyReply = Reply>(
    client: RedisClient,
    script: Script,
    args: readonly string[],
  ): Promise<R> {
    const sent = performance.now()
    const reply = (await script.run(client, this.keys.active, args)) as R
    this.clock.sample(Number(reply[1]), sent, performance.now())
    return reply
  }
}

function sliceOf(entries: readonly LogEntry[], after: string): LogSlice {
  const records = entries.map(([id, fields]) => decodeLogRecord(id, fields))
  return { records, next: records.at(-1)?.logId ?? after }
}
