import { QueryError } from '../errors.js'
import { isPlainObject } from '../model/json.js'
import { parseTime } from '../model/time.js'
import {
  comparison,
  cursorText,
  QUERY_LIMITS,
  sortKey,
  sortKeys,
  wholeNumber,
  withinLimits,
} from './check.js'
import { fieldOf } from './fields.js'
import type { Condition, QueryTree, SortKey } from './tree.js'

/** What {@link queryFromJSON} accepts at most. */
export interface QueryFromJSONOptions {
  /** The largest `limit`, and the limit of a query that names none. Default 1,000. */
  readonly maxLimit?: number
  /** The largest `offset`. Default 10,000: a cursor goes further at no cost. */
  readonly maxOffset?: number
}

const PARTS = ['where', 'sort', 'limit', 'offset', 'after']
const MAX_JSON_LENGTH = 65_536
/** Far more than a query takes: what is longer is not worth a look. */
const MAX_LIST_LENGTH = 1_000

/**
 * A query from JSON that nobody vouches for, as an object or as text: checked, bounded, and ready for
 * `registry.query(tree)`. Field names may be snake_case; times are RFC 3339 text with a zone.
 *
 * @throws QueryError naming what is wrong.
 * @example
 * queryFromJSON({
 *   where: [
 *     { field: 'status', op: 'eq', value: 'active' },
 *     { or: [[{ field: 'error_count', op: 'gt', value: 10 }], [{ field: 'tags', op: 'contains', value: 'vip' }]] },
 *   ],
 *   sort: [{ field: 'created_at', direction: 'desc' }],
 *   limit: 10,
 * })
 */
export function queryFromJSON(json: unknown, options: QueryFromJSONOptions = {}): QueryTree {
  const maxLimit = wholeNumber('maxLimit', options.maxLimit ?? 1_000, 1)
  const maxOffset = wholeNumber('maxOffset', options.maxOffset ?? 10_000, 0)
  const tree = checkedTree(typeof json === 'string' ? parsed(json) : json)
  const { limit = maxLimit, offset = 0 } = tree
  if (limit > maxLimit) throw new QueryError(`limit is at most ${maxLimit}`)
  if (offset > maxOffset) throw new QueryError(`offset is at most ${maxOffset}: page with after instead`)
  return Object.freeze({ ...tree, limit })
}

/** A query tree of checked parts, fields in canonical form. @throws QueryError */
export function checkedTree(json: unknown): QueryTree {
  const { where, sort, limit, offset, after } = objectOf(json, 'a query', PARTS)
  const tree = {
    where: Object.freeze(withinLimits(conditionsOf(where ?? [], 0))),
    sort: Object.freeze(sortKeys(listOf(sort ?? [], 'sort').map(sortKeyOf))),
  }
  return Object.freeze({
    ...tree,
    ...(limit != null && { limit: wholeNumber('limit', limit, 1) }),
    ...(offset != null && { offset: wholeNumber('offset', offset, 0) }),
    ...(after != null && { after: cursorText(after) }),
  })
}

function parsed(text: string): unknown {
  if (text.length > MAX_JSON_LENGTH)
    throw new QueryError(`a query has at most ${MAX_JSON_LENGTH} characters of JSON`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new QueryError('a query must be JSON', { cause })
  }
}

function conditionsOf(json: unknown, depth: number): Condition[] {
  return listOf(json, 'where').map((condition) => conditionOf(condition, depth))
}

function conditionOf(json: unknown, depth: number): Condition {
  if (isPlainObject(json) && 'or' in json) {
    const { or } = objectOf(json, 'a condition', ['or'])
    const alternatives = listOf(or, 'or')
    if (alternatives.length === 0) throw new QueryError('or takes at least one alternative')
    // Before going deeper, so that no JSON exhausts the stack.
    if (depth >= QUERY_LIMITS.maxDepth) throw new QueryError(`or nests ${QUERY_LIMITS.maxDepth} deep at most`)
    const checked = alternatives.map((each) => Object.freeze(conditionsOf(each, depth + 1)))
    return Object.freeze({ or: Object.freeze(checked) })
  }
  const { field, op, value } = objectOf(json, 'a condition', ['field', 'op', 'value'])
  return comparison(field, op, isDateOperand(field, op) ? withDates(value) : value)
}

function isDateOperand(field: unknown, op: unknown): boolean {
  return op !== 'exists' && fieldOf(field).kind === 'date'
}

function withDates(value: unknown): unknown {
  return Array.isArray(value) ? value.map(dateOf) : dateOf(value)
}

function dateOf(value: unknown): Date {
  const time = parseTime(value)
  if (time === undefined) throw new QueryError('a time must be RFC 3339 text with a zone')
  return time
}

function sortKeyOf(json: unknown): SortKey {
  const { field, direction = 'asc' } = objectOf(json, 'a sort key', ['field', 'direction'])
  return sortKey(field, direction)
}

function listOf(json: unknown, what: string): unknown[] {
  if (!Array.isArray(json)) throw new QueryError(`${what} takes an array`)
  if (json.length > MAX_LIST_LENGTH) throw new QueryError(`${what} is too long`)
  return json
}

function objectOf(json: unknown, what: string, keys: readonly string[]): Record<string, unknown> {
  if (!isPlainObject(json)) throw new QueryError(`${what} must be an object`)
  const unknown = Object.keys(json).find((key) => !keys.includes(key))
  if (unknown !== undefined) throw new QueryError(`${what} has no ${unknown.slice(0, 64)}`)
  return json
}
