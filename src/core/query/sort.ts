import type { Stream } from '../model/stream.js'
import { DEFAULT_SORT, type Scalar, type SortDirection, type SortKey } from './tree.js'
import { compareIds, compareScalars, keysOf, scalarOf, valueAt } from './values.js'

/** Where a stream stands in an order: the values that it is sorted by (`undefined` where missing), then its id. */
export interface SortPosition {
  readonly values: readonly (Scalar | undefined)[]
  readonly id: string
}

/** An order over streams. */
export interface Order {
  readonly keys: readonly SortKey[]
  positionOf(stream: Stream<unknown>): SortPosition
  compare(a: SortPosition, b: SortPosition): number
}

/**
 * The sort keys that decide anything: a field once, nothing behind the id, and not the id itself where ties go by it
 * anyway.
 */
export function decisiveKeys(sort: readonly SortKey[]): readonly SortKey[] {
  const given = sort.length === 0 ? DEFAULT_SORT : sort
  const keys: SortKey[] = []
  for (const key of given) {
    if (keys.some(({ field }) => field === key.field)) continue
    if (key.field === 'id') return withTies(keys, key.direction)
    keys.push(key)
  }
  return withTies(keys, given.at(-1)?.direction ?? 'asc')
}

/** Ties go by id in the direction of the last key; in another one only if the id is a key itself. */
function withTies(keys: readonly SortKey[], direction: SortDirection): readonly SortKey[] {
  return keys.at(-1)?.direction === direction ? keys : [...keys, { field: 'id', direction }]
}

/** The order of the sort keys; of none, the default order. Missing values come last ascending, first descending. */
export function orderOf(sort: readonly SortKey[]): Order {
  const keys = decisiveKeys(sort)
  const paths = keys.map(({ field }) => keysOf(field))
  const signs = keys.map(({ direction }) => (direction === 'asc' ? 1 : -1))
  const idSign = signs.at(-1) ?? 1
  return {
    keys,
    positionOf(stream) {
      return { values: paths.map((path) => scalarOf(valueAt(stream, path))), id: stream.id }
    },
    compare(a, b) {
      for (let i = 0; i < signs.length; i++) {
        const order = compareScalars(a.values[i], b.values[i])
        if (order !== 0) return order * (signs[i] ?? 1)
      }
      return compareIds(a.id, b.id) * idSign
    },
  }
}
