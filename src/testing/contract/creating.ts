import assert from 'node:assert/strict'
import { NO_STATISTICS } from '../../core/model/statistics.js'
import type { Chapter } from './driver.js'
import { input, rejectsWith } from './expectations.js'

export const creating: Chapter = (test) => {
  test('creates a stream with every default in place', async (space) => {
    const registry = space.registry()
    const stream = await registry.create(input('cam1'))
    const { createdAt, updatedAt, lastHeartbeat, ...rest } = stream
    assert.deepEqual(rest, {
      id: 'cam1',
      type: 'srt',
      protocol: 'srt',
      sourceAddr: '10.0.0.1:9000',
      status: 'pending',
      state: {
        currentState: 'initializing',
        stateTransitions: [],
        statusTransitions: [],
        errorCount: 0,
        health: 'unknown',
        quality: {},
        resources: {},
      },
      statistics: NO_STATISTICS,
      metadata: {},
      tags: [],
      config: {},
      ttlMs: 300_000,
      owner: 'a',
      epoch: 1,
      revision: 1,
    })
    assert.deepEqual(updatedAt, createdAt)
    assert.ok(lastHeartbeat >= createdAt)
  })

  test('keeps everything it is given, lossless', async (space) => {
    const registry = space.registry()
    const given = input('cam1', {
      name: 'Bühne 3 \u{1F3A5}',
      type: 'webrtc',
      protocol: 'whip',
      codec: 'h264',
      sourcePort: 65_535,
      status: 'connecting',
      state: {
        currentState: 'connecting',
        health: 'healthy',
        quality: { jitterMs: 1.5 },
        resources: { cpuPercent: 3 },
      },
      videoCodec: 'avc1.64001f',
      resolution: '1920x1080',
      bitrate: Number.MAX_SAFE_INTEGER,
      frameRate: 29.97,
      statistics: { bytesReceived: Number.MAX_SAFE_INTEGER, jitterMs: 0.1 },
      metadata: {
        empty: [],
        nested: { list: [1, null, { deep: true }] },
        exact: -9_007_199_254_740_991,
        half: 0.1,
      },
      tags: ['live', 'eu-1', 'a.b~c_d'],
      config: { latencyMs: 120, list: [] },
      ttlMs: 60_000,
    })
    const created = await registry.create(given)
    const { statistics, state, ...expected } = given
    assert.deepEqual({ ...created, ...expected }, created)
    assert.deepEqual(created.statistics, { ...NO_STATISTICS, ...statistics })
    assert.deepEqual({ ...created.state, ...state }, created.state)
    assert.deepEqual(await registry.get('cam1'), created)
  })

  test('refuses an id that is live, whoever holds it', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'))
    const error = await rejectsWith('STREAM_EXISTS', registry.create(input('cam1')))
    assert.equal(error.streamId, 'cam1')
    await rejectsWith('STREAM_EXISTS', space.registry({ instanceId: 'b' }).create(input('cam1')))
  })

  test('logs created, and started when it is active from the start', async (space) => {
    const registry = space.registry()
    await registry.create(input('waiting'))
    const live = await registry.create(input('live', { status: 'active' }))
    assert.deepEqual(live.startedAt, live.createdAt)
    assert.deepEqual(await space.events(registry, 'waiting'), ['created'])
    assert.deepEqual(await space.events(registry, 'live'), ['created', 'started'])
  })

  test('drops repeated tags and keeps their order', async (space) => {
    const { tags } = await space.registry().create(input('cam1', { tags: ['b', 'a', 'b'] }))
    assert.deepEqual(tags, ['b', 'a'])
  })

  test('shares nothing with the input', async (space) => {
    const registry = space.registry()
    const metadata = { list: [1] }
    const created = await registry.create(input('cam1', { metadata }))
    metadata.list.push(2)
    assert.deepEqual(created.metadata, { list: [1] })
    assert.deepEqual((await registry.get('cam1')).metadata, { list: [1] })
  })

  test('keeps the statistics of a stream that begins over a lapsed one with the same', async (space) => {
    const registry = space.registry({ indexes: [{ field: 'statistics.bitrate', kind: 'number' }] })
    const measured = { bitrate: 5 }
    await registry.create(input('cam1', { ttlMs: 60, statistics: measured }))
    await space.advance(90)
    const again = await registry.create(input('cam1', { statistics: measured }))
    assert.equal(again.statistics.bitrate, 5)
    assert.deepEqual(await registry.get('cam1'), again)
    assert.deepEqual((await registry.verify()).problems, [])
  })

  test('finishes a lapsed record of the same id first', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1', { ttlMs: 100, tags: ['old'] }))
    await space.advance(130)
    const again = await registry.create(input('cam1', { tags: ['new'] }))
    assert.deepEqual([again.epoch, again.revision, again.tags], [1, 1, ['new']])
    assert.deepEqual(await space.events(registry, 'cam1'), ['created', 'expired', 'created'])
    assert.deepEqual((await registry.verify()).problems, [])
  })
}
