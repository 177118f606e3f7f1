/** How a comparison compares. */
export const OPERATORS = [
  'eq',
  'ne',
  'gt',
  'gte',
  'lt',
  'lte',
  'in',
  'nin',
  'like',
  'contains',
  'exists',
] as const

/** How a comparison compares, see `Query.where`. */
export type Operator = (typeof OPERATORS)[number]

/** A value to compare with. Times are RFC 3339 text. */
export type Scalar = string | number | boolean

/** One field against one value; `in` and `nin` take several. */
export interface Comparison {
  /** A dotted path of the stream, e.g. `state.errorCount`. */
  readonly field: string
  readonly op: Operator
  readonly value: Scalar | readonly Scalar[]
}

/** A comparison, or alternatives of which one must hold; the conditions of an alternative must all hold. */
export type Condition = Comparison | { readonly or: readonly (readonly Condition[])[] }

/** Which way a sort goes. */
export type SortDirection = 'asc' | 'desc'

/** One of the fields that a query sorts by. */
export interface SortKey {
  readonly field: string
  readonly direction: SortDirection
}

/** A query as plain data: what a builder made, and what `queryFromJSON` reads. */
export interface QueryTree {
  /** All of them must hold. */
  readonly where: readonly Condition[]
  /** Empty: by `createdAt`. Ties go by id, in the direction of the last key. */
  readonly sort: readonly SortKey[]
  readonly limit?: number
  readonly offset?: number
  /** A cursor: only what comes after it. */
  readonly after?: string
}

/** What an aggregate computes. */
export const AGGREGATE_FUNCTIONS = ['count', 'sum', 'avg', 'min', 'max'] as const

/** What an aggregate computes, see `GroupedQuery.aggregate`. */
export type AggregateFunction = (typeof AGGREGATE_FUNCTIONS)[number]

/** A field under the name that the result gives it. */
export interface NamedField {
  readonly field: string
  readonly as: string
}

/** One figure of each group. */
export type Aggregate =
  | { readonly fn: 'count' }
  | ({ readonly fn: Exclude<AggregateFunction, 'count'> } & NamedField)

/** A grouped query as plain data. */
export interface GroupedTree {
  readonly where: readonly Condition[]
  readonly groups: readonly NamedField[]
  readonly aggregates: readonly Aggregate[]
}

/** The order of a query that names none. */
export const DEFAULT_SORT: readonly SortKey[] = [{ field: 'createdAt', direction: 'asc' }]

/** Whether a condition is a comparison. */
export function isComparison(condition: Condition): condition is Comparison {
  return 'op' in condition
}
