import { createRegistry, type Registry } from '@mirror/stream-registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testSeed } from '../support/random.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { CHURN_CALLS, type Tally } from './support/churn.ts'
import { Fleet, together, type Worker } from './support/fleet.ts'
import { readJournal, replay, sequenceFaults, sweep } from './support/journal.ts'
import { type BuiltLibrary, buildLibrary } from './support/library.ts'
import type { Space } from './support/protocol.ts'

let redis: RedisServer
let library: BuiltLibrary | undefined
let fleet: Fleet | undefined
let workers: Worker[]
const opened: Registry[] = []

beforeAll(async () => {
  redis = await startRedis()
  library = buildLibrary()
  fleet = new Fleet(library.url, redis.url)
  workers = await fleet.start(6)
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

/** From the i-th item on, around to the one before it. */
function rotated<T>(items: readonly T[], i: number): T[] {
  return [...items.slice(i), ...items.slice(0, i)]
}

describe('six processes at once', () => {
  it('let exactly one create each id', async () => {
    const space = { keyPrefix: 'creates', partitions: 2 }
    const registry = open(space)
    const ids = Array.from({ length: 200 }, (_, i) => `cam${i}`)
    // Each begins elsewhere: else the first to run would win all.
    const outcomes = await together(workers, 'createAll', space, (at, index) => ({
      at,
      ids: rotated(ids, index * 33),
    }))
    expect(outcomes.flatMap(({ won }) => won).sort()).toEqual([...ids].sort())
    expect(outcomes.filter(({ won }) => won.length > 0).length).toBeGreaterThan(1)
    const losses = outcomes.flatMap(({ lost }) => Object.values(lost))
    expect([losses.length, new Set(losses)]).toEqual([5 * ids.length, new Set(['STREAM_EXISTS'])])

    const events = (await readJournal(registry)).flat()
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['stream.created']))
    expect(events.map(({ id }) => id).sort()).toEqual([...ids].sort())
    expect(await registry.verify()).toMatchObject({ checked: ids.length, problems: [] })
  })

  it('lose no update of one stream', async () => {
    const space = { keyPrefix: 'updates' }
    const registry = open(space)
    await registry.create({ id: 'cam', type: 'srt', sourceAddr: '192.0.2.1:9000', metadata: { count: 0 } })
    const made = await together(workers, 'increment', space, (at) => ({
      at,
      id: 'cam',
      times: 100,
      lanes: 2,
    }))
    const everyRevision = Array.from({ length: 600 }, (_, i) => i + 2)
    expect(made.flat().sort((a, b) => a - b)).toEqual(everyRevision)
    expect(await registry.get('cam')).toMatchObject({ metadata: { count: 600 }, revision: 601 })

    const events = (await readJournal(registry)).flat().filter(({ type }) => type === 'stream.updated')
    const documents = events.map(({ doc }) => JSON.parse(doc))
    expect(documents.map(({ revision }) => revision)).toEqual(everyRevision)
    expect(documents.map(({ metadata }) => metadata.count)).toEqual(everyRevision.map((n) => n - 1))
    expect(new Set(events.map(({ logId }) => logId)).size).toBe(600)
    expect(new Set(events.map(({ source }) => source)).size).toBe(6)
    expect((await registry.verify()).problems).toEqual([])
  })

  it('mint ids that no other mints', { timeout: 40_000 }, async () => {
    const space = { keyPrefix: 'minting' }
    const registry = open(space)
    const minted = await together(workers, 'mint', space, (at) => ({ at, count: 2_000, lanes: 20 }))
    const ids = minted.flat()
    expect([ids.length, new Set(ids).size]).toEqual([12_000, 12_000])
    expect(await registry.count()).toBe(6_000)
    const events = (await readJournal(registry)).flat()
    const created = events.filter(({ type }) => type === 'stream.created').map(({ id }) => id)
    expect(created.sort()).toEqual(ids.sort())
    expect(events.length).toBe(18_000)
  })
})

describe('four processes that do anything to the same few streams', () => {
  const space = { keyPrefix: 'churn', partitions: 2 }
  const ids = ['a', 'b', 'c', 'd', 'e']
  let registry: Registry
  let tallies: Tally[]

  beforeAll(async () => {
    registry = open(space)
    const seed = testSeed('churn')
    tallies = await together(workers.slice(0, 4), 'churn', space, (at, index) => ({
      at,
      ids,
      forMs: 2_000,
      lanes: 4,
      seed: seed + index,
    }))
  })

  it('are refused for reasons of the streams alone', () => {
    const outcomes = new Set(tallies.flatMap((tally) => Object.keys(tally)))
    const codes = new Set([...outcomes].map((outcome) => outcome.slice(outcome.indexOf(' ') + 1)))
    expect(codes).toEqual(new Set(['ok', 'STREAM_EXISTS', 'STREAM_NOT_FOUND', 'INVALID_TRANSITION']))
    for (const call of CHURN_CALLS) expect(outcomes).toContain(`${call} ok`)
  })

  it('leave records, leases, indexes and counters that agree', async () => {
    expect((await registry.verify()).problems).toEqual([])
    await sweep(registry)
    expect((await registry.verify()).problems).toEqual([])
  })

  it('number the log of each partition without a gap', async () => {
    const journal = await readJournal(registry)
    expect(journal.flatMap(sequenceFaults)).toEqual([])
    expect(journal.length).toBe(2)
    for (const records of journal) expect(records.length).toBeGreaterThan(100)
  })

  it('leave a log that tells each life from its beginning to its end', async () => {
    await sweep(registry)
    const journal = await readJournal(registry)
    const types = new Set(journal.flat().map(({ type }) => type))
    const replayed = journal.map(replay)
    expect(replayed.flatMap(({ faults }) => faults)).toEqual([])
    for (const type of ['created', 'deleted', 'expired', 'terminated', 'owner.changed'])
      expect(types).toContain(`stream.${type}`)

    const told = replayed.flatMap(({ live }) => [...live.values()].map(({ data }) => data))
    const summary = (streams: readonly { id: string; revision: number; epoch: number }[]): string[] =>
      streams.map(({ id, revision, epoch }) => `${id} ${revision} ${epoch}`).sort()
    expect(summary(told)).toEqual(summary(await registry.list()))
  })
})
