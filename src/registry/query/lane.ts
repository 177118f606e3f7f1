import type { WalkPlan } from '../../core/query/plan.js'
import type { Order, SortPosition } from '../../core/query/sort.js'
import type { Scalar } from '../../core/query/tree.js'
import { compareIds, compareScalars } from '../../core/query/values.js'
import type { Call, Match, Place, Slice } from '../../core/store.js'
import type { Turns } from './turns.js'

/** Something that a search found. */
export class Row<T> {
  readonly id: string
  readonly item: T
  readonly #positionOf: (item: never) => SortPosition
  #position: SortPosition | undefined

  constructor(id: string, item: T, positionOf: (item: T) => SortPosition) {
    this.id = id
    this.item = item
    this.#positionOf = positionOf
  }

  /** Where it stands in the query's order: only told when asked for, as one walk alone is in order by itself. */
  get position(): SortPosition {
    this.#position ??= this.#positionOf(this.item as never)
    return this.#position
  }
}

/** Up to where everything is known: no row that is still to come stands before it. */
export interface Frontier {
  readonly value: Scalar | undefined
  /** Left out: of the rows with this very value, more may come. */
  readonly id?: string
}

// Ids begin with a letter or digit and hold nothing beyond `~`.
const BEFORE_ALL_IDS = ''
const AFTER_ALL_IDS = '\x7f'

/** How a lane takes a slice in. */
export interface TakeOptions<T> {
  readonly decode: (match: Match) => Row<T> | undefined
  readonly order: Order
  /** How many rows the whole search is after. */
  readonly want: number
  readonly turns: Turns
}

/** One walk over one partition: what was read of it and not yet given on. */
export class Lane<T> {
  readonly partition: number
  readonly walk: WalkPlan
  rows: Row<T>[] = []
  last: Place | undefined
  finished = false
  /** How much is asked for next. */
  size: number
  /** The next slice, on its way while the last one is worked on. */
  ahead: Promise<Slice> | undefined

  constructor(partition: number, walk: WalkPlan, size: number, after: SortPosition | undefined) {
    this.partition = partition
    this.walk = walk
    this.size = size
    this.last = after && resumeAt(walk, after)
  }

  /** Whether more has to be read before rows can be given on. */
  get isWaiting(): boolean {
    return !this.finished && (this.walk.order !== 'sorted' || this.rows.length === 0)
  }

  /** `undefined`: no row can be given on yet. */
  get frontier(): Frontier | undefined {
    if (this.walk.order === 'unsorted' || this.last === undefined) return undefined
    const value = this.last.key ?? undefined
    return this.walk.order === 'sorted' ? { value, id: this.last.id } : { value }
  }

  /** Takes a slice in, and answers how many rows that made. */
  async take(
    { matches, last, finished }: Slice,
    { decode, order, want, turns }: TakeOptions<T>,
    call: Call,
  ): Promise<number> {
    this.last = last ?? this.last
    this.finished = finished
    const before = this.rows.length
    for (const match of matches) {
      const row = decode(match)
      if (row !== undefined) this.rows.push(row)
      if (turns.areOver) await turns.giveWay(call)
    }
    const found = this.rows.length - before
    if (this.walk.order !== 'sorted') this.#keepBest(order, want)
    return found
  }

  /** Takes the rows out that nothing can come before any more. */
  takeReady(frontier: Frontier | 'all', order: Order): Row<T>[] {
    if (frontier === 'all') return this.rows.splice(0)
    const ready: Row<T>[] = []
    const kept: Row<T>[] = []
    for (const row of this.rows) (isReady(row.position, frontier, order) ? ready : kept).push(row)
    this.rows = kept
    return ready
  }

  /** A walk that is not in order passes everything; only the best can be among what is wanted. */
  #keepBest(order: Order, want: number): void {
    if (this.rows.length <= want * 2 + 1_000) return
    // What moved ahead of the walk was found more than once, and must not push others out.
    const latest = new Map(this.rows.map((row) => [row.id, row]))
    this.rows = [...latest.values()].sort((a, b) => order.compare(a.position, b.position)).slice(0, want)
  }
}

/** Whether a row stands at or before a frontier. */
function isReady({ values, id }: SortPosition, frontier: Frontier, { keys }: Order): boolean {
  const sign = keys[0]?.direction === 'desc' ? -1 : 1
  const order = compareScalars(values[0], frontier.value) * sign
  if (order !== 0) return order < 0
  return frontier.id !== undefined && compareIds(id, frontier.id) * sign <= 0
}

/** The one of two frontiers that comes first. */
export function earlier(a: Frontier, b: Frontier, { keys }: Order): Frontier {
  const sign = keys[0]?.direction === 'desc' ? -1 : 1
  const order = compareScalars(a.value, b.value) * sign
  if (order !== 0) return order < 0 ? a : b
  if (a.id === undefined || b.id === undefined) return a.id === undefined ? a : b
  return compareIds(a.id, b.id) * sign <= 0 ? a : b
}

/** Where a walk goes on behind a position of the query's order; rows up to it may come once more. */
export function resumeAt(
  { branches, order, descending }: WalkPlan,
  { values, id }: SortPosition,
): Place | undefined {
  const isText = branches[0]?.along.kind === 'text'
  if (order === 'unsorted') return undefined
  const [value] = values
  if (value !== undefined && typeof value !== (isText ? 'string' : 'number'))
    return besideTypes(value, isText, descending)
  const key = (value ?? null) as number | string | null
  if (order === 'sorted') return { key, id }
  return { key, id: descending ? AFTER_ALL_IDS : BEFORE_ALL_IDS }
}

/**
 * Where an index is after a value that it does not hold, as it is of another type: numbers come first, then text,
 * then booleans, then what is missing.
 */
function besideTypes(value: Scalar, isText: boolean, descending: boolean): Place | undefined {
  const endOfValues: Place = { key: null, id: BEFORE_ALL_IDS }
  if (!isText || typeof value === 'boolean') return endOfValues
  return descending ? { key: '', id: BEFORE_ALL_IDS } : undefined
}
