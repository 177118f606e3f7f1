import { TimeoutError } from '../core/errors.js'
import type { Call } from '../core/store.js'

/** The longest that a timer can wait; beyond it, it would fire at once. */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1

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
  { deadline, signal, isBackground }: Call,
  waits?: Waits,
): Promise<Settled<T>> {
  return new Promise((resolve) => {
    const breakOff = (reason: unknown): void => finish({ kind: 'aborted', reason })
    const onAbort = (): void => breakOff(signal?.reason)
    const timer = setTimeout(() => finish({ kind: 'timeout' }), timerMs(deadline))
    if (isBackground) timer.unref()
    const finish = (settled: Settled<T>): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      waits?.delete(breakOff)
      resolve(settled)
    }
    waits?.add(breakOff)
    // Listened to in any case: a failure that nobody waits for any more must not count as unhandled.
    promise.then(
      (value) => finish({ kind: 'value', value }),
      (error: unknown) => finish({ kind: 'error', error }),
    )
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort)
  })
}

/** Rounded up: a timer may fire a fraction early, and a deadline must have passed when we say so. */
function timerMs(deadline: number): number {
  return Math.min(Math.ceil(deadline - performance.now()) + 1, LONGEST_TIMER_MS)
}

/** The value of a promise of the user's, which knows no deadline. @throws TIMEOUT, or the signal's reason. */
export async function within<T>(promise: Promise<T>, call: Call): Promise<T> {
  const settled = await bounded(promise, call)
  switch (settled.kind) {
    case 'value':
      return settled.value
    case 'error':
      throw settled.error
    case 'aborted':
      throw settled.reason
    case 'timeout':
      throw new TimeoutError('out of time: nothing was changed')
  }
}
