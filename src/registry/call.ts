import { ValidationError } from '../core/errors.js'
import type { Call } from '../core/store.js'

/** Options that every asynchronous call takes last. */
export interface CallOptions {
  /** Aborts the call: rejects with the signal's reason, or `OUTCOME_UNKNOWN` where a write was on its way. */
  readonly signal?: AbortSignal
  /** How long the call may take, milliseconds. Default: the registry's `readTimeoutMs` or `writeTimeoutMs`. */
  readonly timeoutMs?: number
}

/** The longest that a timer can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** The bounds of one call, from its options. @throws ValidationError */
export function startCall({ signal, timeoutMs }: CallOptions, defaultTimeoutMs: number): Call {
  signal?.throwIfAborted()
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw new ValidationError([
      { path: ['timeoutMs'], message: `must be above 0 and at most ${MAX_TIMEOUT_MS}` },
    ])
  }
  const deadline = performance.now() + (timeoutMs ?? defaultTimeoutMs)
  return signal === undefined ? { deadline } : { deadline, signal }
}
