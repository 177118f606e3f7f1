import { LeaderElection, LocalMirror, TTLManager, UnavailableError } from '@mirror/stream-registry'
import { beforeEach, describe, expect, it } from 'vitest'
import { INPUT, makeScene, type Scene, settled } from './scene.ts'

let scene: Scene

beforeEach(() => {
  scene = makeScene()
})

describe('a session in trouble', () => {
  it('can be closed again where closing failed', async () => {
    const { registry } = scene
    const session = await registry.attach(INPUT)
    registry.failNext(new UnavailableError('away'))
    await expect(session.close()).rejects.toThrow('away')
    await expect(session.setStatus('active')).rejects.toMatchObject({ code: 'STALE_OWNER' })
    await session.close()
    expect(await registry.has('cam1')).toBe(false)
  })

  it('is closed with its registry where closing it failed before', async () => {
    const { registry, other } = scene
    const session = await registry.attach(INPUT)
    registry.failNext(new UnavailableError('away'))
    await session.close().catch(() => {})
    await registry.close()
    expect(await other.has('cam1')).toBe(false)
  })

  it('waits for a stream through an outage', async () => {
    const { registry, other, pass } = scene
    const held = await other.attach(INPUT)
    const waiting = registry.attach(INPUT, { ifHeld: 'wait' })
    await settled()
    for (let i = 0; i < 3; i++) {
      registry.failNext(new UnavailableError('away'))
      await pass(1_000)
    }
    await held.close()
    await pass(1_000)
    expect((await waiting).stream.owner).toBe('a')
  })

  it('keeps to the time of an attach that is behind another of the same stream', async () => {
    const { registry, store } = scene
    const { commit } = store
    store.commit = () => new Promise(() => {})
    void registry.attach(INPUT).catch(() => {})
    const began = performance.now()
    await expect(registry.attach(INPUT, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(performance.now() - began).toBeLessThan(3_000)
    store.commit = commit
  })

  it('reports handlers that reject', async () => {
    const { registry, other, warnings, pass } = scene
    const session = await registry.attach(INPUT)
    session.on('lost', async () => {
      throw new Error('a broken handler')
    })
    await other.delete('cam1')
    await pass(INPUT.ttlMs)
    expect(warnings).toEqual([expect.stringContaining('a broken handler')])
  })
})

describe('what is over a registry that was closed', () => {
  it('does not start', async () => {
    const { registry } = scene
    const [election, manager] = [new LeaderElection(registry), new TTLManager(registry)]
    await registry.close()
    for (const each of [election, manager])
      expect(() => each.start()).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    await expect(manager.runOnce()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(LocalMirror.start(registry)).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('a mirror over leases that were prolonged after they had run out', () => {
  it('has the streams back', async () => {
    const { registry, clock, pass } = scene
    await registry.create({ ...INPUT, ttlMs: 3_000 })
    const mirror = await LocalMirror.start(registry)
    await pass(4_000)
    expect(mirror.size).toBe(0)
    await new TTLManager(registry, { outageGraceMs: 60_000 }).runOnce()
    expect(await registry.has('cam1')).toBe(true)
    await mirror.sync()
    expect(mirror.size).toBe(1)
    clock.advance(1)
    await registry.close()
  })
})
