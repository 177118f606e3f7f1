import type { SortPosition } from '../../core/query/sort.js'
import type { QueryTree } from '../../core/query/tree.js'
import { decodeCursor } from './cursor.js'

/** Which part of a query's matches is asked for. */
export interface Part {
  /** Only what comes behind it. */
  readonly after: SortPosition | undefined
  /** How many to leave out, at the beginning of a query only: an offset was counted before the first page. */
  readonly skip: number
  readonly limit: number
}

/** The part that a query asks for. @throws QueryError for a cursor that is not of this query */
export function partOf(tree: QueryTree, defaultLimit: number = Number.POSITIVE_INFINITY): Part {
  const { after, limit = defaultLimit, offset = 0 } = tree
  if (after === undefined) return { after, skip: offset, limit }
  return { after: decodeCursor(tree, after), skip: 0, limit }
}
