import type { Issue } from './model/json.js'

/** What went wrong, as a word to branch on. */
export type ErrorCode =
  | 'STREAM_NOT_FOUND'
  | 'STREAM_EXISTS'
  | 'VALIDATION'
  | 'INVALID_TRANSITION'
  | 'CONFLICT'
  | 'STALE_OWNER'
  | 'QUERY'
  | 'TIMEOUT'
  | 'UNAVAILABLE'
  | 'OUTCOME_UNKNOWN'
  | 'CORRUPT'
  | 'CLOSED'

/** What every registry error may carry. */
export interface RegistryErrorDetails {
  readonly cause?: unknown
  readonly streamId?: string
}

// A registered symbol: two copies of the package in one process recognise each other's errors.
const BRAND = Symbol.for('@mirror/stream-registry/error')

/** The base of every error that the registry throws. Branch on `code` or on the class, never on the message. */
export abstract class RegistryError extends Error {
  abstract readonly code: ErrorCode
  /** Whether the same call may succeed later without a change of its arguments. */
  abstract readonly retryable: boolean
  readonly streamId?: string

  constructor(message: string, { cause, streamId }: RegistryErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    if (streamId !== undefined) this.streamId = streamId
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** Whether the value is a {@link RegistryError}, of this copy of the package or of another. */
export function isRegistryError(value: unknown): value is AnyRegistryError {
  return value instanceof Error && (value as { [BRAND]?: unknown })[BRAND] === true
}

/** Every registry error, to be told apart by `code`. */
export type AnyRegistryError =
  | StreamNotFoundError
  | StreamExistsError
  | ValidationError
  | InvalidTransitionError
  | ConflictError
  | StaleOwnerError
  | QueryError
  | TimeoutError
  | UnavailableError
  | OutcomeUnknownError
  | CorruptRecordError
  | RegistryClosedError

/** The same error, saying which stream it is about. Others may hold the original: one outage fails many calls. */
export function aboutStream(error: unknown, streamId: string): unknown {
  if (!isRegistryError(error) || error.streamId !== undefined) return error
  const { message, cause } = error
  switch (error.code) {
    case 'TIMEOUT':
      return new TimeoutError(message, { cause, streamId })
    case 'UNAVAILABLE':
      return new UnavailableError(message, { cause, streamId })
    case 'OUTCOME_UNKNOWN':
      return new OutcomeUnknownError(message, { cause, streamId })
    default:
      return error
  }
}

/** No live stream has this id. */
export class StreamNotFoundError extends RegistryError {
  readonly code = 'STREAM_NOT_FOUND'
  readonly retryable = false
  constructor(streamId: string, details: RegistryErrorDetails = {}) {
    super(`stream not found: ${streamId}`, { ...details, streamId })
  }
}

/** The id is live already. */
export class StreamExistsError extends RegistryError {
  readonly code = 'STREAM_EXISTS'
  readonly retryable = false
  constructor(streamId: string, owner?: string) {
    super(`stream already exists: ${streamId}${owner === undefined ? '' : ` (held by ${owner})`}`, {
      streamId,
    })
  }
}

/** The input cannot be accepted; nothing was written. */
export class ValidationError extends RegistryError {
  readonly code = 'VALIDATION'
  readonly retryable = false
  /** Everything that is wrong: where, and what. */
  readonly issues: readonly Issue[]
  constructor(issues: readonly Issue[], details: RegistryErrorDetails = {}) {
    super(`validation failed: ${issues.slice(0, 20).map(describeIssue).join('; ')}`, details)
    this.issues = issues
  }
}

function describeIssue({ path, message }: Issue): string {
  return path.length === 0 ? message : `${path.join('.')} ${message}`
}

/** The state machine has no such move. */
export class InvalidTransitionError extends RegistryError {
  readonly code = 'INVALID_TRANSITION'
  readonly retryable = false
  readonly from: string
  readonly to: string
  constructor(streamId: string, from: string, to: string) {
    super(`invalid transition of ${streamId}: ${from} to ${to}`, { streamId })
    this.from = from
    this.to = to
  }
}

/** The record is not at the revision that the caller expected: read it again and decide anew. */
export class ConflictError extends RegistryError {
  readonly code = 'CONFLICT'
  readonly retryable = false
  readonly expected: number
  readonly actual: number
  constructor(streamId: string, expected: number, actual: number) {
    super(`conflict on ${streamId}: expected revision ${expected}, found ${actual}`, { streamId })
    this.expected = expected
    this.actual = actual
  }
}

/** Another instance took the stream over; the caller's session is at an end. */
export class StaleOwnerError extends RegistryError {
  readonly code = 'STALE_OWNER'
  readonly retryable = false
  constructor(streamId: string, owner?: string) {
    super(`no longer the owner of ${streamId}${owner === undefined ? '' : `: ${owner} took it over`}`, {
      streamId,
    })
  }
}

/** The query cannot be understood. */
export class QueryError extends RegistryError {
  readonly code = 'QUERY'
  readonly retryable = false
}

/** The call ran out of time, and surely changed nothing. */
export class TimeoutError extends RegistryError {
  readonly code = 'TIMEOUT'
  readonly retryable = true
}

/** The store cannot be reached or refuses to work, and the call surely changed nothing. */
export class UnavailableError extends RegistryError {
  readonly code = 'UNAVAILABLE'
  readonly retryable = true
}

/** The call ran out of time or was aborted while its reply was due: it may have taken effect or not. */
export class OutcomeUnknownError extends RegistryError {
  readonly code = 'OUTCOME_UNKNOWN'
  readonly retryable = true
}

/** What is stored under this id is not a stream. `delete` removes it. */
export class CorruptRecordError extends RegistryError {
  readonly code = 'CORRUPT'
  readonly retryable = false
  constructor(streamId: string, why: string, details: RegistryErrorDetails = {}) {
    super(`corrupt record: ${streamId} (${why}); delete() removes it`, { ...details, streamId })
  }
}

/** The registry was closed. */
export class RegistryClosedError extends RegistryError {
  readonly code = 'CLOSED'
  readonly retryable = false
  constructor() {
    super('registry is closed')
  }
}
