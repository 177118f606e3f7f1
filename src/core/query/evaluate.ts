import type { Stream } from '../model/stream.js'
import { compileContains } from './contains.js'
import { fieldOf } from './fields.js'
import { checkedTree } from './from-json.js'
import { compileLike } from './like.js'
import { type Comparison, type Condition, isComparison, type QueryTree, type Scalar } from './tree.js'
import { compareScalars, keysOf, scalarOf, valueAt } from './values.js'

/** Whether a document matches. Only the paths that the conditions name are read. */
export type Matcher = (document: object) => boolean

const compiled = new WeakMap<readonly Condition[], Matcher>()

/**
 * Whether a query's conditions hold for a stream: the one meaning of a query, in every store.
 *
 * @throws QueryError for conditions that are none.
 * @example
 * evaluate({ where: [{ field: 'state.errorCount', op: 'gt', value: 10 }] }, stream)
 */
export function evaluate({ where }: Pick<QueryTree, 'where'>, stream: Stream<unknown>): boolean {
  // What was checked is frozen: anything else may be no query, or change.
  const checked = Object.isFrozen(where) ? where : checkedTree({ where }).where
  return matcherOf(checked)(stream)
}

/** The conditions, checked and frozen, as one function; the same conditions give the same one. */
export function matcherOf(where: readonly Condition[]): Matcher {
  let matcher = compiled.get(where)
  if (matcher === undefined) {
    matcher = allOf(where.map(compile))
    compiled.set(where, matcher)
  }
  return matcher
}

function compile(condition: Condition): Matcher {
  if (isComparison(condition)) return compileComparison(condition)
  const alternatives = condition.or.map((conditions) => allOf(conditions.map(compile)))
  return (document) => alternatives.some((alternative) => alternative(document))
}

function allOf(matchers: readonly Matcher[]): Matcher {
  const [only] = matchers
  if (matchers.length === 1 && only !== undefined) return only
  return (document) => matchers.every((matcher) => matcher(document))
}

function compileComparison(comparison: Comparison): Matcher {
  const keys = keysOf(comparison.field)
  const test = testOf(comparison)
  return (document) => test(valueAt(document, keys))
}

/** What a comparison asks of the field's value. */
function testOf({ field, op, value }: Comparison): (value: unknown) => boolean {
  const operands = (Array.isArray(value) ? (value as Scalar[]) : [value as Scalar]).map((operand) =>
    operandOf(field, operand),
  )
  const [operand] = operands
  switch (op) {
    case 'eq':
      return (found) => scalarOf(found) === operand
    case 'ne':
      return (found) => scalarOf(found) !== operand
    case 'in': {
      const members = new Set<unknown>(operands)
      return (found) => members.has(scalarOf(found))
    }
    case 'nin': {
      const members = new Set<unknown>(operands)
      return (found) => !members.has(scalarOf(found))
    }
    case 'gt':
      return ordered(operand, (order) => order > 0)
    case 'gte':
      return ordered(operand, (order) => order >= 0)
    case 'lt':
      return ordered(operand, (order) => order < 0)
    case 'lte':
      return ordered(operand, (order) => order <= 0)
    case 'like': {
      const isLike = compileLike(String(operand))
      return (found) => typeof found === 'string' && isLike(found)
    }
    case 'contains': {
      const hasPart = typeof operand === 'string' ? compileContains(operand) : () => false
      return (found) =>
        Array.isArray(found) ? found.includes(operand) : typeof found === 'string' && hasPart(found)
    }
    case 'exists':
      return (found) => (found !== undefined && found !== null) === operand
  }
}

/** Only values of the operand's own type are before or after it. */
function ordered(
  operand: Scalar | undefined,
  holds: (order: number) => boolean,
): (value: unknown) => boolean {
  return (found) => {
    const value = scalarOf(found)
    return typeof value === typeof operand && holds(compareScalars(value, operand))
  }
}

/** Times are text in the tree and milliseconds in comparisons. */
export function operandOf(field: string, value: Scalar): Scalar {
  return typeof value === 'string' && fieldOf(field).kind === 'date' ? Date.parse(value) : value
}
