import { LIMITS } from './limits.js'
import type { StreamType } from './stream.js'

const TOKEN = /^[A-Za-z0-9][A-Za-z0-9._~-]*$/

/** Words that the key layout needs: `<prefix>:active` is the set of leases, not a stream. */
const RESERVED_IDS: ReadonlySet<string> = new Set(['active', 'idx', 'log'])

/** What is wrong with a stream id, or `undefined`. */
export function streamIdProblem(id: unknown): string | undefined {
  const problem = tokenProblem(id, LIMITS.maxIdLength)
  if (problem !== undefined) return problem
  return RESERVED_IDS.has(id as string)
    ? `must not be "${String(id)}", which the key layout needs`
    : undefined
}

/** What is wrong with a tag, a protocol or another short word, or `undefined`. */
export function tagProblem(tag: unknown): string | undefined {
  return tokenProblem(tag, LIMITS.maxTagLength)
}

/** What is wrong with an instance id, or `undefined`. */
export function instanceIdProblem(id: unknown): string | undefined {
  return tokenProblem(id, LIMITS.maxIdLength)
}

function tokenProblem(token: unknown, maxLength: number): string | undefined {
  if (typeof token !== 'string') return 'must be a string'
  if (token.length === 0) return 'must not be empty'
  if (token.length > maxLength) return `must be at most ${maxLength} characters`
  if (!TOKEN.test(token)) return 'must be of A-Z a-z 0-9 . _ ~ - and start with a letter or a digit'
  return undefined
}

let lastCounter = 0

/** Options of {@link generateStreamId}. */
export interface GenerateStreamIdOptions {
  /** Default: the system's time. */
  readonly now?: Date
  /** A positive integer. Default: the next of this process. */
  readonly counter?: number
}

/**
 * A stream id of the seeds' form, `<type>_<YYYYMMDD>_<HHMMSS>_<counter>`, in UTC.
 *
 * The counter has at least three digits and keeps growing past 999. Without a shared counter such ids are
 * unique within one process only; let the registry mint them (leave out `id`) and they are unique everywhere.
 *
 * @param sourceAddr - not part of the id; the seeds' signature has it.
 * @throws `RangeError` when `counter` is not a positive integer.
 * @example
 * generateStreamId('srt', '10.0.0.1:9000', { now: new Date('2024-01-15T14:30:52Z'), counter: 1 })
 * // 'srt_20240115_143052_001'
 */
export function generateStreamId(
  type: StreamType,
  _sourceAddr: string,
  { now = new Date(), counter = ++lastCounter }: GenerateStreamIdOptions = {},
): string {
  if (!Number.isSafeInteger(counter) || counter < 1)
    throw new RangeError('counter must be a positive integer')
  const [date = '', time = ''] = now.toISOString().split('T')
  return `${type}_${date.replaceAll('-', '')}_${time.slice(0, 8).replaceAll(':', '')}_${String(counter).padStart(3, '0')}`
}
