import assert from 'node:assert/strict'
import type { Group, Query } from '../../registry/query/query.js'
import type { Chapter } from './driver.js'
import { assertRefused, createAll, input } from './expectations.js'

/** The counts of groups with one key, by its value. */
function countsOf(groups: readonly Group[]): Record<string, number | undefined> {
  return Object.fromEntries(groups.map(({ key, count }) => [Object.values(key).join(' '), count]))
}

/** A grouped query as JavaScript calls it. */
type Untyped = Record<'groupBy' | 'aggregate', (...args: unknown[]) => Untyped>

const REFUSED: Readonly<Record<string, (query: Untyped) => unknown>> = {
  'an unknown field': (query) => query.groupBy('typee'),
  'no field': (query) => query.groupBy(),
  'a list': (query) => query.groupBy('tags'),
  'an unknown function': (query) => query.aggregate('median', 'errorCount'),
  'the average of everything': (query) => query.groupBy('type').aggregate('avg', '*'),
  'the count of a field': (query) => query.aggregate('count', 'errorCount'),
  'the sum of text': (query) => query.aggregate('sum', 'name'),
  'the sum of dates': (query) => query.aggregate('sum', 'createdAt'),
  'the least text': (query) => query.groupBy('type').aggregate('min', 'name'),
  'the most of an unknown field': (query) => query.aggregate('max', 'errors'),
  'an aggregate of nothing': (query) => query.aggregate('sum', undefined),
}

export const grouping: Chapter = (test) => {
  test('counts, adds up, averages and bounds in groups sorted by key', async (space) => {
    const registry = space.registry()
    await createAll(registry, [
      input('a', { type: 'srt', bitrate: 10 }),
      input('b', { type: 'srt', bitrate: 30 }),
      input('c', { type: 'srt' }),
      input('d', { type: 'rtp' }),
      input('e', { type: 'webrtc', bitrate: 0 }),
    ])
    const groups = await registry
      .query()
      .groupBy('type')
      .aggregate('count', '*')
      .aggregate('sum', 'bitrate')
      .aggregate('avg', 'bitrate')
      .aggregate('min', 'bitrate')
      .aggregate('max', 'bitrate')
      .execute()
    const figures = (sum: number, avg: number | null, min: number | null, max: number | null): object => ({
      sum: { bitrate: sum },
      avg: { bitrate: avg },
      min: { bitrate: min },
      max: { bitrate: max },
    })
    assert.deepEqual(groups, [
      { key: { type: 'rtp' }, count: 1, ...figures(0, null, null, null) },
      { key: { type: 'srt' }, count: 3, ...figures(40, 20, 10, 30) },
      { key: { type: 'webrtc' }, count: 1, ...figures(0, 0, 0, 0) },
    ])
  })

  test('groups by several fields, in one call or more, a missing one as null and last', async (space) => {
    const registry = space.registry({ indexes: [{ field: 'metadata.region', kind: 'equality' }] })
    await createAll(registry, [
      input('a', { metadata: { region: 'eu' }, sourcePort: 2 }),
      input('b', { metadata: { region: 'eu' }, sourcePort: 10 }),
      input('c', { metadata: { region: 'eu' }, sourcePort: 10 }),
      input('d', { metadata: { region: null }, sourcePort: 2 }),
      input('e', { metadata: { region: 5 } }),
      input('f', { metadata: { region: true } }),
      input('g', { metadata: { region: '\u{1F600}' } }),
      input('h', { metadata: { region: '\uFF5E' } }),
      input('i'),
    ])
    const expected = [
      [5, null, 1],
      ['eu', 2, 1],
      ['eu', 10, 2],
      ['\uFF5E', null, 1],
      ['\u{1F600}', null, 1],
      [true, null, 1],
      [null, 2, 1],
      [null, null, 1],
    ].map(([region, port, count]) => ({ key: { 'metadata.region': region, sourcePort: port }, count }))
    const query = registry.query()
    const together = query.groupBy('metadata.region', 'sourcePort').aggregate('count', '*')
    assert.deepEqual(await together.execute(), expected)
    const apart = query.groupBy('metadata.region').aggregate('count', '*').groupBy('sourcePort')
    assert.deepEqual(await apart.execute(), expected)
  })

  test('makes one group of everything without groupBy, also of nothing', async (space) => {
    const registry = space.registry()
    const query = registry
      .query()
      .aggregate('count', '*')
      .aggregate('sum', 'errorCount')
      .aggregate('avg', 'errorCount')
      .aggregate('min', 'errorCount')
      .aggregate('max', 'createdAt')
    const none = {
      key: {},
      count: 0,
      sum: { errorCount: 0 },
      avg: { errorCount: null },
      min: { errorCount: null },
      max: { createdAt: null },
    }
    assert.deepEqual(await query.execute(), [none])
    assert.deepEqual(await registry.query().aggregate('count', '*').execute(), [{ key: {}, count: 0 }])
    assert.deepEqual(await registry.query().groupBy('type').aggregate('count', '*').execute(), [])
    const { createdAt } = await registry.create(input('a'))
    const one = { ...none, count: 1, avg: { errorCount: 0 }, min: { errorCount: 0 }, max: { createdAt } }
    assert.deepEqual(await query.execute(), [one])
  })

  test('keeps dates as dates, in keys and in figures', async (space) => {
    const registry = space.registry()
    const first = await registry.create(input('a', { status: 'active' }))
    await space.advance(3)
    const last = await registry.create(input('b', { status: 'active' }))
    await registry.create(input('c'))
    const query = registry.query().aggregate('min', 'startedAt').aggregate('max', 'startedAt')
    const [group] = await query.execute()
    assert.deepEqual(group?.min, { startedAt: first.startedAt })
    assert.deepEqual(group?.max, { startedAt: last.startedAt })
    assert.deepEqual(
      (await registry.query().groupBy('startedAt').aggregate('count', '*').execute()).map(
        ({ key }) => key.startedAt,
      ),
      [first.startedAt, last.startedAt, null],
    )
  })

  test('aggregates several fields of several kinds, and only numbers of metadata', async (space) => {
    const registry = space.registry()
    await createAll(registry, [
      input('a', { metadata: { load: 0.1 }, statistics: { bytesReceived: Number.MAX_SAFE_INTEGER } }),
      input('b', { metadata: { load: 0.2 } }),
      input('c', { metadata: { load: 'high' } }),
      input('d', { metadata: { load: [7] } }),
    ])
    await registry.updateStats('b', { bytesReceived: 1, jitterMs: 2.5 })
    const [group] = await registry
      .query()
      .aggregate('avg', 'metadata.load')
      .aggregate('sum', 'metadata.load')
      .aggregate('max', 'metadata.load')
      .aggregate('sum', 'bytesReceived')
      .aggregate('min', 'statistics.jitterMs')
      .execute()
    assert.deepEqual(group, {
      key: {},
      avg: { 'metadata.load': (0.1 + 0.2) / 2 },
      sum: { 'metadata.load': 0.1 + 0.2, bytesReceived: 2 ** 53 },
      max: { 'metadata.load': 0.2 },
      min: { 'statistics.jitterMs': 2.5 },
    })
  })

  test('counts by status and type as stats does, and follows every change', async (space) => {
    const registry = space.registry()
    const assertSame = async (): Promise<void> => {
      const query = registry.query()
      const count = async (...fields: ['status' | 'type', 'type'?]): Promise<object> =>
        countsOf(
          await query
            .groupBy(...fields.filter((field) => field !== undefined))
            .aggregate('count', '*')
            .execute(),
        )
      const { total, byStatus, byType, byStatusAndType } = await registry.stats()
      assert.deepEqual(await count('status'), byStatus)
      assert.deepEqual(await count('type'), byType)
      const flat = Object.entries(byStatusAndType).flatMap(([status, types]) =>
        Object.entries(types).map(([type, number]) => [`${status} ${type}`, number]),
      )
      assert.deepEqual(await count('status', 'type'), Object.fromEntries(flat))
      assert.deepEqual(await query.aggregate('count', '*').execute(), [{ key: {}, count: total }])
    }
    await assertSame()
    const statuses = ['pending', 'active', 'active', 'paused'] as const
    const types = ['srt', 'rtp', 'webrtc'] as const
    await createAll(
      registry,
      Array.from({ length: 12 }, (_, i) =>
        input(`cam${i}`, { status: statuses[i % 4], type: types[i % 3] } as object),
      ),
    )
    await assertSame()
    await registry.updateStatus('cam0', 'active')
    await registry.unregister('cam1')
    await registry.updateStatus('cam2', 'closed')
    await assertSame()
    await registry.register(input('cam2', { type: 'rtmp' }))
    await registry.delete('cam3')
    await assertSame()
  })

  test('groups what the filters leave, each stream once', async (space) => {
    const registry = space.registry()
    await createAll(registry, [
      input('a', { status: 'active', tags: ['x', 'y'], sourcePort: 1 }),
      input('b', { status: 'active', type: 'rtp', tags: ['x'] }),
      input('c', { tags: ['y'], sourcePort: 3 }),
      input('d', { type: 'rtp' }),
    ])
    const counted = async (query: Query): Promise<object> =>
      countsOf(await query.groupBy('type').aggregate('count', '*').execute())
    const query = registry.query()
    assert.deepEqual(await counted(query.filter({ status: 'active' })), { rtp: 1, srt: 1 })
    assert.deepEqual(await counted(query.filter({ tags: ['x', 'y'], tagsAny: true })), { rtp: 1, srt: 2 })
    assert.deepEqual(await counted(query.where('sourcePort', 'gt', 1)), { srt: 1 })
    const either = query.or(
      (q) => q.filter({ tags: ['x'] }),
      (q) => q.filter({ status: 'active' }),
    )
    assert.deepEqual(await counted(either), { rtp: 1, srt: 1 })
    assert.deepEqual(await counted(query.filter({ status: 'error' })), {})
  })

  test('refuses what it cannot group or compute', async (space) => {
    const query = space.registry().query()
    for (const [what, build] of Object.entries(REFUSED))
      assertRefused(what, () => build(query as unknown as Untyped))
  })

  test('takes only filters before the groups', async (space) => {
    const query = space.registry().query()
    const shaped = {
      sorted: query.sortBy('createdAt'),
      limited: query.limit(5),
      moved: query.offset(1),
      after: query.after('x'),
    }
    for (const [what, wrong] of Object.entries(shaped)) {
      assertRefused(what, () => wrong.groupBy('type'))
      assertRefused(what, () => wrong.aggregate('count', '*'))
    }
  })
}
