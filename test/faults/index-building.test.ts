import { MockRegistry, RedisRegistry, type Registry, type RegistryOptions } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

const STREAMS = 3_000
const INDEXES = [
  { field: 'metadata.region', kind: 'equality' },
  { field: 'metadata.rank', kind: 'number' },
  { field: 'metadata.title', kind: 'text' },
  { field: 'statistics.bitrate', kind: 'number' },
] as const

let server: RedisServer
let redis: Redis
let prefixes = 0
let keyPrefix = ''

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.port)
})

afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

beforeEach(() => {
  prefixes += 1
  keyPrefix = `building${prefixes}`
})

function open(options: Partial<RegistryOptions<never>> = {}, partitions = 1): Registry {
  return new RedisRegistry({ redis, keyPrefix, partitions, ...options }) as never
}

const stream = (i: number) =>
  ({
    id: `cam${i}`,
    type: 'srt',
    sourceAddr: `10.0.0.${i}:9000`,
    metadata: { region: i % 3 === 0 ? 'eu' : 'us', rank: i % 7 === 0 ? 'none' : i, title: `Camera ${i}` },
    statistics: { bitrate: i },
  }) as const

async function createAll(registry: Registry, count = STREAMS): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, i) => registry.create(stream(i))))
}

async function driver(registry: Registry): Promise<string | undefined> {
  const { walks } = await registry.query().where('metadata.region', 'eq', 'eu').explain()
  return walks[0]?.driver
}

function untilReady(registry: Registry): Promise<unknown> {
  return expect.poll(() => driver(registry), { timeout: 15_000, interval: 50 }).toBe('metadata.region:seu')
}

async function expectRightAnswers(registry: Registry): Promise<void> {
  const listed = await registry.list()
  const ids = (streams: readonly { readonly id: string }[]): string[] => streams.map(({ id }) => id)
  const eu = listed.filter(({ metadata }) => metadata.region === 'eu')
  expect(ids(await registry.query().where('metadata.region', 'eq', 'eu').execute())).toEqual(ids(eu))
  expect(await registry.query().where('metadata.region', 'eq', 'eu').count()).toBe(eu.length)
  const ranked = listed.filter(({ metadata }) => Number(metadata.rank) > 2_000)
  expect((await registry.query().where('metadata.rank', 'gt', 2_000).ids()).sort()).toEqual(
    ids(ranked).sort(),
  )
  const titled = listed.filter(({ metadata }) => String(metadata.title).startsWith('Camera 29'))
  expect((await registry.query().where('metadata.title', 'like', 'Camera 29*').ids()).sort()).toEqual(
    ids(titled).sort(),
  )
  const fast = listed.filter(({ statistics }) => statistics.bitrate >= 2_500)
  expect((await registry.query().where('statistics.bitrate', 'gte', 2_500).ids()).sort()).toEqual(
    ids(fast).sort(),
  )
}

describe.each([1, 3])(
  'an index declared on a registry that holds streams, in %i partitions',
  (partitions) => {
    it('is built beside readers and writers, and then used', async () => {
      const writer = open({}, partitions)
      await createAll(writer)
      const declared = open({ indexes: INDEXES }, partitions)
      await declared.count()
      const writing = Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          await writer.create(stream(STREAMS + i))
          await writer.update(`cam${i * 3}`, { metadata: { region: 'us', rank: null } })
          await writer.updateStats(`cam${i * 5 + 1}`, { bitrate: 5_000 })
          await writer.delete(`cam${2_000 + i}`)
        }),
      )
      while ((await driver(declared)) !== 'metadata.region:seu')
        expect(await declared.query().where('metadata.title', 'eq', 'Camera 2999').count()).toBe(1)
      await writing
      await expectRightAnswers(declared)
      expect((await declared.verify()).problems).toEqual([])
      await Promise.all([writer.close(), declared.close()])
    })
  },
)

describe('an index that is being built', () => {
  it('drives no query, and is no problem to verify', async () => {
    const writer = open()
    await createAll(writer)
    const declared = open({ indexes: INDEXES })
    expect(await driver(declared)).toBe('created_at')
    await expectRightAnswers(declared)
    expect((await declared.verify()).problems).toEqual([])
    await untilReady(declared)
    await Promise.all([writer.close(), declared.close()])
  })

  it('is completed by another registry when the first one ends', async () => {
    await createAll(open())
    const first = open({ indexes: INDEXES })
    await first.count()
    await first.close()
    expect(await redis.hget(`${keyPrefix}:idx:layout`, 'index:metadata.region')).toBe('equality|building')
    // What a builder that was killed leaves behind runs out by itself.
    await redis.del(`${keyPrefix}:idx:build`)
    const second = open({ indexes: INDEXES })
    await untilReady(second)
    await expectRightAnswers(second)
    await second.close()
  })

  it('is built once when several registries declare it at once', async () => {
    await createAll(open())
    const registries = Array.from({ length: 4 }, () => open({ indexes: INDEXES }))
    await Promise.all(registries.map((registry) => registry.count()))
    await Promise.all(registries.map(untilReady))
    for (const registry of registries) await expectRightAnswers(registry)
    const [first] = registries
    expect((await first?.verify())?.problems).toEqual([])
    await Promise.all(registries.map((registry) => registry.close()))
  })

  it('is built anew when Redis lost everything meanwhile', async () => {
    const writer = open()
    await createAll(writer)
    const declared = open({ indexes: INDEXES })
    await untilReady(declared)
    for (const key of await redis.keys(`${keyPrefix}:*`)) await redis.del(key)
    await createAll(writer, 500)
    await expectRightAnswers(declared)
    await untilReady(declared)
    await expectRightAnswers(declared)
    await Promise.all([writer.close(), declared.close()])
  })
})

it('an index declared by a second registry in memory is there at once', async () => {
  const first = new MockRegistry()
  await createAll(first, 500)
  const second = new MockRegistry({ sharedWith: first, indexes: INDEXES })
  expect(await driver(second)).toBe('metadata.region:seu')
  await first.update('cam3', { metadata: { region: 'us' } })
  await expectRightAnswers(second)
  expect((await second.verify()).problems).toEqual([])
})
