import { QueryError } from '../../core/errors.js'
import {
  comparison,
  cursorText,
  sortKey,
  sortKeys,
  wholeNumber,
  withinLimits,
} from '../../core/query/check.js'
import { filterConditions, type StreamFilter } from '../../core/query/filter.js'
import type { Condition, QueryTree, SortDirection } from '../../core/query/tree.js'
import type { Conditions, QueryShape } from './query.js'

type Alternative<M> = (conditions: Conditions<M>) => Conditions<M>

/** Conditions on their own, as alternatives build them. */
class ConditionList<M> implements Conditions<M> {
  readonly conditions: readonly Condition[]

  constructor(conditions: readonly Condition[]) {
    this.conditions = conditions
  }

  filter(filter: StreamFilter): this {
    return this.#with(filterConditions(filter))
  }

  where(field: unknown, operator: unknown, value: unknown): this {
    return this.#with([comparison(field, operator, value)])
  }

  or(...alternatives: readonly Alternative<M>[]): this {
    return this.#with([alternativesOf(alternatives)])
  }

  #with(added: readonly Condition[]): this {
    return new ConditionList<M>([...this.conditions, ...added]) as this
  }
}

function alternativesOf<M>(alternatives: readonly Alternative<M>[]): Condition {
  if (alternatives.length === 0) throw new QueryError('or takes at least one alternative')
  return Object.freeze({
    or: Object.freeze(
      alternatives.map((build) => {
        if (typeof build !== 'function') throw new QueryError('or takes functions, such as (q) => q.where(…)')
        const built = build(new ConditionList<M>([]))
        if (!(built instanceof ConditionList))
          throw new QueryError('an alternative of or returns its conditions')
        return Object.freeze(built.conditions)
      }),
    ),
  })
}

/** The query of a builder that was told nothing. */
export const EMPTY_QUERY: QueryTree = Object.freeze({ where: Object.freeze([]), sort: Object.freeze([]) })

/** The part of a query builder that does not depend on what runs it. Every argument is checked as it comes. */
export abstract class QueryBuilder<M> implements QueryShape<M> {
  readonly #tree: QueryTree

  constructor(tree: QueryTree) {
    this.#tree = tree
  }

  /** A builder of the same kind for another tree. */
  protected abstract derive(tree: QueryTree): this

  filter(filter: StreamFilter): this {
    return this.#and(filterConditions(filter))
  }

  where(field: unknown, operator: unknown, value: unknown): this {
    return this.#and([comparison(field, operator, value)])
  }

  or(...alternatives: readonly Alternative<M>[]): this {
    return this.#and([alternativesOf(alternatives)])
  }

  #and(added: readonly Condition[]): this {
    return this.#with({ where: Object.freeze(withinLimits([...this.#tree.where, ...added])) })
  }

  sortBy(field: unknown, direction: SortDirection = 'asc'): this {
    return this.#with({ sort: Object.freeze(sortKeys([...this.#tree.sort, sortKey(field, direction)])) })
  }

  limit(limit: number): this {
    return this.#with({ limit: wholeNumber('limit', limit, 1) })
  }

  offset(offset: number): this {
    return this.#with({ offset: wholeNumber('offset', offset, 0) })
  }

  after(cursor: string): this {
    return this.#with({ after: cursorText(cursor) })
  }

  toJSON(): QueryTree {
    return this.#tree
  }

  #with(change: Partial<QueryTree>): this {
    return this.derive(Object.freeze({ ...this.#tree, ...change }))
  }
}
