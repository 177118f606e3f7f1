import { createRegistry, LeaderElection, MockRegistry, TTLManager } from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import { describe, expect, it, vi } from 'vitest'
import { storeOf } from '../../../src/registry/store-registry.ts'

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** How often a manager has looked in a minute. */
async function looksInAMinute(options: { cleanupIntervalMs?: number }): Promise<number> {
  const clock = new ManualClock()
  const registry = new MockRegistry({ clock, ...options })
  const sweep = vi.spyOn(storeOf(registry), 'sweep')
  const manager = new TTLManager(registry)
  manager.start()
  for (let i = 0; i < 240; i++) {
    clock.advance(250)
    await tick()
  }
  await registry.close()
  return sweep.mock.calls.length
}

describe('what a configuration says of coordination', () => {
  it('is how often a manager looks', async () => {
    expect(await looksInAMinute({ cleanupIntervalMs: 5_000 })).toBeGreaterThanOrEqual(12)
    expect(await looksInAMinute({})).toBeLessThanOrEqual(4)
  })

  it('is what elections compete for, and how long a lease lasts', async () => {
    const registry = createRegistry({ leaderElection: { key: 'tasks', leaseMs: 900 } })
    const { key, leaseMs, renewMs } = new LeaderElection(registry)
    expect([key, leaseMs, renewMs]).toEqual(['tasks', 900, 300])
    expect(new LeaderElection(registry, { leaseMs: 3_000 }).leaseMs).toBe(3_000)
    await registry.close()
  })

  it('is how many events a subscription holds', async () => {
    const registry = createRegistry({ eventBuffer: 3 })
    const readLog = vi.spyOn(storeOf(registry), 'readLog')
    const subscription = await registry.subscribe()
    for (let i = 0; i < 7; i++) await registry.create({ type: 'srt', sourceAddr: 'a:1' })
    for (let i = 0; i < 7; i++) await subscription.next()
    expect(readLog.mock.calls.map(([, , limit]) => limit)).toEqual([3, 3, 3])
    await registry.close()
  })
})
