import { QueryError } from '../errors.js'
import { textProblem } from '../model/text.js'
import { type Field, fieldOf } from './fields.js'
import { patternLength } from './like.js'
import {
  AGGREGATE_FUNCTIONS,
  type Aggregate,
  type AggregateFunction,
  type Comparison,
  type Condition,
  isComparison,
  type NamedField,
  OPERATORS,
  type Operator,
  type Scalar,
  type SortKey,
} from './tree.js'

/** What a query may hold at most. */
export const QUERY_LIMITS = {
  /** Comparisons in all. */
  maxComparisons: 128,
  /** How deep `or` may nest. */
  maxDepth: 8,
  /** Values of one `in` or `nin`. */
  maxValues: 1_000,
  /** Characters of a text to compare with. */
  maxTextLength: 1_024,
  /** Characters of a `like` pattern, stars in a row counted once. */
  maxPatternLength: 256,
  /** Comparisons by `like` and `contains`: these are the dear ones. */
  maxPatterns: 32,
  maxSortKeys: 8,
  /** Fields that a query groups by. */
  maxGroups: 8,
  /** Groups that come of it. */
  maxResultGroups: 100_000,
  maxAggregates: 32,
} as const

const ORDERED: ReadonlySet<Operator> = new Set(['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'nin', 'exists'])
const OPERATORS_OF: Readonly<Record<Field['kind'], ReadonlySet<Operator>>> = {
  text: new Set([...ORDERED, 'like', 'contains']),
  number: ORDERED,
  date: ORDERED,
  list: new Set(['contains', 'exists']),
  json: new Set(OPERATORS),
}

/** A comparison of checked parts, its field in canonical form. @throws QueryError */
export function comparison(field: unknown, op: unknown, value: unknown): Comparison {
  const known = fieldOf(field)
  if (!OPERATORS.includes(op as Operator)) throw new QueryError(`unknown operator: ${show(op)}`)
  const operator = op as Operator
  if (!OPERATORS_OF[known.kind].has(operator))
    throw new QueryError(`${known.path} is a ${known.kind}: it does not take ${operator}`)
  return Object.freeze({ field: known.path, op: operator, value: operandsOf(known, operator, value) })
}

function operandsOf(field: Field, op: Operator, value: unknown): Comparison['value'] {
  switch (op) {
    case 'exists':
      if (typeof value !== 'boolean') throw wrongValue(field, op, 'true or false', value)
      return value
    case 'in':
    case 'nin':
      if (!Array.isArray(value)) throw wrongValue(field, op, 'an array', value)
      if (value.length > QUERY_LIMITS.maxValues)
        throw new QueryError(`${op} takes at most ${QUERY_LIMITS.maxValues} values`)
      // Not `map`: it would pass over holes.
      return Object.freeze(Array.from(value, (member: unknown) => operandOf(field, op, member)))
    case 'like':
      if (patternLength(textOf(field, op, value)) > QUERY_LIMITS.maxPatternLength)
        throw new QueryError(`like takes a pattern of at most ${QUERY_LIMITS.maxPatternLength} characters`)
      return value as string
    case 'contains':
      if (field.kind !== 'json') return textOperand(field, op, value)
      return operandOf(field, op, value)
    default:
      return operandOf(field, op, value)
  }
}

function operandOf(field: Field, op: Operator, value: unknown): Scalar {
  switch (field.kind) {
    case 'number':
      return numberOperand(field, op, value)
    case 'date':
      if (!(value instanceof Date) || Number.isNaN(value.getTime()))
        throw wrongValue(field, op, 'a valid Date', value)
      return value.toISOString()
    case 'json':
      if (typeof value === 'boolean') return orderless(field, op, value)
      return typeof value === 'number' ? numberOperand(field, op, value) : textOperand(field, op, value)
    default:
      return textOperand(field, op, value)
  }
}

function orderless(field: Field, op: Operator, value: boolean): boolean {
  if (op === 'gt' || op === 'gte' || op === 'lt' || op === 'lte')
    throw wrongValue(field, op, 'a number or text', value)
  return value
}

function numberOperand(field: Field, op: Operator, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw wrongValue(field, op, 'a finite number', value)
  return value
}

function textOf(field: Field, op: Operator, value: unknown): string {
  if (typeof value !== 'string') throw wrongValue(field, op, 'text', value)
  const problem = textProblem(value)
  if (problem !== undefined) throw new QueryError(`the value of ${field.path} ${op} ${problem}`)
  return value
}

function textOperand(field: Field, op: Operator, given: unknown): string {
  const value = textOf(field, op, given)
  if (value.length > QUERY_LIMITS.maxTextLength)
    throw new QueryError(`${field.path} ${op} takes at most ${QUERY_LIMITS.maxTextLength} characters`)
  const isWhole = op === 'eq' || op === 'ne' || op === 'in' || op === 'nin'
  if (isWhole && field.values !== undefined && !field.values.includes(value))
    throw new QueryError(`${field.path} is never ${show(value)}: it is one of ${field.values.join(', ')}`)
  return value
}

function wrongValue(field: Field, op: Operator, wanted: string, value: unknown): QueryError {
  return new QueryError(`${field.path} ${op} takes ${wanted}, not ${show(value)}`)
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 64))
  return value === null || typeof value !== 'object' ? String(value) : 'an object'
}

/** The same conditions, if they are not too many. @throws QueryError */
export function withinLimits(where: readonly Condition[]): readonly Condition[] {
  const { maxComparisons, maxPatterns } = QUERY_LIMITS
  if (countComparisons(where, 0, () => true) > maxComparisons)
    throw new QueryError(`a query takes at most ${maxComparisons} comparisons`)
  if (countComparisons(where, 0, isPattern) > maxPatterns)
    throw new QueryError(`a query takes at most ${maxPatterns} comparisons by like and contains`)
  return where
}

function isPattern({ field, op }: Comparison): boolean {
  return op === 'like' || (op === 'contains' && fieldOf(field).kind !== 'list')
}

function countComparisons(
  where: readonly Condition[],
  depth: number,
  counts: (comparison: Comparison) => boolean,
): number {
  if (depth > QUERY_LIMITS.maxDepth) throw new QueryError(`or nests ${QUERY_LIMITS.maxDepth} deep at most`)
  let count = 0
  for (const condition of where) {
    if (isComparison(condition)) count += Number(counts(condition))
    else {
      // An alternative without conditions counts, too: it must not make a tree without end.
      for (const branch of condition.or)
        count += branch.length === 0 ? 1 : countComparisons(branch, depth + 1, counts)
    }
  }
  return count
}

/** A checked sort key. @throws QueryError */
export function sortKey(field: unknown, direction: unknown): SortKey {
  const { path, kind } = fieldOf(field)
  if (kind === 'list') throw new QueryError(`cannot sort by ${path}: it holds several values`)
  if (direction !== 'asc' && direction !== 'desc')
    throw new QueryError(`a sort direction is asc or desc, not ${show(direction)}`)
  return { field: path, direction }
}

/** The same sort keys, if they are not too many. @throws QueryError */
export function sortKeys(keys: readonly SortKey[]): readonly SortKey[] {
  if (keys.length > QUERY_LIMITS.maxSortKeys)
    throw new QueryError(`a query sorts by at most ${QUERY_LIMITS.maxSortKeys} fields`)
  return keys
}

/** A whole number from `least` on. @throws QueryError */
export function wholeNumber(what: string, value: unknown, least: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < least)
    throw new QueryError(`${what} takes a whole number from ${least} on, not ${show(value)}`)
  return value as number
}

/** A cursor, as far as can be told without its query. @throws QueryError */
export function cursorText(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new QueryError('after takes the cursor of a page')
  return value
}

/** A field to group by. @throws QueryError */
export function groupKey(field: unknown): NamedField {
  const { path, kind } = fieldOf(field)
  if (kind === 'list') throw new QueryError(`cannot group by ${path}: it holds several values`)
  return { field: path, as: String(field) }
}

/** A checked aggregate. @throws QueryError */
export function aggregate(fn: unknown, field: unknown): Aggregate {
  if (!AGGREGATE_FUNCTIONS.includes(fn as AggregateFunction))
    throw new QueryError(`unknown aggregate: ${show(fn)}`)
  const name = fn as AggregateFunction
  if (name === 'count') {
    if (field !== '*') throw new QueryError("count takes '*'")
    return { fn: name }
  }
  const { path, kind } = fieldOf(field)
  const takesDates = name === 'min' || name === 'max'
  if (kind === 'number' || kind === 'json' || (takesDates && kind === 'date'))
    return { fn: name, field: path, as: String(field) }
  throw new QueryError(`${name} takes a number${takesDates ? ' or a date' : ''}: ${path} is a ${kind}`)
}

/** The same groups, if they are not too many. @throws QueryError */
export function groupKeys(groups: readonly NamedField[]): readonly NamedField[] {
  if (groups.length > QUERY_LIMITS.maxGroups)
    throw new QueryError(`a query groups by at most ${QUERY_LIMITS.maxGroups} fields`)
  return groups
}

/** The same aggregates, if they are not too many. @throws QueryError */
export function aggregates(list: readonly Aggregate[]): readonly Aggregate[] {
  if (list.length > QUERY_LIMITS.maxAggregates)
    throw new QueryError(`a query takes at most ${QUERY_LIMITS.maxAggregates} aggregates`)
  return list
}
