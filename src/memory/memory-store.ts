import type { Clock } from '../core/clock.js'
import { TimeoutError, ValidationError } from '../core/errors.js'
import { addedEntries } from '../core/indexes.js'
import type {
  AuditReport,
  Call,
  Commit,
  CommitAnswer,
  Describe,
  EntriesOf,
  Fencing,
  Finished,
  Found,
  IndexDeclaration,
  LeadAnswer,
  LeadClaim,
  LogRecord,
  LogSlice,
  Rec,
  Renewal,
  RenewalAnswer,
  Ring,
  Section,
  Slice,
  StatisticsListener,
  Store,
  Term,
  Walk,
  Write,
} from '../core/store.js'
import { StaleTokenError } from '../core/store.js'
import { scheduleTimer } from '../registry/schedule-timer.js'
import { AnsweredOperations } from './answered-operations.js'
import { draftEvents, draftOf } from './log-drafts.js'
import { auditMemory } from './memory-audit.js'
import type { PlacedEntry } from './memory-indexes.js'
import { MemoryLeads } from './memory-leads.js'
import { type LogDraft, MemoryLog } from './memory-log.js'
import type { MemoryRecord } from './memory-record.js'
import { MemoryRecords } from './memory-records.js'
import { holds, sectionSize, walkMemory } from './memory-search.js'

/** What a store in memory is made of. */
export interface MemoryStoreOptions {
  readonly clock: Clock
  readonly maxEvents: number
  readonly maxEventAgeMs: number
}

/** How many answers to operations are kept. */
const MAX_OPERATIONS = 1_000

type Prepared = { -readonly [K in keyof MemoryRecord]: MemoryRecord[K] }

const MISSING: Found = { kind: 'missing' }

/** The {@link Store} in memory: one partition, the same meaning as on Redis, its time from an injected clock. */
export class MemoryStore implements Store {
  readonly partitions = 1
  readonly #clock: Clock
  #declared: readonly IndexDeclaration[] = []
  readonly #held = new MemoryRecords()
  readonly #log: MemoryLog
  readonly #rings = new Set<Ring>()
  readonly #statisticsListeners = new Set<StatisticsListener>()
  readonly #operations = new AnsweredOperations(MAX_OPERATIONS)
  readonly #leads = new MemoryLeads()
  /** The highest token that was seen of each leader's work. */
  readonly #tokens = new Map<string, number>()
  #numbers = 0
  #failures: unknown[] = []

  constructor({ clock, maxEvents, maxEventAgeMs }: MemoryStoreOptions) {
    this.#clock = clock
    this.#log = new MemoryLog(maxEvents, maxEventAgeMs)
  }

  /**
   * Declares indexes beside those declared before, and fills them. @throws ValidationError when one is declared as
   * another kind.
   */
  declare(indexes: readonly IndexDeclaration[], describe: Describe): void {
    const added = indexes.filter((index) => !this.#isDeclared(index))
    if (added.length === 0) return
    this.#declared = [...this.#declared, ...added]
    for (const record of this.#held.records.values()) this.#index(record, added, describe)
  }

  #index(record: MemoryRecord, added: readonly IndexDeclaration[], describe: Describe): void {
    const { id, doc, order, side } = record
    const described = describe(id, doc)
    if (described === undefined) return
    const entries = this.#held.indexes.place(addedEntries(described.entries, added), id, order, side)
    for (const entry of entries) this.#held.indexes.add(entry)
    this.#held.records.set(id, { ...record, entries: [...record.entries, ...entries] })
  }

  #isDeclared({ field, kind }: IndexDeclaration): boolean {
    const known = this.#declared.find((declared) => declared.field === field)
    if (known === undefined || known.kind === kind) return known !== undefined
    const message = `declares ${field} anew: it is declared as ${known.kind} already`
    throw new ValidationError([{ path: ['indexes'], message }])
  }

  now(): number {
    return this.#clock.now()
  }

  elapsed(): number {
    return this.#clock.schedule === undefined ? performance.now() : this.#clock.now()
  }

  schedule(ms: number, callback: () => void): () => void {
    return this.#clock.schedule?.(ms, callback) ?? scheduleTimer(ms, callback)
  }

  /** Makes the next call of the store fail with this error, before it does anything. */
  failNext(error: unknown): void {
    this.#failures.push(error)
  }

  async open(call: Call): Promise<void> {
    this.#enter(call)
  }

  async commit(commit: Commit, call: Call): Promise<CommitAnswer> {
    this.#enter(call)
    const now = this.now()
    const known = this.#operations.get(commit.opId)
    if (known !== undefined) return known
    const refusal = this.#checkGuard(commit, now)
    if (refusal !== undefined) return { kind: 'conflict', found: refusal }
    return this.#apply(commit, now)
  }

  /** What is there instead, when the guard does not hold. */
  #checkGuard({ id, guard, write, source }: Commit, now: number): Found | undefined {
    const record = this.#held.records.get(id)
    const isLive = record !== undefined && record.deadline > now
    switch (guard.kind) {
      case 'absent':
        return isLive ? { kind: 'live', rec: record } : undefined
      case 'token': {
        if (!isLive) return MISSING
        const atFence = guard.fence === undefined || guard.fence === record.fence
        return record.token === guard.token && atFence ? undefined : { kind: 'live', rec: record }
      }
      case 'any':
        if (isLive) return undefined
        if (record !== undefined && write.kind === 'remove') this.#finish(record, source, now)
        return MISSING
    }
  }

  #apply(commit: Commit, now: number): CommitAnswer {
    const { id, write } = commit
    const found = this.#held.records.get(id)
    if (write.kind === 'none' && found !== undefined) {
      return done(write.renew ? this.#held.renew(found, now) : found)
    }
    const lapsed = found !== undefined && found.deadline <= now
    if (lapsed) this.#finish(found, commit.source, now)
    const before = lapsed ? undefined : found
    const after = write.kind === 'put' ? this.#prepare(id, write, before, now) : undefined
    const token = this.#append(draftEvents(commit, before, after), now)
    if (after === undefined) {
      this.#held.replace(before, undefined, now)
      return this.#remember(commit, done({ ...(before as Rec), token }))
    }
    after.token = token
    if (after.fence === '') after.fence = token
    this.#held.replace(before, after, now)
    return this.#remember(commit, done(after))
  }

  /** The record that a put makes, but for its token (and fence, when that is new), which the log has still to give. */
  #prepare(
    id: string,
    write: Extract<Write, { kind: 'put' }>,
    before: MemoryRecord | undefined,
    now: number,
  ): Prepared {
    const side = write.side === undefined ? before?.side : write.side === '{}' ? undefined : write.side
    return {
      id,
      doc: write.doc,
      ...(side !== undefined && { side }),
      token: '',
      fence: write.newFence ? '' : (before?.fence ?? ''),
      ttlMs: write.ttlMs,
      deadline: write.renew || before === undefined ? now + write.ttlMs : before.deadline,
      order: write.order,
      onLapsed: write.onLapsed,
      entries: this.#held.indexes.place(write.entries(this.#declared), id, write.order, side),
    }
  }

  #remember({ opId }: Commit, answer: CommitAnswer): CommitAnswer {
    this.#operations.set(opId, answer)
    return answer
  }

  async renew(renewals: readonly Renewal[], call: Call): Promise<RenewalAnswer[]> {
    this.#enter(call)
    const now = this.now()
    return renewals.map((renewal) => this.#renewOne(renewal, now))
  }

  #renewOne({ id, fence, side }: Renewal, now: number): RenewalAnswer {
    const record = this.#held.records.get(id)
    if (record === undefined || record.deadline <= now) return 'missing'
    if (fence !== undefined && fence !== record.fence) return 'stale'
    const renewed = this.#held.renew(record, now)
    if (side === undefined) return 'alive'
    const scores = side.scores(this.#declared)
    const entries = renewed.entries.map((old) => {
      const score = scores.find(({ index }) => old.list.kind === 'side' && index === old.list.index)
      if (score === undefined) return old
      const moved: PlacedEntry = { list: old.list, item: { rank: score.value, id } }
      this.#held.indexes.remove(old)
      this.#held.indexes.add(moved)
      return moved
    })
    this.#held.records.set(id, { ...renewed, side: mergeSide(record.side, side.json), entries })
    for (const listener of this.#statisticsListeners) listener([id])
    return 'alive'
  }

  async read(ids: readonly string[], call: Call): Promise<Found[]> {
    this.#enter(call)
    const now = this.now()
    return ids.map((id) => {
      const rec = this.#held.records.get(id)
      return rec !== undefined && rec.deadline > now ? { kind: 'live', rec } : MISSING
    })
  }

  view(ids: readonly string[], call: Call): Promise<Found[]> {
    return this.read(ids, call)
  }

  async leases(ids: readonly string[], call: Call): Promise<readonly (number | undefined)[]> {
    this.#enter(call)
    const now = this.now()
    return ids.map((id) => {
      const deadline = this.#held.records.get(id)?.deadline
      return deadline !== undefined && deadline > now ? deadline : undefined
    })
  }

  async indexes(call: Call): Promise<readonly IndexDeclaration[]> {
    this.#enter(call)
    return this.#declared
  }

  async sizes(sections: readonly Section[], call: Call): Promise<readonly number[]> {
    this.#enter(call)
    return sections.map((section) => sectionSize(this.#held, section))
  }

  async walk(_partition: number, walk: Walk, call: Call): Promise<Slice> {
    this.#enter(call)
    return walkMemory(this.#held, walk, this.now())
  }

  async count(branches: readonly (readonly Term[])[], call: Call): Promise<number | undefined> {
    this.#enter(call)
    if (branches.some(([first, ...others]) => others.length > 0 || first?.negated)) return undefined
    let count = 0
    for (const [term] of branches)
      count += term ? sectionSize(this.#held, term.section) : this.#held.records.size
    for (const record of this.#held.lapsed(this.now()))
      for (const terms of branches) if (terms.every((term) => holds(term, record))) count -= 1
    return count
  }

  async counters(index: string, call: Call): Promise<Map<string, number>> {
    this.#enter(call)
    const counts = new Map<string, number>()
    for (const { value, count } of this.#held.indexes.lists(index)) counts.set(value, count)
    for (const { entries } of this.#held.lapsed(this.now())) {
      for (const { list } of entries) {
        if (list.index === index) counts.set(list.value, (counts.get(list.value) ?? 0) - 1)
      }
    }
    return counts
  }

  async sweep(limit: number, source: string, call: Call, fencing?: Fencing): Promise<Finished[]> {
    this.#enter(call)
    if (fencing !== undefined) this.#checkToken(fencing)
    const now = this.now()
    const lapsed: MemoryRecord[] = []
    for (const record of this.#held.lapsed(this.now())) {
      if (lapsed.length === limit) break
      lapsed.push(record)
    }
    return lapsed.map((record) => this.#finish(record, source, now))
  }

  #checkToken({ name, token }: Fencing): void {
    const seen = this.#tokens.get(name)
    if (seen !== undefined && seen > token) throw new StaleTokenError(`there is a later leader of ${name}`)
    this.#tokens.set(name, token)
  }

  async nextDeadline(call: Call): Promise<number | undefined> {
    this.#enter(call)
    return this.#held.nextDeadline
  }

  async trimLog(call: Call): Promise<void> {
    this.#enter(call)
    this.#log.trimByAge(this.now())
  }

  async bridgeSilence(graceMs: number, withinMs: number, call: Call): Promise<number> {
    this.#enter(call)
    const prolonged = this.#held.bridgeSilence(graceMs, withinMs, this.now())
    // As if they had reported: who saw them lapse looks again.
    if (prolonged.length > 0) for (const listener of this.#statisticsListeners) listener(prolonged)
    return prolonged.length
  }

  async acquireLead(claim: LeadClaim, leaseMs: number, call: Call): Promise<LeadAnswer> {
    this.#enter(call)
    return this.#leads.acquire(claim, leaseMs, this.now())
  }

  async renewLead(
    claim: LeadClaim & { readonly token: number },
    leaseMs: number,
    call: Call,
  ): Promise<boolean> {
    this.#enter(call)
    return this.#leads.renew(claim, leaseMs, this.now())
  }

  async releaseLead(claim: LeadClaim & { readonly token?: number }, call: Call): Promise<void> {
    this.#enter(call)
    this.#leads.release(claim)
  }

  onLeadReleased(listener: (name: string) => void): () => void {
    return this.#leads.onReleased(listener)
  }

  /** Ends a record whose lease has run out. */
  #finish(record: MemoryRecord, source: string, now: number): Finished {
    this.#append([draftOf(record, record.onLapsed, source)], now)
    this.#held.replace(record, undefined, now)
    return { id: record.id, type: record.onLapsed }
  }

  async reserveNumbers(size: number, call: Call): Promise<number> {
    this.#enter(call)
    const first = this.#numbers + 1
    this.#numbers += size
    return first
  }

  partitionOf(): number {
    return 0
  }

  async readLog(_partition: number, after: string | undefined, limit: number, call: Call): Promise<LogSlice> {
    this.#enter(call)
    return this.#log.read(after, limit)
  }

  async readHistory(id: string, call: Call): Promise<readonly LogRecord[]> {
    this.#enter(call)
    return this.#log.of(id)
  }

  async logEnds(call: Call): Promise<readonly string[]> {
    this.#enter(call)
    return [this.#log.last]
  }

  onLog(ring: Ring): () => void {
    this.#rings.add(ring)
    return () => void this.#rings.delete(ring)
  }

  onStatistics(listener: StatisticsListener): () => void {
    this.#statisticsListeners.add(listener)
    listener(undefined)
    return () => void this.#statisticsListeners.delete(listener)
  }

  /** Logs events, and rings for them. */
  #append(drafts: readonly LogDraft[], now: number): string {
    const last = this.#log.append(drafts, now)
    for (const ring of this.#rings) ring(0, last)
    return last
  }

  /** The whole log that is kept, oldest first. */
  loggedEvents(): readonly LogRecord[] {
    return this.#log.read(undefined, Number.POSITIVE_INFINITY).records
  }

  async audit(describe: Describe, repair: boolean, call: Call): Promise<AuditReport> {
    this.#enter(call)
    const place = (entriesOf: EntriesOf, order: number, { id, side }: MemoryRecord): PlacedEntry[] =>
      this.#held.indexes.place(entriesOf(this.#declared), id, order, side)
    return auditMemory(
      { records: this.#held.records, indexes: this.#held.indexes, leases: this.#held.leases, place },
      describe,
      repair,
    )
  }

  async close(): Promise<void> {}

  /** The store answers at once, but the caller may have taken its time between two calls. */
  #enter({ signal, deadline, isBackground }: Call): void {
    signal?.throwIfAborted()
    if (performance.now() > deadline) throw new TimeoutError('out of time: nothing was changed')
    const failure = isBackground ? undefined : this.#failures.shift()
    if (failure !== undefined) throw failure
  }
}

function done({ token, fence, deadline, side }: Rec): CommitAnswer {
  return { kind: 'done', token, fence, deadline, ...(side !== undefined && { side }) }
}

function mergeSide(old: string | undefined, given: string): string {
  if (old === undefined) return given
  return JSON.stringify({ ...(JSON.parse(old) as object), ...(JSON.parse(given) as object) })
}
