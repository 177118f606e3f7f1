import type { Stream } from '../core/model/stream.js'
import { matcherOf } from '../core/query/evaluate.js'
import { draftQuery, isSettled, planQuery, type QueryPlan, type WalkPlan } from '../core/query/plan.js'
import { type Order, orderOf, type SortPosition } from '../core/query/sort.js'
import type { Condition, QueryTree } from '../core/query/tree.js'
import { compareScalars } from '../core/query/values.js'
import { sectionSize, walkRecords } from '../memory/memory-search.js'
import { resumeAt } from '../registry/query/lane.js'
import type { StreamTable } from './stream-table.js'

const ALL = Number.POSITIVE_INFINITY

/** Which of a query's matches are asked for. */
interface Part {
  readonly after?: SortPosition | undefined
  readonly want: number
}

/** The first matches of a query behind a place, in its order. */
export function findStreams<M>(
  table: StreamTable<M>,
  { where, sort }: Pick<QueryTree, 'where' | 'sort'>,
  part: Part,
): Stream<M>[] {
  const { walks } = plan(table, { where, sort }, part.want)
  const order = orderOf(sort)
  const [only] = walks
  if (walks.length === 1 && only?.order === 'sorted') return collect(table, only, where, order, part)
  const found = new Map<Stream<M>, SortPosition>()
  for (const walk of walks)
    for (const stream of collect(table, walk, where, order, part)) found.set(stream, order.positionOf(stream))
  const sorted = [...found].sort(([, a], [, b]) => order.compare(a, b))
  return sorted.slice(0, part.want).map(([stream]) => stream)
}

/** How many streams match. */
export function countStreams<M>(table: StreamTable<M>, where: readonly Condition[]): number {
  if (where.length === 0) return table.records.size
  const { walks, covered } = plan(table, { where, sort: [] }, ALL, true)
  const branches = walks.flatMap((walk) => walk.branches)
  const [only] = branches
  if (only === undefined) return 0
  if (covered && branches.length === 1 && only.where.length === 0) return sectionSize(table, only.along)
  const matches = matcherOf(where)
  const found = new Set<unknown>()
  for (const walk of walks)
    for (const { record } of walkRecords(table, walk))
      if (record !== undefined && (covered || matches(record.stream))) found.add(record)
  return found.size
}

function plan<M>(
  table: StreamTable<M>,
  { where, sort }: Pick<QueryTree, 'where' | 'sort'>,
  want: number,
  onlyCounts = false,
): QueryPlan {
  const draft = draftQuery(where, sort, table.declared)
  const sizes = isSettled(draft) ? [] : draft.sections.map((section) => sectionSize(table, section))
  return planQuery(draft, sizes, want, onlyCounts)
}

/** What a walk finds behind a place: as many as are wanted, and more where only later ones can tell. */
function collect<M>(
  table: StreamTable<M>,
  walk: WalkPlan,
  where: readonly Condition[],
  order: Order,
  { after, want }: Part,
): Stream<M>[] {
  const matches = matcherOf(where)
  const { branches, descending } = walk
  const streams: Stream<M>[] = []
  for (const { record } of walkRecords(table, {
    branches,
    descending,
    after: after && resumeAt(walk, after),
  })) {
    if (streams.length >= want && isOver(walk, streams[want - 1], record?.stream, order)) break
    if (record === undefined || !matches(record.stream)) continue
    if (after !== undefined && order.compare(order.positionOf(record.stream), after) <= 0) continue
    streams.push(record.stream)
  }
  return streams
}

/** Whether nothing that a walk still passes can be before the last one that is wanted. */
function isOver(
  { order }: WalkPlan,
  last: Stream<unknown> | undefined,
  next: Stream<unknown> | undefined,
  { positionOf }: Order,
): boolean {
  if (order !== 'grouped') return order === 'sorted'
  if (last === undefined || next === undefined) return false
  return compareScalars(positionOf(last).values[0], positionOf(next).values[0]) !== 0
}
