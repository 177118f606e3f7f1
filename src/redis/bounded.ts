import type { Call } from '../core/store.js'

/** How waiting for something ended. */
export type Settled<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'aborted'; readonly reason: unknown }

/** Waits under way, each with its way to be broken off. */
export type Waits = Set<(reason: unknown) => void>

/** Waits for a promise, but no longer than the call may take. Never rejects. */
export function bounded<T>(
  promise: Promise<T>,
  { deadline, signal }: Call,
  waits?: Waits,
): Promise<Settled<T>> {
  return new Promise((resolve) => {
    const breakOff = (reason: unknown): void => finish({ kind: 'aborted', reason })
    const onAbort = (): void => breakOff(signal?.reason)
    // Rounded up: a timer may fire a fraction early, and a deadline must have passed when we say so.
    const timer = setTimeout(() => finish({ kind: 'timeout' }), Math.ceil(deadline - performance.now()) + 1)
    const finish = (settled: Settled<T>): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      waits?.delete(breakOff)
      resolve(settled)
    }
    waits?.add(breakOff)
    if (signal?.aborted) return onAbort()
    signal?.addEventListener('abort', onAbort)
    promise.then(
      (value) => finish({ kind: 'value', value }),
      (error: unknown) => finish({ kind: 'error', error }),
    )
  })
}
