import { type IndexDeclaration, MockRegistry, type Query, type StreamInput } from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { storeOf } from '../../../../src/registry/store-registry.ts'

async function filled(indexes: readonly IndexDeclaration[], streams: readonly Partial<StreamInput>[]) {
  const clock = new ManualClock(Date.UTC(2024, 0, 1))
  const registry = new MockRegistry({ clock, indexes })
  for (const [i, more] of streams.entries()) {
    await registry.create({ id: `cam${i}`, type: 'srt', sourceAddr: 'a:1', ...more })
    if (i % 100 === 99) clock.advance(1)
  }
  return registry
}

/** Counts what is asked of the store. */
function spied(registry: MockRegistry) {
  const store = storeOf(registry)
  return { walk: vi.spyOn(store, 'walk'), count: vi.spyOn(store, 'count') }
}

const ids = (streams: readonly { readonly id: string }[]): string[] => streams.map(({ id }) => id)

describe('pages along numbers, where a field holds text, too', () => {
  const NUMBERS = 10_500
  const TEXTS = 30
  const MISSING = 1_200
  let registry: MockRegistry
  let ascending: string[]

  beforeAll(async () => {
    const zones: (number | string | boolean | undefined)[] = [
      // Ties of two.
      ...Array.from({ length: NUMBERS }, (_, i) => Math.floor(((i * 7_919) % NUMBERS) / 2)),
      ...Array.from({ length: TEXTS }, (_, i) => `z${(i * 7) % TEXTS}`),
      true,
      false,
      ...Array.from({ length: MISSING }, () => undefined),
    ]
    const streams = zones.map((zone) => ({ metadata: zone === undefined ? {} : { zone } }))
    registry = await filled([{ field: 'metadata.zone', kind: 'number' }], streams)
    const typeRank = (zone: unknown) => ['number', 'string', 'boolean', 'undefined'].indexOf(typeof zone)
    const compare = (a: unknown, b: unknown): number => {
      if (typeRank(a) !== typeRank(b)) return typeRank(a) - typeRank(b)
      if (typeof a === 'string') return a < String(b) ? -1 : a === b ? 0 : 1
      return a === undefined ? 0 : Number(a) - Number(b)
    }
    ascending = zones
      .map((zone, i) => ({ zone, id: `cam${i}` }))
      .sort((a, b) => compare(a.zone, b.zone) || (a.id < b.id ? -1 : 1))
      .map(({ id }) => id)
  }, 60_000)

  async function paged(query: Query, from: number, size: number, most: number) {
    const { walk } = spied(registry)
    const found: string[] = []
    const calls: number[] = []
    let cursor: string | undefined
    // A page ends early where it has read a lot.
    while (found.length < from) {
      const next = query.limit(from - found.length)
      const page = await (cursor === undefined ? next : next.after(cursor)).page()
      expect(page.nextCursor).toBeDefined()
      found.push(...ids(page.streams))
      cursor = page.nextCursor
    }
    while (cursor !== undefined && found.length < most) {
      walk.mockClear()
      const page: Awaited<ReturnType<Query['page']>> = await query.limit(size).after(cursor).page()
      calls.push(walk.mock.calls.length)
      found.push(...ids(page.streams))
      cursor = page.nextCursor
      expect(calls.length).toBeLessThan(500)
    }
    walk.mockRestore()
    return { found, calls, cursor }
  }

  it('upwards end, repeat nothing, miss nothing and ask for little', async () => {
    const { found, calls, cursor } = await paged(
      registry.query().sortBy('metadata.zone'),
      NUMBERS - 35,
      10,
      Number.POSITIVE_INFINITY,
    )
    expect(cursor).toBeUndefined()
    expect(found).toEqual(ascending)
    // 35 numbers, 30 texts, 2 booleans and 1,200 missing.
    expect(calls).toHaveLength(127)
    expect(Math.max(...calls)).toBeLessThanOrEqual(8)
  })

  it('downwards go from the missing over text to the numbers, and ask for little', async () => {
    const { found, calls } = await paged(
      registry.query().sortBy('metadata.zone', 'desc'),
      MISSING - 15,
      10,
      MISSING + TEXTS + 100,
    )
    expect(found).toEqual([...ascending].reverse().slice(0, found.length))
    expect(found.length).toBeGreaterThanOrEqual(MISSING + TEXTS + 100)
    expect(Math.max(...calls)).toBeLessThanOrEqual(8)
  })

  it('downwards end, repeat nothing and miss nothing', async () => {
    const query = registry.query().sortBy('metadata.zone', 'desc')
    const big = await paged(query, MISSING + 5, 1_000, NUMBERS - 1_000)
    const rest: string[] = [...big.found]
    for (let cursor = big.cursor; cursor !== undefined; ) {
      const page: Awaited<ReturnType<Query['page']>> = await query.limit(10).after(cursor).page()
      rest.push(...ids(page.streams))
      expect(rest.length).toBeLessThanOrEqual(ascending.length)
      cursor = page.nextCursor
    }
    expect(rest).toEqual([...ascending].reverse())
  }, 60_000)
})

describe.each(['number', 'text'] as const)('pages along an index for %s over values of all types', (kind) => {
  it.each(['asc', 'desc'] as const)('have each stream once, in order: %s', async (direction) => {
    const zones = [
      ...Array.from({ length: 20 }, (_, i) => i >> 1),
      ...Array.from({ length: 20 }, (_, i) => (i === 0 ? '' : `z${10 + (i >> 1)}`)),
      ...[false, false, true, true],
    ]
    const streams = [...zones.map((zone) => ({ metadata: { zone } })), {}, {}, {}, {}, {}]
    const registry = await filled([{ field: 'metadata.zone', kind }], streams)
    const expected = streams.map((_, i) => `cam${i}`)
    const place = (id: string) => JSON.stringify(zones[Number(id.slice(3))] ?? null)
    for (const size of [1, 2, 3, 7]) {
      const found: string[] = []
      let cursor: string | undefined
      do {
        const query = registry.query().sortBy('metadata.zone', direction).limit(size)
        const page = await (cursor === undefined ? query : query.after(cursor)).page()
        found.push(...ids(page.streams))
        cursor = page.nextCursor
        expect(found.length).toBeLessThanOrEqual(expected.length)
      } while (cursor !== undefined)
      expect(new Set(found).size).toBe(expected.length)
      // Ties go by the id.
      const ordered = direction === 'asc' ? expected : expected.toReversed()
      expect(found.map(place)).toEqual(ordered.map(place))
    }
  })
})

describe('a query that contradicts itself', () => {
  const contradictions: [string, (q: Query) => Query][] = [
    ['two values', (q) => q.where('status', 'eq', 'active').where('status', 'eq', 'paused')],
    ['a value and not that value', (q) => q.where('status', 'eq', 'active').where('status', 'ne', 'active')],
    ['not a value and that value', (q) => q.where('status', 'ne', 'active').where('status', 'eq', 'active')],
    [
      'two texts',
      (q) => q.where('sourceAddr', 'eq', 'a:1').where('sourceAddr', 'eq', 'b:1').where('type', 'eq', 'srt'),
    ],
  ]

  it.each(contradictions)('asks the store for no stream: %s', async (_, contradicting) => {
    const registry = await filled([], [{ status: 'active' }, { status: 'paused' }])
    const { walk, count } = spied(registry)
    const query = contradicting(registry.query())
    expect(await query.execute()).toEqual([])
    expect(await query.ids()).toEqual([])
    expect(await query.count()).toBe(0)
    expect(await query.first()).toBeUndefined()
    expect(await query.page()).toEqual({ streams: [] })
    expect(await query.groupBy('codec').aggregate('count', '*').execute()).toEqual([])
    expect(await query.explain()).toMatchObject({ walks: [], candidates: 0 })
    expect(walk).not.toHaveBeenCalled()
    for (const [branches] of count.mock.calls) expect(branches).toEqual([])
  })
})

it('the first of a grouped sort takes few slices, as they grow', async () => {
  const registry = await filled(
    [{ field: 'metadata.prio', kind: 'number' }],
    Array.from({ length: 3_000 }, (_, i) => ({ metadata: { prio: i % 2 } })),
  )
  const { walk } = spied(registry)
  const query = registry.query().sortBy('metadata.prio').sortBy('createdAt', 'desc')
  expect(await query.limit(10).explain()).toMatchObject({
    walks: [{ driver: 'metadata.prio', order: 'grouped' }, { driver: 'metadata.prio:other' }],
  })
  walk.mockClear()
  const first = await query.first()
  // 1,500 streams share the first key: slices that do not grow would be as many.
  expect(walk.mock.calls.length).toBeLessThanOrEqual(25)
  const all = await registry.list()
  const even = all.filter(({ metadata }) => metadata.prio === 0)
  const latest = Math.max(...even.map(({ createdAt }) => Number(createdAt)))
  expect(Number(first?.createdAt)).toBe(latest)
  expect(first?.metadata.prio).toBe(0)
  walk.mockClear()
  await query.limit(5).page()
  expect(walk.mock.calls.length).toBeLessThanOrEqual(25)
})

describe('a range of text with both ends', () => {
  it('is all that is walked', async () => {
    const registry = await filled(
      [{ field: 'name', kind: 'text' }],
      Array.from({ length: 100 }, (_, i) => ({ name: `n${String(i).padStart(2, '0')}` })),
    )
    const query = registry.query().where('name', 'gte', 'n20').where('name', 'lt', 'n30')
    expect(await query.explain()).toMatchObject({
      candidates: 10,
      filter: [],
      walks: [{ driver: 'name ["n20", "n30")', candidates: 10 }],
    })
    expect(await query.count()).toBe(10)
    expect((await query.ids()).sort()).toEqual(Array.from({ length: 10 }, (_, i) => `cam${20 + i}`))
    const liked = registry.query().where('name', 'like', 'n2*').where('name', 'gt', 'n27')
    expect(await liked.explain()).toMatchObject({ candidates: 2 })
    expect((await liked.sortBy('name').ids()).sort()).toEqual(['cam28', 'cam29'])
  })
})
