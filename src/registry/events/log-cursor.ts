import { ValidationError } from '../../core/errors.js'
import { LOG_START } from '../../core/store.js'

const LOG_ID = /^\d{1,16}-\d{1,16}$/

/** How far the log of each partition was read; `undefined`: from the oldest entry that is kept. */
export type LogPositions = (string | undefined)[]

/** Positions as a cursor. With one partition, it is the id of the log entry. */
export function encodeLogCursor(positions: readonly (string | undefined)[]): string {
  const [only] = positions
  if (positions.length === 1) return only ?? LOG_START
  return positions.map((position) => position ?? LOG_START).join('.')
}

/** The positions of a cursor. @throws ValidationError when it is none of this registry. */
export function decodeLogCursor(cursor: string, partitions: number): LogPositions {
  const positions = cursor.split('.')
  if (positions.length !== partitions || !positions.every((position) => LOG_ID.test(position))) {
    throw new ValidationError([
      { path: ['from'], message: 'must be a cursor of this registry, start or now' },
    ])
  }
  return positions
}
