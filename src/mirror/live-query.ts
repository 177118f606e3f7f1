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
  /** Whether it is among the rows still. */
  isKept: boolean
  /** The stream as it was told last, while it is in the window. */
  told: Stream<M> | undefined
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
  readonly #rows: Row<M>[] = []
  /** The rows by their ids. */
  readonly #known = new Map<string, Row<M>>()
  /** Whether there may be matches behind the rows. */
  #hasMore = false

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

  /** Looks the result up, before any change. Answers it as a change of nothing, unless it is empty. O(result). */
  begin(): MirrorChange<M> | undefined {
    return this.#tell(this.#refill(), false)
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
    const touched = this.#edge()
    const current = this.#replace(before, row)
    if (current !== undefined) touched.push(current)
    if (this.#rows.length > this.#want) {
      const last = this.#dropLast()
      if (last !== undefined) touched.push(last)
      this.#hasMore = true
    } else if (this.#rows.length < this.#want && this.#hasMore) {
      for (const refilled of this.#refill()) {
        // It stood behind the rows that are known for a moment only.
        if (current !== undefined && refilled.stream.id === id) passOn(current, refilled)
        touched.push(refilled)
      }
    }
    if (this.#skip > 0) touched.push(...this.#edge())
    const hasMoved = !before || !row || this.#order.compare(before.position, row.position) !== 0
    return this.#tell(touched, isQuiet && !hasMoved)
  }

  /** The rows on both sides of the window's beginning: a change before them moves one over it. */
  #edge(): Row<M>[] {
    return this.#skip === 0 ? [] : this.#rows.slice(this.#skip - 1, this.#skip + 1)
  }

  #rowOf(stream: Stream<M>): Row<M> {
    return { stream, position: this.#order.positionOf(stream), isKept: false, told: undefined }
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

  /** Puts a row in the place of another one of the same stream. Answers the one that stands for the stream now. */
  #replace(before: Row<M> | undefined, after: Row<M> | undefined): Row<M> | undefined {
    if (before !== undefined) this.#take(before)
    if (after === undefined) return before
    if (before !== undefined) passOn(before, after)
    this.#insert(after)
    return after
  }

  #take(row: Row<M>): void {
    this.#rows.splice(this.#placeOf(row), 1)
    this.#forget(row)
  }

  #dropLast(): Row<M> | undefined {
    const last = this.#rows.pop()
    if (last !== undefined) this.#forget(last)
    return last
  }

  #forget(row: Row<M>): void {
    row.isKept = false
    this.#known.delete(row.stream.id)
  }

  #keep(row: Row<M>): void {
    row.isKept = true
    this.#known.set(row.stream.id, row)
  }

  /** Unless it stands behind rows that are not known, or before the cursor that the query begins at. */
  #insert(row: Row<M>): void {
    if (this.#after !== undefined && this.#order.compare(row.position, this.#after) <= 0) return
    const place = this.#placeOf(row)
    if (place === this.#rows.length && this.#hasMore) return
    this.#rows.splice(place, 0, row)
    this.#keep(row)
  }

  /** Looks up what has moved into the window. */
  #refill(): Row<M>[] {
    const missing = this.#want - this.#rows.length
    const after = this.#rows.at(-1)?.position ?? this.#after
    const found = findStreams(this.#table, this.#tree, { after, want: missing })
    this.#hasMore = found.length === missing
    const refilled = found.map((stream) => this.#rowOf(stream))
    for (const row of refilled) {
      this.#rows.push(row)
      this.#keep(row)
    }
    return refilled
  }

  /** What of these rows is to be told. One that is named again is told once. */
  #tell(touched: readonly Row<M>[], isQuiet: boolean): MirrorChange<M> | undefined {
    const added: Stream<M>[] = []
    const changed: Stream<M>[] = []
    const removed: Stream<M>[] = []
    for (const row of touched) {
      const before = row.told
      const after = this.#isVisible(row) ? row.stream : undefined
      row.told = after
      if (before === after) continue
      if (after === undefined) removed.push(before as Stream<M>)
      else if (before === undefined) added.push(after)
      else changed.push(after)
    }
    const isSame = added.length === 0 && removed.length === 0 && (isQuiet || changed.length === 0)
    if (isSame) return undefined
    return { added: this.#sorted(added), changed: this.#sorted(changed), removed, result: this.#window() }
  }

  #window(): Stream<M>[] {
    const streams: Stream<M>[] = []
    for (let i = this.#skip; i < this.#rows.length; i++) {
      const row = this.#rows[i]
      if (row !== undefined) streams.push(row.stream)
    }
    return streams
  }

  #isVisible(row: Row<M>): boolean {
    return row.isKept && (this.#skip === 0 || this.#placeOf(row) >= this.#skip)
  }

  #sorted(streams: Stream<M>[]): Stream<M>[] {
    const position = (stream: Stream<M>): SortPosition => this.#order.positionOf(stream)
    return streams.length < 2
      ? streams
      : streams.sort((a, b) => this.#order.compare(position(a), position(b)))
  }
}

/** What was told of a stream's row was told of the one in its place. */
function passOn<M>(before: Row<M>, after: Row<M>): void {
  after.told = before.told
  before.told = undefined
}
