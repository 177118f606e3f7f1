import { describe, expect, it, vi } from 'vitest'
import type { Call } from '../../../src/core/store.ts'
import { TickBatcher } from '../../../src/redis/tick-batcher.ts'

interface Run {
  readonly items: readonly string[]
  readonly call: Call
}

/** A batcher that answers every item with itself in capitals, and what it ran. */
function shouting(): { batcher: TickBatcher<string, string>; runs: Run[] } {
  const runs: Run[] = []
  const batcher = new TickBatcher<string, string>(async (items, call) => {
    runs.push({ items, call })
    return items.map((item) => item.toUpperCase())
  })
  return { batcher, runs }
}

/** A batcher whose runs end when they are told to. */
function held(onAborted?: (reason: unknown) => unknown) {
  const runs: { items: readonly string[]; resolve(results: string[]): void; reject(error: unknown): void }[] =
    []
  const batcher = new TickBatcher<string, string>(
    (items) => new Promise((resolve, reject) => runs.push({ items, resolve, reject })),
    onAborted,
  )
  return { batcher, runs }
}

const inMs = (ms: number): Call => ({ deadline: performance.now() + ms })
const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the calls of one tick', () => {
  it('are run as one, and each gets its own answer', async () => {
    const { batcher, runs } = shouting()
    const call = inMs(10_000)
    const answers = await Promise.all(['a', 'b', 'c'].map((item) => batcher.add(item, call)))
    expect(answers).toEqual(['A', 'B', 'C'])
    expect(runs.map(({ items }) => items)).toEqual([['a', 'b', 'c']])
  })

  it('include those that come after a microtask', async () => {
    const { batcher, runs } = shouting()
    const call = inMs(10_000)
    const first = batcher.add('a', call)
    await Promise.resolve()
    await Promise.all([first, batcher.add('b', call)])
    expect(runs.map(({ items }) => items)).toEqual([['a', 'b']])
  })

  it('are not those of the next one', async () => {
    const { batcher, runs } = held()
    const call = inMs(10_000)
    const first = batcher.add('a', call)
    await nextTick()
    const second = batcher.add('b', call)
    await nextTick()
    expect(runs.map(({ items }) => items)).toEqual([['a'], ['b']])
    runs[1]?.resolve(['B'])
    expect(await second).toBe('B')
    runs[0]?.resolve(['A'])
    expect(await first).toBe('A')
  })

  it('may be many: all of them are run, in order, and each gets its own answer', async () => {
    const { batcher, runs } = shouting()
    const call = inMs(10_000)
    const items = Array.from({ length: 500 }, (_, i) => `item${i}`)
    const answers = await Promise.all(items.map((item) => batcher.add(item, call)))
    expect(answers).toEqual(items.map((item) => item.toUpperCase()))
    expect(runs.flatMap((run) => run.items)).toEqual(items)
    expect(runs.length).toBeLessThan(50)
  })

  it('keep the same item given twice twice', async () => {
    const { batcher, runs } = shouting()
    const call = inMs(10_000)
    expect(await Promise.all([batcher.add('a', call), batcher.add('a', call)])).toEqual(['A', 'A'])
    expect(runs[0]?.items).toEqual(['a', 'a'])
  })
})

describe('the deadlines of a batch', () => {
  it('keep calls apart whose deadlines lie far apart', async () => {
    const { batcher, runs } = shouting()
    const [near, far] = [inMs(1_000), inMs(60_000)]
    const answers = await Promise.all([
      batcher.add('a', near),
      batcher.add('b', far),
      batcher.add('c', near),
      batcher.add('d', far),
    ])
    expect(answers).toEqual(['A', 'B', 'C', 'D'])
    expect(runs.map(({ items, call }) => [items, call.deadline])).toEqual([
      [['a', 'c'], near.deadline],
      [['b', 'd'], far.deadline],
    ])
  })

  it('end it with the earliest of them', async () => {
    const { batcher, runs } = shouting()
    const deadline = performance.now() + 5_000
    await Promise.all([0, -4, 4].map((ms) => batcher.add(String(ms), { deadline: deadline + ms })))
    expect(runs.map(({ call }) => call)).toEqual([{ deadline: deadline - 4 }])
  })
})

describe('a call with a signal', () => {
  it('is broken off alone: the others of its batch get their answers', async () => {
    const { batcher, runs } = held()
    const controller = new AbortController()
    const reason = new Error('no longer wanted')
    const call = inMs(10_000)
    const aborted = batcher.add('a', { ...call, signal: controller.signal })
    const other = batcher.add('b', call)
    const third = batcher.add('c', { ...call, signal: new AbortController().signal })
    await nextTick()
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    runs[0]?.resolve(['A', 'B', 'C'])
    expect(await other).toBe('B')
    expect(await third).toBe('C')
    expect(runs).toHaveLength(1)
  })

  it('is broken off also when its batch fails later, and nothing is left unhandled', async () => {
    const { batcher, runs } = held()
    const controller = new AbortController()
    const aborted = batcher.add('a', { ...inMs(10_000), signal: controller.signal })
    await nextTick()
    controller.abort(new Error('no longer wanted'))
    await expect(aborted).rejects.toThrow('no longer wanted')
    runs[0]?.reject(new Error('too late'))
    await nextTick()
  })

  it('is taken out of its batch when it is aborted before that has left', async () => {
    const onAborted = vi.fn()
    const { batcher, runs } = held(onAborted)
    const controller = new AbortController()
    const reason = new Error('no longer wanted')
    const call = inMs(10_000)
    const first = batcher.add('a', call)
    const aborted = batcher.add('b', { ...call, signal: controller.signal })
    const last = batcher.add('c', call)
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    await nextTick()
    expect(runs.map(({ items }) => items)).toEqual([['a', 'c']])
    runs[0]?.resolve(['A', 'C'])
    expect(await Promise.all([first, last])).toEqual(['A', 'C'])
    expect(onAborted).not.toHaveBeenCalled()
  })

  it('leaves nothing to run when it was alone, and the next calls get through', async () => {
    const { batcher, runs } = shouting()
    const never = batcher.add('a', { ...inMs(10_000), signal: AbortSignal.abort('never wanted') })
    await expect(never).rejects.toBe('never wanted')
    expect(await batcher.add('b', inMs(10_000))).toBe('B')
    await nextTick()
    expect(await batcher.add('c', inMs(10_000))).toBe('C')
    expect(runs.map(({ items }) => items)).toEqual([['b'], ['c']])
  })

  it('rejects with what it is told to when it is aborted after its batch has left', async () => {
    const unknown = new Error('perhaps applied')
    const onAborted = vi.fn(() => unknown)
    const { batcher, runs } = held(onAborted)
    const controller = new AbortController()
    const call = inMs(10_000)
    const aborted = batcher.add('a', { ...call, signal: controller.signal })
    const other = batcher.add('b', call)
    await nextTick()
    controller.abort('no longer wanted')
    await expect(aborted).rejects.toBe(unknown)
    expect(onAborted.mock.calls).toEqual([['no longer wanted']])
    expect(runs.map(({ items }) => items)).toEqual([['a', 'b']])
    runs[0]?.resolve(['A', 'B'])
    expect(await other).toBe('B')
  })

  it('is answered like any other when nobody aborts', async () => {
    const { batcher } = shouting()
    expect(await batcher.add('a', { ...inMs(10_000), signal: new AbortController().signal })).toBe('A')
  })

  it('rejects at once when it was aborted before', async () => {
    const { batcher } = held()
    const reason = new Error('never wanted')
    await expect(batcher.add('a', { ...inMs(10_000), signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
  })
})

describe('a batch that fails', () => {
  it('fails every call in it with the same error', async () => {
    const { batcher, runs } = held()
    const call = inMs(10_000)
    const calls = [
      batcher.add('a', call),
      batcher.add('b', call),
      batcher.add('c', { ...call, signal: new AbortController().signal }),
    ]
    await nextTick()
    const error = new Error('no connection')
    runs[0]?.reject(error)
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason === error)).toEqual([
      true,
      true,
      true,
    ])
  })

  it('fails no other batch', async () => {
    const { batcher, runs } = held()
    const [near, far] = [batcher.add('a', inMs(1_000)), batcher.add('b', inMs(60_000))]
    await nextTick()
    runs[0]?.reject(new Error('no connection'))
    runs[1]?.resolve(['B'])
    await expect(near).rejects.toThrow('no connection')
    expect(await far).toBe('B')
  })

  it('fails its calls also when it cannot even begin', async () => {
    const batcher = new TickBatcher<string, string>(() => {
      throw new TypeError('cannot begin')
    })
    await expect(batcher.add('a', inMs(10_000))).rejects.toThrow('cannot begin')
  })
})
