import { TimeoutError } from '@mirror/stream-registry'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Call } from '../../../src/core/store.ts'
import { bounded, LONGEST_TIMER_MS, type Waits, within } from '../../../src/registry/bounded.ts'

const inMs = (ms: number): Call => ({ deadline: performance.now() + ms })
const never = (): Promise<never> => new Promise(() => {})
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** What no one handled since the test began. */
const unhandled: unknown[] = []
const onUnhandled = (reason: unknown): void => {
  unhandled.push(reason)
}
beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', onUnhandled)
})
afterEach(() => {
  process.off('unhandledRejection', onUnhandled)
})

describe('a bounded wait', () => {
  it('ends with the value or the error of its promise', async () => {
    const error = new Error('x')
    expect(await bounded(Promise.resolve(5), inMs(1_000))).toEqual({ kind: 'value', value: 5 })
    expect(await bounded(Promise.reject(error), inMs(1_000))).toEqual({ kind: 'error', error })
  })

  it.each([20, 0, -1_000])('ends when its deadline has passed, %d ms from now', async (ms) => {
    const call = inMs(ms)
    expect(await bounded(never(), call)).toEqual({ kind: 'timeout' })
    expect(performance.now()).toBeGreaterThanOrEqual(call.deadline)
  })

  it.each([LONGEST_TIMER_MS, 2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY])(
    'does not end at once when its deadline is %d ms ahead',
    async (ms) => {
      const waits: Waits = new Set()
      const onWarning = vi.fn()
      process.on('warning', onWarning)
      const wait = bounded(never(), inMs(ms), waits)
      expect(await Promise.race([wait, sleep(30).then(() => 'waiting')])).toBe('waiting')
      process.off('warning', onWarning)
      expect(onWarning).not.toHaveBeenCalled()
      for (const breakOff of waits) breakOff('enough')
      expect(await wait).toEqual({ kind: 'aborted', reason: 'enough' })
    },
  )

  it('ends when it is aborted, with the reason', async () => {
    const { signal, abort } = abortable()
    const wait = bounded(never(), { ...inMs(10_000), signal })
    abort('no longer wanted')
    expect(await wait).toEqual({ kind: 'aborted', reason: 'no longer wanted' })
  })

  it.each(['value', 'timeout'])('takes its listener back when it ends otherwise: %s', async (kind) => {
    const { signal } = abortable()
    const taken = vi.spyOn(signal, 'removeEventListener')
    const given = vi.spyOn(signal, 'addEventListener')
    const promise = kind === 'value' ? Promise.resolve(5) : never()
    expect(await bounded(promise, { ...inMs(10), signal })).toMatchObject({ kind })
    expect(given).toHaveBeenCalledOnce()
    expect(taken).toHaveBeenCalledWith('abort', given.mock.calls[0]?.[1])
  })

  it('is among the waits under way until it ends', async () => {
    const waits: Waits = new Set()
    const wait = bounded(sleep(5), inMs(1_000), waits)
    expect(waits.size).toBe(1)
    await wait
    expect(waits.size).toBe(0)
  })

  it('leaves no later failure unhandled, also when it was aborted before', async () => {
    const { signal, abort } = abortable()
    abort('never wanted')
    const failing = sleep(5).then(() => {
      throw new Error('too late')
    })
    expect(await bounded(failing, { ...inMs(1_000), signal })).toEqual({
      kind: 'aborted',
      reason: 'never wanted',
    })
    await sleep(30)
    expect(unhandled).toEqual([])
  })
})

describe('what is waited for within a call', () => {
  it('is the value of the promise, or what it rejects with', async () => {
    const error = new Error('x')
    expect(await within(Promise.resolve(5), inMs(1_000))).toBe(5)
    await expect(within(Promise.reject(error), inMs(1_000))).rejects.toBe(error)
  })

  it('is a timeout when the time is up', async () => {
    await expect(within(never(), inMs(5))).rejects.toBeInstanceOf(TimeoutError)
  })

  it('is the signal’s reason when it is aborted, before or meanwhile', async () => {
    const { signal, abort } = abortable()
    const reason = new Error('no longer wanted')
    const meanwhile = within(never(), { ...inMs(10_000), signal })
    abort(reason)
    await expect(meanwhile).rejects.toBe(reason)
    await expect(within(never(), { ...inMs(10_000), signal })).rejects.toBe(reason)
  })
})

function abortable(): { signal: AbortSignal; abort(reason: unknown): void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) }
}
