import assert from 'node:assert/strict'
import type { Chapter } from './driver.js'
import { input } from './expectations.js'

export const counting: Chapter = (test) => {
  test('counts nothing in an empty registry', async (space) => {
    const registry = space.registry()
    assert.equal(await registry.count(), 0)
    assert.deepEqual(await registry.stats(), { total: 0, byStatus: {}, byType: {}, byStatusAndType: {} })
  })

  test('counts by status and type, and follows every change', async (space) => {
    const registry = space.registry()
    await registry.create(input('a', { status: 'active' }))
    await registry.create(input('b', { type: 'rtp' }))
    await registry.create(input('c', { type: 'rtp', status: 'active' }))
    await registry.create(input('d', { type: 'rtp', status: 'active' }))
    await registry.updateStatus('c', 'paused')
    await registry.unregister('d')
    assert.deepEqual(await registry.stats(), {
      total: 3,
      byStatus: { active: 1, pending: 1, paused: 1 },
      byType: { srt: 1, rtp: 2 },
      byStatusAndType: { active: { srt: 1 }, pending: { rtp: 1 }, paused: { rtp: 1 } },
    })
    assert.equal(await registry.count(), 3)
  })
}
