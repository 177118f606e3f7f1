import assert from 'node:assert/strict'
import type { Registry } from '../../registry/registry.js'
import type { StreamSession } from '../../registry/sessions/session.js'
import type { Chapter, ContractSpace } from './driver.js'
import { input, rejectsWith } from './expectations.js'
import { assertClean, pass, Renewals, TTL_MS, until, watch } from './sessions.js'

/** Keeps a session's heartbeats back until its lease has lapsed; what follows happens before they go on. */
async function frozen(
  space: ContractSpace,
  registry: Registry,
  id: string,
  meanwhile: () => Promise<void> = async () => {},
): Promise<void> {
  const renewals = new Renewals(registry)
  renewals.isCut = true
  await until(space, async () => !(await registry.has(id)), 'the end of the lease')
  await meanwhile()
  renewals.isCut = false
}

/** That nothing that a session sends takes effect any more. */
async function assertPowerless(session: StreamSession, registry: Registry): Promise<void> {
  const before = await registry.find(session.id)
  await rejectsWith('STALE_OWNER', session.setStatus('paused'))
  await rejectsWith('STALE_OWNER', session.setState({ health: 'unhealthy' }))
  await rejectsWith('STALE_OWNER', session.update({ name: 'stale' }))
  await rejectsWith(
    'STALE_OWNER',
    session.update(() => ({ name: 'stale' })),
  )
  await rejectsWith('STALE_OWNER', session.updateStats({ bytesReceived: 666 }))
  await rejectsWith('STALE_OWNER', session.heartbeat())
  assert.equal(session.signal.aborted, true)
  await session.close()
  const after = await registry.find(session.id)
  assert.deepEqual(after && { ...after, lastHeartbeat: 0 }, before && { ...before, lastHeartbeat: 0 })
}

/** One waiter in each registry; whoever wins can use the stream, alone, and gives it up. */
async function takeTurns(space: ContractSpace, registries: readonly Registry[]): Promise<void> {
  const holder = await registries[0]?.attach(input('cam1', { ttlMs: 60_000 }))
  const won: StreamSession[] = []
  const failed: unknown[] = []
  const waiters = registries.map((registry) =>
    registry.attach(input('cam1', { ttlMs: 60_000 }), { ifHeld: 'wait' }).then(
      (session) => void won.push(session),
      (error: unknown) => void failed.push(error),
    ),
  )
  await pass(space, 200)
  assert.equal(won.length, 0)
  await holder?.close()
  for (let turn = 1; turn <= waiters.length; turn++) {
    await until(space, () => won.length >= turn, `winner ${turn}`)
    await pass(space, 150)
    assert.equal(won.length, turn)
    await won[turn - 1]?.setStatus('active')
    await won[turn - 1]?.close()
  }
  await Promise.all(waiters)
  assert.deepEqual(failed, [])
  await assertClean(registries[0] as Registry)
}

export const losingSessions: Chapter = (test) => {
  test('takes over at once: the session of before is powerless', async (space) => {
    const [a, b] = [space.registry(), space.registry({ instanceId: 'b' })]
    const old = await a.attach(input('cam1', { ttlMs: 60_000, status: 'active' }))
    await rejectsWith('STREAM_EXISTS', b.attach(input('cam1')))
    const onWire = Array.from({ length: 20 }, (_, i) => old.update({ metadata: { i } }))
    const [held, ...outcomes] = await Promise.allSettled([
      b.attach(input('cam1'), { ifHeld: 'takeover' }),
      ...onWire,
    ])
    assert.equal(held.status, 'fulfilled')
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'STALE_OWNER')
    await assertPowerless(old, b)
    assert.equal((old.signal.reason as { code?: string }).code, 'STALE_OWNER')
    const log = (await space.log(b)).filter(({ id }) => id === 'cam1')
    const taken = log.findIndex(({ type }) => type === 'stream.owner.changed')
    assert.ok(taken > 0 && log.slice(taken).every(({ source }) => source === 'b'))
    const stream = await b.get('cam1')
    assert.deepEqual([stream.owner, stream.epoch], ['b', 2])
    await assertClean(b)
  })

  test('learns of a takeover with its next beat, and tells once', async (space) => {
    const [a, b] = [space.registry(), space.registry({ instanceId: 'b' })]
    const old = await a.attach(input('cam1', { ttlMs: TTL_MS }))
    const { told } = watch(old)
    await old.updateStats({ bytesReceived: 666 })
    await b.register(input('cam1'), { takeover: true })
    await until(space, () => old.signal.aborted, 'the loss')
    assert.deepEqual(told, ['lost STALE_OWNER'])
    await until(space, async () => !(await b.has('cam1')), 'the end of the lease, which nobody renews')
    const expired = await space.sweep(b)
    assert.ok(expired.length <= 1)
    assert.equal((await space.log(b)).at(-1)?.side?.includes('666') ?? false, false)
  })

  test('takes over from itself, and rejects a second session', async (space) => {
    const registry = space.registry()
    const first = await registry.attach(input('cam1', { ttlMs: 60_000 }))
    await rejectsWith('STREAM_EXISTS', registry.attach(input('cam1')))
    const second = await registry.attach(input('cam1', { name: 'second' }), { takeover: true })
    assert.equal(first.signal.aborted, true)
    await assertPowerless(first, registry)
    assert.deepEqual([second.stream.name, second.stream.epoch], ['second', 2])
    await second.setStatus('active')
    await registry.create(input('cam2'))
    assert.equal((await registry.attach(input('cam2'))).stream.epoch, 2)
  })

  test('waits until the lease lapses or is given up', async (space) => {
    const [a, b] = [space.registry(), space.registry({ instanceId: 'b' })]
    await a.create(input('lapsing', { ttlMs: 300 }))
    for (const id of ['closing', 'closed', 'deleted']) await a.attach(input(id, { ttlMs: 60_000 }))
    const ids = ['lapsing', 'closing', 'closed', 'deleted']
    const got = new Map<string, StreamSession>()
    const waiting = ids.map((id) =>
      b.attach(input(id), { ifHeld: 'wait' }).then((session) => got.set(id, session)),
    )
    await until(space, () => got.has('lapsing'), 'the end of the lease')
    assert.deepEqual([...got.keys()], ['lapsing'])
    await a.unregister('closing')
    await a.updateStatus('closed', 'closed')
    await a.delete('deleted')
    await until(space, () => got.size === 4, 'what was given up')
    await Promise.all(waiting)
    for (const id of ids) assert.equal((await a.get(id)).owner, 'b')
    await assertClean(b)
  })

  test('lets one of several waiters win at a time', async (space) => {
    const registries = ['a', 'b', 'c', 'd'].map((instanceId) => space.registry({ instanceId }))
    await takeTurns(space, registries)
  })

  test('lets one of several waiters of one registry win at a time', async (space) => {
    const registry = space.registry()
    await takeTurns(space, [registry, registry, registry])
  })

  test('lets one of several that attach in one registry win', async (space) => {
    const registry = space.registry()
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => registry.attach(input('cam1'))))
    const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    assert.equal(won.length, 1)
    assert.equal(won[0]?.signal.aborted, false)
  })

  test('gives up waiting when its time is over, or its caller says so', async (space) => {
    const [a, b] = [space.registry(), space.registry({ instanceId: 'b' })]
    await a.attach(input('cam1', { ttlMs: 60_000 }))
    await rejectsWith('TIMEOUT', b.attach(input('cam1'), { ifHeld: 'wait', timeoutMs: 200 }))
    const abort = new AbortController()
    const waiting = b.attach(input('cam1'), { ifHeld: 'wait', signal: abort.signal })
    await pass(space, 100)
    const reason = new Error('enough')
    abort.abort(reason)
    // Or OUTCOME_UNKNOWN, where it was just trying.
    const error: unknown = await waiting.catch((cause: unknown) => cause)
    if (error !== reason) await rejectsWith('OUTCOME_UNKNOWN', Promise.reject(error))
    await a.delete('cam1')
    await pass(space, 200)
    assert.equal(await b.has('cam1'), false)
  })

  test('restores what lapsed with nobody else there, as it was', async (space) => {
    const registry = space.registry()
    const session = await registry.attach(input('cam1', { ttlMs: 400, metadata: { a: 1 } }))
    const { told } = watch(session)
    await session.setStatus('active')
    await session.updateStats({ bytesReceived: 5 })
    await session.heartbeat()
    const before = await registry.get('cam1')
    await frozen(space, registry, 'cam1')
    await until(space, () => told.length > 0, 'the restoration')
    const after = await registry.get('cam1')
    assert.deepEqual(
      [after.createdAt, after.status, after.metadata, after.statistics, after.epoch, after.owner],
      [before.createdAt, 'active', { a: 1 }, before.statistics, 2, 'a'],
    )
    await session.update({ name: 'again' })
    assert.equal(told[0], 'restored cam1')
    assert.equal(session.signal.aborted, false)
    await session.close()
    await assertClean(registry)
  })

  test('does not revive what another took over and ended in order', async (space) => {
    const [a, b] = [space.registry(), space.registry({ instanceId: 'b' })]
    const session = await a.attach(input('cam1', { ttlMs: 300 }))
    const { told } = watch(session)
    await frozen(space, a, 'cam1', async () => {
      await (await b.attach(input('cam1', { ttlMs: 60_000 }))).close()
    })
    await until(space, () => session.signal.aborted, 'the loss')
    assert.deepEqual(told, ['lost STALE_OWNER'])
    await assertPowerless(session, b)
    assert.equal(await b.has('cam1'), false)
    assert.equal((await space.events(b, 'cam1')).at(-1), 'deleted')
    await assertClean(b)
  })

  test('leaves ended what anybody ended on purpose', async (space) => {
    const [a, b] = [space.registry(), space.registry({ instanceId: 'b' })]
    const ends = [
      (id: string) => b.unregister(id),
      (id: string) => b.delete(id),
      (id: string) => a.delete(id),
    ]
    for (const [i, end] of ends.entries()) {
      const session = await a.attach(input(`cam${i}`, { ttlMs: TTL_MS }))
      const { told } = watch(session)
      await end(session.id)
      if (i === 0) await until(space, () => session.signal.aborted, 'the loss')
      await rejectsWith('STREAM_NOT_FOUND', session.setStatus('active'))
      await rejectsWith('STREAM_NOT_FOUND', session.updateStats({ bytesReceived: 1 }))
      assert.deepEqual(told, ['lost STREAM_NOT_FOUND'])
      await session.close()
      assert.equal(await b.has(session.id), false)
    }
    await assertClean(b)
  })
}
