import { MockRegistry } from '@mirror/stream-registry'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { storeOf } from '../../../../src/registry/store-registry.ts'
import { cutRenewals, hold, INPUT, makeScene, type Scene, settled } from './scene.ts'

const TTL_MS = INPUT.ttlMs

let scene: Scene

beforeEach(() => {
  scene = makeScene()
})

async function storedBytes(): Promise<number> {
  return (await scene.registry.get('cam1')).statistics.bytesReceived
}

describe('heartbeats', () => {
  it('come every third of the time to live, a little jittered, all in one call', async () => {
    const { registry, store, pass, clock } = scene
    const begun = clock.now()
    const beats: { at: number; ids: number }[] = []
    const renew = store.renew.bind(store)
    store.renew = (renewals, call) => {
      beats.push({ at: clock.now() - begun, ids: renewals.length })
      return renew(renewals, call)
    }
    for (let i = 0; i < 500; i++) await registry.attach({ ...INPUT, id: `cam${i}` })
    await pass(10 * TTL_MS)
    expect(beats.every(({ ids }) => ids === 500)).toBe(true)
    const pauses = beats.map(({ at }, i) => at - (beats[i - 1]?.at ?? 0))
    for (const pause of pauses) {
      expect(pause).toBeGreaterThanOrEqual(0.84 * (TTL_MS / 3))
      expect(pause).toBeLessThanOrEqual(TTL_MS / 3 + TTL_MS / 10)
    }
    expect(beats.length).toBeGreaterThanOrEqual(28)
    expect(await registry.count()).toBe(500)
  })

  it('come as often as asked, and stop with the last session', async () => {
    const { registry, store, pass } = scene
    const renewals = vi.spyOn(store, 'renew')
    const session = await registry.attach(INPUT, { heartbeatMs: 10_000 })
    await pass(100_000)
    expect(renewals.mock.calls.length).toBeGreaterThanOrEqual(9)
    expect(renewals.mock.calls.length).toBeLessThanOrEqual(13)
    await session.close()
    renewals.mockClear()
    await pass(TTL_MS)
    expect(renewals).not.toHaveBeenCalled()
  })

  it('are tried again soon when they fail, and keep what was reported', async () => {
    const { registry, store, pass } = scene
    const session = await registry.attach(INPUT)
    await session.updateStats({ bytesReceived: 7 })
    const mend = cutRenewals(store)
    await pass(200_000)
    mend()
    await pass(2_000)
    expect(await storedBytes()).toBe(7)
    expect(session.signal.aborted).toBe(false)
    await pass(2 * TTL_MS)
    expect((await registry.get('cam1')).epoch).toBe(1)
  })
})

describe('a time to live that is made shorter meanwhile', () => {
  it('is kept', async () => {
    const { registry, pass } = scene
    const session = await registry.attach(INPUT)
    await session.extendTtl(30_000)
    for (let i = 0; i < 10; i++) {
      await pass(10_000)
      expect(await registry.has('cam1')).toBe(true)
    }
    expect(session.stream.epoch).toBe(1)
  })
})

describe('statistics', () => {
  it('go within their interval, once', async () => {
    const { registry, store, pass } = scene
    const renewals = vi.spyOn(store, 'renew')
    const session = await registry.attach(INPUT)
    await session.updateStats({ bytesReceived: 1 })
    await session.updateStats({ bytesReceived: 2 })
    await pass(4_000)
    expect(renewals).not.toHaveBeenCalled()
    await pass(1_100)
    expect(await storedBytes()).toBe(2)
    expect(renewals).toHaveBeenCalledTimes(1)
    await pass(50_000)
    expect(renewals).toHaveBeenCalledTimes(1)
  })

  it('that come up while a beat is under way go within their interval, too', async () => {
    const { registry, store, pass, clock } = scene
    const session = await registry.attach(INPUT)
    await session.updateStats({ bytesReceived: 1 })
    const beat = hold(store, 'renew', 'after')
    clock.advance(5_000)
    await beat.reached
    await session.updateStats({ bytesReceived: 2 })
    beat.release()
    await settled()
    expect(await storedBytes()).toBe(1)
    await pass(6_000)
    expect(await storedBytes()).toBe(2)
  })

  it('wait until they are known to have come, also with two beats at once', async () => {
    const { registry, store, pass, clock } = scene
    const session = await registry.attach(INPUT)
    await session.updateStats({ bytesReceived: 1 })
    const first = hold(store, 'renew', 'after')
    clock.advance(5_000)
    await first.reached
    await session.updateStats({ bytesReceived: 2 })
    const second = hold(store, 'renew', 'before')
    const failed = session.heartbeat().catch(() => 'failed')
    await second.reached
    first.release()
    await settled()
    second.release(new Error('cut'))
    expect(await failed).toBe('failed')
    await pass(TTL_MS)
    expect(await storedBytes()).toBe(2)
  })
})

describe('a stream with a long time to live', () => {
  it('costs nothing meanwhile', async () => {
    const registry = new MockRegistry({ instanceId: 'a' })
    const schedule = vi.spyOn(storeOf(registry), 'schedule')
    const onWarning = vi.fn()
    process.on('warning', onWarning)
    const session = await registry.attach({ ...INPUT, ttlMs: 90 * 86_400_000 })
    await new Promise((resolve) => setTimeout(resolve, 100))
    await session.close()
    process.off('warning', onWarning)
    expect(schedule.mock.calls.length).toBeLessThan(5)
    expect(onWarning).not.toHaveBeenCalled()
  })
})
