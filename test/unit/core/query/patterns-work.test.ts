import { evaluate, MockRegistry } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { comparison, QUERY_LIMITS } from '../../../../src/core/query/check.ts'
import { errorOf } from '../../../support/expect-error.ts'
import { streamWith } from '../../support/streams.ts'

const LENGTH = 16_000
const LIKES: readonly string[] = [
  `*${'a*'.repeat(127)}b`,
  `*${'a'.repeat(254)}b`,
  `*${'?'.repeat(254)}b`,
  `${'*?a'.repeat(84)}b`,
  `${'a*?'.repeat(85)}b`,
]

/** The median time of a few runs, milliseconds. */
function median(run: () => void, runs = 9): number {
  const times = Array.from({ length: runs }, () => {
    const start = performance.now()
    run()
    return performance.now() - start
  })
  return times.sort((a, b) => a - b)[runs >> 1] ?? 0
}

/** What the work stays under where a text doubles three times: three times as much each. */
const BOUND = 3 ** 3

/** How much longer `large` takes than `small`; measured again where the machine was busy. */
function ratio(small: () => void, large: () => void): number {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 4 && least >= BOUND; i++) {
    for (let warm = 0; warm < 10; warm++) small()
    large()
    least = Math.min(least, median(large, 5) / Math.max(median(small, 21), 0.005))
  }
  return least
}

describe('the work of one evaluation', () => {
  const stream = (length: number, text = 'a') =>
    streamWith({ metadata: { text: text.repeat(length / text.length) } })
  const evaluating = (op: 'like' | 'contains', pattern: string, length: number, text = 'a') => {
    const where = Object.freeze([comparison('metadata.text', op, pattern)])
    const given = stream(length, text)
    return () => {
      expect(evaluate({ where }, given)).toBe(false)
    }
  }

  it.each(LIKES)('grows with the text, by like %s', (pattern) => {
    const small = evaluating('like', pattern, LENGTH / 4)
    expect(ratio(small, evaluating('like', pattern, LENGTH * 2))).toBeLessThan(BOUND)
  })

  it.each([
    ['all but the last fit', 'a', (n: number) => `${'a'.repeat(n - 1)}b`],
    ['all but the first fit', 'a', (n: number) => `b${'a'.repeat(n - 1)}`],
    ['all but the middle fit', 'a', (n: number) => `${'a'.repeat(n / 2)}b${'a'.repeat(n / 2 - 1)}`],
    ['periods', 'ab', (n: number) => `${'ab'.repeat(n / 2 - 1)}aa`],
  ])('grows with text and part, by contains: %s', (_, text, part) => {
    const small = evaluating('contains', part(128), LENGTH / 4, text)
    const large = evaluating('contains', part(1_024), LENGTH * 2, text)
    expect(ratio(small, large)).toBeLessThan(BOUND)
  })

  it('is bounded by how many patterns a query may have', () => {
    const where = Array.from({ length: QUERY_LIMITS.maxPatterns }, (_, i) => ({
      field: 'metadata.text',
      op: 'like' as const,
      // All hold, so that all are asked.
      value: LIKES[i % LIKES.length]?.replace(/b$/, '*') ?? '',
    }))
    const given = stream(LENGTH)
    expect(evaluate({ where }, given)).toBe(true)
    expect(median(() => void evaluate({ where }, given), 5)).toBeLessThan(500)
    expect(() => evaluate({ where: [...where, ...where.slice(0, 1)] }, given)).toThrow(/like and contains/)
  })
})

describe('a query with dear patterns over many long texts', () => {
  async function registryOf(count: number): Promise<MockRegistry> {
    const registry = new MockRegistry()
    const text = 'a'.repeat(LENGTH)
    for (let i = 0; i < count; i++)
      await registry.create({ id: `cam${i}`, type: 'srt', sourceAddr: 'a:1', metadata: { text } })
    return registry
  }

  function queryOf(registry: MockRegistry) {
    let query = registry.query()
    for (let i = 0; i < QUERY_LIMITS.maxPatterns; i++)
      query = query.where('metadata.text', 'like', (LIKES[i % LIKES.length] ?? '').replace(/b$/, '*'))
    return query
  }

  /** The largest gap between two ticks of a timer while something runs, and how long that took. */
  async function gapOf(run: () => Promise<unknown>): Promise<{ gap: number; total: number; ticks: number }> {
    const start = performance.now()
    let [last, gap, ticks] = [start, 0, 0]
    const tick = (): void => {
      const now = performance.now()
      gap = Math.max(gap, now - last)
      last = now
      ticks += 1
    }
    const timer = setInterval(tick, 1)
    try {
      await run()
    } finally {
      clearInterval(timer)
    }
    tick()
    return { gap, total: performance.now() - start, ticks }
  }

  it('lets others run, whatever is asked for', async () => {
    const registry = await registryOf(120)
    const query = queryOf(registry)
    const runs: [string, () => Promise<unknown>][] = [
      ['execute', () => query.execute()],
      ['page', () => query.sortBy('metadata.text').limit(300).page()],
      ['ids', () => query.ids()],
      ['count', () => query.count()],
      ['group', () => query.groupBy('codec').aggregate('count', '*').execute()],
    ]
    for (const [name, run] of runs) {
      const { gap, total, ticks } = await gapOf(run)
      expect(total, name).toBeGreaterThan(400)
      expect(ticks, name).toBeGreaterThan(10)
      expect(gap, name).toBeLessThan(300)
      expect(gap, name).toBeLessThan(total / 2)
    }
    const { total } = await gapOf(async () => {
      await errorOf(query.execute({ timeoutMs: 200 }), 'TIMEOUT')
      await errorOf(query.count({ timeoutMs: 200 }), 'TIMEOUT')
    })
    expect(total).toBeLessThan(1_000)
  }, 120_000)
})
