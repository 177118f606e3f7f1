import { setTimeout as sleep } from 'node:timers/promises'
import { createRegistry, type Registry } from '@mirror/stream-registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { Fleet, together, type Worker } from './support/fleet.ts'
import { readJournal, replay, sequenceFaults } from './support/journal.ts'
import { type BuiltLibrary, buildLibrary } from './support/library.ts'
import type { Space } from './support/protocol.ts'

const SWEEPERS = 8

let redis: RedisServer
let library: BuiltLibrary | undefined
let fleet: Fleet | undefined
let workers: Worker[]
const opened: Registry[] = []

beforeAll(async () => {
  redis = await startRedis()
  library = buildLibrary()
  fleet = new Fleet(library.url, redis.url)
  workers = await fleet.start(SWEEPERS)
})

afterAll(async () => {
  await fleet?.close()
  await Promise.all(opened.map((registry) => registry.close()))
  await redis?.stop()
  library?.remove()
})

function open(space: Space): Registry {
  const registry = createRegistry({ redis: { url: redis.url }, ...space })
  opened.push(registry)
  return registry
}

async function createAll(
  registry: Registry,
  ids: readonly string[],
  ttlMs: (index: number) => number,
): Promise<void> {
  const left = ids.entries()
  const lane = async (): Promise<void> => {
    for (const [i, id] of left)
      await registry.create({ id, type: 'srt', sourceAddr: '192.0.2.1:9000', ttlMs: ttlMs(i) })
  }
  await Promise.all(Array.from({ length: 100 }, lane))
}

/** The streams that the log says have expired; what else it tells must be right. */
async function expiredOf(registry: Registry): Promise<string[]> {
  const journal = await readJournal(registry)
  expect(journal.flatMap(sequenceFaults)).toEqual([])
  expect(journal.map(replay).flatMap(({ faults }) => faults)).toEqual([])
  return journal.flat().flatMap(({ id, type }) => (type === 'stream.expired' ? [id] : []))
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `cam${i}`)

describe('eight processes that clean up', () => {
  it('finish 10,000 lapsed streams once each, and each is told of by one of them', async () => {
    const space = { keyPrefix: 'sweep', partitions: 2 }
    const registry = open(space)
    const ids = numbered(10_000)
    await createAll(registry, ids, () => 50)
    await sleep(100)
    expect(await expiredOf(registry)).toEqual([])

    const reports = await together(workers, 'cleanOnce', space, (at) => ({ at }))
    const told = reports.flatMap(({ expired }) => expired)
    console.log(`expired by each process: ${reports.map(({ expired }) => expired.length).join(' ')}`)
    expect(told.length).toBe(ids.length)
    expect(told.toSorted()).toEqual(ids.toSorted())
    expect((await expiredOf(registry)).toSorted()).toEqual(ids.toSorted())
    expect(reports.filter(({ expired }) => expired.length > 0).length).toBeGreaterThan(1)
    expect(reports.map(({ repaired }) => repaired)).toEqual(reports.map(() => 0))
    expect(await registry.verify()).toEqual({ checked: 0, problems: [] })
  }, 60_000)

  it('finish in the background what lapses, soon after it does', async () => {
    const space = { keyPrefix: 'background', partitions: 2 }
    const registry = open(space)
    const ids = numbered(2_000)
    const cleaning = workers.map((worker) => worker.call('cleanOn', space, undefined))
    await createAll(registry, ids, (i) => 200 + i)
    await expect
      .poll(async () => (await expiredOf(registry)).length, { timeout: 20_000, interval: 200 })
      .toBe(ids.length)
    for (const worker of workers) worker.stop()
    await Promise.all(cleaning)
    expect((await expiredOf(registry)).toSorted()).toEqual(ids.toSorted())
    const lateBy = (await readJournal(registry))
      .flat()
      .flatMap(({ type, logId, deadline }) =>
        type === 'stream.expired' ? [Number.parseInt(logId, 10) - deadline] : [],
      )
      .toSorted((a, b) => a - b)
    console.log(`finished after its deadline: median ${lateBy[1_000]} ms, at most ${lateBy.at(-1)} ms`)
    expect(lateBy[1_000]).toBeLessThan(500)
    expect((await registry.verify()).problems).toEqual([])
  }, 60_000)
})
