import assert from 'node:assert/strict'
import { isRegistryError } from '../../core/errors.js'
import type { Chapter } from './driver.js'
import { input } from './expectations.js'

export const racing: Chapter = (test) => {
  test('lets one of many creators win', async (space) => {
    const registries = ['a', 'b', 'c'].map((instanceId) => space.registry({ instanceId }))
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, (_, i) => registries[i % 3]?.create(input('cam1'))),
    )
    const winners = outcomes.filter(({ status }) => status === 'fulfilled')
    assert.equal(winners.length, 1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        assert.equal(isRegistryError(outcome.reason) && outcome.reason.code, 'STREAM_EXISTS')
    }
  })

  test('loses none of many updates', async (space) => {
    const registries = ['a', 'b', 'c'].map((instanceId) => space.registry({ instanceId }))
    const [first] = registries
    await first?.create(input('cam1', { metadata: { count: 0 } }))
    const increments = Array.from({ length: 30 }, (_, i) =>
      registries[i % 3]?.update('cam1', ({ metadata }) => ({
        metadata: { count: Number(metadata.count) + 1 },
      })),
    )
    await Promise.all(increments)
    const stream = await first?.get('cam1')
    assert.deepEqual([stream?.metadata, stream?.revision], [{ count: 30 }, 31])
  })

  test('keeps everything consistent while create, status and delete race', async (space) => {
    const registries = ['a', 'b'].map((instanceId) => space.registry({ instanceId }))
    await Promise.allSettled(
      Array.from({ length: 60 }, (_, i) => {
        const registry = registries[i % 2]
        const id = `cam${i % 3}`
        if (i % 5 === 0) return registry?.delete(id)
        if (i % 5 === 1) return registry?.updateStatus(id, 'active')
        if (i % 5 === 2) return registry?.updateStats(id, { bytesReceived: i })
        return registry?.register(input(id, { tags: [`t${i % 7}`] }), { takeover: true })
      }),
    )
    assert.deepEqual((await registries[0]?.verify())?.problems, [])
  })
}
