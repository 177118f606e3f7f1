import assert from 'node:assert/strict'
import type { StreamFilter } from '../../core/query/filter.js'
import type { Query } from '../../registry/query/query.js'
import type { Chapter } from './driver.js'
import { assertFinds, createAll, input } from './expectations.js'

export const moving: Chapter = (test) => {
  test('moves a stream in every index in the instant of the change', async (space) => {
    const registry = space.registry({ indexes: [{ field: 'metadata.region', kind: 'equality' }] })
    const other = space.registry({ instanceId: 'b' })
    const left = { status: 'pending', tags: ['x'], health: 'unknown', sourceAddr: '10.0.0.1:9000' } as const
    const entered = { status: 'active', tags: ['y'], health: 'degraded', sourceAddr: 'new' } as const
    const region = (value: string): Query => other.query().where('metadata.region', 'eq', value)
    const counts = async (filter: StreamFilter): Promise<number[]> => {
      const singly = Object.entries(filter).map(([name, value]) => ({ [name]: value }))
      return Promise.all(
        [filter, ...singly].map(async (one) => (await other.query().filter(one).execute()).length),
      )
    }
    await registry.create(input('cam1', { tags: ['x', 'z'], metadata: { region: 'eu' } }))
    assert.deepEqual([await counts(left), await region('eu').count()], [[1, 1, 1, 1, 1], 1])
    await registry.updateStatus('cam1', 'active')
    await registry.updateState('cam1', { health: 'degraded' })
    await registry.update('cam1', { tags: ['y', 'z'], sourceAddr: 'new', metadata: { region: 'us' } })
    assert.deepEqual([await counts(left), await region('eu').count()], [[0, 0, 0, 0, 0], 0])
    assert.deepEqual([await counts(entered), await region('us').ids()], [[1, 1, 1, 1, 1], ['cam1']])
    await registry.updateStatus('cam1', 'closed')
    await registry.register(input('cam1', { tags: ['x'], metadata: { region: 'asia' } }))
    assert.deepEqual([await counts(entered), await region('us').count()], [[0, 0, 0, 0, 0], 0])
    assert.deepEqual([await counts(left), await region('asia').ids()], [[1, 1, 1, 1, 1], ['cam1']])
    await registry.create(input('cam2', { tags: ['x'] }))
    await registry.unregister('cam1')
    assert.deepEqual([await other.query().ids(), await region('asia').count()], [['cam2'], 0])
    await registry.delete('cam2')
    assert.deepEqual([await counts(left), await other.query().count()], [[0, 0, 0, 0, 0], 0])
  })

  test('follows statistics, declared as an index or not', async (space) => {
    for (const indexes of [[], [{ field: 'statistics.bitrate', kind: 'number' }] as const]) {
      const registry = space.registry({ indexes })
      await createAll(registry, [input('a'), input('b', { statistics: { bitrate: 5 } }), input('c')])
      const query = registry.query().sortBy('statistics.bitrate', 'desc')
      assert.deepEqual(await query.ids(), ['b', 'c', 'a'])
      await registry.updateStats('a', { bitrate: 7 })
      await registry.updateStats('c', { bitrate: 6, packetsLost: 2 })
      assert.deepEqual(await query.ids(), ['a', 'c', 'b'])
      assert.deepEqual(await query.where('statistics.bitrate', 'gte', 6).ids(), ['a', 'c'])
      assert.equal(await query.where('statistics.bitrate', 'gt', 6).count(), 1)
      await assertFinds(query.where('packetsLost', 'gt', 1), ['c'], 'by an alias')
      await Promise.all(['a', 'b', 'c'].map((id) => registry.delete(id)))
    }
  })

  test('shows nothing that lapsed, swept or not', async (space) => {
    const registry = space.registry({ indexes: [{ field: 'metadata.n', kind: 'number' }] })
    const lapsing = Array.from({ length: 30 }, (_, n) =>
      input(`cam${n}`, { ttlMs: 60, status: 'active', tags: ['x'], metadata: { n } }),
    )
    await createAll(registry, [...lapsing, input('cam9z', { tags: ['x'], metadata: { n: 15 } })])
    await space.advance(90)
    for (const swept of [false, true]) {
      if (swept) await space.sweep(registry)
      for (const field of ['createdAt', 'metadata.n', 'name', 'sourceAddr'] as const) {
        for (const direction of ['asc', 'desc'] as const) {
          const query = registry.query().sortBy(field, direction)
          await assertFinds(query, ['cam9z'], `${field} ${direction}`)
          await assertFinds(query.filter({ tags: ['x'] }), ['cam9z'], `tagged, ${field} ${direction}`)
          await assertFinds(query.filter({ status: 'active' }), [], `active, ${field} ${direction}`)
        }
      }
      assert.deepEqual(
        [await registry.count({ tags: ['x'] }), await registry.count({ status: 'active' })],
        [1, 0],
      )
      const groups = await registry.query().groupBy('status').aggregate('count', '*').execute()
      assert.deepEqual(groups, [{ key: { status: 'pending' }, count: 1 }])
    }
  })
}
