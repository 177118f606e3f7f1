import {
  type IndexDeclaration,
  MockRegistry,
  type Query,
  type StreamInput,
  UnavailableError,
} from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorOf } from '../../../support/expect-error.ts'

const START = Date.UTC(2024, 0, 15, 14, 30, 52)
const INDEXES: readonly IndexDeclaration[] = [
  { field: 'bitrate', kind: 'number' },
  { field: 'metadata.zone', kind: 'number' },
]

/** Ten streams, a second apart: `cam0` to `cam9`. */
async function start(options = {}): Promise<{ registry: MockRegistry; clock: ManualClock }> {
  const clock = new ManualClock(START)
  const registry = new MockRegistry({ clock, instanceId: 'ingest-1', indexes: INDEXES, ...options })
  for (let i = 0; i < 10; i++) {
    await registry.create({
      id: `cam${i}`,
      type: i % 3 === 0 ? 'rtp' : 'srt',
      status: i % 2 === 0 ? 'active' : 'pending',
      sourceAddr: `10.0.0.${i}:9000`,
      tags: i < 4 ? ['early'] : i === 9 ? ['late', 'early'] : [],
      state: { health: i < 5 ? 'healthy' : 'degraded' },
      ...(i > 2 && { bitrate: (i % 4) * 1_000 }),
      metadata: { zone: i === 5 ? 'x' : i % 5 },
    })
    clock.advance(1_000)
  }
  return { registry, clock }
}

const numbers = (ids: readonly string[]): string => ids.map((id) => id.slice(3)).join('')
const idsOf = (streams: readonly { readonly id: string }[]): string => numbers(streams.map(({ id }) => id))

/** The ids on all pages of a query. */
async function pagesOf(query: Query, between?: () => Promise<unknown>): Promise<string[][]> {
  const pages: string[][] = []
  let next: Query | undefined = query
  while (next !== undefined) {
    const { streams, nextCursor } = await next.page()
    pages.push(streams.map(({ id }) => id))
    next = nextCursor === undefined ? undefined : query.after(nextCursor)
    await between?.()
  }
  return pages
}

describe('a query of a registry', () => {
  it.each<[string, (q: Query) => Query, string]>([
    ['everything, by creation', (q) => q, '0123456789'],
    ['what a filter leaves', (q) => q.filter({ status: 'active', type: 'srt' }), '248'],
    ['what has all tags', (q) => q.filter({ tags: ['early', 'late'] }), '9'],
    ['what has any of the tags', (q) => q.filter({ tags: ['early', 'late'], tagsAny: true }), '01239'],
    [
      'what was created between two times, these left out',
      (q) => q.filter({ createdAfter: new Date(START + 2_000), createdBefore: new Date(START + 5_000) }),
      '34',
    ],
    ['what a comparison leaves', (q) => q.where('bitrate', 'gte', 2_000), '367'],
    ['what is missing', (q) => q.where('bitrate', 'exists', false), '012'],
    ['what is not equal, missing or not', (q) => q.where('bitrate', 'ne', 3_000), '01245689'],
    ['what is like a pattern', (q) => q.where('sourceAddr', 'like', '10.0.0.?:9*'), '0123456789'],
    [
      'what one of the alternatives leaves, once each',
      (q) =>
        q.or(
          (o) => o.filter({ tags: ['early'] }),
          (o) => o.filter({ type: 'rtp' }).where('bitrate', 'gt', 0),
        ),
      '012369',
    ],
    [
      'what is one of several and not one of them',
      (q) => q.where('status', 'in', ['active', 'pending']).where('status', 'ne', 'active'),
      '13579',
    ],
    [
      'what is healthy and is not',
      (q) => q.filter({ health: 'healthy' }).where('health', 'ne', 'healthy'),
      '',
    ],
    ['nothing, of none', (q) => q.where('type', 'in', []), ''],
    ['the newest first', (q) => q.sortBy('createdAt', 'desc'), '9876543210'],
    ['by a number, missing last', (q) => q.sortBy('bitrate'), '4859637012'],
    ['by a number down, missing first', (q) => q.sortBy('bitrate', 'desc'), '2107369584'],
    ['by what holds any type', (q) => q.sortBy('metadata.zone').limit(4), '0162'],
    ['by several fields', (q) => q.sortBy('type', 'desc').sortBy('createdAt', 'desc').limit(4), '8754'],
    ['a part', (q) => q.offset(2).limit(3), '234'],
    ['a part beyond the end', (q) => q.offset(10), ''],
  ])('finds %s', async (_, build, expected) => {
    const { registry } = await start()
    const query = build(registry.query())
    expect(idsOf(await query.execute())).toBe(expected)
    expect(numbers(await query.ids())).toBe(expected)
    const iterated: { id: string }[] = []
    for await (const stream of query.iterate()) iterated.push(stream)
    expect(idsOf(iterated)).toBe(expected)
    expect((await query.first())?.id).toBe(expected === '' ? undefined : `cam${expected[0]}`)
    const { limit, offset } = query.toJSON()
    if (limit === undefined && offset === undefined) expect(await query.count()).toBe(expected.length)
  })

  it('gives whole streams', async () => {
    const { registry } = await start()
    expect(await registry.query().first()).toEqual(await registry.get('cam0'))
  })

  it('counts all that match, whatever part is asked for', async () => {
    const { registry } = await start()
    const query = registry.query().filter({ type: 'srt' })
    expect(await query.limit(1).offset(3).count()).toBe(6)
  })

  it('shows and counts nothing whose lease has run out', async () => {
    const { registry, clock } = await start({ defaultTtlMs: 15_000 })
    clock.advance(8_000)
    expect(idsOf(await registry.query().execute())).toBe('456789')
    expect(numbers(await registry.query().filter({ type: 'srt' }).ids())).toBe('4578')
    expect(await registry.query().count()).toBe(6)
    expect(await registry.query().where('bitrate', 'gt', 0).count()).toBe(4)
    expect(await registry.query().groupBy('type').aggregate('count', '*').execute()).toEqual([
      { key: { type: 'rtp' }, count: 2 },
      { key: { type: 'srt' }, count: 4 },
    ])
  })

  it('runs anew each time', async () => {
    const { registry } = await start()
    const query = registry.query().filter({ tags: ['late'] })
    expect(await query.count()).toBe(1)
    await registry.delete('cam9')
    expect(await query.execute()).toEqual([])
  })
})

describe('the pages of a query', () => {
  it.each<[string, (q: Query) => Query, string[]]>([
    ['in the default order', (q) => q.limit(4), ['0123', '4567', '89']],
    ['that fill the last page', (q) => q.limit(5), ['01234', '56789']],
    ['down', (q) => q.sortBy('createdAt', 'desc').limit(6), ['987654', '3210']],
    ['by a field with missing values', (q) => q.sortBy('bitrate').limit(4), ['4859', '6370', '12']],
    ['by a field without index', (q) => q.sortBy('status').limit(4), ['0246', '8135', '79']],
    ['by several fields', (q) => q.sortBy('type').sortBy('id', 'desc').limit(7), ['9630875', '421']],
    [
      'by several fields, the first of which has ties',
      (q) => q.sortBy('bitrate', 'desc').sortBy('id').limit(4),
      ['0123', '7659', '48'],
    ],
    ['behind an offset, which is counted once', (q) => q.offset(3).limit(3), ['345', '678', '9']],
    ['of a filter', (q) => q.filter({ type: 'rtp' }).limit(3), ['036', '9']],
    ['of nothing', (q) => q.where('type', 'in', []).limit(3), ['']],
    ['without a limit', (q) => q, ['0123456789']],
  ])('%s', async (_, build, expected) => {
    const { registry } = await start()
    expect((await pagesOf(build(registry.query()))).map(numbers)).toEqual(expected)
  })

  it('have each stream once while others come and go', async () => {
    const { registry } = await start()
    let made = 0
    const pages = await pagesOf(registry.query().sortBy('bitrate', 'desc').limit(2), async () => {
      made += 1
      await registry.create({ id: `new${made}`, type: 'srt', sourceAddr: 'a:1', bitrate: made * 700 })
      if (made === 2) await registry.delete('cam8')
    })
    const ids = pages.flat()
    for (const kept of ['0', '1', '2', '3', '4', '5', '6', '7', '9'])
      expect(ids.filter((id) => id === `cam${kept}`)).toEqual([`cam${kept}`])
    expect(ids).not.toContain('cam8')
  })

  it('are 100 streams long where nothing is said', async () => {
    const registry = new MockRegistry()
    await Promise.all(
      Array.from({ length: 101 }, (_, i) => registry.create({ id: `c${i}`, type: 'srt', sourceAddr: 'a:1' })),
    )
    const { streams, nextCursor } = await registry.query().page()
    expect([streams.length, typeof nextCursor]).toEqual([100, 'string'])
    expect((await registry.query().after(nextCursor!).page()).streams).toHaveLength(1)
  })

  it('begin at a cursor in every other call, too', async () => {
    const { registry } = await start()
    const query = registry.query().filter({ type: 'srt' })
    const { nextCursor } = await query.limit(2).page()
    const rest = query.after(nextCursor!)
    expect(idsOf(await rest.execute())).toBe('4578')
    expect(numbers(await rest.ids())).toBe('4578')
    expect((await rest.first())?.id).toBe('cam4')
    expect(await rest.count()).toBe(6)
    for await (const { id } of rest.iterate()) {
      expect(id).toBe('cam4')
      break
    }
  })

  it.each<[string, (q: Query) => Promise<unknown>]>([
    ['page', (q) => q.page()],
    ['execute', (q) => q.execute()],
    ['ids', (q) => q.ids()],
    ['first', (q) => q.first()],
    ['iterate', (q) => q.iterate().next()],
  ])('refuse the cursor of another query in %s', async (_, run) => {
    const { registry } = await start()
    const { nextCursor } = await registry.query().filter({ type: 'srt' }).limit(2).page()
    await errorOf(run(registry.query().filter({ type: 'rtp' }).after(nextCursor!)), 'QUERY')
    await errorOf(run(registry.query().after('tomorrow')), 'QUERY')
  })
})

describe('groups of a registry', () => {
  it('count by status and type, from counters', async () => {
    const { registry } = await start()
    const query = registry.query().groupBy('status', 'type').aggregate('count', '*')
    expect(await query.execute()).toEqual([
      { key: { status: 'active', type: 'rtp' }, count: 2 },
      { key: { status: 'active', type: 'srt' }, count: 3 },
      { key: { status: 'pending', type: 'rtp' }, count: 2 },
      { key: { status: 'pending', type: 'srt' }, count: 3 },
    ])
    expect(
      await registry.query().filter({ type: 'rtp' }).groupBy('status').aggregate('count', '*').execute(),
    ).toEqual([
      { key: { status: 'active' }, count: 2 },
      { key: { status: 'pending' }, count: 2 },
    ])
  })

  it('count what matches only, where no counter can tell', async () => {
    const { registry } = await start()
    const query = registry.query().filter({ tags: ['early'] })
    expect(await query.groupBy('type').aggregate('count', '*').execute()).toEqual([
      { key: { type: 'rtp' }, count: 3 },
      { key: { type: 'srt' }, count: 2 },
    ])
  })

  it('have figures of what matches', async () => {
    const { registry } = await start()
    const groups = await registry
      .query()
      .filter({ type: 'srt' })
      .groupBy('health')
      .aggregate('count', '*')
      .aggregate('max', 'bitrate')
      .aggregate('min', 'createdAt')
      .execute()
    expect(groups).toEqual([
      {
        key: { health: 'degraded' },
        count: 3,
        max: { bitrate: 3_000 },
        min: { createdAt: new Date(START + 5_000) },
      },
      {
        key: { health: 'healthy' },
        count: 3,
        max: { bitrate: 0 },
        min: { createdAt: new Date(START + 1_000) },
      },
    ])
  })

  it('count a stream once that several alternatives find', async () => {
    const { registry } = await start()
    const either = registry.query().or(
      (q) => q.filter({ tags: ['early'] }),
      (q) => q.filter({ health: 'healthy' }),
    )
    expect(await either.aggregate('count', '*').aggregate('sum', 'bitrate').execute()).toEqual([
      { key: {}, count: 6, sum: { bitrate: 4_000 } },
    ])
    expect(await either.count()).toBe(6)
  })

  it('are one over everything, also of nothing', async () => {
    const { registry } = await start()
    expect(await registry.query().aggregate('count', '*').execute()).toEqual([{ key: {}, count: 10 }])
    expect(await registry.query().where('type', 'in', []).aggregate('avg', 'bitrate').execute()).toEqual([
      { key: {}, avg: { bitrate: null } },
    ])
  })

  it('are built without changing what they were built on', async () => {
    const { registry } = await start()
    const byType = registry.query().groupBy('type')
    const counted = byType.aggregate('count', '*')
    byType.groupBy('status')
    counted.aggregate('sum', 'bitrate')
    expect(await byType.execute()).toEqual([{ key: { type: 'rtp' } }, { key: { type: 'srt' } }])
    expect(await counted.execute()).toEqual([
      { key: { type: 'rtp' }, count: 4 },
      { key: { type: 'srt' }, count: 6 },
    ])
  })
})

describe('explain', () => {
  it('tells what drives, what is looked up, and what is left to filter', async () => {
    const { registry } = await start()
    const query = registry
      .query()
      .filter({ status: 'active', tags: ['late'] })
      .where('name', 'ne', 'x')
    expect(await query.explain()).toEqual({
      walks: [
        { driver: 'tag:late', order: 'sorted', descending: false, candidates: 1, lookups: ['status:active'] },
      ],
      filter: ['name ne "x"'],
      candidates: 1,
      partitions: 1,
    })
  })

  it('tells the walks of alternatives, and that nothing is left to filter', async () => {
    const { registry } = await start()
    const explanation = await registry
      .query()
      .filter({ type: ['srt', 'rtp'] })
      .sortBy('createdAt', 'desc')
      .explain()
    expect(explanation).toMatchObject({
      walks: [
        { driver: 'type:srt', order: 'sorted', descending: true, candidates: 6 },
        { driver: 'type:rtp', order: 'sorted', descending: true, candidates: 4 },
      ],
      filter: [],
      candidates: 10,
    })
  })

  it('tells what is excluded, and alternatives in words', async () => {
    const { registry } = await start()
    const query = registry.query().where('status', 'ne', 'active')
    expect(await query.explain()).toMatchObject({ walks: [{ lookups: ['not status:active'] }], filter: [] })
    const either = registry.query().or(
      (q) => q.where('name', 'exists', true).where('type', 'eq', 'srt'),
      (q) => q,
    )
    expect((await either.explain()).filter).toEqual(['(name exists true and type eq "srt") or (anything)'])
  })

  it('tells of no walk where nothing can match', async () => {
    const { registry } = await start()
    expect(await registry.query().where('type', 'in', []).explain()).toEqual({
      walks: [],
      filter: [],
      candidates: 0,
      partitions: 1,
    })
  })
})

const RUNS: readonly [
  string,
  (q: Query, options?: { signal?: AbortSignal; timeoutMs?: number }) => Promise<unknown>,
][] = [
  ['execute', (q, options) => q.execute(options)],
  ['page', (q, options) => q.page(options)],
  ['first', (q, options) => q.first(options)],
  ['ids', (q, options) => q.ids(options)],
  ['count', (q, options) => q.count(options)],
  ['iterate', (q, options) => q.iterate(options).next()],
  ['explain', (q, options) => q.explain(options)],
  ['a grouped query', (q, options) => q.groupBy('name').aggregate('count', '*').execute(options)],
]

describe('a query that cannot run', () => {
  it.each(RUNS)('rejects in %s, once the registry is closed', async (_, run) => {
    const { registry } = await start()
    const query = registry.query().where('name', 'exists', false)
    await registry.close()
    await errorOf(run(query), 'CLOSED')
  })

  it.each(RUNS)('rejects in %s with the reason of a signal that was aborted before', async (_, run) => {
    const { registry } = await start()
    const reason = new Error('enough')
    await expect(run(registry.query(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  it.each(RUNS)('rejects in %s with what the store says', async (_, run) => {
    const { registry } = await start()
    const error = new UnavailableError('down')
    registry.failNext(error)
    await expect(run(registry.query().where('name', 'exists', false))).rejects.toBe(error)
  })

  it.each([0, -1, Number.NaN, '5'])('refuses a timeout of %s', async (timeoutMs) => {
    const { registry } = await start()
    await errorOf(registry.query().execute({ timeoutMs: timeoutMs as number }), 'VALIDATION')
  })
})

describe('a query of very many streams', () => {
  const COUNT = 5_000
  const registry = new MockRegistry({ batchSize: 100 })
  /** No index knows a thing of it, and nothing matches. */
  const long = registry.query().where('metadata.text', 'like', '*nothing*?*like*this*')
  const LONG_RUNS = RUNS.filter(([name]) => name !== 'explain')

  beforeAll(async () => {
    const input: StreamInput = { type: 'srt', sourceAddr: 'a:1', metadata: { text: 'no '.repeat(500) } }
    await Promise.all(Array.from({ length: COUNT }, (_, i) => registry.create({ ...input, id: `c${i}` })))
  })
  afterAll(() => registry.close())

  it.each(LONG_RUNS)('stops in %s when it is aborted', async (_, run) => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const running = run(long, { signal: controller.signal })
    let isSettled = false
    const settled = running.then(
      () => {},
      () => {
        isSettled = true
      },
    )
    // It must let others have the thread: this comes long before it is through.
    await new Promise(setImmediate)
    expect(isSettled).toBe(false)
    controller.abort(reason)
    await expect(running).rejects.toBe(reason)
    await settled
  })

  it.each(LONG_RUNS.filter(([name]) => name !== 'iterate'))(
    'rejects in %s when its time is up',
    async (_, run) => {
      await errorOf(run(long, { timeoutMs: 1 }), 'TIMEOUT')
    },
  )

  it('takes its time from the registry where none is given', async () => {
    const hasty = new MockRegistry({ sharedWith: registry, queryTimeoutMs: 1 })
    await errorOf(hasty.query(long.toJSON()).execute(), 'TIMEOUT')
    expect(await hasty.query(long.toJSON()).execute({ timeoutMs: 60_000 })).toEqual([])
  })

  it('lets others have the thread', async () => {
    let turns = 0
    const timer = setInterval(() => {
      turns += 1
    }, 1)
    await long.execute()
    clearInterval(timer)
    expect(turns).toBeGreaterThan(2)
  })

  it('goes on with an iteration in which every batch has its own time', async () => {
    let seen = 0
    for await (const _ of registry.query().iterate({ timeoutMs: 5_000 })) {
      seen += 1
      if (seen === 500) break
    }
    expect(seen).toBe(500)
  })
})
