import { type ErrorCode, isRegistryError, type RegistryError } from '@mirror/stream-registry'
import { expect } from 'vitest'

/** The registry error that a call rejects with; its code must be one of these. */
export async function errorOf(call: Promise<unknown>, ...codes: ErrorCode[]): Promise<RegistryError> {
  const error: unknown = await call.then(
    () => new Error('it resolved'),
    (reason: unknown) => reason,
  )
  if (!isRegistryError(error)) throw error
  expect(codes, error.message).toContain(error.code)
  return error
}

/** How long a call takes to settle, milliseconds. */
export async function duration(call: Promise<unknown>): Promise<number> {
  const start = performance.now()
  await call.catch(() => {})
  return performance.now() - start
}
