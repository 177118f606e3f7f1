import assert from 'node:assert/strict'
import type { Chapter } from './driver.js'
import { input, rejectsWith } from './expectations.js'

export const measuring: Chapter = (test) => {
  test('merges statistics field by field, exactly', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'))
    await registry.updateStats('cam1', {
      bytesReceived: Number.MAX_SAFE_INTEGER,
      packetsLost: 1,
      jitterMs: 0.1,
    })
    await registry.updateStats('cam1', { packetsLost: 2, rttMs: 1e-7 })
    await registry.updateStats('cam1', { packetsReceived: 123_456_789_012_345 })
    assert.deepEqual((await registry.get('cam1')).statistics, {
      bytesReceived: Number.MAX_SAFE_INTEGER,
      packetsReceived: 123_456_789_012_345,
      packetsLost: 2,
      bitrate: 0,
      jitterMs: 0.1,
      rttMs: 1e-7,
    })
  })

  test('renews the lease and moves lastHeartbeat, nothing else', async (space) => {
    const registry = space.registry()
    const before = await registry.create(input('cam1', { ttlMs: 1_200 }))
    await space.advance(800)
    await registry.updateStats('cam1', { bytesReceived: 5 })
    await space.advance(800)
    const { statistics, lastHeartbeat, ...after } = await registry.get('cam1')
    assert.equal(statistics.bytesReceived, 5)
    assert.ok(lastHeartbeat > before.lastHeartbeat)
    assert.deepEqual({ ...after, statistics: before.statistics, lastHeartbeat: before.lastHeartbeat }, before)
    assert.deepEqual(await space.events(registry, 'cam1'), ['created'])
  })

  test('survives changes of the document, and ends with the record', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1', { statistics: { bytesReceived: 1 } }))
    await registry.updateStats('cam1', { bytesReceived: 2 })
    const renamed = await registry.update('cam1', { name: 'x' })
    assert.equal(renamed.statistics.bytesReceived, 2)
    await registry.updateStats('cam1', { bytesReceived: 3 })
    const last = await registry.unregister('cam1')
    assert.equal(last.statistics.bytesReceived, 3)
    const anew = await registry.create(input('cam1'))
    assert.equal(anew.statistics.bytesReceived, 0)
    assert.equal((await registry.get('cam1')).statistics.bytesReceived, 0)
  })

  test('keeps declared indexes over statistics and metadata', async (space) => {
    const registry = space.registry({
      indexes: [
        { field: 'statistics.bitrate', kind: 'number' },
        { field: 'metadata.region', kind: 'equality' },
        { field: 'metadata.title', kind: 'text' },
      ],
    })
    await registry.create(input('cam1', { metadata: { region: 'eu', title: 'x=y' } }))
    await registry.updateStats('cam1', { bitrate: 5 })
    await registry.update('cam1', { metadata: { region: 'us', title: null } })
    await registry.updateStats('cam1', { bitrate: 6 })
    await registry.updateStatus('cam1', 'active')
    assert.deepEqual((await registry.verify()).problems, [])
    await registry.unregister('cam1')
    assert.deepEqual(await registry.verify(), { checked: 0, problems: [] })
  })

  test('keeps the indexes that other writers declared', async (space) => {
    const early = space.registry()
    await early.create(input('cam1'))
    await early.unregister('cam1')
    const late = space.registry({
      instanceId: 'b',
      indexes: [{ field: 'metadata.region', kind: 'equality' }],
    })
    await late.create(input('cam2', { metadata: { region: 'eu' } }))
    await early.create(input('cam3', { metadata: { region: 'eu' } }))
    assert.deepEqual((await late.verify()).problems, [])
    const contrary = { instanceId: 'c', indexes: [{ field: 'metadata.region', kind: 'text' }] } as const
    await rejectsWith(
      'VALIDATION',
      Promise.resolve().then(() => space.registry(contrary).create(input('cam4'))),
    )
  })

  test('refuses what is no statistic', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'))
    for (const wrong of [
      { bytesReceived: -1 },
      { bytesReceived: 1.5 },
      { bitrate: 2 ** 53 },
      { jitterMs: Number.NaN },
    ]) {
      await rejectsWith('VALIDATION', registry.updateStats('cam1', wrong))
    }
    await rejectsWith('VALIDATION', registry.updateStats('cam1', { bytesRecieved: 1 } as object))
    await rejectsWith('STREAM_NOT_FOUND', registry.updateStats('other', { bytesReceived: 1 }))
  })
}
