import assert from 'node:assert/strict'
import type { Chapter } from './driver.js'
import { input } from './expectations.js'

export const verifying: Chapter = (test) => {
  test('finds nothing wrong after every kind of change', async (space) => {
    const registry = space.registry()
    for (let i = 0; i < 20; i++) {
      await registry.create(input(`cam${i}`, { tags: [`t${i % 3}`, 'all'], ttlMs: i < 5 ? 120 : 60_000 }))
    }
    await registry.updateStatus('cam6', 'active')
    await registry.updateState('cam7', { health: 'degraded' })
    await registry.update('cam8', { tags: [], sourceAddr: '192.0.2.1:1' })
    await registry.updateStats('cam9', { bytesReceived: 9 })
    await registry.extendTtl('cam10', 1_000)
    await registry.unregister('cam11')
    await registry.delete('cam12')
    await space.registry({ instanceId: 'b' }).register(input('cam13'), { takeover: true })
    await space.advance(150)
    const { checked, problems } = await registry.verify({ repair: true })
    assert.deepEqual([checked, problems], [18, []])
    assert.equal(await registry.count(), 13)
  })
}
