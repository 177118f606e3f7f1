import { setImmediate as turn } from 'node:timers/promises'
import { LeaderElection, MockRegistry } from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../../src/core/store.ts'
import { storeOf } from '../../../src/registry/store-registry.ts'

const LEASE_MS = 9_000

let clock: ManualClock
let registry: MockRegistry
let store: Store

beforeEach(() => {
  clock = new ManualClock()
  registry = new MockRegistry({ clock, instanceId: 'a' })
  store = storeOf(registry)
})

function elect(): LeaderElection {
  const election = new LeaderElection(registry, { leaseMs: LEASE_MS })
  election.start()
  return election
}

/** Lets what is under way go on, without time. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn()
}

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    clock.advance(Math.min(50, ms - passed))
    await settle()
  }
}

/** Answers of this method come when they are let go, and stand for what was at the time of the call. */
function hold<K extends 'acquireLead' | 'renewLead' | 'releaseLead'>(method: K): () => void {
  const real = store[method].bind(store) as (...args: unknown[]) => Promise<unknown>
  let letGo = (): void => {}
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  Object.assign(store, {
    [method]: async (...args: unknown[]) => {
      const answer = await real(...args)
      await held
      return answer
    },
  })
  return () => {
    Object.assign(store, { [method]: real })
    letGo()
  }
}

/** This method fails as if Redis were away. */
function fail(method: 'acquireLead' | 'renewLead' | 'releaseLead'): () => void {
  const real = store[method]
  Object.assign(store, { [method]: () => Promise.reject(new Error('away')) })
  return () => void Object.assign(store, { [method]: real })
}

describe('an election', () => {
  it('knows that it leads no more before the lease can be another’s, whatever its timers do', async () => {
    const election = elect()
    await settle()
    expect(election.isLeader).toBe(true)
    const restore = fail('renewLead')
    // One leap: nothing that waits has run when this is asked.
    const before = election.isLeader
    let within: boolean | undefined
    clock.schedule(LEASE_MS * 0.99, () => {
      within = election.isLeader
    })
    clock.advance(LEASE_MS)
    expect([before, within, election.isLeader, election.fencingToken]).toEqual([
      true,
      false,
      false,
      undefined,
    ])
    restore()
  })

  it('counts the lease from when it asked, not from when it was answered', async () => {
    const letGo = hold('acquireLead')
    const election = elect()
    await pass(LEASE_MS - 1_000)
    letGo()
    await settle()
    expect(election.isLeader).toBe(true)
    fail('renewLead')
    clock.advance(1_000)
    expect(election.isLeader).toBe(false)
  })

  it('does not begin under an answer that comes after its lease', async () => {
    const letGo = hold('acquireLead')
    const election = elect()
    const elected: number[] = []
    election.on('elected', ({ token }) => void elected.push(token))
    await pass(LEASE_MS + 10)
    letGo()
    await settle()
    await pass(100)
    expect([election.isLeader, elected.length]).toEqual([true, 1])
    await pass(LEASE_MS)
    expect([election.isLeader, elected.length]).toEqual([true, 1])
  })

  it('tries to renew again and again until the deadline', async () => {
    const election = elect()
    await settle()
    const token = election.fencingToken
    const restore = fail('renewLead')
    await pass(LEASE_MS * 0.9)
    expect(election.isLeader).toBe(true)
    restore()
    await pass(LEASE_MS)
    expect([election.isLeader, election.fencingToken]).toEqual([true, token])
  })

  it('tells why it was lost, aborts the work, and waits for it before it asks anew', async () => {
    const election = elect()
    await settle()
    const revoked: unknown[] = []
    election.on('revoked', ({ token, reason }) => void revoked.push([token, (reason as Error).message]))
    const token = election.fencingToken
    let finish = (): void => {}
    let signal: AbortSignal | undefined
    const work = election.run((context) => {
      signal = context.signal
      return new Promise<void>((resolve) => {
        finish = resolve
      })
    })
    await settle()
    const restore = fail('renewLead')
    await pass(LEASE_MS)
    expect([signal?.aborted, revoked]).toEqual([true, [[token, 'the lead was lost']]])
    restore()
    await pass(2 * LEASE_MS)
    expect(election.isLeader).toBe(false)
    finish()
    await work
    await pass(100)
    expect(election.isLeader).toBe(true)
    expect(election.fencingToken).toBeGreaterThan(token ?? 0)
  })

  it('leaves the lead that was taken from it at the next renewal', async () => {
    const election = elect()
    await settle()
    const token = election.fencingToken ?? 0
    const revoked: number[] = []
    election.on('revoked', (term) => void revoked.push(term.token))
    Object.assign(store, { renewLead: async () => false })
    await pass(LEASE_MS / 3 + 50)
    expect(revoked).toEqual([token])
    expect(election.fencingToken).toBeGreaterThan(token)
  })

  it('waits out errors of acquiring', async () => {
    const restore = fail('acquireLead')
    const election = elect()
    await pass(20_000)
    expect(election.isLeader).toBe(false)
    restore()
    await pass(1_100)
    expect(election.isLeader).toBe(true)
  })

  it('hears of a release although it is just asking', async () => {
    const leader = elect()
    await settle()
    const letGo = hold('acquireLead')
    const next = elect()
    await settle()
    await leader.stop()
    letGo()
    await pass(250)
    expect(next.isLeader).toBe(true)
  })

  it('leads anew, not with what is left of the old term, when it is started before it has stopped', async () => {
    const election = elect()
    await settle()
    const first = election.fencingToken
    let finish = (): void => {}
    const old = election.run(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve
        }),
    )
    await settle()
    const stopping = election.stop()
    await settle()
    election.start()
    const context = election.run(({ token, signal }) => ({ token, isAborted: signal.aborted }))
    await settle()
    finish()
    await Promise.all([old, stopping])
    await pass(100)
    const { token, isAborted } = await context
    expect(isAborted).toBe(false)
    expect(token).toBeGreaterThan(first ?? 0)
  })

  it('leaves no lease behind when it is stopped while it asks, and the answer is lost', async () => {
    const real = store.acquireLead.bind(store)
    let loseReply = (): void => {}
    Object.assign(store, {
      acquireLead: async (...args: Parameters<Store['acquireLead']>) => {
        await real(...args)
        await new Promise<void>((resolve) => {
          loseReply = resolve
        })
        throw new Error('the reply was lost')
      },
    })
    const election = elect()
    await settle()
    const stopping = election.stop()
    loseReply()
    await pass(3_000)
    await stopping
    Object.assign(store, { acquireLead: real })
    const next = elect()
    await pass(250)
    expect(next.isLeader).toBe(true)
  })
})
