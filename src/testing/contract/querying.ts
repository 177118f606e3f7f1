import assert from 'node:assert/strict'
import type { Metadata } from '../../core/model/stream.js'
import type { StreamFilter } from '../../core/query/filter.js'
import { queryFromJSON } from '../../core/query/from-json.js'
import type { Operator, Scalar } from '../../core/query/tree.js'
import type { IndexKind } from '../../core/store.js'
import type { Query } from '../../registry/query/query.js'
import type { Registry } from '../../registry/registry.js'
import type { Chapter, ContractSpace } from './driver.js'
import { assertFinds, createAll, idsOf, input } from './expectations.js'

const HOUR_MS = 3_600_000
const KINDS: readonly (IndexKind | undefined)[] = [undefined, 'equality', 'number', 'text']

/** `metadata.v` of each stream; of `none` it is missing. */
const VALUES: Metadata = {
  five: 5,
  list: ['eu', 5],
  nine: 9,
  none: {},
  null: null,
  object: { a: 1 },
  text: 'eu-west',
  true: true,
}

/** Which of {@link VALUES} each comparison of `metadata.v` finds. */
const COMPARISONS: readonly (readonly [Operator, Scalar | Scalar[], string])[] = [
  ['eq', 5, 'five'],
  ['eq', '5', ''],
  ['eq', true, 'true'],
  ['eq', false, ''],
  ['eq', 'eu-west', 'text'],
  ['ne', 5, 'list nine none null object text true'],
  ['ne', 'eu-west', 'five list nine none null object true'],
  ['ne', true, 'five list nine none null object text'],
  ['gt', 5, 'nine'],
  ['gt', 'eu', 'text'],
  ['gte', 5, 'five nine'],
  ['gte', 'eu-west', 'text'],
  ['lt', 9, 'five'],
  ['lt', 'eu', ''],
  ['lt', 'x', 'text'],
  ['lte', 9, 'five nine'],
  ['lte', 'eu-west', 'text'],
  ['in', [5, true, 'no'], 'five true'],
  ['in', ['eu-west', 'no'], 'text'],
  ['in', [9, 9], 'nine'],
  ['in', [], ''],
  ['nin', [5, 'eu-west', true], 'list nine none null object'],
  ['nin', [], 'five list nine none null object text true'],
  ['like', 'eu*', 'text'],
  ['like', '?u-w*t', 'text'],
  ['like', 'eu-west', 'text'],
  ['like', 'EU*', ''],
  ['like', 'eu', ''],
  ['like', '*', 'text'],
  ['contains', 'eu', 'list text'],
  ['contains', 5, 'list'],
  ['contains', 'west', 'text'],
  ['exists', true, 'five list nine object text true'],
  ['exists', false, 'none null'],
]

/** Which of `cam`, `mic` and `cut` each filter finds. */
const FILTERS: readonly (readonly [StreamFilter, string])[] = [
  [{}, 'cam cut mic'],
  [{ status: undefined, tags: undefined, owner: undefined }, 'cam cut mic'],
  [{ status: 'active' }, 'cam cut'],
  [{ status: ['pending', 'paused'] }, 'mic'],
  [{ status: [] }, ''],
  [{ type: 'rtp' }, 'mic'],
  [{ type: ['srt', 'webrtc'] }, 'cam cut'],
  [{ status: 'active', type: 'srt' }, 'cam'],
  [{ protocol: 'whip' }, 'cut'],
  [{ protocol: ['whip', 'srt'] }, 'cam cut'],
  [{ sourceAddr: '10.0.0.2:9000' }, 'mic'],
  [{ sourceAddr: '10.0.0.2' }, ''],
  [{ sourcePort: 9000 }, 'cam mic'],
  [{ tags: ['live'] }, 'cam mic'],
  [{ tags: ['live', 'eu'] }, 'cam'],
  [{ tags: ['live', 'eu'], tagsAny: true }, 'cam cut mic'],
  [{ tagsAny: true, tags: ['gone', 'eu'] }, 'cam cut'],
  [{ tags: [] }, 'cam cut mic'],
  [{ tags: [], tagsAny: true }, 'cam cut mic'],
  [{ health: 'unhealthy' }, 'cut'],
  [{ health: ['unhealthy', 'unknown'] }, 'cut mic'],
  [{ owner: 'b' }, 'mic'],
  [{ owner: ['a', 'b'], tags: ['live'] }, 'cam mic'],
  [{ owner: 'nobody' }, ''],
]

function words(text: string): string[] {
  return text === '' ? [] : text.split(' ')
}

/** A registry that has an index of this kind over `metadata.v`, and {@link VALUES} in it. */
async function withValues(space: ContractSpace, kind: IndexKind | undefined): Promise<Registry> {
  const registry = space.registry({ indexes: kind === undefined ? [] : [{ field: 'metadata.v', kind }] })
  await createAll(
    registry,
    Object.entries(VALUES).map(([id, v]) => input(id, { metadata: id === 'none' ? {} : { v } })),
  )
  return registry
}

export const querying: Chapter = (test) => {
  test('finds active SRT streams, newest first, the first ten', async (space) => {
    const registry = space.registry()
    for (let i = 0; i < 12; i++) {
      await registry.create(input(`cam${i}`, { status: 'active' }))
      await space.advance(2)
    }
    await createAll(registry, [input('idle'), input('other', { type: 'rtp', status: 'active' })])
    const streams = await registry
      .query()
      .filter({ status: 'active', type: 'srt' })
      .sortBy('createdAt', 'desc')
      .limit(10)
      .execute()
    assert.deepEqual(
      idsOf(streams),
      Array.from({ length: 10 }, (_, i) => `cam${11 - i}`),
    )
    assert.deepEqual(streams[0], await registry.get('cam11'))
  })

  test('finds active streams of the last hour with many errors, and averages errors by type', async (space) => {
    const registry = space.registry()
    const { createdAt } = await registry.create(input('bad', { status: 'active' }))
    await createAll(registry, [
      input('good', { status: 'active' }),
      input('few', { type: 'rtp', status: 'active' }),
    ])
    for (let i = 0; i < 11; i++) await registry.updateState('bad', { error: 'lost' })
    await registry.updateState('few', { error: 'lost' })
    const query = registry
      .query()
      .where('errorCount', 'gt', 10)
      .where('status', 'eq', 'active')
      .where('createdAt', 'gt', new Date(createdAt.getTime() - HOUR_MS))
    assert.deepEqual(idsOf(await query.execute()), ['bad'])
    assert.deepEqual(
      await query.where('createdAt', 'gt', new Date(createdAt.getTime() + HOUR_MS)).execute(),
      [],
    )
    const groups = await registry
      .query()
      .groupBy('type')
      .aggregate('count', '*')
      .aggregate('avg', 'errorCount')
      .execute()
    assert.deepEqual(groups, [
      { key: { type: 'rtp' }, count: 1, avg: { errorCount: 1 } },
      { key: { type: 'srt' }, count: 2, avg: { errorCount: 5.5 } },
    ])
  })

  test('filters by every field, and counts what it finds', async (space) => {
    const registry = space.registry()
    const cam = {
      status: 'active',
      sourcePort: 9000,
      tags: ['live', 'eu'],
      state: { health: 'healthy' },
    } as const
    const mic = { type: 'rtp', sourceAddr: '10.0.0.2:9000', sourcePort: 9000, tags: ['live'] } as const
    const cut = { type: 'webrtc', status: 'active', protocol: 'whip', tags: ['eu'] } as const
    const first = await registry.create(input('cam', cam))
    await space.advance(3)
    const second = await space.registry({ instanceId: 'b' }).create(input('mic', mic))
    await space.advance(3)
    const third = await registry.create(input('cut', { ...cut, state: { health: 'unhealthy' } }))
    const times: readonly (readonly [StreamFilter, string])[] = [
      [{ createdAfter: first.createdAt }, 'cut mic'],
      [{ createdBefore: third.createdAt }, 'cam mic'],
      [{ createdAfter: first.createdAt, createdBefore: third.createdAt }, 'mic'],
      [{ createdAfter: second.createdAt, createdBefore: second.createdAt }, ''],
      [{ createdAfter: first.createdAt, status: 'active', tags: ['eu'] }, 'cut'],
    ]
    for (const [filter, expected] of [...FILTERS, ...times]) {
      const what = JSON.stringify(filter)
      await assertFinds(registry.query().filter(filter).sortBy('id'), words(expected), what)
      assert.equal(await registry.count(filter), words(expected).length, what)
    }
    assert.equal(await registry.count(), 3)
    assert.equal(await registry.query().count(), 3)
  })

  for (const kind of KINDS) {
    const index = kind === undefined ? 'without an index' : `with an index (${kind})`
    test(`compares present, missing and other values of metadata ${index}`, async (space) => {
      const registry = await withValues(space, kind)
      for (const [op, value, expected] of COMPARISONS) {
        const where = [{ field: 'metadata.v', op, value }]
        const query = registry.query({ where, sort: [] }).sortBy('id')
        await assertFinds(query, words(expected), `${op} ${JSON.stringify(value)}`)
      }
    })

    test(`sorts values of every type, the missing ones last, and back to front ${index}`, async (space) => {
      const registry = await withValues(space, kind)
      const order = words('five nine text true list none null object')
      const up = registry.query().sortBy('metadata.v')
      assert.deepEqual([await up.ids(), idsOf(await up.execute())], [order, order])
      const down = registry.query().sortBy('metadata.v', 'desc')
      assert.deepEqual(
        [await down.ids(), idsOf(await down.execute())],
        [order.toReversed(), order.toReversed()],
      )
      assert.deepEqual(await up.where('metadata.v', 'ne', 9).limit(3).ids(), ['five', 'text', 'true'])
      assert.deepEqual(await down.offset(4).limit(3).ids(), ['true', 'text', 'nine'])
    })
  }

  test('compares dates, list members, and fields that may be missing', async (space) => {
    const registry = space.registry()
    const { startedAt } = await registry.create(input('live', { status: 'active', tags: ['hd'] }))
    await createAll(registry, [input('a', { frameRate: 25 }), input('b', { frameRate: 29.97, name: 'B' })])
    assert.ok(startedAt !== undefined)
    const query = registry.query().sortBy('id')
    const cases: readonly (readonly [Query, string])[] = [
      [query.where('startedAt', 'eq', startedAt), 'live'],
      [query.where('startedAt', 'ne', startedAt), 'a b'],
      [query.where('startedAt', 'gte', startedAt), 'live'],
      [query.where('startedAt', 'gt', startedAt), ''],
      [query.where('startedAt', 'lt', new Date(startedAt.getTime() + 1)), 'live'],
      [query.where('startedAt', 'in', [startedAt, new Date(0)]), 'live'],
      [query.where('startedAt', 'exists', false), 'a b'],
      [query.where('tags', 'contains', 'hd'), 'live'],
      [query.where('tags', 'contains', 'h'), ''],
      [query.where('frameRate', 'gt', 25), 'b'],
      [query.where('frameRate', 'nin', [25]), 'b live'],
      [query.where('name', 'like', '?'), 'b'],
      [query.where('name', 'like', '*'.repeat(10_000)), 'b'],
      [query.where('name', 'exists', true).where('frameRate', 'lt', 26), ''],
    ]
    for (const [asked, expected] of cases) {
      await assertFinds(asked, words(expected), JSON.stringify(asked).slice(0, 200))
    }
  })

  test('tells long texts apart that begin alike', async (space) => {
    const alike = 'x'.repeat(200)
    for (const kind of KINDS) {
      const field = `metadata.${kind}` as const
      const registry = space.registry({ indexes: kind === undefined ? [] : [{ field, kind }] })
      const text = { a: alike, b: `${alike}1`, c: `${alike}2`, d: 'x' }
      await createAll(
        registry,
        Object.entries(text).map(([id, value]) => input(id, { metadata: { [String(kind)]: value } })),
      )
      const query = registry.query().sortBy('id')
      await assertFinds(query.where(field, 'eq', alike), ['a'], 'eq')
      await assertFinds(query.where(field, 'ne', alike), ['b', 'c', 'd'], 'ne')
      await assertFinds(query.where(field, 'in', [text.b, text.d]), ['b', 'd'], 'in')
      await assertFinds(query.where(field, 'nin', [text.b, text.d]), ['a', 'c'], 'nin')
      await assertFinds(query.where(field, 'gt', alike), ['b', 'c'], 'gt')
      await assertFinds(query.where(field, 'like', `${alike}?`), ['b', 'c'], 'like')
      await Promise.all(Object.keys(text).map((id) => registry.delete(id)))
    }
  })

  test('takes any of the alternatives, however they nest and overlap', async (space) => {
    const registry = space.registry()
    await createAll(registry, [
      input('a', { status: 'active', tags: ['x'], sourcePort: 1 }),
      input('b', { tags: ['x', 'y'], sourcePort: 2 }),
      input('c', { status: 'active', type: 'rtp', sourcePort: 3 }),
      input('d', { type: 'rtp', tags: ['y'] }),
    ])
    const query = registry.query().sortBy('id')
    const overlapping = query.or(
      (q) => q.filter({ status: 'active' }),
      (q) => q.filter({ tags: ['x'] }),
    )
    await assertFinds(overlapping, ['a', 'b', 'c'], 'overlapping')
    const nested = query.or(
      (q) =>
        q.filter({ type: 'rtp' }).or(
          (r) => r.where('sourcePort', 'gt', 2),
          (r) => r.filter({ tags: ['x'] }),
        ),
      (q) => q.where('sourcePort', 'exists', false),
    )
    await assertFinds(nested, ['c', 'd'], 'nested')
    await assertFinds(overlapping.filter({ type: 'srt' }).where('sourcePort', 'ne', 1), ['b'], 'with others')
    await assertFinds(
      query.or(
        (q) => q,
        (q) => q.filter({ type: 'rtp' }),
      ),
      ['a', 'b', 'c', 'd'],
      'open',
    )
  })

  test('leaves a query as it is when another is made of it', async (space) => {
    const registry = space.registry()
    await createAll(
      registry,
      ['a', 'b', 'c'].map((id) => input(id)),
    )
    const query = registry.query().sortBy('id', 'desc')
    const others = [query.limit(1), query.offset(2), query.filter({ type: 'rtp' }), query.sortBy('type')]
    assert.deepEqual(await query.ids(), ['c', 'b', 'a'])
    assert.deepEqual(await Promise.all(others.map((other) => other.ids())), [
      ['c'],
      ['a'],
      [],
      ['c', 'b', 'a'],
    ])
  })

  test('runs a query from JSON as the builder would', async (space) => {
    const registry = space.registry()
    const { createdAt } = await registry.create(input('a', { status: 'active', tags: ['vip'] }))
    await createAll(registry, [
      input('b', { status: 'active', sourcePort: 5 }),
      input('c', { tags: ['vip'] }),
    ])
    const since = new Date(createdAt.getTime() - HOUR_MS)
    const built = registry
      .query()
      .filter({ status: 'active', createdAfter: since })
      .or(
        (q) => q.where('sourcePort', 'gte', 5),
        (q) => q.filter({ tags: ['vip'] }),
      )
      .sortBy('sourcePort', 'desc')
      .limit(10)
    const or = [
      [{ field: 'source_port', op: 'gte', value: 5 }],
      [{ field: 'tags', op: 'contains', value: 'vip' }],
    ]
    const json = {
      where: [
        { field: 'status', op: 'eq', value: 'active' },
        { field: 'created_at', op: 'gt', value: since.toISOString() },
        { or },
      ],
      sort: [{ field: 'source_port', direction: 'desc' }],
      limit: 10,
    }
    for (const tree of [queryFromJSON(json), queryFromJSON(JSON.stringify(json)), built.toJSON()]) {
      const query = registry.query(tree)
      assert.deepEqual(query.toJSON(), built.toJSON())
      await assertFinds(query, ['a', 'b'], 'from JSON')
      assert.deepEqual(await query.execute(), await built.execute())
    }
  })
}
