import assert from 'node:assert/strict'
import type { Chapter } from './driver.js'
import { input, rejectsWith } from './expectations.js'

export const settling: Chapter = (test) => {
  test('rejects every call after close, which may be repeated', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'))
    await registry.close()
    await registry.close()
    const calls = [
      registry.create(input('cam2')),
      registry.register(input('cam1')),
      registry.get('cam1'),
      registry.find('cam1'),
      registry.has('cam1'),
      registry.list(),
      registry.listPaginated(),
      registry.update('cam1', {}),
      registry.updateStatus('cam1', 'active'),
      registry.updateState('cam1', {}),
      registry.updateStats('cam1', {}),
      registry.heartbeat('cam1'),
      registry.heartbeatMany(['cam1']),
      registry.extendTtl('cam1', 5),
      registry.unregister('cam1'),
      registry.delete('cam1'),
      registry.count(),
      registry.stats(),
      registry.verify(),
    ]
    for (const call of calls) await rejectsWith('CLOSED', call)
    assert.ok(await space.registry({ instanceId: 'b' }).has('cam1'))
  })

  test('does nothing when the signal is aborted already, and rejects with its reason', async (space) => {
    const registry = space.registry()
    const reason = new Error('not today')
    const signal = AbortSignal.abort(reason)
    await assert.rejects(registry.create(input('cam1'), { signal }), reason)
    await assert.rejects(registry.list({ signal }), reason)
    await assert.rejects(registry.updateStatus('cam1', 'active', { signal }), reason)
    assert.equal(await registry.count(), 0)
  })

  test('takes the longest time there is, and none that is no number', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'), { timeoutMs: 2 ** 31 - 1 })
    assert.ok(await registry.has('cam1', { timeoutMs: 2 ** 31 - 1 }))
    for (const timeoutMs of ['5000', 0, -1, Number.NaN, 2 ** 31]) {
      await rejectsWith('VALIDATION', registry.has('cam1', { timeoutMs: timeoutMs as number }))
    }
  })

  test('hands out copies: what a caller does to one reaches nobody', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1', { metadata: { list: [1] } }))
    const mine = await registry.get('cam1')
    ;(mine.metadata.list as number[]).push(2)
    ;(mine.statistics as { bytesReceived: number }).bytesReceived = 99
    const again = await registry.get('cam1')
    assert.deepEqual([again.metadata, again.statistics.bytesReceived], [{ list: [1] }, 0])
    const renamed = await registry.update('cam1', { name: 'x' })
    assert.deepEqual(renamed.metadata, { list: [1] })
  })
}
