/**
 * The port behind which all storing sits: a leased, indexed, logged document store that knows nothing of streams.
 *
 * Every implementation gives the same answers; the contract suite and the side-by-side property test hold them
 * to it. Times are milliseconds of the store's own clock (Redis TIME, or the injected clock in memory).
 */

/** How an index finds its documents. */
export type IndexKind = 'equality' | 'number' | 'text'

/** An index beyond the built-in ones, kept by every writer once any of them declared it. */
export interface IndexDeclaration {
  /** A dotted path of the stream, e.g. `metadata.region` or `statistics.bitrate`. */
  readonly field: string
  readonly kind: IndexKind
}

/** One entry of a document in one index. `null` stands for a missing value: it sorts last. */
export type Entry =
  | { readonly kind: 'equality'; readonly index: string; readonly value: string }
  | { readonly kind: 'number'; readonly index: string; readonly value: number | null }
  | { readonly kind: 'text'; readonly index: string; readonly value: string | null }
  /** A number index over a field of the side value, scored by what is stored there, or by `missing`. */
  | { readonly kind: 'side'; readonly index: string; readonly field: string; readonly missing: number | null }
  /** Counts the documents that have this value. */
  | { readonly kind: 'counter'; readonly index: string; readonly value: string }

/** Computes entries under the declarations that the store knows of at the time of writing. */
export type EntriesOf<T = Entry> = (declared: readonly IndexDeclaration[]) => readonly T[]

/** What a report on the side value moves in an index over it. */
export interface SideScore {
  readonly index: string
  readonly value: number
}

/** What is stored of a live record, as far as readers need it. */
export interface Stored {
  readonly doc: string
  /** A flat JSON object of numbers, kept beside the document: the statistics. */
  readonly side?: string
  readonly deadline: number
}

/** A live record with what writers need of it, too. */
export interface Rec extends Stored {
  readonly id: string
  /** Identifies this state of the record: the log id of the commit that wrote it. */
  readonly token: string
  /** The token of the commit that created the record or changed its owner. */
  readonly fence: string
  readonly ttlMs: number
}

/** What is under an id. */
export type Found<R extends Stored = Rec> =
  | { readonly kind: 'live'; readonly rec: R }
  | { readonly kind: 'missing' }
  | { readonly kind: 'corrupt'; readonly why: string }

/** What must hold for a commit to happen. */
export type Guard =
  /** No live record; a lapsed one is finished first. */
  | { readonly kind: 'absent' }
  /** Live and at this token, and at this fence where one is given. */
  | { readonly kind: 'token'; readonly token: string; readonly fence?: string }
  /** Whatever is there. */
  | { readonly kind: 'any' }

/** What a commit writes. */
export type Write =
  /** Nothing; confirms the guard, and renews the lease if asked. */
  | { readonly kind: 'none'; readonly renew: boolean }
  | { readonly kind: 'remove'; readonly lastDoc?: string }
  | {
      readonly kind: 'put'
      readonly doc: string
      /** Sort position of the document in every equality index: its creation time. */
      readonly order: number
      readonly ttlMs: number
      readonly entries: EntriesOf
      /** The event to log when this record's lease has run out. */
      readonly onLapsed: string
      readonly renew: boolean
      /** Whether older fences are stale from here on. */
      readonly newFence: boolean
      /** The side value to set (`{}` clears it); left out: kept. */
      readonly side?: string
    }

/** An event to log with a commit. */
export interface LogEvent {
  readonly type: string
  /** The document that the event shows: the one being written (or `lastDoc`), or the one stored before. */
  readonly shows: 'written' | 'stored'
  readonly changes?: readonly string[]
}

/** One atomic change of one record. */
export interface Commit {
  readonly id: string
  /** The same id again gives the first answer again and changes nothing. */
  readonly opId: string
  readonly guard: Guard
  readonly write: Write
  /** A put or a removal needs at least one: its log id is the record's token. */
  readonly events: readonly LogEvent[]
  /** Who makes the change. */
  readonly source: string
}

/** What became of a commit. */
export type CommitAnswer =
  | {
      readonly kind: 'done'
      readonly token: string
      readonly fence: string
      readonly deadline: number
      readonly side?: string
    }
  /** The guard did not hold; this is there instead. */
  | { readonly kind: 'conflict'; readonly found: Found }

/** A lease to renew, and statistics to merge into the side value on the way. */
export interface Renewal {
  readonly id: string
  readonly fence?: string
  readonly side?: { readonly json: string; readonly scores: EntriesOf<SideScore> }
}

/** What became of a renewal. `missing`: not live. `stale`: the fence is not the record's. */
export type RenewalAnswer = 'alive' | 'missing' | 'stale'

/** One end of a range. */
export interface Bound<T> {
  readonly value: T
  readonly exclusive: boolean
}

/** What lies between two bounds; without one, there is no end on that side. */
export interface Range<T> {
  readonly min?: Bound<T>
  readonly max?: Bound<T>
}

/** A stretch of a number index, or the members of one value of an equality index, within a range of their order. */
export type ScoredSection =
  | {
      readonly kind: 'equality'
      readonly index: string
      readonly value: string
      readonly range: Range<number>
    }
  /** Missing values lie at infinity. */
  | { readonly kind: 'number'; readonly index: string; readonly range: Range<number> }

/** A stretch of an index: it can be walked in order, and its size be told. */
export type Section =
  | ScoredSection
  /** A range without bounds includes the missing values, which come last; one with a bound does not. */
  | { readonly kind: 'text'; readonly index: string; readonly range: Range<string> }

/** That a record is in a section, or that it is not. */
export interface Term {
  readonly section: ScoredSection
  readonly negated: boolean
}

/** A place in an index: the value there (`null`: missing), then the id. It need not be taken. */
export interface Place {
  readonly key: number | string | null
  readonly id: string
}

/** One way to find records: along a section, where terms hold. */
export interface WalkBranch {
  readonly along: Section
  readonly where: readonly Term[]
  /** The share of the members that is expected to match, 0 to 1: a first guess of how many to look at. */
  readonly share: number
}

/**
 * A search for what any of the branches finds, each record once, in the order of their sections or against it. All of
 * them have the same order: that of one index, or the creation, by which equality indexes are sorted.
 */
export interface Walk {
  readonly branches: readonly WalkBranch[]
  readonly descending: boolean
  /** Exclusive. */
  readonly after?: Place | undefined
  /** How many matches are wanted at most. */
  readonly limit: number
  readonly read: 'documents' | 'ids' | 'count'
}

/** A live record that a walk found; `rec` when documents are read. */
export interface Match {
  readonly id: string
  /** Its place's value; only told when ids are read. */
  readonly key?: number | string | null
  readonly rec?: Stored
}

/** What one slice of a walk found. */
export interface Slice {
  /** In the order of the walk; none when only counted. */
  readonly matches: readonly Match[]
  readonly matched: number
  /** Up to where was looked: go on from here. */
  readonly last: Place | undefined
  readonly finished: boolean
}

/** A declared index is not ready (any more): the query has to be planned anew. */
export class IndexGoneError extends Error {}

/** A finished record: the lease ran out, the sweep removed it and logged the event. */
export interface Finished {
  readonly id: string
  readonly type: string
}

/** What guards the work of a leader: it is refused once a higher token was seen under this name. */
export interface Fencing {
  readonly name: string
  readonly token: number
}

/** A leader's work came too late: there is a later leader. */
export class StaleTokenError extends Error {}

/** Who wants to lead what. */
export interface LeadClaim {
  /** What is led. */
  readonly name: string
  /** Unique for each candidate. */
  readonly holder: string
  /** Told to others. */
  readonly label: string
}

/** What became of a claim: the token grows with each holder; `leftMs` until another's lease may be over. */
export type LeadAnswer =
  | { readonly kind: 'done'; readonly token: number }
  | { readonly kind: 'held'; readonly label: string; readonly leftMs: number }

/** An entry of the event log. */
export interface LogRecord {
  /** `<ms>-<sequence>`; the sequence is dense. */
  readonly logId: string
  readonly type: string
  readonly id: string
  readonly doc: string
  readonly side?: string
  readonly deadline: number
  readonly source: string
  readonly changes?: readonly string[]
  readonly opId?: string
  /** Schema version of the event; left out for 1. */
  readonly version?: number
}

/** The id before every entry of a log. */
export const LOG_START = '0-0'

/** Entries of one partition's log. */
export interface LogSlice {
  readonly records: readonly LogRecord[]
  /** What of the log is lost before the first record: cut by retention, or by a failover or a restart. */
  readonly gap?: 'trimmed' | 'rewound'
  /** The id to go on from. */
  readonly next: string
}

/** Told that a partition's log may have grown, and up to which id. */
export type Ring = (partition: number, last: string) => void

/** Told of streams that reported statistics; of `undefined` when listening begins (anew), as some may be missed before. */
export type StatisticsListener = (ids: readonly string[] | undefined) => void

/** What a document should have beside it, for {@link Store.audit}; `undefined` when it is not readable. */
export type Describe = (
  id: string,
  doc: string,
) =>
  | { readonly order: number; readonly ttlMs: number; readonly entries: EntriesOf; readonly onLapsed: string }
  | undefined

/** Something that an audit (`verify` of the registry) found inconsistent. */
export interface Problem {
  readonly kind:
    | 'corrupt-record'
    | 'lost-lease'
    | 'missing-entry'
    | 'dangling-entry'
    | 'dangling-statistics'
    | 'wrong-counter'
    | 'wrong-bookkeeping'
  readonly streamId?: string
  /** The index or counter concerned. */
  readonly index?: string
  readonly message: string
  readonly repaired: boolean
}

/** What {@link Store.audit} looked at, and found. */
export interface AuditReport {
  readonly checked: number
  readonly problems: readonly Problem[]
}

/** What bounds a call: a point on the monotonic clock (`performance.now()`), and the caller's signal. */
export interface Call {
  readonly deadline: number
  readonly signal?: AbortSignal
  /** Nobody waits for it: it must not keep the process alive. */
  readonly isBackground?: boolean
}

/** See the module's comment. Every method rejects with a `RegistryError`, or with `IndexGoneError` where it says so. */
export interface Store {
  /** How many partitions hold the records; a record's partition depends on its id alone. */
  readonly partitions: number
  /** The best estimate of the store's time. Stamps documents, never decides what is alive. */
  now(): number
  /** Milliseconds on a clock that never goes back: that of {@link schedule}. */
  elapsed(): number
  /** Calls back once, after this many milliseconds of the store's time, unless the answer is called before. */
  schedule(ms: number, callback: () => void): () => void
  /** Connects, and checks and declares the layout. Everything else does so by itself. */
  open(call: Call): Promise<void>
  commit(commit: Commit, call: Call): Promise<CommitAnswer>
  renew(renewals: readonly Renewal[], call: Call): Promise<RenewalAnswer[]>
  /** For writers: with the tokens that guard a commit. */
  read(ids: readonly string[], call: Call): Promise<Found[]>
  /** For readers. */
  view(ids: readonly string[], call: Call): Promise<Found<Stored>[]>
  /** The deadlines of the leases that have not run out. */
  leases(ids: readonly string[], call: Call): Promise<readonly (number | undefined)[]>
  /** The declared indexes that hold every record. */
  indexes(call: Call): Promise<readonly IndexDeclaration[]>
  /** How many members the sections have, over all partitions, lapsed ones included. @throws IndexGoneError */
  sizes(sections: readonly Section[], call: Call): Promise<readonly number[]>
  /** The next live matches of one partition, of one instant. Looks at a bounded number. @throws IndexGoneError */
  walk(partition: number, walk: Walk, call: Call): Promise<Slice>
  /**
   * How many live records all terms of a branch hold for, summed over branches that have no record in common; or
   * `undefined` where counting would keep the store busy for too long: walk then. @throws IndexGoneError
   */
  count(branches: readonly (readonly Term[])[], call: Call): Promise<number | undefined>
  /** The live records by the values of a counter index. */
  counters(index: string, call: Call): Promise<Map<string, number>>
  /** Finishes up to `limit` lapsed records. @throws StaleTokenError */
  sweep(limit: number, source: string, call: Call, fencing?: Fencing): Promise<Finished[]>
  /** When the first lease ends that has not been finished; in the past for one that has run out. */
  nextDeadline(call: Call): Promise<number | undefined>
  /** Drops what the log no longer has to keep for its age. */
  trimLog(call: Call): Promise<void>
  /**
   * Gives every lease this long from now, where nobody was heard for longer than a heartbeat takes although leases were
   * alive, and one of them ends within `withinMs`. Once for each silence. Answers how many were prolonged.
   */
  bridgeSilence(graceMs: number, withinMs: number, call: Call): Promise<number>
  /** Takes a leader's lease, or prolongs the holder's own. */
  acquireLead(claim: LeadClaim, leaseMs: number, call: Call): Promise<LeadAnswer>
  /** Prolongs a leader's lease that has not run out. Answers whether it has been. */
  renewLead(claim: LeadClaim & { readonly token: number }, leaseMs: number, call: Call): Promise<boolean>
  /** Gives a leader's lease up, if it is this holder's (and under this token), and tells those who wait. */
  releaseLead(claim: LeadClaim & { readonly token?: number }, call: Call): Promise<void>
  /** Tells which lead was given up, until the answer is called. May miss some. */
  onLeadReleased(listener: (name: string) => void): () => void
  /** A block of `size` numbers that nobody else gets; answers the first. */
  reserveNumbers(size: number, call: Call): Promise<number>
  /** The partition that holds the records and the log of an id. */
  partitionOf(id: string): number
  /** The log of one partition after an id (exclusive), or all that is kept of it; oldest first. */
  readLog(partition: number, after: string | undefined, limit: number, call: Call): Promise<LogSlice>
  /** The entries of one stream that are kept, oldest first. */
  readHistory(id: string, call: Call): Promise<readonly LogRecord[]>
  /** The last id of each partition's log. */
  logEnds(call: Call): Promise<readonly string[]>
  /** Rings whenever a log may have grown, until the answer is called. May ring in vain, and never misses for long. */
  onLog(ring: Ring): () => void
  /** Tells of streams that reported statistics, until the answer is called. */
  onStatistics(listener: StatisticsListener): () => void
  /** Compares records, leases, index entries and counters, and mends them if asked. Safe beside writers. */
  audit(describe: Describe, repair: boolean, call: Call): Promise<AuditReport>
  /** Lets go of what the store opened itself. */
  close(): Promise<void>
}
