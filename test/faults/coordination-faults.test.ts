import { setTimeout as sleep } from 'node:timers/promises'
import {
  LeaderElection,
  type LeaderElectionOptions,
  RedisRegistry,
  type RedisRegistryOptions,
  type Registry,
  TTLManager,
} from '@mirror/stream-registry'
import { type Fault, FaultProxy } from '@mirror/stream-registry/testing'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { storeOf } from '../../src/registry/store-registry.ts'
import { readJournal } from '../processes/support/journal.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

const PATIENCE = { timeout: 15_000, interval: 10 }
/** So seldom that nothing in a test happens by it. */
const SELDOM = { cleanupIntervalMs: 3_600_000 }

let server: RedisServer
const closing: (() => unknown)[] = []

/** Closed at the end of the test, the last one first. */
function atEnd(close: () => unknown): void {
  closing.unshift(close)
}

beforeEach(async () => {
  server = await startRedis()
})

afterEach(async () => {
  server.thaw()
  for (const close of closing.splice(0)) await close()
  await server.stop()
})

function connect(port = server.port): Redis {
  const redis = new Redis(port, { retryStrategy: () => 20 })
  redis.on('error', () => {})
  atEnd(() => redis.disconnect())
  return redis
}

type Options = Omit<RedisRegistryOptions<never>, 'redis'>

function open(instanceId: string, port = server.port, options: Options = {}): Registry {
  const registry = new RedisRegistry({
    redis: connect(port),
    instanceId,
    keyPrefix: 'x',
    ...options,
  } as never)
  atEnd(() => registry.close())
  return registry as Registry
}

function elect(registry: Registry, options: LeaderElectionOptions = {}): LeaderElection {
  const election = new LeaderElection(registry, { leaseMs: 500, ...options })
  election.start()
  return election
}

async function startProxy(): Promise<[proxy: FaultProxy, port: number]> {
  const proxy = new FaultProxy({ port: server.port })
  const port = await proxy.listen()
  atEnd(() => proxy.close())
  return [proxy, port]
}

async function leads(election: LeaderElection): Promise<number> {
  await expect.poll(() => election.isLeader, PATIENCE).toBe(true)
  return election.fencingToken ?? 0
}

async function createAll(registry: Registry, ids: readonly string[], ttlMs: number): Promise<void> {
  await Promise.all(ids.map((id) => registry.create({ id, type: 'srt', sourceAddr: 'a:1', ttlMs })))
}

const numbered = (count: number, name = 'cam'): string[] =>
  Array.from({ length: count }, (_, i) => `${name}${i}`)

async function expiredOf(registry: Registry): Promise<string[]> {
  const journal = (await readJournal(registry)).flat()
  return journal.flatMap(({ id, type }) => (type === 'stream.expired' ? [id] : [])).toSorted()
}

const call = (ms = 10_000): { deadline: number } => ({ deadline: performance.now() + ms })

describe('an election', () => {
  it('gives higher tokens also after everything was flushed, and under a leader', async () => {
    const [first, second] = [elect(open('a')), elect(open('b'))]
    const tokens: number[] = []
    for (const each of [first, second]) each.on('elected', ({ token }) => void tokens.push(token))
    await expect.poll(() => first.isLeader || second.isLeader, PATIENCE).toBe(true)
    for (let round = 1; round <= 3; round++) {
      server.cli('flushall')
      await expect
        .poll(() => tokens.length > round && first.isLeader !== second.isLeader, PATIENCE)
        .toBe(true)
    }
    expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => a - b))
  })

  it('is lost by its own clock when Redis is silent, before anybody else can win', async () => {
    const [proxy, port] = await startProxy()
    const far = elect(open('far', port))
    const revoked: unknown[] = []
    far.on('revoked', ({ token }) => void revoked.push(token))
    const token = await leads(far)
    const near = elect(open('near'))
    let farAtElection: boolean | undefined
    near.on('elected', () => {
      farAtElection = far.isLeader
    })
    let signal: AbortSignal | undefined
    const work = far.run(async (context) => {
      signal = context.signal
      while (!context.signal.aborted) await sleep(5)
    })
    await sleep(50)
    proxy.stall()
    const higher = await leads(near)
    expect(farAtElection).toBe(false)
    expect([far.isLeader, signal?.aborted]).toEqual([false, true])
    await work
    expect(revoked).toEqual([token])
    expect(higher).toBeGreaterThan(token)
    proxy.resume()
    await near.stop()
    expect(await leads(far)).toBeGreaterThan(higher)
  })

  it('rides out lost replies, repetitions and cuts that are shorter than its lease', async () => {
    const [proxy, port] = await startProxy()
    const election = new LeaderElection(open('a', port), { leaseMs: 1_500, renewMs: 60 })
    const happened: string[] = []
    for (const event of ['elected', 'revoked'] as const) election.on(event, () => void happened.push(event))
    const faults: Fault[] = [{ kind: 'lose-reply' }, { kind: 'lose-request' }, { kind: 'twice' }]
    let calls = 0
    proxy.plan = (command) =>
      command.startsWith('eval') ? (faults[calls++ % 5] ?? { kind: 'pass' }) : { kind: 'pass' }
    election.start()
    await leads(election)
    for (let round = 0; round < 6; round++) {
      await sleep(300)
      proxy.cut()
    }
    server.freeze()
    await sleep(500)
    server.thaw()
    await sleep(500)
    expect([election.isLeader, ...happened]).toEqual([true, 'elected'])
    expect(calls).toBeGreaterThan(15)
  })

  it('goes on after Redis was away for long, and throws nothing', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', note)
    const elections = [elect(open('a')), elect(open('b'))]
    await expect.poll(() => elections.some(({ isLeader }) => isLeader), PATIENCE).toBe(true)
    const before = Math.max(...elections.map(({ fencingToken = 0 }) => fencingToken))
    await server.kill()
    await sleep(2_600)
    expect(elections.map(({ isLeader }) => isLeader)).toEqual([false, false])
    await server.restart()
    await expect.poll(() => elections.filter(({ isLeader }) => isLeader).length, PATIENCE).toBe(1)
    expect(Math.max(...elections.map(({ fencingToken = 0 }) => fencingToken))).toBeGreaterThan(before)
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  it('keeps its leader when Redis is out of memory, so that somebody cleans up', async () => {
    const registry = open('a')
    const election = elect(registry)
    await leads(election)
    const manager = new TTLManager(registry, { leader: election, cleanupIntervalMs: 100 })
    await createAll(registry, numbered(5), 100)
    server.cli('config', 'set', 'maxmemory', '1')
    await sleep(1_200)
    expect.soft(election.isLeader, 'leads').toBe(true)
    manager.start()
    await expect.poll(() => server.cli('zcard', 'x:active'), { timeout: 1_500 }).toBe('0')
  })

  it('is not ended by a late release of an earlier term', async () => {
    const [proxy, port] = await startProxy()
    const redis = connect(port)
    const registry = new RedisRegistry({ redis, instanceId: 'a', keyPrefix: 'x' })
    atEnd(() => registry.close())
    const [first, second] = [elect(registry, { leaseMs: 12_000 }), elect(open('b'), { leaseMs: 12_000 })]
    await expect.poll(() => first.isLeader || second.isLeader, PATIENCE).toBe(true)
    await second.stop()
    const token = await leads(first)
    second.start()
    // The release gets stuck on its way, and is given up; the client connects anew, by another way.
    proxy.stall()
    await first.stop()
    redis.options.port = server.port
    redis.disconnect(true)
    first.start()
    const next = await leads(first)
    proxy.resume()
    await sleep(500)
    expect.soft(next, 'the token of the next term').toBeGreaterThan(token)
    expect([first.isLeader, second.isLeader]).toEqual([true, false])
  })
})

describe('a manager', () => {
  it('finishes each once, and tells of it, when the reply to its sweep was lost', async () => {
    const [proxy, port] = await startProxy()
    const registry = open('a')
    await createAll(registry, numbered(120), 50)
    const manager = new TTLManager(open('b', port))
    await sleep(80)
    let calls = 0
    proxy.plan = (command) =>
      command === 'evalsha' && calls++ % 2 === 1 ? { kind: 'lose-reply' } : { kind: 'pass' }
    const { expired } = await manager.runOnce()
    expect(calls).toBeGreaterThan(6)
    expect(expired.toSorted()).toEqual(numbered(120).toSorted())
    expect(await expiredOf(registry)).toEqual(numbered(120).toSorted())
  })

  it('mends what dangles in indexes, counters and leases', async () => {
    const registry = open('a')
    await createAll(registry, ['cam'], 60_000)
    const redis = connect()
    const keys = await redis.keys('x:idx:*')
    const index = keys.find((key) => key.startsWith('x:idx:type')) ?? ''
    expect(await redis.type(index)).toBe('zset')
    await redis.zadd(index, 1, 'ghost', 2, 'ghoul')
    await redis.hset('x:idx:stats', 'ghost', '{"bytes_received":1}')
    const { problems } = await registry.verify()
    expect(problems.length).toBeGreaterThanOrEqual(3)
    const manager = new TTLManager(registry)
    const { expired, repaired } = await manager.runOnce()
    expect([expired, repaired]).toEqual([[], problems.length])
    expect(await registry.verify()).toEqual({ checked: 1, problems: [] })
    expect(await manager.runOnce()).toEqual({ expired: [], repaired: 0 })
    expect((await registry.list()).map(({ id }) => id)).toEqual(['cam'])
  })

  it('mends by itself, every now and then', async () => {
    const registry = open('a')
    await createAll(registry, ['cam'], 60_000)
    const manager = new TTLManager(registry, { cleanupIntervalMs: 50, repairIntervalMs: 100 })
    manager.start()
    const redis = connect()
    const index = (await redis.keys('x:idx:type*'))[0] ?? ''
    for (let round = 0; round < 2; round++) {
      await redis.zadd(index, 1, 'ghost')
      await expect.poll(() => redis.zscore(index, 'ghost'), PATIENCE).toBe(null)
    }
  })

  it('trims the log by its age', async () => {
    const registry = open('a', server.port, { eventRetentionMs: 300, maxEvents: 100_000 })
    await createAll(registry, numbered(1_000), 60_000)
    const before = (await readJournal(registry)).flat().length
    expect(before).toBeGreaterThan(500)
    await sleep(400)
    await createAll(registry, ['last'], 60_000)
    await new TTLManager(registry).runOnce()
    const left = (await readJournal(registry)).flat()
    expect(left.length).toBeLessThan(200)
    expect(left.at(-1)?.id).toBe('last')
  })

  it('does nothing under a token that a later leader has overtaken, and tells of nothing', async () => {
    const registry = open('a')
    const stale = { key: 'x', isLeader: true, fencingToken: 5 }
    await storeOf(registry).sweep(10, 'b', call(), { name: 'x', token: 6 })
    await createAll(registry, numbered(3), 20)
    await sleep(50)
    expect((await new TTLManager(registry, { leader: stale }).runOnce()).expired).toEqual([])
    expect(await expiredOf(registry)).toEqual([])
    const current = { ...stale, fencingToken: 7 }
    expect((await new TTLManager(registry, { leader: current }).runOnce()).expired.length).toBe(3)
  })

  it('gives leases time after Redis was frozen for longer than they last', async () => {
    const registry = open('a')
    const manager = new TTLManager(open('b'), { ...SELDOM, outageGraceMs: 1_500 })
    await createAll(registry, ['mine', 'nobodys'], 900)
    manager.start()
    await sleep(200)
    await registry.heartbeat('mine')
    server.freeze()
    await sleep(1_200)
    server.thaw()
    await sleep(300)
    expect(await registry.has('mine', { timeoutMs: 10_000 })).toBe(true)
    for (let i = 0; i < 10; i++) {
      await registry.heartbeat('mine')
      await sleep(200)
    }
    await expect.poll(() => expiredOf(registry), PATIENCE).toEqual(['nobodys'])
  })

  it('gives thousands of leases time once only', async () => {
    const registry = open('a')
    const manager = new TTLManager(registry, { ...SELDOM, outageGraceMs: 500 })
    await createAll(registry, numbered(1_500), 1_500)
    manager.start()
    await expect
      .poll(async () => (await expiredOf(registry)).length, { timeout: 6_000, interval: 100 })
      .toBe(1_500)
  })

  it('cleans up when Redis is out of memory, also where it gives time after a silence', async () => {
    const registry = open('a')
    const manager = new TTLManager(registry, { cleanupIntervalMs: 100, outageGraceMs: 300 })
    await createAll(registry, numbered(5), 300)
    await sleep(350)
    server.cli('config', 'set', 'maxmemory', '1')
    manager.start()
    await expect.poll(() => server.cli('zcard', 'x:active'), { timeout: 3_000 }).toBe('0')
  })

  it('tells of all that it finished, though it was overtaken on the way', async () => {
    const registry = open('a', server.port, { partitions: 2 } as Options)
    await createAll(registry, numbered(60), 20)
    await sleep(50)
    server.cli('hset', '{x:1}:idx:tokens', 'lead', '9')
    const leader = { key: 'lead', isLeader: true, fencingToken: 5 }
    const { expired } = await new TTLManager(registry, { leader }).runOnce()
    const told = await expiredOf(registry)
    expect(told.length).toBeGreaterThan(10)
    expect(expired.toSorted()).toEqual(told)
  })

  it('lets its registry close soon although Redis is silent', async () => {
    const registry = open('a')
    await createAll(registry, ['cam'], 100)
    server.freeze()
    const manager = new TTLManager(registry, { cleanupIntervalMs: 50 })
    manager.start()
    await sleep(100)
    const from = performance.now()
    const closed = registry.close()
    await Promise.race([closed, sleep(6_000)])
    const took = performance.now() - from
    server.thaw()
    await closed
    expect(took).toBeLessThan(5_000)
  })
})
