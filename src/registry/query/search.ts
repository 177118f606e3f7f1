import type { QueryPlan } from '../../core/query/plan.js'
import type { Order, SortPosition } from '../../core/query/sort.js'
import type { Call, Match, Slice, Store, Walk } from '../../core/store.js'
import { earlier, type Frontier, Lane, type Row } from './lane.js'
import { sortInTurns } from './sort-in-turns.js'
import { handled, Turns } from './turns.js'

/** What a search is after. */
export interface SearchOptions<T> {
  readonly plan: QueryPlan
  readonly order: Order
  /** Only what comes after it. */
  readonly after?: SortPosition | undefined
  /** How many rows are wanted at most: `Infinity` for all. */
  readonly want: number
  /** How many documents are read at once. */
  readonly batchSize: number
  /** Whether the next slice is asked for while the last one is worked on. */
  readonly readAhead: boolean
  readonly read: 'documents' | 'ids'
  /** The row of a match, or `undefined` to leave it out. */
  readonly decode: (match: Match) => Row<T> | undefined
}

/** More than a lane's share is asked for, so that chance rarely makes it ask again. */
const SPARE_ROWS = 3

/**
 * Walks all branches of a plan over all partitions at once, and gives their rows on in the query's order.
 *
 * A row is given on only when no walk can bring one before it any more.
 */
export class Search<T> {
  readonly #store: Store
  readonly #options: SearchOptions<T>
  readonly #lanes: readonly Lane<T>[]
  #read = 0
  readonly #turns = new Turns()

  constructor(store: Store, options: SearchOptions<T>) {
    this.#store = store
    this.#options = options
    const { plan, after, want, batchSize } = options
    const count = store.partitions * plan.walks.length
    const share = Math.ceil(Math.min(want, batchSize) / count)
    const size = count === 1 ? share : Math.min(want, share + SPARE_ROWS)
    this.#lanes = Array.from({ length: store.partitions }).flatMap((_, partition) =>
      plan.walks.map((walk) => new Lane<T>(partition, walk, sliceSize(walk.order, size, batchSize), after)),
    )
  }

  get isFinished(): boolean {
    return this.#lanes.every(({ finished, rows }) => finished && rows.length === 0)
  }

  /** How many matches were read so far. */
  get read(): number {
    return this.#read
  }

  /** Everything before it was given on; `undefined` when that cannot be said by a position. */
  get frontier(): SortPosition | undefined {
    const frontier = this.#frontier()
    return typeof frontier === 'object' && frontier.id !== undefined
      ? { values: [frontier.value], id: frontier.id }
      : undefined
  }

  /** The next rows; none when nothing can be given on yet. */
  async next(call: Call): Promise<Row<T>[]> {
    await Promise.all(this.#lanes.map((lane) => (lane.isWaiting ? this.#refill(lane, call) : undefined)))
    await this.#turns.giveWay(call)
    return this.#takeReady(call)
  }

  async #refill(lane: Lane<T>, call: Call): Promise<void> {
    const { want, readAhead, order, batchSize } = this.#options
    const turns = this.#turns
    const slice = await (lane.ahead ?? this.#fetch(lane, lane.last, call))
    lane.ahead = undefined
    if (readAhead && !slice.finished) {
      lane.ahead = handled(this.#fetch(lane, slice.last ?? lane.last, call))
      // The request must leave before decoding keeps this thread busy.
      await new Promise(setImmediate)
    }
    const decode = (match: Match): Row<T> | undefined => this.#decode(match)
    const found = await lane.take(slice, { decode, order, want, turns }, call)
    this.#read += slice.matched
    // Where few of the matches stay, or a whole group has to be passed, small slices would take many round trips.
    const isSlow = found * 2 <= lane.size || lane.walk.order === 'grouped'
    if (isSlow) lane.size = Math.min(lane.size * 2, Math.max(batchSize, lane.size))
  }

  #fetch({ partition, walk, size }: Lane<T>, after: Walk['after'], call: Call): Promise<Slice> {
    const { branches, descending } = walk
    const { read } = this.#options
    return this.#store.walk(partition, { branches, descending, after, limit: size, read }, call)
  }

  /** `all`: everything is known. `undefined`: nothing can be given on. */
  #frontier(): Frontier | 'all' | undefined {
    let least: Frontier | 'all' = 'all'
    for (const lane of this.#lanes) {
      if (lane.finished) continue
      const { frontier } = lane
      if (frontier === undefined) return undefined
      least = least === 'all' ? frontier : earlier(least, frontier, this.#options.order)
    }
    return least
  }

  /** The row of a match that comes after the position that the search began at. */
  #decode(match: Match): Row<T> | undefined {
    const { decode, order, after } = this.#options
    const row = decode(match)
    if (row === undefined || after === undefined || order.compare(row.position, after) > 0) return row
    return undefined
  }

  async #takeReady(call: Call): Promise<Row<T>[]> {
    const [only] = this.#lanes
    if (this.#lanes.length === 1 && only?.walk.order === 'sorted') return only.rows.splice(0)
    const frontier = this.#frontier()
    if (frontier === undefined) return []
    const { order } = this.#options
    const ready = this.#lanes.flatMap((lane) => lane.takeReady(frontier, order))
    const compare = (a: Row<T>, b: Row<T>): number => order.compare(a.position, b.position)
    const sorted = await sortInTurns(ready, compare, this.#turns, call)
    // What two walks found stands at one place.
    return sorted.filter(({ id }, i) => id !== sorted[i - 1]?.id)
  }
}

/** A walk out of order has to pass everything: then few large slices are best. */
function sliceSize(order: string, size: number, batchSize: number): number {
  return order === 'unsorted' ? batchSize : Math.max(1, size)
}
