import assert from 'node:assert/strict'
import type { Chapter } from './driver.js'
import { input, rejectsWith } from './expectations.js'

export const ending: Chapter = (test) => {
  test('unregisters in order: terminated, then gone, the last record back', async (space) => {
    const registry = space.registry()
    const created = await registry.create(input('cam1', { status: 'active', tags: ['a'] }))
    const last = await registry.unregister('cam1')
    assert.deepEqual([last.status, last.revision, last.createdAt], ['terminated', 2, created.createdAt])
    assert.deepEqual(last.endedAt, last.updatedAt)
    assert.equal(await registry.has('cam1'), false)
    assert.deepEqual(await space.events(registry, 'cam1'), ['created', 'started', 'terminated', 'deleted'])
    await rejectsWith('STREAM_NOT_FOUND', registry.unregister('cam1'))
    assert.deepEqual(await registry.verify(), { checked: 0, problems: [] })
  })

  test('unregisters what is terminal already without a second end', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'))
    const closed = await registry.updateStatus('cam1', 'closed')
    const last = await registry.unregister('cam1')
    assert.deepEqual({ ...last, lastHeartbeat: closed.lastHeartbeat }, closed)
    assert.deepEqual(await space.events(registry, 'cam1'), ['created', 'terminated', 'deleted'])
  })

  test('deletes whatever is there, and says whether something was', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1', { status: 'active' }))
    assert.equal(await registry.delete('cam1'), true)
    assert.equal(await registry.delete('cam1'), false)
    assert.deepEqual(await space.events(registry, 'cam1'), ['created', 'started', 'deleted'])
    assert.deepEqual(await registry.verify(), { checked: 0, problems: [] })
  })

  test('finishes a lapsed record as lapsed when it is deleted', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1', { ttlMs: 100 }))
    await space.advance(130)
    assert.equal(await registry.delete('cam1'), false)
    assert.deepEqual(await space.events(registry, 'cam1'), ['created', 'expired'])
    assert.deepEqual(await registry.verify(), { checked: 0, problems: [] })
  })

  test('never lets a writer of the old record touch the new one', async (space) => {
    const registry = space.registry()
    const other = space.registry({ instanceId: 'b' })
    await registry.create(input('cam1', { name: 'old' }))
    const names: (string | undefined)[] = []
    const updated = await registry.update('cam1', async (stream) => {
      names.push(stream.name)
      if (names.length === 1) {
        await other.delete('cam1')
        await other.create(input('cam1', { name: 'new' }))
      }
      return { codec: `${stream.name}-codec` }
    })
    assert.deepEqual(names, ['old', 'new'])
    assert.deepEqual([updated.name, updated.codec, updated.owner], ['new', 'new-codec', 'b'])
  })
}
