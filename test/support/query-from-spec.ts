import type { Conditions, Query } from '@mirror/stream-registry'
import type { NaiveClause } from '../property/naive-query.ts'
import type { QuerySpec } from '../property/query-arbitraries.ts'

/** Adds conditions that are plain data. */
export function withClauses<C extends Conditions>(conditions: C, clauses: readonly NaiveClause[]): C {
  return clauses.reduce<C>((built, clause) => {
    if ('or' in clause) {
      return built.or(...clause.or.map((inner) => (q: Conditions) => withClauses(q, inner)))
    }
    if ('filter' in clause) return built.filter(clause.filter)
    const [field, op, operand] = clause.where
    return built.where(field as 'metadata.any', op as 'eq', operand as string)
  }, conditions)
}

/** Adds an order that is plain data. */
export function withSort(query: Query, sort: QuerySpec['sort']): Query {
  return sort.reduce((built, [field, direction]) => built.sortBy(field as 'metadata.any', direction), query)
}
