import { createHash } from 'node:crypto'
import { QueryError } from '../../core/errors.js'
import { streamIdProblem } from '../../core/model/ids.js'
import { decisiveKeys, type SortPosition } from '../../core/query/sort.js'
import type { QueryTree, Scalar } from '../../core/query/tree.js'

/** Bytes of the digests in a cursor: they find mistakes, not forgers, who could only ask what they may ask anyway. */
const DIGEST_BYTES = 8

/** A position as a cursor of a query: opaque, and of no other query. */
export function encodeCursor(tree: QueryTree, { values, id }: SortPosition): string {
  const payload = Buffer.from(JSON.stringify([id, ...values.map((value) => value ?? null)]))
  return Buffer.concat([digest(identityOf(tree)), digest(payload), payload]).toString('base64url')
}

/** The position of a cursor. @throws QueryError when it is no cursor, or one of another query. */
export function decodeCursor(tree: QueryTree, cursor: string): SortPosition {
  const bytes = Buffer.from(cursor, 'base64url')
  const payload = bytes.subarray(2 * DIGEST_BYTES)
  const isIntact =
    bytes.toString('base64url') === cursor &&
    digest(payload).equals(bytes.subarray(DIGEST_BYTES, 2 * DIGEST_BYTES))
  if (!isIntact) throw new QueryError('the cursor is none of a page')
  if (!digest(identityOf(tree)).equals(bytes.subarray(0, DIGEST_BYTES)))
    throw new QueryError('the cursor is of another query: filters, order and offset must be the same')
  return positionOf(payload.toString(), decisiveKeys(tree.sort).length)
}

function positionOf(json: string, length: number): SortPosition {
  const parts = parsed(json)
  if (!Array.isArray(parts) || parts.length !== length + 1)
    throw new QueryError('the cursor is none of a page')
  const [id, ...values] = parts as unknown[]
  if (typeof id !== 'string' || streamIdProblem(id) !== undefined || !values.every(isSortValue))
    throw new QueryError('the cursor is none of a page')
  return { id, values: values.map((value) => (value ?? undefined) as Scalar | undefined) }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function isSortValue(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

/** What makes a query the same for paging: a page may be of another size than the one before. */
function identityOf({ where, sort, offset = 0 }: QueryTree): string {
  return JSON.stringify([where, sort, offset])
}

function digest(text: string | Buffer): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, DIGEST_BYTES)
}
