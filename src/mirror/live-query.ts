import type { Metadata, Stream } from '../core/model/stream.js'
import { type Matcher, matcherOf } from '../core/query/evaluate.js'
import { type Order, orderOf, type SortPosition } from '../core/query/sort.js'
import type { QueryTree } from '../core/query/tree.js'
import { partOf } from '../registry/query/part.js'
import { findStreams } from './find.js'
import type { StreamTable } from './stream-table.js'

/** How the result of a watched query has changed. */
export interface MirrorChange<M = Metadata> {
  /** Streams that are in the result now. */
  readonly added: readonly Stream<M>[]
  /** Streams that were in it before and are not the same any more, as they are now. */
  readonly changed: readonly Stream<M>[]
  /** Streams that are not in it any more, as they were last. */
  readonly removed: readonly Stream<M>[]
  /** The whole result, in the query's order: an array of its own. */
  readonly result: readonly Stream<M>[]
}

interface Row<M> {
  readonly stream: Stream<M>
  readonly position: SortPosition
}

/**
 * The result of a query, kept up to date change by change.
 *
 * Keeps the matches up to the end of the window; what comes behind is looked up in the table when one leaves.
 */
export class LiveQuery<M> {
  readonly #table: StreamTable<M>
  readonly #tree: QueryTree
  readonly #matches: Matcher
  readonly #order: Order
  readonly #after: SortPosition | undefined
  readonly #skip: number
  readonly #want: number
  #rows: Row<M>[] = []
  /** Where each row stands, by its id. */
  readonly #known = new Map<string, Row<M>>()
  /** Whether there may be matches behind the rows. */
  #hasMore = false
  /** The window as it was told last. */
  readonly #shown = new Map<string, Stream<M>>()

  constructor(table: StreamTable<M>, tree: QueryTree) {
    const { after, skip, limit } = partOf(tree)
    this.#table = table
    this.#tree = tree
    this.#matches = matcherOf(tree.where)
    this.#order = orderOf(tree.sort)
    this.#after = after
    this.#skip = skip
    this.#want = skip + limit
  }

  /** Looks everything up anew. Answers what is different, if anything is. O(result). */
  renew(): MirrorChange<M> | undefined {
    const found = findStreams(this.#table, this.#tree, { after: this.#after, want: this.#want })
    this.#rows = found.map((stream) => this.#rowOf(stream))
    this.#known.clear()
    for (const row of this.#rows) this.#known.set(row.stream.id, row)
    this.#hasMore = found.length === this.#want
    return this.#tell(new Set([...this.#shown.keys(), ...this.#known.keys()]), false)
  }

  /**
   * Takes a change of one stream in, after the table did. Answers what is different, if anything is. O(log result),
   * and O(window) where the result has changed.
   *
   * @param isQuiet - whether a stream that stays where it is needs no word.
   */
  apply(id: string, after: Stream<M> | undefined, isQuiet: boolean): MirrorChange<M> | undefined {
    const before = this.#known.get(id)
    const row = after !== undefined && this.#matches(after) ? this.#rowOf(after) : undefined
    if (before === undefined && row === undefined) return undefined
    const touched = new Set([id, ...this.#edge()])
    if (before !== undefined) this.#take(before)
    if (row !== undefined) this.#insert(row)
    if (this.#rows.length > this.#want) {
      const [last] = this.#rows.slice(-1)
      if (last !== undefined) this.#take(last)
      if (last !== undefined) touched.add(last.stream.id)
      this.#hasMore = true
    } else if (this.#rows.length < this.#want && this.#hasMore) {
      for (const refilled of this.#refill()) touched.add(refilled)
    }
    for (const edge of this.#edge()) touched.add(edge)
    const hasMoved = !before || !row || this.#order.compare(before.position, row.position) !== 0
    return this.#tell(touched, isQuiet && !hasMoved)
  }

  /** The streams on both sides of the window's beginning: a change before them moves one over it. */
  #edge(): string[] {
    if (this.#skip === 0) return []
    return this.#rows.slice(this.#skip - 1, this.#skip + 1).map(({ stream }) => stream.id)
  }

  #rowOf(stream: Stream<M>): Row<M> {
    return { stream, position: this.#order.positionOf(stream) }
  }

  /** Where a row is, or would be. */
  #placeOf({ position }: Row<M>): number {
    let low = 0
    let high = this.#rows.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const row = this.#rows[middle]
      if (row !== undefined && this.#order.compare(row.position, position) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #take(row: Row<M>): void {
    this.#rows.splice(this.#placeOf(row), 1)
    this.#known.delete(row.stream.id)
  }

  /** Unless it stands behind rows that are not known, or before the cursor that the query begins at. */
  #insert(row: Row<M>): void {
    if (this.#after !== undefined && this.#order.compare(row.position, this.#after) <= 0) return
    const place = this.#placeOf(row)
    if (place === this.#rows.length && this.#hasMore) return
    this.#rows.splice(place, 0, row)
    this.#known.set(row.stream.id, row)
  }

  /** Looks up what has moved into the window. */
  #refill(): string[] {
    const missing = this.#want - this.#rows.length
    const after = this.#rows.at(-1)?.position ?? this.#after
    const found = findStreams(this.#table, this.#tree, { after, want: missing })
    this.#hasMore = found.length === missing
    for (const stream of found) {
      const row = this.#rowOf(stream)
      this.#rows.push(row)
      this.#known.set(stream.id, row)
    }
    return found.map(({ id }) => id)
  }

  /** What of these streams is to be told. */
  #tell(touched: Iterable<string>, isQuiet: boolean): MirrorChange<M> | undefined {
    const added: Stream<M>[] = []
    const changed: Stream<M>[] = []
    const removed: Stream<M>[] = []
    for (const id of touched) {
      const before = this.#shown.get(id)
      const after = this.#visible(id)
      if (before === after) continue
      if (after === undefined) this.#shown.delete(id)
      else this.#shown.set(id, after)
      if (before === undefined) added.push(after as Stream<M>)
      else if (after === undefined) removed.push(before)
      else changed.push(after)
    }
    const isSame = added.length === 0 && removed.length === 0 && (isQuiet || changed.length === 0)
    if (isSame) return undefined
    const result = this.#rows.slice(this.#skip).map(({ stream }) => stream)
    return { added: this.#sorted(added), changed: this.#sorted(changed), removed, result }
  }

  #visible(id: string): Stream<M> | undefined {
    const row = this.#known.get(id)
    if (row === undefined || (this.#skip > 0 && this.#placeOf(row) < this.#skip)) return undefined
    return row.stream
  }

  #sorted(streams: Stream<M>[]): Stream<M>[] {
    const position = (stream: Stream<M>): SortPosition => this.#order.positionOf(stream)
    return streams.length < 2
      ? streams
      : streams.sort((a, b) => this.#order.compare(position(a), position(b)))
  }
}
