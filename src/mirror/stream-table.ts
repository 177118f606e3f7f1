import { entriesOf } from '../core/indexes.js'
import type { Stream } from '../core/model/stream.js'
import { statisticsToJSON } from '../core/model/wire.js'
import type { IndexDeclaration } from '../core/store.js'
import { MemoryIndexes, type PlacedEntry } from '../memory/memory-indexes.js'
import type { Searched } from '../memory/memory-search.js'
import { type Item, SortedItems } from '../memory/sorted-items.js'

/** A stream as the mirror keeps it. */
export interface TableRow<M> {
  readonly stream: Stream<M>
  /** The log id of the commit that left the document like this. */
  readonly token: string
  readonly deadline: number
  readonly entries: readonly PlacedEntry[]
}

/** Streams in memory, with their indexes and leases. */
export class StreamTable<M> implements Searched<TableRow<M>> {
  readonly records: Map<string, TableRow<M>> = new Map()
  readonly indexes: MemoryIndexes = new MemoryIndexes()
  readonly declared: readonly IndexDeclaration[]
  readonly #leases = new SortedItems()
  readonly #hasMeasures: boolean

  constructor(declared: readonly IndexDeclaration[]) {
    this.declared = declared
    this.#hasMeasures = declared.some(({ field }) => field.startsWith('statistics.'))
  }

  /** Takes a stream in, in the place of what was known of it. */
  put(stream: Stream<M>, token: string): void {
    const { id, createdAt } = stream
    const side = this.#hasMeasures ? JSON.stringify(statisticsToJSON(stream.statistics)) : undefined
    const entries = this.indexes.place(entriesOf(stream)(this.declared), id, createdAt.getTime(), side)
    this.#replace(this.records.get(id), { stream, token, deadline: deadlineOf(stream), entries }, id)
  }

  /** Takes note of another end of a lease. Nothing that is indexed changes. */
  renew(row: TableRow<M>, deadline: number): Stream<M> {
    const lastHeartbeat = new Date(deadline - row.stream.ttlMs)
    const stream = { ...row.stream, lastHeartbeat }
    this.#replace(row, { ...row, stream, deadline }, stream.id)
    return stream
  }

  remove(id: string): void {
    this.#replace(this.records.get(id), undefined, id)
  }

  #replace(before: TableRow<M> | undefined, after: TableRow<M> | undefined, id: string): void {
    if (before !== undefined) this.#leases.delete(leaseOf(before))
    if (after !== undefined) this.#leases.add(leaseOf(after))
    if (after === undefined) this.records.delete(id)
    else this.records.set(id, after)
    this.indexes.replace(before?.entries ?? [], after?.entries ?? [])
  }

  /** The streams whose leases end until then, as far as is known. */
  endingUntil(time: number): string[] {
    const ids: string[] = []
    for (const { rank, id } of this.#leases.from()) {
      if (Number(rank) > time) break
      ids.push(id)
    }
    return ids
  }

  /** When the first lease ends, as far as is known. */
  get nextDeadline(): number | undefined {
    const [first] = this.#leases.from()
    return first && Number(first.rank)
  }
}

/** When the lease of a stream ends. */
function deadlineOf({ lastHeartbeat, ttlMs }: Stream<unknown>): number {
  return lastHeartbeat.getTime() + ttlMs
}

function leaseOf<M>({ deadline, stream: { id } }: TableRow<M>): Item {
  return { rank: deadline, id }
}
