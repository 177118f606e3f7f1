import { setMaxListeners } from 'node:events'
import { ValidationError } from '../core/errors.js'
import type { Call } from '../core/store.js'
import { LONGEST_TIMER_MS } from './bounded.js'

/** Options that every asynchronous call takes last. */
export interface CallOptions {
  /** Aborts the call: rejects with the signal's reason, or `OUTCOME_UNKNOWN` where a write was on its way. */
  readonly signal?: AbortSignal
  /** How long the call may take, milliseconds. Default: the registry's `readTimeoutMs` or `writeTimeoutMs`. */
  readonly timeoutMs?: number
}

/** The bounds of one call, from its options. @throws ValidationError */
export function startCall({ signal, timeoutMs }: CallOptions, defaultTimeoutMs: number): Call {
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw refuse('signal', 'must be an AbortSignal')
  signal?.throwIfAborted()
  if (timeoutMs !== undefined && !isTimeout(timeoutMs)) {
    throw refuse('timeoutMs', `must be a number above 0 and at most ${LONGEST_TIMER_MS}`)
  }
  const deadline = performance.now() + (timeoutMs ?? defaultTimeoutMs)
  if (signal === undefined) return { deadline }
  // One signal often serves a whole process: many calls listen to it at once, and each takes its listener back.
  setMaxListeners(0, signal)
  return { deadline, signal }
}

function isTimeout(timeoutMs: unknown): boolean {
  return typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= LONGEST_TIMER_MS
}

function refuse(path: string, message: string): ValidationError {
  return new ValidationError([{ path: [path], message }])
}
