import { setTimeout as sleep } from 'node:timers/promises'
import { createRegistry, type Registry } from '@mirror/stream-registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { Fleet, type Worker } from './support/fleet.ts'
import { deadlines, readJournal, replay, sequenceFaults, sweep } from './support/journal.ts'
import { type BuiltLibrary, buildLibrary } from './support/library.ts'

const TTL_MS = 1_000
/** How many live streams a storm has when its process is killed. */
const STORM_SIZE = 200
const SPACE = { keyPrefix: 'kill', partitions: 2 }

let redis: RedisServer
let library: BuiltLibrary | undefined
let fleet: Fleet | undefined
let registry: Registry
let workers: Worker[]

beforeAll(async () => {
  redis = await startRedis()
  library = buildLibrary()
  fleet = new Fleet(library.url, redis.url)
  workers = await fleet.start(3)
  registry = createRegistry({ redis: { url: redis.url }, ...SPACE })
})

afterAll(async () => {
  await fleet?.close()
  await registry?.close()
  await redis?.stop()
  library?.remove()
})

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await sleep(10)
}

function connections(): number {
  return redis.cli('client', 'list').split('\n').length
}

/** Lists all the time: every list must show the kept streams, and none whose deadline lay before it began. */
async function watch(
  kept: readonly string[],
  stop: AbortSignal,
): Promise<{ lists: number; longest: number; faults: string[] }> {
  const faults: string[] = []
  let [lists, longest] = [0, 0]
  while (!stop.aborted && faults.length === 0) {
    const began = Date.now()
    const streams = await registry.list()
    const shown = new Set(streams.map(({ id }) => id))
    if (shown.size !== streams.length) faults.push('shows a stream twice')
    for (const id of kept) if (!shown.has(id)) faults.push(`misses ${id}`)
    for (const { id, lastHeartbeat, ttlMs } of streams) {
      const late = began - (lastHeartbeat.getTime() + ttlMs)
      if (late >= 0) faults.push(`shows ${id} ${late} ms too long`)
    }
    lists += 1
    longest = Math.max(longest, streams.length)
  }
  return { lists, longest, faults }
}

/** Starts a storm, kills its process in the middle, and waits until Redis has read all that it had sent. */
async function killWithinStorm(victim: Worker, prefix: string): Promise<string[]> {
  await victim.call('connect', SPACE, undefined)
  const connected = connections()
  const storm = victim.call('storm', SPACE, { prefix, ttlMs: TTL_MS, lanes: 16 })
  const end = expect(storm).rejects.toThrow('worker ended (SIGKILL)')
  await until(async () => (await idsOf(prefix)).length >= STORM_SIZE)
  await victim.kill()
  await end
  await until(() => connections() < connected)
  return idsOf(prefix)
}

async function idsOf(prefix: string): Promise<string[]> {
  return (await registry.list()).map(({ id }) => id).filter((id) => id.startsWith(`${prefix}-`))
}

/** Lists until none is left or something is wrong; answers what was gone before its deadline, or there after it. */
async function untimely(prefix: string, due: ReadonlyMap<string, number>): Promise<string[]> {
  const faults: string[] = []
  for (let left = due.size; left > 0 && faults.length === 0; ) {
    const began = Date.now()
    const shown = new Set(await idsOf(prefix))
    const ended = Date.now()
    for (const [id, deadline] of due) {
      if (deadline > ended && !shown.has(id)) faults.push(`${id} ended ${deadline - ended} ms early`)
      if (deadline <= began && shown.has(id)) faults.push(`${id} lived ${began - deadline} ms too long`)
    }
    left = shown.size
  }
  return faults
}

describe('a process that is killed in the middle of a storm of writes', () => {
  it('leaves whole records, which end on time, and disturbs no other process', {
    timeout: 40_000,
  }, async () => {
    const [survivor, ...victims] = workers
    const kept = Array.from({ length: 20 }, (_, i) => `kept${i}`)
    const tending = survivor?.call('tend', SPACE, { ids: kept, ttlMs: 5 * TTL_MS, pauseMs: 20 })
    await until(async () => (await registry.count()) === kept.length)
    const done = new AbortController()
    const watching = watch(kept, done.signal)

    try {
      for (const [i, victim] of victims.entries()) {
        const left = await killWithinStorm(victim, `storm${i}`)
        const latest = Date.now() + TTL_MS
        const due = await deadlines(registry, left)
        expect(due.size).toBeGreaterThan(0)
        expect(Math.max(...due.values())).toBeLessThanOrEqual(latest)
        expect((await registry.verify()).problems).toEqual([])
        expect(await untimely(`storm${i}`, due)).toEqual([])
      }
    } finally {
      done.abort()
      await watching
    }
    const { lists, longest, faults } = await watching
    expect(faults).toEqual([])
    expect(lists).toBeGreaterThan(20)
    expect(longest).toBeGreaterThanOrEqual(STORM_SIZE)
    survivor?.stop()
    const { rounds, missing } = (await tending) ?? { rounds: 0, missing: ['all'] }
    expect(missing).toEqual([])
    expect(rounds).toBeGreaterThan(10)
  })

  it('ends each of its streams by one event', async () => {
    await sweep(registry)
    expect((await registry.verify()).problems).toEqual([])
    const journal = await readJournal(registry)
    expect(journal.flatMap(sequenceFaults)).toEqual([])
    const replayed = journal.map(replay)
    expect(replayed.flatMap(({ faults }) => faults)).toEqual([])
    expect(replayed.flatMap(({ live }) => [...live.keys()]).every((id) => id.startsWith('kept'))).toBe(true)

    const stormy = journal.flat().filter(({ id }) => id.startsWith('storm'))
    const idsOfType = (type: string): string[] =>
      stormy
        .filter((record) => record.type === type)
        .map(({ id }) => id)
        .sort()
    expect(idsOfType('stream.expired')).toEqual(idsOfType('stream.created'))
    expect(idsOfType('stream.expired').length).toBeGreaterThanOrEqual(2 * STORM_SIZE)
  })
})
