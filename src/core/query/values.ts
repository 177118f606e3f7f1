import { compareText } from '../model/text.js'
import type { Scalar } from './tree.js'

/** The keys along a dotted path. */
export function keysOf(path: string): readonly string[] {
  return path.split('.')
}

/** What a document holds at the end of the keys, or `undefined`. Only own members count, and none of an array. */
export function valueAt(document: object, keys: readonly string[]): unknown {
  let value: unknown = document
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    if (!Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

/** A value as queries compare and sort it: times are milliseconds; what is no scalar is missing, `null` too. */
export function scalarOf(value: unknown): Scalar | undefined {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value
    default:
      return value instanceof Date ? value.getTime() : undefined
  }
}

/** Numbers and times come first, then text, then `false` and `true`, then what is missing. */
function rank(value: Scalar | undefined): number {
  switch (typeof value) {
    case 'number':
      return 0
    case 'string':
      return 1
    case 'boolean':
      return 2
    default:
      return 3
  }
}

/** Orders two values, whatever their types. Text goes by its UTF-8 bytes. */
export function compareScalars(a: Scalar | undefined, b: Scalar | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b || 0
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  return rank(a) - rank(b) || Number(a === true) - Number(b === true)
}

/** Orders ids, which are ASCII. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
