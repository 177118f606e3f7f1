import { fork } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { LeaderElection, RedisRegistry, TTLManager } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { startRedis } from '../../support/redis-server.ts'
import type { Figure } from '../figure.ts'
import { inFlight, median } from '../measure.ts'
import { sampleStream } from '../sample-streams.ts'

const SESSIONS = 10_000
const SESSION_TTL_MS = 30_000
const MEASURED_MS = 8_000
const LAPSED = 100_000
const LEASE_MS = 2_000
const ROUNDS = 5

const candidateFile = fileURLToPath(import.meta.url)

/** A candidate in a process of its own: leads, and says so, until it is killed. */
async function candidate(port: number): Promise<void> {
  const redis = new Redis(port)
  const election = new LeaderElection(new RedisRegistry({ redis }), { leaseMs: LEASE_MS })
  election.on('elected', () => process.send?.('elected'))
  election.start()
  await new Promise(() => process.channel?.ref())
}

async function measureSessions(port: number): Promise<Figure[]> {
  const redis = new Redis(port)
  const registry = new RedisRegistry({ redis })
  await inFlight(256, SESSIONS, (i) => registry.attach({ ...sampleStream(i), ttlMs: SESSION_TTL_MS }))
  // The first beats come together, as all began together.
  await sleep(SESSION_TTL_MS / 3)
  const [cpu, began] = [process.cpuUsage(), performance.now()]
  await sleep(MEASURED_MS)
  const { user, system } = process.cpuUsage(cpu)
  const share = (user + system) / 10 / (performance.now() - began)
  await redis.flushall()
  redis.disconnect()
  const what = `heartbeats of ${SESSIONS.toLocaleString('en')} sessions, ttl ${SESSION_TTL_MS / 1_000} s`
  return [{ what, reached: share, unit: '% of a core', atMost: 3 }]
}

async function measureSweep(port: number): Promise<Figure[]> {
  const redis = new Redis(port)
  const registry = new RedisRegistry({ redis })
  const rates: number[] = []
  const longest: number[] = []
  for (let round = 0; round < 3; round++) {
    await inFlight(256, LAPSED, (i) => registry.create({ ...sampleStream(i), ttlMs: 60_000 }))
    // All leases end now, without waiting a minute.
    await redis.eval(
      `for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('ZADD', KEYS[1], 1, id) end`,
      1,
      'mirror:streams:active',
    )
    await redis.config('SET', 'slowlog-log-slower-than', '1000')
    await redis.slowlog('RESET')
    const began = performance.now()
    const { expired } = await new TTLManager(registry, { repairIntervalMs: 0 }).runOnce()
    rates.push((expired.length * 1_000) / (performance.now() - began))
    const slow = (await redis.slowlog('GET', 1_000)) as [number, number, number][]
    longest.push(
      ...slow
        .map(([, , microseconds]) => microseconds / 1_000)
        .sort((a, b) => b - a)
        .slice(0, 1),
    )
    await redis.flushall()
  }
  redis.disconnect()
  const what = `sweep of ${LAPSED.toLocaleString('en')} lapsed leases`
  return [
    { what, reached: median(rates), unit: '/s', atLeast: 5_000 },
    { what: `${what}, longest call`, reached: median(longest), unit: 'ms', atMost: 5 },
  ]
}

async function measureElection(port: number): Promise<Figure[]> {
  const redis = new Redis(port)
  const registry = new RedisRegistry({ redis })
  const start = (): LeaderElection => {
    const election = new LeaderElection(registry, { leaseMs: LEASE_MS })
    election.start()
    return election
  }
  const led = async (election: LeaderElection): Promise<number> => {
    const began = performance.now()
    while (!election.isLeader) await sleep(1)
    return performance.now() - began
  }
  const [stopped, killed]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    const first = start()
    await led(first)
    const second = start()
    await sleep(100)
    const waiting = led(second)
    await first.stop()
    stopped.push(await waiting)
    await second.stop()
    const child = fork(candidateFile, [String(port)], { execArgv: ['--import', 'tsx'] })
    await new Promise((resolve) => child.once('message', resolve))
    const heir = start()
    await sleep(Math.random() * LEASE_MS)
    child.kill('SIGKILL')
    killed.push(await led(heir))
    await heir.stop()
  }
  redis.disconnect()
  return [
    { what: 'a new leader after a stop', reached: Math.max(...stopped), unit: 'ms', atMost: 250 },
    {
      what: `a new leader after a kill, lease ${LEASE_MS / 1_000} s, the longest of ${ROUNDS}`,
      reached: Math.max(...killed),
      unit: 'ms',
      atMost: LEASE_MS + 1_000,
    },
  ]
}

/** Sessions, sweeping and electing, on a redis-server of their own. */
export async function coordinationFigures(): Promise<Figure[]> {
  const server = await startRedis()
  try {
    return [
      ...(await measureElection(server.port)),
      ...(await measureSweep(server.port)),
      ...(await measureSessions(server.port)),
    ]
  } finally {
    await server.stop()
  }
}

// Forked by `measureElection`.
if (process.send && process.argv[1] === candidateFile) await candidate(Number(process.argv[2]))
