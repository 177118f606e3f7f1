import assert from 'node:assert/strict'
import type { Chapter } from './driver.js'
import { input, rejectsWith } from './expectations.js'

const REFUSED = [
  '',
  'active',
  'idx',
  'log',
  'a:b',
  'idx:rec',
  '{a}',
  'a}',
  ' a',
  'a b',
  'a\n',
  'a\0',
  '\u0001',
  '-a',
  '.a',
  '_a',
  'ä',
  '*',
  'x'.repeat(129),
]

export const identifying: Chapter = (test) => {
  test('mints ids of the seed’s form', async (space) => {
    const { id, createdAt } = await space.registry().create({ type: 'rtmp', sourceAddr: '10.0.0.1:1935' })
    assert.match(id, /^rtmp_\d{8}_\d{6}_\d{3,}$/)
    const [date, time] = createdAt.toISOString().split('T')
    assert.equal(id.slice(5, 13), date?.replaceAll('-', ''))
    assert.equal(id.slice(14, 18), time?.slice(0, 5).replace(':', ''))
  })

  test('mints an id once, whichever instance does', async (space) => {
    const registries = ['a', 'b', 'c', 'd'].map((instanceId) => space.registry({ instanceId }))
    const streams = await Promise.all(
      registries.flatMap((registry) =>
        Array.from({ length: 60 }, () => registry.create({ type: 'srt', sourceAddr: '10.0.0.1:9000' })),
      ),
    )
    assert.equal(new Set(streams.map(({ id }) => id)).size, 240)
  })

  test('mints past an id that a user took', async (space) => {
    const registry = space.registry()
    const { id } = await registry.create({ type: 'srt', sourceAddr: '10.0.0.1:9000' })
    const taken = id.replace(/\d+$/, (counter) => String(Number(counter) + 1).padStart(3, '0'))
    await registry.create(input(taken))
    const next = await registry.create({ type: 'srt', sourceAddr: '10.0.0.1:9000' })
    assert.notEqual(next.id, taken)
  })

  test('refuses what collides with the key layout or is no id, before anything is written', async (space) => {
    const registry = space.registry()
    for (const id of REFUSED) {
      await rejectsWith('VALIDATION', registry.create(input(id)))
      await rejectsWith('VALIDATION', registry.register(input(id)))
      await rejectsWith('VALIDATION', registry.get(id))
      await rejectsWith('VALIDATION', registry.heartbeat(id))
      await rejectsWith('VALIDATION', registry.heartbeatMany([id]))
      await rejectsWith('VALIDATION', registry.delete(id))
      await rejectsWith('VALIDATION', registry.updateStatus(id, 'active'))
    }
    assert.equal(await registry.count(), 0)
    assert.deepEqual(await space.log(registry), [])
  })

  test('takes ids of up to 128 characters, and words that JavaScript or Lua might trip over', async (space) => {
    const registry = space.registry()
    const ids = ['x'.repeat(128), 'constructor', 'toString', 'nil', '0', 'inf', 'a~b.c_d-e', 'Active']
    for (const id of ids) await registry.create(input(id, { tags: ['constructor', 'valueOf'] }))
    const listed = await registry.list()
    assert.deepEqual(new Set(listed.map(({ id }) => id)), new Set(ids))
    for (const id of ids) assert.equal((await registry.unregister(id)).id, id)
    assert.deepEqual(await registry.verify(), { checked: 0, problems: [] })
  })
}
