import assert from 'node:assert/strict'
import type { Chapter } from './driver.js'
import { input, rejectsWith } from './expectations.js'

export const leasing: Chapter = (test) => {
  test('shows nothing that lapsed, swept or not, and everything that lives', async (space) => {
    const registry = space.registry()
    for (let i = 0; i < 10; i++) {
      await registry.create(input(`cam${i}`, { ttlMs: i % 2 === 0 ? 150 : 60_000, status: 'active' }))
    }
    await space.advance(800)
    const alive = ['cam1', 'cam3', 'cam5', 'cam7', 'cam9']
    for (const swept of [false, true]) {
      if (swept) await space.sweep(registry)
      assert.deepEqual(
        (await registry.list()).map(({ id }) => id),
        alive,
      )
      assert.deepEqual(
        (await registry.listPaginated({ limit: 5 })).streams.map(({ id }) => id),
        alive,
      )
      assert.equal(await registry.count(), 5)
      assert.deepEqual((await registry.stats()).byStatusAndType, { active: { srt: 5 } })
      assert.equal(await registry.find('cam0'), undefined)
      assert.equal(await registry.has('cam0'), false)
      await rejectsWith('STREAM_NOT_FOUND', registry.get('cam0'))
    }
    assert.deepEqual((await registry.verify()).problems, [])
  })

  test('renews with a heartbeat, and never revives', async (space) => {
    const registry = space.registry()
    const before = await registry.create(input('cam1', { ttlMs: 1_200 }))
    await space.advance(800)
    await registry.heartbeat('cam1')
    await space.advance(800)
    const after = await registry.get('cam1')
    assert.ok(after.lastHeartbeat > before.lastHeartbeat)
    assert.deepEqual({ ...after, lastHeartbeat: before.lastHeartbeat }, before)
    await space.advance(800)
    await rejectsWith('STREAM_NOT_FOUND', registry.heartbeat('cam1'))
    assert.equal(await registry.has('cam1'), false)
    await rejectsWith('STREAM_NOT_FOUND', registry.heartbeat('never'))
  })

  test('renews many at once, and tells which are missing', async (space) => {
    const registry = space.registry()
    const ids = Array.from({ length: 450 }, (_, i) => `cam${i}`)
    await Promise.all(ids.map((id) => registry.create(input(id, { ttlMs: 60_000 }))))
    await registry.create(input('short', { ttlMs: 100 }))
    await space.advance(150)
    const result = await registry.heartbeatMany([...ids, 'short', 'never', 'cam1'])
    assert.deepEqual(result, { alive: ids, missing: ['short', 'never'], stale: [] })
    assert.deepEqual(await registry.heartbeatMany([]), { alive: [], missing: [], stale: [] })
  })

  test('changes the time to live and renews', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1', { ttlMs: 200 }))
    const extended = await registry.extendTtl('cam1', 60_000)
    assert.deepEqual([extended.ttlMs, extended.revision], [60_000, 2])
    await space.advance(250)
    assert.equal((await registry.get('cam1')).ttlMs, 60_000)
    const same = await registry.extendTtl('cam1', 60_000)
    assert.equal(same.revision, 2)
    assert.ok(same.lastHeartbeat > extended.lastHeartbeat)
    assert.deepEqual(await space.events(registry, 'cam1'), ['created', 'updated'])
    await rejectsWith('STREAM_NOT_FOUND', registry.extendTtl('never', 5))
    for (const ttlMs of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await rejectsWith('VALIDATION', registry.extendTtl('cam1', ttlMs))
    }
  })

  test('tells of the end of a lease once, with the last record', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1', { ttlMs: 100, statistics: { bytesReceived: 7 } }))
    await registry.create(input('cam2', { ttlMs: 100 }))
    await registry.updateStatus('cam2', 'closed')
    await space.advance(150)
    const swept = await Promise.all([space.sweep(registry), space.sweep(registry), space.sweep(registry)])
    assert.equal(new Set(swept.flat()).size, swept.flat().length)
    assert.deepEqual(await space.events(registry, 'cam1'), ['created', 'expired'])
    assert.deepEqual(await space.events(registry, 'cam2'), ['created', 'terminated', 'deleted'])
    const expired = (await space.log(registry)).find(({ type }) => type === 'stream.expired')
    assert.match(expired?.side ?? '', /"bytes_received":7/)
    assert.match(expired?.doc ?? '', /"id":"cam1"/)
  })
}
