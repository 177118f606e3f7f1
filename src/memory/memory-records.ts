import { MemoryIndexes, type PlacedEntry } from './memory-indexes.js'
import type { MemoryRecord } from './memory-record.js'
import { AFTER_ALL_IDS, type Searched } from './memory-search.js'
import { type Item, SortedItems } from './sorted-items.js'

const NO_ENTRIES: readonly PlacedEntry[] = []

/** The records of a store in memory, with their indexes and leases. */
export class MemoryRecords implements Searched<MemoryRecord> {
  readonly records: Map<string, MemoryRecord> = new Map()
  readonly indexes: MemoryIndexes = new MemoryIndexes()
  readonly leases: SortedItems = new SortedItems()
  /** When a lease was renewed last. */
  #heardAt: number | undefined
  /** The silence after which leases were prolonged: when somebody was heard before it. */
  #bridged: number | undefined

  /** Puts a record in the place of another. */
  replace(before: MemoryRecord | undefined, after: MemoryRecord | undefined, now: number): void {
    if (before !== undefined) {
      this.records.delete(before.id)
      this.leases.delete(leaseOf(before))
    }
    if (after !== undefined) {
      if (after.deadline !== before?.deadline) this.#heardAt = now
      this.records.set(after.id, after)
      this.leases.add(leaseOf(after))
    }
    this.indexes.replace(before?.entries ?? NO_ENTRIES, after?.entries ?? NO_ENTRIES)
  }

  /** Renews a lease. */
  renew(record: MemoryRecord, now: number): MemoryRecord {
    this.#heardAt = now
    return this.#prolong(record, now + record.ttlMs)
  }

  #prolong(record: MemoryRecord, deadline: number): MemoryRecord {
    const prolonged = { ...record, deadline }
    this.leases.delete(leaseOf(record))
    this.leases.add(leaseOf(prolonged))
    this.records.set(record.id, prolonged)
    return prolonged
  }

  /** When the first lease ends, or ended. */
  get nextDeadline(): number | undefined {
    const [first] = this.leases.from()
    return first && Number(first.rank)
  }

  /** The records whose leases have run out, the longest lapsed first. */
  *lapsed(now: number): Generator<MemoryRecord, void, undefined> {
    for (const { rank, id } of this.leases.from()) {
      if (Number(rank) > now) return
      const record = this.records.get(id)
      if (record !== undefined) yield record
    }
  }

  /** As `Store.bridgeSilence`; answers the ids. */
  bridgeSilence(graceMs: number, withinMs: number, now: number): string[] {
    const heardAt = this.#heardAt
    if (heardAt === undefined || this.#bridged === heardAt) return []
    const alive = [...this.leases.from({ rank: heardAt, id: AFTER_ALL_IDS })]
    const first = this.records.get(alive[0]?.id ?? '')
    if (first === undefined || first.deadline > now + withinMs || now - heardAt <= first.ttlMs / 3) return []
    this.#bridged = heardAt
    const short = alive.flatMap(({ id }) => this.records.get(id) ?? [])
    const prolonged = short.filter(({ deadline }) => deadline < now + graceMs)
    for (const record of prolonged) this.#prolong(record, now + graceMs)
    return prolonged.map(({ id }) => id)
  }
}

function leaseOf({ deadline, id }: MemoryRecord): Item {
  return { rank: deadline, id }
}
