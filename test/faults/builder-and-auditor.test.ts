import { type JsonObject, RedisRegistry, type RedisRegistryOptions } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { scripts } from '../../src/redis/scripts.ts'
import { storeOf } from '../../src/registry/store-registry.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

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
const opened: { close(): Promise<void> }[] = []

function open(options: Partial<RedisRegistryOptions<JsonObject>> = {}): RedisRegistry {
  const registry = new RedisRegistry({ redis, keyPrefix, ...options })
  opened.push(registry)
  return registry
}

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.port)
})

beforeEach(() => {
  prefixes += 1
  keyPrefix = `ba${prefixes}`
})

afterEach(async () => {
  await Promise.all(opened.splice(0).map((registry) => registry.close()))
})

afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

async function createMany(registry: RedisRegistry, count: number, tags: string[] = []): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    await Promise.all(
      Array.from({ length: Math.min(500, count - from) }, (_, n) => {
        const i = from + n
        const metadata = { region: i % 3 === 0 ? 'eu' : 'us', rank: i % 7 === 0 ? 'none' : i, title: `T${i}` }
        return registry.create({
          id: `cam${i}`,
          type: 'srt',
          sourceAddr: 'a:1',
          tags,
          metadata,
          statistics: { bitrate: i },
        })
      }),
    )
  }
}

async function untilReady(registry: RedisRegistry): Promise<void> {
  const driver = async () =>
    (await registry.query().where('metadata.region', 'eq', 'eu').explain()).walks[0]?.driver
  await expect.poll(driver, { timeout: 15_000, interval: 20 }).toBe('metadata.region:seu')
}

/** Every index by itself: what each query finds is all there is. */
async function expectComplete(registry: RedisRegistry): Promise<void> {
  const all = await registry.list()
  const eu = all.filter(({ metadata }) => metadata.region === 'eu')
  const query = registry.query()
  expect(await query.where('metadata.region', 'eq', 'eu').count()).toBe(eu.length)
  expect(await query.sortBy('metadata.rank').limit(all.length).ids()).toHaveLength(all.length)
  const ranked = all.filter(({ metadata }) => typeof metadata.rank === 'number')
  expect(await query.where('metadata.rank', 'gte', 0).count()).toBe(ranked.length)
  expect(await query.where('metadata.title', 'like', 'T*').count()).toBe(all.length)
  expect(await query.where('statistics.bitrate', 'gte', 0).count()).toBe(all.length)
  const sorted = query.where('metadata.title', 'like', 'T*').sortBy('metadata.title').limit(10)
  expect(await sorted.explain()).toMatchObject({ filter: [], candidates: all.length })
  expect(await redis.zcard(`${keyPrefix}:idx:metadata.rank`)).toBe(ranked.length)
  expect(await redis.zcard(`${keyPrefix}:idx:metadata.rank:other`)).toBe(all.length - ranked.length)
  expect(await redis.zcard(`${keyPrefix}:idx:metadata.title`)).toBe(all.length)
  expect(await redis.zcard(`${keyPrefix}:idx:statistics.bitrate`)).toBe(all.length)
}

describe('verify that repairs', () => {
  it.each([1, 2, 3, 4])(
    'takes nothing away beside the building of an index: round %i',
    async (round) => {
      const writer = open()
      await createMany(writer, 2_000)
      const declared = [open({ indexes: INDEXES }), open({ indexes: INDEXES })]
      if (round % 2 === 0) await declared[0]?.count()
      const auditors = [writer, ...declared]
      let ready = false
      const auditing = auditors.map(async (registry) => {
        do await registry.verify({ repair: true })
        while (!ready)
      })
      await Promise.all(declared.map(untilReady))
      ready = true
      await Promise.all(auditing)
      for (const registry of declared) await expectComplete(registry)
      for (const registry of auditors) expect((await registry.verify()).problems).toEqual([])
    },
    60_000,
  )
})

describe('a step of a builder', () => {
  const layoutOf = () => redis.hgetall(`${keyPrefix}:idx:layout`)
  const lockOf = () => redis.get(`${keyPrefix}:idx:build`)

  async function step(version: string, builder: string, before: string, after: string): Promise<string> {
    const args = [version, builder, '10000', before, after, '1', 'metadata.region']
    const [state] = (await scripts.build.run(redis as never, `${keyPrefix}:active`, args)) as string[]
    return state ?? ''
  }

  /** A registry with an index that nobody goes on to build. */
  async function unfinished(): Promise<string> {
    await createMany(open(), 500)
    const declaring = open({ indexes: INDEXES })
    await declaring.count()
    await declaring.close()
    const layout = await layoutOf()
    expect(layout['index:metadata.region']).toBe('equality|building')
    await redis.del(`${keyPrefix}:idx:build`)
    return layout.version ?? ''
  }

  it('is refused under a stale version of the layout', async () => {
    const version = await unfinished()
    const before = await layoutOf()
    expect(await step(String(Number(version) - 1), 'me', '', 'cam1')).toBe('layout')
    expect(await step(String(Number(version) + 1), 'me', '', 'cam1')).toBe('layout')
    expect(await layoutOf()).toEqual(before)
    expect(await lockOf()).toBeNull()
  })

  it('is refused while somebody else builds', async () => {
    const version = await unfinished()
    await redis.set(`${keyPrefix}:idx:build`, 'somebody cam1')
    const before = await layoutOf()
    expect(await step(version, 'me', '', 'cam1')).toBe('busy')
    expect(await step(version, 'me', 'cam1', 'cam2')).toBe('busy')
    expect(await layoutOf()).toEqual(before)
    expect(await lockOf()).toBe('somebody cam1')
  })

  it('is refused where it does not go on from what is built', async () => {
    const version = await unfinished()
    const before = await layoutOf()
    expect(await step(version, 'me', 'cam1', 'cam2')).toBe('busy')
    await redis.set(`${keyPrefix}:idx:build`, 'me cam1')
    expect(await step(version, 'me', 'cam2', 'cam3')).toBe('busy')
    expect(await layoutOf()).toEqual(before)
    expect(await step(version, 'me', 'cam1', 'cam2')).toBe('done')
    expect(await lockOf()).toBeNull()
    expect((await layoutOf())['index:metadata.region']).toBe('equality|ready')
  })
})

describe('a pass of a builder whose progress Redis lost', () => {
  /** Calls `lose` once, just before the fourth step of a builder; tells how far each step said it was before. */
  function client(lose: () => Promise<unknown>) {
    const own = new Redis(server.port)
    const steps: string[] = []
    const evalsha = own.evalsha.bind(own) as (...args: unknown[]) => Promise<unknown>
    own.evalsha = (async (...args: unknown[]) => {
      // sha, 1, key, version, builder, how long its lock lasts, how far it came
      const isStep = args[5] === '10000' && /^[0-9a-f-]{36}$/.test(String(args[4]))
      if (isStep && steps.push(String(args[6])) === 4) await lose()
      return evalsha(...args)
    }) as never
    return { own, steps }
  }

  /** As after a failover to a replica that lags: indexes, bookkeeping and lock stand where they stood at a time. */
  async function keep(keys: readonly string[]): Promise<() => Promise<void>> {
    const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)))
    return async () => {
      for (const [i, key] of keys.entries()) {
        await redis.del(key)
        const dump = dumps[i]
        if (dump) await redis.restore(key, 0, dump)
      }
    }
  }

  it.each<[string, () => Promise<() => Promise<unknown>>]>([
    ['all of it', async () => () => redis.del(`${keyPrefix}:idx:build`)],
    [
      'some of it',
      async () => async () => {
        const held = (await redis.get(`${keyPrefix}:idx:build`)) ?? ''
        await redis.set(`${keyPrefix}:idx:build`, `${held.split(' ')[0]} cam0`, 'PX', 10_000)
      },
    ],
    [
      'with what was built',
      () =>
        keep([
          `${keyPrefix}:idx:build`,
          `${keyPrefix}:idx:rec`,
          `${keyPrefix}:idx:metadata.region:seu`,
          `${keyPrefix}:idx:metadata.region:sus`,
          `${keyPrefix}:idx:metadata.rank:other`,
          ...INDEXES.map(({ field }) => `${keyPrefix}:idx:${field}`),
        ]),
    ],
  ])(
    'begins anew, and ends complete: %s',
    async (_, prepare) => {
      await createMany(open(), 2_000)
      const lose = await prepare()
      const { own, steps } = client(lose)
      const declared = open({ redis: own, indexes: INDEXES })
      await declared.count()
      await untilReady(declared)
      expect(steps.slice(0, 4).indexOf('', 1)).toBe(-1)
      // It began once more.
      expect(steps.filter((before) => before === '')).toHaveLength(2)
      await expectComplete(declared)
      expect((await declared.verify()).problems).toEqual([])
      await declared.close()
      own.disconnect()
    },
    60_000,
  )
})

it('explain answers while everything is flushed and made again', async () => {
  const registry = open({ indexes: INDEXES })
  let stopped = false
  let rounds = 0
  const flushing = (async () => {
    while (!stopped) {
      await redis.flushall()
      // Every other one knows of no index.
      const another = open(rounds % 2 === 0 ? { indexes: INDEXES } : {})
      await createMany(another, 50)
      await another.close()
      rounds += 1
    }
  })()
  const failures: string[] = []
  let answers = 0
  const asking = async () => {
    for (const end = performance.now() + 3_000; performance.now() < end; ) {
      const query = registry
        .query()
        .where('metadata.region', 'eq', 'eu')
        .where('statistics.bitrate', 'gte', 3)
      await query
        .sortBy('metadata.title')
        .explain()
        .then(
          () => {
            answers += 1
          },
          (error: unknown) => failures.push(String(error)),
        )
    }
  }
  await Promise.all([asking(), asking(), asking()])
  stopped = true
  await flushing
  expect(failures).toEqual([])
  expect(answers).toBeGreaterThan(100)
  expect(rounds).toBeGreaterThan(5)
}, 30_000)

it.each<[string, (key: string) => Promise<unknown>]>([
  ['text', (key) => redis.set(key, 'foreign')],
  ['a hash', (key) => redis.hset(key, 'cam0', '1')],
])('statistics are taken where a foreign value stands in the place of their index: %s', async (_, write) => {
  const registry = open({ indexes: INDEXES })
  await createMany(registry, 3)
  const key = `${keyPrefix}:idx:statistics.bitrate`
  await redis.del(key)
  await write(key)
  await registry.updateStats('cam0', { bitrate: 77 })
  await registry.heartbeat('cam1')
  expect((await registry.get('cam0')).statistics.bitrate).toBe(77)
  await registry.verify({ repair: true })
  expect((await registry.verify()).problems).toEqual([])
  expect(await registry.query().where('statistics.bitrate', 'eq', 77).ids()).toEqual(['cam0'])
})

describe('a count of several tags', () => {
  it.each([
    [3_000, false],
    [3_400, true],
  ])(
    'of %i streams is walked where an intersection would take long: %s',
    async (streams, isWalked) => {
      const tags = ['a', 'b', 'c']
      const registry = open()
      await createMany(registry, streams, tags)
      const walk = vi.spyOn(storeOf(registry), 'walk')
      expect(await registry.query().filter({ tags }).count()).toBe(streams)
      if (isWalked) expect(walk).toHaveBeenCalled()
      else expect(walk).not.toHaveBeenCalled()
      walk.mockClear()
      // One tag alone is never walked.
      expect(
        await registry
          .query()
          .filter({ tags: ['a'] })
          .count(),
      ).toBe(streams)
      expect(walk).not.toHaveBeenCalled()
    },
    30_000,
  )
})
