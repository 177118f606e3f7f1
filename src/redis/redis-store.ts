import { OutcomeUnknownError, ValidationError } from '../core/errors.js'
import type {
  AuditReport,
  Call,
  Commit,
  CommitAnswer,
  Describe,
  Fencing,
  Finished,
  Found,
  IndexDeclaration,
  LeadAnswer,
  LeadClaim,
  LogRecord,
  LogSlice,
  Problem,
  Renewal,
  RenewalAnswer,
  Ring,
  Section,
  Slice,
  StatisticsListener,
  Store,
  Stored,
  Term,
  Walk,
} from '../core/store.js'
import { StaleTokenError } from '../core/store.js'
import { scheduleTimer } from '../registry/schedule-timer.js'
import { SharedTask } from '../registry/shared-task.js'
import { auditPartition } from './audit.js'
import { Bells } from './bells.js'
import { Caller, type CallKind } from './caller.js'
import { type ClientSource, databaseOf, isCluster } from './client.js'
import { inspectClient, type Warn } from './client-checks.js'
import { IndexBuilder } from './index-building.js'
import { bellChannels, partitionOf } from './keys.js'
import { isTagged } from './layout.js'
import { Partition, type PartitionOptions } from './partition.js'
import { READ_LIMIT } from './partition-search.js'

/** What a store on Redis is made of. */
export interface RedisStoreOptions extends PartitionOptions {
  readonly clients: ClientSource
  readonly warn: Warn
  readonly describe: Describe
}

/** Renewals in one script call, at most. */
const RENEW_LIMIT = 200
/** Leases looked at in one script call, at most. */
const LEASES_LIMIT = 1_000

/** The {@link Store} on Redis: standalone, Sentinel or Cluster. */
export class RedisStore implements Store {
  readonly partitions: number
  readonly #options: RedisStoreOptions
  readonly #caller: Caller
  #opened: readonly Partition[] | undefined
  readonly #opening = new SharedTask<readonly Partition[]>()
  readonly #builder: IndexBuilder
  readonly #bells: Bells

  constructor(options: RedisStoreOptions) {
    this.partitions = options.partitions
    this.#options = options
    this.#caller = new Caller(options.clients)
    this.#builder = new IndexBuilder(options.indexes, options.describe, options.warn)
    this.#bells = new Bells({
      clients: options.clients,
      channels: (client) => bellChannels(options.prefix, databaseOf(client)),
      ends: (call) => this.logEnds(call),
    })
  }

  now(): number {
    return this.#opened?.[0]?.clock.now() ?? Date.now()
  }

  elapsed(): number {
    return performance.now()
  }

  schedule(ms: number, callback: () => void): () => void {
    return scheduleTimer(ms, callback)
  }

  async open(call: Call): Promise<void> {
    const partitions = await this.#ready(call)
    await Promise.all(partitions.map((partition) => partition.layout(call)))
  }

  async commit(commit: Commit, call: Call): Promise<CommitAnswer> {
    return (await this.#partitionOf(commit.id, call)).commit(commit, call)
  }

  async renew(renewals: readonly Renewal[], call: Call): Promise<RenewalAnswer[]> {
    const [only] = renewals
    if (renewals.length === 1 && only !== undefined) {
      return [await (await this.#partitionOf(only.id, call)).renewOne(only, call)]
    }
    const run = (partition: Partition, chunk: Renewal[]): Promise<RenewalAnswer[]> =>
      partition.renew(chunk, call)
    return this.#scatter('write', renewals, ({ id }) => id, RENEW_LIMIT, run, call)
  }

  async read(ids: readonly string[], call: Call): Promise<Found[]> {
    const run = (partition: Partition, chunk: string[]): Promise<Found[]> => partition.read(chunk, call)
    return this.#scatter('read', ids, (id) => id, READ_LIMIT, run, call)
  }

  async view(ids: readonly string[], call: Call): Promise<Found<Stored>[]> {
    const [only] = ids
    if (ids.length === 1 && only !== undefined) {
      return [await (await this.#partitionOf(only, call)).viewOne(only, call)]
    }
    const run = (partition: Partition, chunk: string[]): Promise<Found<Stored>[]> =>
      partition.view(chunk, call)
    return this.#scatter('read', ids, (id) => id, READ_LIMIT, run, call)
  }

  async leases(ids: readonly string[], call: Call): Promise<readonly (number | undefined)[]> {
    const run = (partition: Partition, chunk: string[]): Promise<(number | undefined)[]> =>
      partition.leases(chunk, call)
    return this.#scatter('read', ids, (id) => id, LEASES_LIMIT, run, call)
  }

  async indexes(call: Call): Promise<readonly IndexDeclaration[]> {
    const partitions = await this.#ready(call)
    const [first = [], ...others] = await Promise.all(
      partitions.map((partition) => partition.readyIndexes(call)),
    )
    this.#builder.start(partitions)
    return first.filter(({ field }) => others.every((ready) => ready.some((index) => index.field === field)))
  }

  async sizes(sections: readonly Section[], call: Call): Promise<readonly number[]> {
    const partitions = await this.#ready(call)
    const sizes = await Promise.all(partitions.map((partition) => partition.sizes(sections, call)))
    return sections.map((_, i) => sizes.reduce((sum, of) => sum + (of[i] ?? 0), 0))
  }

  async walk(partition: number, walk: Walk, call: Call): Promise<Slice> {
    return at(await this.#ready(call), partition).walk(walk, call)
  }

  async count(branches: readonly (readonly Term[])[], call: Call): Promise<number | undefined> {
    const partitions = await this.#ready(call)
    const counts = await Promise.all(partitions.map((partition) => partition.count(branches, call)))
    return counts.reduce(
      (sum, count) => (sum === undefined || count === undefined ? undefined : sum + count),
      0,
    )
  }

  async counters(index: string, call: Call): Promise<Map<string, number>> {
    const totals = new Map<string, number>()
    const partitions = await this.#ready(call)
    await Promise.all(partitions.map((partition) => partition.counters(index, totals, call)))
    return totals
  }

  async sweep(limit: number, source: string, call: Call, fencing?: Fencing): Promise<Finished[]> {
    const finished: Finished[] = []
    for (const { upkeep } of await this.#ready(call)) {
      if (finished.length >= limit) break
      try {
        finished.push(...(await upkeep.sweep(limit - finished.length, source, call, fencing)))
      } catch (error) {
        // What was finished before must be told by somebody.
        if (error instanceof StaleTokenError && finished.length > 0) break
        throw error
      }
    }
    return finished
  }

  async nextDeadline(call: Call): Promise<number | undefined> {
    const partitions = await this.#ready(call)
    const deadlines = await Promise.all(partitions.map(({ upkeep }) => upkeep.nextDeadline(call)))
    return deadlines.reduce(
      (least, deadline) => (least === undefined || (deadline ?? least) < least ? deadline : least),
      undefined,
    )
  }

  async trimLog(call: Call): Promise<void> {
    await Promise.all((await this.#ready(call)).map(({ upkeep }) => upkeep.trimLog(call)))
  }

  async bridgeSilence(graceMs: number, withinMs: number, call: Call): Promise<number> {
    const partitions = await this.#ready(call)
    const heard = await Promise.all(partitions.map(({ upkeep }) => upkeep.heardAt(call)))
    const last = Math.max(...heard)
    if (last === 0) return 0
    const counts = await Promise.all(
      partitions.map(({ upkeep }) => upkeep.bridgeSilence(graceMs, withinMs, last, call)),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }

  async acquireLead(claim: LeadClaim, leaseMs: number, call: Call): Promise<LeadAnswer> {
    return at(await this.#ready(call), 0).upkeep.acquireLead(claim, leaseMs, call)
  }

  async renewLead(
    claim: LeadClaim & { readonly token: number },
    leaseMs: number,
    call: Call,
  ): Promise<boolean> {
    return at(await this.#ready(call), 0).upkeep.renewLead(claim, leaseMs, call)
  }

  async releaseLead(claim: LeadClaim & { readonly token?: number }, call: Call): Promise<void> {
    return at(await this.#ready(call), 0).upkeep.releaseLead(claim, call)
  }

  onLeadReleased(listener: (name: string) => void): () => void {
    return this.#bells.onLeadReleased(listener)
  }

  async reserveNumbers(size: number, call: Call): Promise<number> {
    return at(await this.#ready(call), 0).reserveNumbers(size, call)
  }

  partitionOf(id: string): number {
    return partitionOf(id, this.partitions)
  }

  async readLog(partition: number, after: string | undefined, limit: number, call: Call): Promise<LogSlice> {
    return at(await this.#ready(call), partition).readLog(after, limit, call)
  }

  async readHistory(id: string, call: Call): Promise<readonly LogRecord[]> {
    return (await this.#partitionOf(id, call)).readHistory(id, call)
  }

  async logEnds(call: Call): Promise<readonly string[]> {
    const partitions = await this.#ready(call)
    return Promise.all(partitions.map((partition) => partition.logEnd(call)))
  }

  onStatistics(listener: StatisticsListener): () => void {
    return this.#bells.onStatistics(listener)
  }

  onLog(ring: Ring): () => void {
    return this.#bells.onLog(ring)
  }

  async audit(describe: Describe, repair: boolean, call: Call): Promise<AuditReport> {
    let checked = 0
    const problems: Problem[] = []
    for (const partition of await this.#ready(call)) {
      const report = await auditPartition(this.#caller, partition, describe, repair, call)
      checked += report.checked
      problems.push(...report.problems)
    }
    return { checked, problems }
  }

  close(): Promise<void> {
    this.#builder.stop()
    this.#bells.close()
    return this.#caller.close()
  }

  async #ready(call: Call): Promise<readonly Partition[]> {
    return this.#opened ?? (await this.#opening.run(call, (shared) => this.#connect(shared)))
  }

  async #connect(call: Call): Promise<readonly Partition[]> {
    const [client] = await this.#caller.clients()
    if (client === undefined) throw new ValidationError([{ path: ['redis'], message: 'has no client' }])
    const tagged = isTagged(client, this.partitions)
    const channels = bellChannels(this.#options.prefix, databaseOf(client))
    const always = isCluster(client) ? '1' : '0'
    const named = this.#options.channels
    const options = { ...this.#options, channels: named === '' ? '' : `${always}\0${named}` }
    const partitions = Array.from(
      { length: this.partitions },
      (_, number) => new Partition(this.#caller, options, number, tagged, channels),
    )
    await Promise.all(partitions.map((partition) => partition.layout(call)))
    this.#opened = partitions
    this.#builder.start(partitions)
    // Advice only: nobody waits for it.
    inspectClient(client, this.#options.warn).catch(() => {})
    return partitions
  }

  async #partitionOf(id: string, call: Call): Promise<Partition> {
    return at(this.#opened ?? (await this.#ready(call)), partitionOf(id, this.partitions))
  }

  /** Groups by partition, cuts into chunks, runs them at once and puts the answers back in order. */
  async #scatter<T, R>(
    kind: CallKind,
    items: readonly T[],
    idOf: (item: T) => string,
    chunkSize: number,
    run: (partition: Partition, chunk: T[]) => Promise<readonly R[]>,
    call: Call,
  ): Promise<R[]> {
    const partitions = this.#opened ?? (await this.#ready(call))
    const places = partitions.map((): number[] => [])
    for (const [i, item] of items.entries()) places[partitionOf(idOf(item), this.partitions)]?.push(i)
    const chunks = places.flatMap((of, number) => chunked(of, chunkSize).map((chunk) => ({ number, chunk })))
    const outcomes = await Promise.allSettled(
      chunks.map(({ number, chunk }) =>
        run(
          at(partitions, number),
          chunk.map((place) => items[place] as T),
        ),
      ),
    )
    throwFailure(kind, outcomes)
    const answers = new Array<R>(items.length)
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status !== 'fulfilled') continue
      for (const [j, place] of at(chunks, i).chunk.entries()) answers[place] = outcome.value[j] as R
    }
    return answers
  }
}

/** What the whole rejects with when a part of it failed. A write that was done in part is neither done nor undone. */
function throwFailure(kind: CallKind, outcomes: readonly PromiseSettledResult<unknown>[]): void {
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failure === undefined) return
  const isPartial = kind === 'write' && outcomes.some(({ status }) => status === 'fulfilled')
  if (!isPartial) throw failure.reason
  throw new OutcomeUnknownError('done in part: some of Redis did not answer', { cause: failure.reason })
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new RangeError(`no partition ${index}`)
  return item
}

function chunked<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = []
  for (let i = 0; i < items.length; i += size) chunks.push(items.slice(i, i + size))
  return chunks
}
