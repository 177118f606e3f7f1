import { STATUS_TYPE_COUNTER, splitStatusTypeCounter } from '../../core/indexes.js'
import { Grouping } from '../../core/query/aggregate.js'
import { matcherOf } from '../../core/query/evaluate.js'
import { type Condition, type GroupedTree, isComparison } from '../../core/query/tree.js'
import type { Call, Store } from '../../core/store.js'
import type { Group } from './query.js'

const COUNTED: ReadonlySet<string> = new Set(['status', 'type'])

/** How many match, if the counters by status and type can tell. One round trip, whatever the number of streams. */
export async function countByCounters(
  where: readonly Condition[],
  store: Store,
  call: Call,
): Promise<number | undefined> {
  if (!where.every(isCounted)) return undefined
  let total = 0
  for (const { count } of await counted(where, store, call)) total += count
  return total
}

/** The groups, if the counters by status and type can tell. */
export async function groupByCounters(
  tree: GroupedTree,
  store: Store,
  call: Call,
): Promise<Group[] | undefined> {
  const { where, groups, aggregates } = tree
  const isTold =
    where.every(isCounted) &&
    groups.every(({ field }) => COUNTED.has(field)) &&
    aggregates.every(({ fn }) => fn === 'count')
  if (!isTold) return undefined
  const grouping = new Grouping(tree)
  for (const { document, count } of await counted(where, store, call)) grouping.addCount(document, count)
  return grouping.results()
}

function isCounted(condition: Condition): boolean {
  return isComparison(condition)
    ? COUNTED.has(condition.field)
    : condition.or.every((conditions) => conditions.every(isCounted))
}

interface Counted {
  readonly document: { readonly status: string; readonly type: string }
  readonly count: number
}

/** The pairs of status and type that match, and how many streams have them. */
async function counted(where: readonly Condition[], store: Store, call: Call): Promise<Counted[]> {
  const matches = matcherOf(where)
  const counters = await store.counters(STATUS_TYPE_COUNTER, call)
  return [...counters].flatMap(([value, count]) => {
    const [status, type] = splitStatusTypeCounter(value) ?? []
    if (status === undefined || type === undefined || count <= 0) return []
    const document = { status, type }
    return matches(document) ? [{ document, count }] : []
  })
}
