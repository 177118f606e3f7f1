import { nameOf, type QueryPlan, type WalkPlan } from '../../core/query/plan.js'
import { type Condition, isComparison } from '../../core/query/tree.js'

/** How one branch of a query is walked. */
export interface ExplainedWalk {
  /** The index that drives: everything else is asked of its members. `created_at` is all streams. */
  readonly driver: string
  /**
   * How the driver's order serves the query: `sorted` stops as soon as enough is found; `grouped` gives the first sort
   * key's order, ties are sorted here; `unsorted` has to pass the whole driver.
   */
  readonly order: 'sorted' | 'grouped' | 'unsorted'
  readonly descending: boolean
  /** How many members the driver has: the walk looks at no more. */
  readonly candidates: number
  /** What is looked up in other indexes, the rarest first; `not …` excludes. */
  readonly lookups: readonly string[]
}

/** How a query runs. */
export interface Explanation {
  /** Each is walked at once in every partition, and their results are merged. None: nothing can match. */
  readonly walks: readonly ExplainedWalk[]
  /** The conditions that are left to the documents; empty when the indexes say it all. */
  readonly filter: readonly string[]
  /** The candidates of all walks. */
  readonly candidates: number
  readonly partitions: number
}

/** A plan in words. @param left - the conditions that are left to the documents. */
export function explain(plan: QueryPlan, left: readonly Condition[], partitions: number): Explanation {
  return {
    walks: plan.walks.flatMap(explainWalk),
    filter: left.map(showCondition),
    candidates: plan.walks.flatMap(({ branches }) => branches).reduce((sum, { size }) => sum + size, 0),
    partitions,
  }
}

function explainWalk({ branches, order, descending }: WalkPlan): ExplainedWalk[] {
  return branches.map(({ along, size, where }) => ({
    driver: nameOf(along),
    order,
    descending,
    candidates: size,
    lookups: where.map(({ section, negated }) => `${negated ? 'not ' : ''}${nameOf(section)}`),
  }))
}

function showCondition(condition: Condition): string {
  if (isComparison(condition)) return `${condition.field} ${condition.op} ${JSON.stringify(condition.value)}`
  return condition.or
    .map((alternative) => `(${alternative.map(showCondition).join(' and ') || 'anything'})`)
    .join(' or ')
}
