import assert from 'node:assert/strict'
import type { Chapter } from './driver.js'
import { input, rejectsWith } from './expectations.js'

export const registering: Chapter = (test) => {
  test('creates what is not live', async (space) => {
    const registry = space.registry()
    const stream = await registry.register(input('cam1', { status: 'active' }))
    assert.equal(stream.epoch, 1)
    assert.deepEqual(await space.events(registry, 'cam1'), ['created', 'started'])
  })

  test('mints an id when none is given', async (space) => {
    const { id } = await space.registry().register({ type: 'rtp', sourceAddr: '10.0.0.1:5004' })
    assert.match(id, /^rtp_/)
  })

  test('refreshes what this instance holds: createdAt stays, the lease is renewed', async (space) => {
    const registry = space.registry()
    const first = await registry.register(input('cam1', { ttlMs: 1_200 }))
    await space.advance(800)
    const again = await registry.register(input('cam1'))
    assert.deepEqual(again, { ...first, lastHeartbeat: again.lastHeartbeat })
    assert.ok(again.lastHeartbeat > first.lastHeartbeat)
    await space.advance(800)
    assert.ok(await registry.has('cam1'))
    assert.deepEqual(await space.events(registry, 'cam1'), ['created'])
  })

  test('refreshes the fields that are given, and logs what changed', async (space) => {
    const registry = space.registry()
    await registry.register(
      input('cam1', { name: 'old', tags: ['a'], metadata: { a: 1, b: 2 }, status: 'active' }),
    )
    const again = await registry.register(
      input('cam1', { sourceAddr: '10.0.0.2:9000', metadata: { a: 2 }, tags: ['b'], ttlMs: 60_000 }),
    )
    assert.deepEqual(
      [again.name, again.sourceAddr, again.metadata, again.tags, again.ttlMs, again.revision, again.status],
      ['old', '10.0.0.2:9000', { a: 2 }, ['b'], 60_000, 2, 'active'],
    )
    assert.deepEqual(await registry.get('cam1'), again)
    const [last] = (await space.log(registry)).slice(-1)
    assert.equal(last?.type, 'stream.updated')
    assert.deepEqual(new Set(last?.changes), new Set(['sourceAddr', 'metadata', 'tags', 'ttlMs']))
  })

  test('refuses what another instance holds', async (space) => {
    await space.registry().register(input('cam1'))
    const other = space.registry({ instanceId: 'b' })
    await rejectsWith('STREAM_EXISTS', other.register(input('cam1')))
    assert.equal((await other.get('cam1')).owner, 'a')
  })

  test('takes over what another instance holds, when told to', async (space) => {
    const first = await space
      .registry()
      .register(input('cam1', { name: 'mine', statistics: { bytesReceived: 7 } }))
    const other = space.registry({ instanceId: 'b' })
    const taken = await other.register(input('cam1'), { takeover: true })
    const { updatedAt, lastHeartbeat } = taken
    assert.deepEqual(taken, { ...first, owner: 'b', epoch: 2, revision: 2, updatedAt, lastHeartbeat })
    assert.deepEqual(await other.get('cam1'), taken)
    assert.deepEqual(await space.events(other, 'cam1'), ['created', 'owner.changed'])
    assert.deepEqual((await other.verify()).problems, [])
  })

  test('starts anew over a terminal status, whoever held it', async (space) => {
    const registry = space.registry()
    await registry.register(input('cam1', { name: 'old', statistics: { bytesReceived: 7 } }))
    const closed = await registry.updateStatus('cam1', 'closed')
    await space.advance(10)
    const other = space.registry({ instanceId: 'b' })
    const anew = await other.register(input('cam1', { status: 'active' }))
    assert.deepEqual(
      [anew.epoch, anew.owner, anew.name, anew.revision],
      [closed.epoch + 1, 'b', undefined, 1],
    )
    assert.ok(anew.createdAt > closed.createdAt)
    assert.equal(anew.statistics.bytesReceived, 0)
    assert.deepEqual(await other.get('cam1'), anew)
    const events = ['created', 'terminated', 'deleted', 'created', 'started']
    assert.deepEqual(await space.events(other, 'cam1'), events)
    assert.deepEqual((await other.verify()).problems, [])
  })
}
