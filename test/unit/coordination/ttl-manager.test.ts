import { setImmediate as turn } from 'node:timers/promises'
import { MockRegistry, TTLManager } from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../../src/core/store.ts'
import { storeOf } from '../../../src/registry/store-registry.ts'

let clock: ManualClock
let registry: MockRegistry
let store: Store
let warnings: string[]

beforeEach(() => {
  warnings = []
  clock = new ManualClock()
  registry = new MockRegistry({
    clock,
    eventRetentionMs: 1_000,
    logger: { warn: (message) => void warnings.push(message) },
  })
  store = storeOf(registry)
})

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 20) {
    clock.advance(Math.min(20, ms - passed))
    for (let i = 0; i < 20; i++) await turn()
  }
}

async function create(id: string, ttlMs: number): Promise<void> {
  await registry.create({ id, type: 'srt', sourceAddr: 'a:1', ttlMs })
}

const expired = (): string[] =>
  registry.recordedEvents.flatMap((event) => (event.type === 'stream.expired' ? [event.streamId] : []))

/** How often the store is swept from here on. */
function countSweeps(): { sweeps: number } {
  const counter = { sweeps: 0 }
  const real = store.sweep.bind(store)
  Object.assign(store, {
    sweep: (...args: Parameters<Store['sweep']>) => {
      counter.sweeps += 1
      return real(...args)
    },
  })
  return counter
}

describe('a manager', () => {
  it('rests until a lease ends, and looks once an interval besides', async () => {
    const counter = countSweeps()
    await create('cam', 10_000)
    const manager = new TTLManager(registry, { cleanupIntervalMs: 4_000 })
    manager.start()
    await pass(9_900)
    expect(counter.sweeps).toBe(3)
    await pass(200)
    expect(expired()).toEqual(['cam'])
    await pass(8_000)
    expect(counter.sweeps).toBeLessThanOrEqual(7)
    await manager.stop()
    await pass(20_000)
    expect(counter.sweeps).toBeLessThanOrEqual(7)
  })

  it('trims the log by its age', async () => {
    await create('cam', 60_000)
    await pass(1_100)
    expect(registry.recordedEvents.length).toBe(1)
    await new TTLManager(registry).runOnce()
    expect(registry.recordedEvents).toEqual([])
  })

  it('warns of a failure, and tries again soon', async () => {
    const real = store.sweep
    Object.assign(store, { sweep: () => Promise.reject(new Error('away')) })
    const manager = new TTLManager(registry)
    manager.start()
    await create('cam', 100)
    await pass(2_000)
    expect(warnings[0]).toContain('away')
    expect(expired()).toEqual([])
    Object.assign(store, { sweep: real })
    await pass(1_100)
    expect(expired()).toEqual(['cam'])
    const told = warnings.length
    await pass(5_000)
    expect(warnings.length).toBe(told)
  })

  it('repairs when it is time, and never when told so', async () => {
    let audits = 0
    const real = store.audit.bind(store)
    Object.assign(store, {
      audit: (...args: Parameters<Store['audit']>) => {
        audits += 1
        return real(...args)
      },
    })
    const manager = new TTLManager(registry, { cleanupIntervalMs: 500, repairIntervalMs: 2_000 })
    manager.start()
    await pass(1_900)
    expect(audits).toBe(0)
    await pass(4_600)
    expect(audits).toBe(3)
    await manager.stop()
    const never = new TTLManager(registry, { cleanupIntervalMs: 500, repairIntervalMs: 0 })
    never.start()
    await pass(5_000)
    expect(audits).toBe(3)
    await never.stop()
  })

  it('runs no two rounds at once, and stops when the last one has ended', async () => {
    let [running, most] = [0, 0]
    const real = store.sweep.bind(store)
    let letGo = (): void => {}
    Object.assign(store, {
      sweep: async (...args: Parameters<Store['sweep']>) => {
        running += 1
        most = Math.max(most, running)
        await new Promise<void>((resolve) => {
          letGo = resolve
        })
        running -= 1
        return real(...args)
      },
    })
    const manager = new TTLManager(registry, { cleanupIntervalMs: 50 })
    manager.start()
    await pass(200)
    await create('cam', 60_000)
    await pass(1_000)
    expect([running, most]).toEqual([1, 1])
    let isStopped = false
    const stopping = manager.stop().then(() => {
      isStopped = true
    })
    await pass(100)
    expect(isStopped).toBe(false)
    letGo()
    await stopping
    await pass(500)
    expect([running, most]).toEqual([0, 1])
  })
})
