import assert from 'node:assert/strict'
import type { Renewal } from '../../core/store.js'
import type { Registry } from '../../registry/registry.js'
import type { StreamSession } from '../../registry/sessions/session.js'
import { storeOf } from '../../registry/store-registry.js'
import type { Chapter, ContractSpace } from './driver.js'
import { input, rejectsWith } from './expectations.js'

/** Long enough for a lease that is renewed every third of it not to lapse on a busy machine. */
export const TTL_MS = 900

/** Lets time pass until the condition holds. */
export async function until(
  space: ContractSpace,
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  for (let step = 0; step < 400; step++) {
    if (await condition()) return
    await pass(space, 50)
  }
  assert.fail(`waited for: ${what}`)
}

/** Lets this much time pass, and lets what is due on the way happen. */
export async function pass(space: ContractSpace, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    await space.advance(Math.min(left, 50))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The renewals that reach the store, call by call. While `isCut`, they fail instead. */
export class Renewals {
  readonly calls: (readonly Renewal[])[] = []
  isCut = false

  constructor(registry: object) {
    const store = storeOf(registry)
    const renew = store.renew.bind(store)
    store.renew = async (renewals, call) => {
      if (this.isCut) throw new Error('cut')
      this.calls.push(renewals)
      return renew(renewals, call)
    }
  }
}

/** What a session told its host. */
export function watch(session: StreamSession): { readonly told: string[] } {
  const told: string[] = []
  session.on('restored', ({ id }) => told.push(`restored ${id}`))
  session.on('lost', ({ code }) => told.push(`lost ${code}`))
  return { told }
}

export async function assertClean(registry: Registry): Promise<void> {
  assert.deepEqual((await registry.verify()).problems, [])
}

export const holdingSessions: Chapter = (test) => {
  test('keeps a stream alive until it is closed, and ends it in order', async (space) => {
    const registry = space.registry()
    const session = await registry.attach(input('cam1', { ttlMs: TTL_MS, status: 'active' }))
    const { told } = watch(session)
    await pass(space, 2.5 * TTL_MS)
    assert.equal(await registry.has('cam1'), true)
    assert.deepEqual([told, session.signal.aborted], [[], false])
    await Promise.all([session.close(), session.close()])
    await session.close({ status: 'terminated' })
    assert.equal(await registry.has('cam1'), false)
    assert.deepEqual(await space.events(registry, 'cam1'), ['created', 'started', 'terminated', 'deleted'])
    assert.match((await space.log(registry)).at(-1)?.doc ?? '', /"closed"/)
    await rejectsWith('STALE_OWNER', session.setStatus('active'))
    await assertClean(registry)
  })

  test('ends with `await using`, and may leave the last status to be seen', async (space) => {
    const registry = space.registry()
    {
      await using session = await registry.attach(input('cam1'))
      assert.equal(session.id, 'cam1')
    }
    assert.deepEqual(await space.events(registry, 'cam1'), ['created', 'terminated', 'deleted'])
    const session = await registry.attach(input('cam2', { ttlMs: TTL_MS }))
    await session.close({ status: 'terminated', unregister: false })
    assert.equal((await registry.get('cam2')).status, 'terminated')
    await until(space, async () => !(await registry.has('cam2')), 'the end of the lease')
    await assertClean(registry)
  })

  test('ends its sessions in order when the registry closes', async (space) => {
    const registry = space.registry()
    const other = space.registry({ instanceId: 'b' })
    const sessions = await Promise.all(['cam1', 'cam2', 'cam3'].map((id) => registry.attach(input(id))))
    await sessions[0]?.updateStats({ bytesReceived: 7 })
    await other.attach(input('cam3'), { takeover: true })
    await registry.close()
    assert.deepEqual([await other.has('cam1'), await other.has('cam2')], [false, false])
    assert.deepEqual(await space.events(other, 'cam2'), ['created', 'terminated', 'deleted'])
    assert.equal((await other.get('cam3')).owner, 'b')
    const last = (await space.log(other)).filter(({ id }) => id === 'cam1').at(-1)
    assert.match(last?.side ?? '', /"bytes_received":7/)
    await assertClean(other)
  })

  test('closes what somebody else has ended as another status', async (space) => {
    const registry = space.registry()
    const session = await registry.attach(input('cam1'))
    await space.registry({ instanceId: 'b' }).updateStatus('cam1', 'terminated')
    await session.close()
    assert.equal(await registry.has('cam1'), false)
  })

  test('shares the heartbeats: one call for each partition and beat', async (space) => {
    const registry = space.registry()
    const { calls } = new Renewals(registry)
    const ids = Array.from({ length: 60 }, (_, i) => `cam${i}`)
    const sessions = await Promise.all(ids.map((id) => registry.attach(input(id, { ttlMs: 2_400 }))))
    await pass(space, 2_700)
    const renewed = calls.flat().length
    assert.ok(renewed >= 2 * ids.length, `only ${renewed} renewals`)
    // One for each partition and beat; each alone would be as many calls as renewals.
    assert.ok(calls.length * 4 <= renewed, `${calls.length} calls for ${renewed} renewals`)
    for (const call of calls)
      assert.equal(new Set(call.map(({ id }) => storeOf(registry).partitionOf(id))).size, 1)
    assert.equal(await registry.count(), 60)
    assert.ok(sessions.every(({ signal }) => !signal.aborted))
  })

  test('sends statistics together, the latest of each; a status at once', async (space) => {
    const registry = space.registry()
    const { calls } = new Renewals(registry)
    const session = await registry.attach(input('cam1', { ttlMs: 60_000 }), { statsIntervalMs: 400 })
    for (let i = 1; i <= 20; i++) await session.updateStats(i % 2 ? { bytesReceived: i } : { packetsLost: i })
    await session.setStatus('active')
    const { statistics, status } = session.stream
    assert.deepEqual([statistics.bytesReceived, statistics.packetsLost, status], [19, 20, 'active'])
    assert.equal((await registry.get('cam1')).status, 'active')
    await until(space, () => calls.length > 0, 'the statistics')
    await until(
      space,
      async () => (await registry.get('cam1')).statistics.packetsLost === 20,
      'their arrival',
    )
    assert.equal((await registry.get('cam1')).statistics.bytesReceived, 19)
    await session.updateStats({ bytesReceived: 30 })
    await session.heartbeat()
    assert.equal((await registry.get('cam1')).statistics.bytesReceived, 30)
    assert.ok(calls.length <= 4, `${calls.length} calls`)
    await session.updateStats({ bytesReceived: 31 })
    await session.close({ unregister: false })
    assert.equal((await registry.get('cam1')).statistics.bytesReceived, 31)
    await assertClean(registry)
  })

  test('knows the stream as it changed it', async (space) => {
    const registry = space.registry()
    const session = await registry.attach(input('cam1', { metadata: { a: 1 } }))
    await session.update({ name: 'one', metadata: { b: 2 } })
    await session.update(({ name }) => ({ codec: `${name}-codec` }))
    await session.setState({ health: 'healthy' })
    assert.deepEqual([session.stream.metadata, session.stream.codec], [{ a: 1, b: 2 }, 'one-codec'])
    const { lastHeartbeat, ...stored } = await registry.get('cam1')
    assert.deepEqual({ ...session.stream, lastHeartbeat }, { ...stored, lastHeartbeat })
    await rejectsWith('CONFLICT', session.update({ name: 'two' }, { ifRevision: 1 }))
    await rejectsWith('INVALID_TRANSITION', session.setStatus('paused'))
    assert.equal(session.signal.aborted, false)
  })

  test('refuses bad input before anything is written', async (space) => {
    const registry = space.registry()
    const bad: object[] = [{ ifHeld: 'steal' }, { ifHeld: 1 }, { takeover: 'yes' }, { unknown: true }]
    bad.push({ heartbeatMs: 0 }, { heartbeatMs: 1.5 }, { heartbeatMs: '5' }, { heartbeatMs: Number.NaN })
    bad.push({ statsIntervalMs: -1 }, { statsIntervalMs: '1' }, { timeoutMs: 0 }, { signal: {} })
    for (const options of bad) await rejectsWith('VALIDATION', registry.attach(input('cam1'), options))
    await rejectsWith('VALIDATION', registry.attach({ ...input('cam1'), unknown: 1 } as never))
    await rejectsWith('VALIDATION', registry.attach(undefined as never))
    assert.equal(await registry.count(), 0)
    const session = await registry.attach(input('cam1'), { heartbeatMs: 1_000 })
    const stats: unknown[] = [{ bytesReceived: -1 }, { bytesReceived: 1.5 }, { bytesReceived: '1' }, null, 1]
    stats.push({ unknown: 1 }, { bitrate: Number.NaN }, { packetsLost: Number.POSITIVE_INFINITY })
    for (const one of stats) await rejectsWith('VALIDATION', session.updateStats(one as never))
    await rejectsWith('VALIDATION', session.setStatus('gone' as never))
    await rejectsWith('VALIDATION', session.setStatus('active', { unknown: 1 } as never))
    await rejectsWith('VALIDATION', session.setState({ unknown: 1 } as never))
    await rejectsWith('VALIDATION', session.update({ unknown: 1 } as never))
    await rejectsWith('VALIDATION', session.heartbeat({ timeoutMs: -1 }))
    assert.deepEqual(await space.events(registry, 'cam1'), ['created'])
    await session.close()
  })

  test('refuses heartbeats that are too rare for the time to live', async (space) => {
    const registry = space.registry()
    await rejectsWith('VALIDATION', registry.attach(input('cam1', { ttlMs: 3_000 }), { heartbeatMs: 1_001 }))
    assert.equal(await registry.has('cam1'), false)
  })
}
