import assert from 'node:assert/strict'
import { LeaderElection } from '../../coordination/leader-election.js'
import { TTLManager, type TTLManagerOptions } from '../../coordination/ttl-manager.js'
import { isRegistryError } from '../../core/errors.js'
import type { StreamInput } from '../../core/model/stream.js'
import { StaleTokenError } from '../../core/store.js'
import { storeOf } from '../../registry/store-registry.js'
import type { Chapter, ContractSpace } from './driver.js'
import { createAll, input, pass, until } from './expectations.js'

/** So seldom that nothing in a test happens by it. */
const SELDOM = { cleanupIntervalMs: 3_600_000 }
const TTL_MS = 300

const ids = (count: number, name = 'cam'): string[] => Array.from({ length: count }, (_, i) => `${name}${i}`)

/** Two ids that are kept in one place: what is a silence is found out in each. */
function neighbours(registry: object): [string, string] {
  const store = storeOf(registry)
  const [first = '', second = ''] = ids(50).filter(
    (id) => store.partitionOf(id) === store.partitionOf('cam0'),
  )
  return [first, second]
}

/** The streams that `stream.expired` tells of, sorted. */
async function ended(space: ContractSpace, registry: object): Promise<string[]> {
  const records = await space.log(registry)
  return records
    .filter(({ type }) => type === 'stream.expired')
    .map(({ id }) => id)
    .toSorted()
}

export const cleaning: Chapter = (test) => {
  test('finishes what has lapsed once, in batches, whoever cleans up', async (space) => {
    const registry = space.registry()
    const lapsing = ids(620)
    await createAll(registry, [
      input('kept'),
      ...lapsing.map((id): StreamInput => input(id, { ttlMs: TTL_MS, name: `the ${id}` })),
    ])
    await space.advance(TTL_MS + 50)
    const managers = ['a', 'b', 'c'].map((instanceId) => new TTLManager(space.registry({ instanceId })))
    const reports = await Promise.all(managers.map((manager) => manager.runOnce()))
    assert.deepEqual(reports.flatMap(({ expired }) => expired).toSorted(), lapsing.toSorted())
    assert.deepEqual(
      reports.map(({ repaired }) => repaired),
      [0, 0, 0],
    )
    assert.deepEqual(await ended(space, registry), lapsing.toSorted())
    for (const { id, type, doc } of await space.log(registry))
      if (type === 'stream.expired') assert.match(doc, new RegExp(`"the ${id}"`))
    assert.deepEqual(await managers[0]?.runOnce(), { expired: [], repaired: 0 })
    assert.deepEqual(await registry.verify(), { checked: 1, problems: [] })
  })

  test('wakes for each lease that ends, also of streams created later', async (space) => {
    const registry = space.registry()
    await registry.create(input('first', { ttlMs: TTL_MS }))
    const manager = new TTLManager(space.registry({ instanceId: 'b' }), SELDOM)
    manager.start()
    manager.start()
    const isOver = (id: string) => async (): Promise<boolean> => (await ended(space, registry)).includes(id)
    await until(space, 'the first end', isOver('first'), 5_000)
    await registry.create(input('long'))
    await pass(space, TTL_MS)
    await registry.create(input('second', { ttlMs: TTL_MS }))
    await until(space, 'the second end', isOver('second'), 5_000)
    await registry.create(input('third', { ttlMs: 2 * TTL_MS }))
    await pass(space, TTL_MS)
    await registry.create(input('fourth', { ttlMs: 10 }))
    await registry.heartbeat('third')
    await until(space, 'the last end', isOver('third'), 5_000)
    assert.deepEqual(await ended(space, registry), ['first', 'fourth', 'second', 'third'])

    await manager.stop()
    await manager.stop()
    await registry.create(input('fifth', { ttlMs: 10 }))
    await pass(space, 2 * TTL_MS)
    assert.equal(await isOver('fifth')(), false)
    manager.start()
    await until(space, 'the end after a new start', isOver('fifth'), 5_000)
  })

  test('ends with its registry', async (space) => {
    const registry = space.registry()
    const other = space.registry({ instanceId: 'b' })
    new TTLManager(other, SELDOM).start()
    await registry.create(input('first', { ttlMs: 20 }))
    await until(space, 'the end', async () => (await ended(space, registry)).length === 1)
    await other.close()
    await registry.create(input('second', { ttlMs: 20 }))
    await pass(space, 2 * TTL_MS)
    assert.deepEqual(await ended(space, registry), ['first'])
  })

  test('works where its election is won, and nowhere else', async (space) => {
    const registry = space.registry({ instanceId: 'reader' })
    const sides = ['a', 'b'].map((instanceId) => {
      const own = space.registry({ instanceId })
      const election = new LeaderElection(own, { leaseMs: 450 })
      return { election, manager: new TTLManager(own, { leader: election, cleanupIntervalMs: 100 }) }
    })
    const [first, second] = sides
    if (first === undefined || second === undefined) assert.fail()
    await registry.create(input('early', { ttlMs: 20 }))
    for (const { manager } of sides) manager.start()
    await pass(space, 2 * TTL_MS)
    assert.deepEqual(await first.manager.runOnce(), { expired: [], repaired: 0 })
    assert.deepEqual(await ended(space, registry), [])

    first.election.start()
    await until(space, 'a leader', () => first.election.isLeader)
    second.election.start()
    await until(space, 'the end', async () => (await ended(space, registry)).length === 1)
    assert.deepEqual(await second.manager.runOnce(), { expired: [], repaired: 0 })
    await first.election.stop()
    await until(space, 'the next leader', () => second.election.isLeader)
    await registry.create(input('late', { ttlMs: 20 }))
    await until(space, 'the end', async () => (await ended(space, registry)).length === 2)
    const expired = (await space.log(registry)).filter(({ type }) => type === 'stream.expired')
    assert.deepEqual(expired.map(({ id, source }) => [id, source]).toSorted(), [
      ['early', 'a'],
      ['late', 'b'],
    ])
  })

  test('lets no sweep of an older token pass', async (space) => {
    const registry = space.registry()
    const store = storeOf(registry)
    const sweep = (token?: number, name = 'x') =>
      store.sweep(
        1_000,
        'sweeper',
        { deadline: performance.now() + 10_000 },
        token === undefined ? undefined : { name, token },
      )
    assert.deepEqual(await sweep(20), [])
    await registry.create(input('cam', { ttlMs: 20 }))
    await space.advance(50)
    await assert.rejects(sweep(19), StaleTokenError)
    assert.deepEqual(await ended(space, registry), [])
    assert.deepEqual(await sweep(20), [{ id: 'cam', type: 'stream.expired' }])
    assert.deepEqual(await sweep(21), [])
    await assert.rejects(sweep(20), StaleTokenError)
    assert.deepEqual(await sweep(1, 'another lead'), [])
    assert.deepEqual(await sweep(), [])
  })

  test('gives leases time after a silence, once, and none unless told to', async (space) => {
    const registry = space.registry()
    const graceMs = 800
    const [a, b] = neighbours(registry)
    const manager = new TTLManager(space.registry({ instanceId: 'b' }), { ...SELDOM, outageGraceMs: graceMs })
    await createAll(registry, [input(a, { ttlMs: TTL_MS }), input(b, { ttlMs: TTL_MS })])
    await space.advance(TTL_MS + 50)
    assert.equal(await registry.has(a), false)
    assert.deepEqual((await manager.runOnce()).expired, [])
    // It has the grace from now on, and its owner comes back within.
    assert.equal(await registry.has(a), true)
    assert.equal(await registry.has(b), true)
    await space.advance(TTL_MS)
    await registry.heartbeat(a)
    // Again a silence; the first one's grace of `b` is shorter than the second one's.
    await space.advance(TTL_MS + 50)
    assert.deepEqual((await manager.runOnce()).expired, [])
    assert.equal(await registry.has(a), true)
    await space.advance(graceMs / 2)
    assert.deepEqual((await manager.runOnce()).expired, [])
    // The same silence goes on: no more grace.
    await space.advance(graceMs / 2 + 100)
    assert.deepEqual((await manager.runOnce()).expired.toSorted(), [a, b].toSorted())

    await registry.create(input('c', { ttlMs: TTL_MS }))
    await space.advance(TTL_MS + 50)
    const strict = new TTLManager(space.registry({ instanceId: 'c' }), SELDOM)
    assert.deepEqual((await strict.runOnce()).expired, ['c'])
    assert.deepEqual((await registry.verify()).problems, [])
  })

  test('keeps what is heard of on time, also with a grace', async (space) => {
    const registry = space.registry()
    const [dead, alive] = neighbours(registry)
    const manager = new TTLManager(space.registry({ instanceId: 'b' }), { ...SELDOM, outageGraceMs: 60_000 })
    await createAll(registry, [input(dead, { ttlMs: 3_000 }), input(alive, { ttlMs: 3_000 })])
    manager.start()
    for (let passed = 0; passed < 3_400; passed += 100) {
      await pass(space, 100)
      await registry.heartbeat(alive)
    }
    await until(space, 'the end', async () => (await ended(space, registry)).length > 0, 10_000)
    assert.deepEqual(await ended(space, registry), [dead])
  })

  test('refuses wrong options', async (space) => {
    const wrong: object[] = [
      { cleanupIntervalMs: 9 },
      { cleanupIntervalMs: 10.5 },
      { outageGraceMs: -1 },
      { repairIntervalMs: -1 },
      { leader: 'me' },
      { leader: {} },
      { often: true },
    ]
    for (const options of wrong) {
      assert.throws(
        () => new TTLManager(space.registry(), options as TTLManagerOptions),
        (error: unknown) => isRegistryError(error) && error.code === 'VALIDATION',
        JSON.stringify(options),
      )
    }
    assert.throws(() => new TTLManager({}), TypeError)
  })
}
