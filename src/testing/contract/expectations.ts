import assert from 'node:assert/strict'
import { type ErrorCode, isRegistryError, type RegistryError } from '../../core/errors.js'
import type { StreamInput } from '../../core/model/stream.js'

/** A usual stream to create. */
export function input<M>(id: string, more: Partial<StreamInput<M>> = {}): StreamInput<M> {
  return { id, type: 'srt', sourceAddr: '10.0.0.1:9000', ...more }
}

/** That the promise rejects with a registry error of this code; answers the error. */
export async function rejectsWith(code: ErrorCode, promise: Promise<unknown>): Promise<RegistryError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('value' in outcome) assert.fail(`expected ${code}, but it resolved`)
  const { error } = outcome
  if (!isRegistryError(error)) throw error
  assert.equal(error.code, code, error.message)
  return error
}
