import assert from 'node:assert/strict'
import { LeaderElection, type LeaderElectionOptions } from '../../coordination/leader-election.js'
import { isRegistryError } from '../../core/errors.js'
import { storeOf } from '../../registry/store-registry.js'
import type { Chapter, ContractSpace } from './driver.js'
import { pass, rejectsWith, until } from './expectations.js'

const LEASE_MS = 450

/** A candidate in a registry of its own. */
function candidate(
  space: ContractSpace,
  instanceId: string,
  options: LeaderElectionOptions = {},
): LeaderElection {
  return new LeaderElection(space.registry({ instanceId }), { leaseMs: LEASE_MS, ...options })
}

async function leaderOf(
  space: ContractSpace,
  candidates: readonly LeaderElection[],
): Promise<LeaderElection> {
  await until(space, 'a leader', () => candidates.some(({ isLeader }) => isLeader))
  const leading = candidates.filter(({ isLeader }) => isLeader)
  assert.equal(leading.length, 1, 'one leads')
  return leading[0] as LeaderElection
}

/** What happens to a candidate, in order. */
function happenings(election: LeaderElection): unknown[][] {
  const seen: unknown[][] = []
  election.on('elected', ({ token }) => seen.push(['elected', token]))
  election.on('revoked', ({ token }) => seen.push(['revoked', token]))
  election.on('leader', (instanceId) => seen.push(['leader', instanceId]))
  return seen
}

const call = (): { deadline: number } => ({ deadline: performance.now() + 10_000 })

export const electing: Chapter = (test) => {
  test('elects one of many, and the next under a higher token when it stops', async (space) => {
    const candidates = ['a', 'b', 'c', 'd'].map((id) => candidate(space, id))
    for (const each of candidates) {
      assert.deepEqual([each.isLeader, each.fencingToken, each.leader], [false, undefined, undefined])
      each.start()
    }
    const left = [...candidates]
    const tokens: number[] = []
    const led: (string | undefined)[] = []
    while (left.length > 0) {
      const leader = await leaderOf(space, left)
      led.push(leader.leader)
      tokens.push(leader.fencingToken ?? 0)
      await until(space, 'all know who leads', () => left.every((each) => each.leader === leader.leader))
      await leader.stop()
      assert.deepEqual([leader.isLeader, leader.fencingToken], [false, undefined])
      left.splice(left.indexOf(leader), 1)
    }
    assert.deepEqual(led.toSorted(), ['a', 'b', 'c', 'd'])
    assert.deepEqual(
      tokens,
      [...new Set(tokens)].toSorted((a, b) => a - b),
    )
  })

  test('keeps its leader, which renews, and its token', async (space) => {
    const [first, second] = [candidate(space, 'a'), candidate(space, 'b')]
    const seen = happenings(first)
    first.start()
    await leaderOf(space, [first])
    const token = first.fencingToken
    second.start()
    for (let passed = 0; passed < 2 * LEASE_MS; passed += 50) {
      assert.deepEqual([first.isLeader, first.fencingToken, second.isLeader], [true, token, false])
      await pass(space, 50)
    }
    assert.deepEqual(
      seen.filter(([what]) => what !== 'leader'),
      [['elected', token]],
    )
    assert.equal(second.leader, 'a')
  })

  test('starts and stops as often as one likes, and tells of it', async (space) => {
    const election = candidate(space, 'a')
    const seen = happenings(election)
    await election.stop()
    election.start()
    election.start()
    await leaderOf(space, [election])
    const first = election.fencingToken
    await Promise.all([election.stop(), election.stop()])
    await election.stop()
    election.start()
    await leaderOf(space, [election])
    const second = election.fencingToken
    await election.close()
    assert.ok(Number(second) > Number(first))
    assert.deepEqual(seen, [
      ['leader', 'a'],
      ['elected', first],
      ['leader', undefined],
      ['revoked', first],
      ['leader', 'a'],
      ['elected', second],
      ['leader', undefined],
      ['revoked', second],
    ])
  })

  test('lets a failing handler harm nobody, and a removed one rest', async (space) => {
    const election = candidate(space, 'a')
    const removed = (): void => assert.fail('was removed')
    election.on('elected', removed).off('elected', removed)
    election.on('elected', () => {
      throw new Error('of the handler')
    })
    const seen = happenings(election)
    election.start()
    await leaderOf(space, [election])
    await pass(space, 1.5 * LEASE_MS)
    assert.equal(election.isLeader, true)
    assert.equal(seen.length, 2)
  })

  test('runs work once, when it leads, and passes on how it ended', async (space) => {
    const [first, second] = [candidate(space, 'a'), candidate(space, 'b')]
    await rejectsWith(
      'UNAVAILABLE',
      first.run(() => assert.fail('not started')),
    )
    first.start()
    assert.equal(await first.run(({ token }) => token), first.fencingToken)
    await assert.rejects(
      first.run(() => assert.fail('of the work')),
      /of the work/,
    )
    assert.equal(first.isLeader, true)

    second.start()
    const never = second.run(() => assert.fail('does not lead'))
    await pass(space, LEASE_MS)
    const refused = rejectsWith('UNAVAILABLE', never)
    await second.stop()
    await refused
    second.start()
    let runs = 0
    const later = second.run(() => {
      runs += 1
      return second.isLeader
    })
    await pass(space, LEASE_MS)
    assert.equal(runs, 0)
    await first.stop()
    await until(space, 'the work', () => runs > 0)
    assert.equal(await later, true)
    assert.equal(runs, 1)
  })

  test('gives the lead up when its work has settled, not before', async (space) => {
    const [first, second] = [candidate(space, 'a'), candidate(space, 'b')]
    first.start()
    await leaderOf(space, [first])
    second.start()
    let finish = (): void => {}
    let signal: AbortSignal | undefined
    const work = first.run((context) => {
      signal = context.signal
      return new Promise<void>((resolve) => {
        finish = resolve
      })
    })
    await until(space, 'the work', () => signal !== undefined)
    assert.equal(signal?.aborted, false)
    let isStopped = false
    const stopping = first.stop().then(() => {
      isStopped = true
    })
    await until(space, 'the signal', () => signal?.aborted === true)
    assert.equal(first.isLeader, false)
    for (let passed = 0; passed < 2 * LEASE_MS; passed += 50) {
      await pass(space, 50)
      assert.deepEqual([isStopped, second.isLeader], [false, false])
    }
    finish()
    await Promise.all([stopping, work])
    await leaderOf(space, [second])
  })

  test('leads several things at once, each by itself', async (space) => {
    const [first, second] = [candidate(space, 'a', { key: 'x' }), candidate(space, 'b', { key: 'y' })]
    for (const each of [first, second]) each.start()
    await until(space, 'two leaders', () => first.isLeader && second.isLeader)
    assert.deepEqual([first.leader, second.leader], ['a', 'b'])
  })

  test('ends with its registry', async (space) => {
    const registry = space.registry({ instanceId: 'a' })
    const first = new LeaderElection(registry, { leaseMs: 60_000 })
    const second = candidate(space, 'b', { leaseMs: 60_000 })
    first.start()
    await leaderOf(space, [first])
    second.start()
    await registry.close()
    assert.equal(first.isLeader, false)
    // Long before the lease would have run out.
    await until(space, 'the next leader', () => second.isLeader, 25_000)
  })

  test('takes what it is not told from the registry, and refuses durations that do not go together', async (space) => {
    const registry = space.registry({ leaderElection: { key: 'mine', leaseMs: 3_000, renewMs: 500 } })
    const { key, leaseMs, renewMs } = new LeaderElection(registry)
    assert.deepEqual([key, leaseMs, renewMs], ['mine', 3_000, 500])
    const plain = new LeaderElection(space.registry())
    assert.deepEqual([plain.key, plain.leaseMs, plain.renewMs], ['leader', 15_000, 5_000])
    const wrong: LeaderElectionOptions[] = [
      { leaseMs: 99 },
      { leaseMs: 1_000.5 },
      { leaseMs: 900, renewMs: 301 },
      { leaseMs: 100, renewMs: 0 },
      { leaseMs: Number.POSITIVE_INFINITY },
      { key: '' },
      { key: 'a b' },
    ]
    for (const options of wrong) {
      assert.throws(
        () => new LeaderElection(space.registry(), options),
        (error: unknown) => isRegistryError(error) && error.code === 'VALIDATION',
        JSON.stringify(options),
      )
    }
  })

  test('holds a lease for one holder under one token, and lets nobody else renew or release it', async (space) => {
    const store = storeOf(space.registry())
    const [mine, others] = ['mine', 'others'].map((holder) => ({ name: 'x', holder, label: `of ${holder}` }))
    if (mine === undefined || others === undefined) assert.fail()
    const first = await store.acquireLead(mine, LEASE_MS, call())
    if (first.kind !== 'done') assert.fail('nobody held it')
    const { token } = first
    const second = await store.acquireLead(others, LEASE_MS, call())
    if (second.kind !== 'held') assert.fail('it is held')
    assert.equal(second.label, 'of mine')
    assert.ok(second.leftMs > 0 && second.leftMs <= LEASE_MS)
    assert.equal(await store.renewLead({ ...mine, token: token + 1 }, LEASE_MS, call()), false)
    assert.equal(await store.renewLead({ ...others, token }, LEASE_MS, call()), false)
    await store.releaseLead({ ...others, token }, call())
    await store.releaseLead({ ...mine, token: token - 1 }, call())
    assert.equal(await store.renewLead({ ...mine, token }, LEASE_MS, call()), true)
    await space.advance(LEASE_MS + 50)
    assert.equal(await store.renewLead({ ...mine, token }, LEASE_MS, call()), false)
    const third = await store.acquireLead(others, LEASE_MS, call())
    assert.ok(third.kind === 'done' && third.token > token)
    await store.releaseLead({ ...others, token: third.token }, call())
    const fourth = await store.acquireLead(mine, LEASE_MS, call())
    assert.ok(fourth.kind === 'done' && fourth.token > third.token)
  })
}
