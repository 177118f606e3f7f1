import {
  evaluate,
  type IndexDeclaration,
  isRegistryError,
  type Query,
  RedisRegistry,
  type Registry,
  type StreamInput,
} from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { duration, errorOf } from '../support/expect-error.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

/** What a busy machine may add to a timer. */
const SLACK_MS = 350
const INDEXES: readonly IndexDeclaration[] = [
  { field: 'metadata.n', kind: 'number' },
  { field: 'metadata.region', kind: 'equality' },
  { field: 'name', kind: 'text' },
]

/** Every way to run a query that asks the store. */
const RUNS: Readonly<Record<string, (query: Query, options: object) => Promise<unknown>>> = {
  execute: (query, options) => query.execute(options),
  page: (query, options) => query.page(options),
  first: (query, options) => query.first(options),
  ids: (query, options) => query.ids(options),
  count: (query, options) => query.count(options),
  iterate: (query, options) => query.iterate(options).next(),
  explain: (query, options) => query.explain(options),
  group: (query, options) => query.groupBy('codec').aggregate('count', '*').execute(options),
  'group by counters': (query, options) => query.groupBy('type').aggregate('count', '*').execute(options),
}

let server: RedisServer
let redis: Redis
const opened: { close(): Promise<void> }[] = []

function open(options: object = {}): RedisRegistry {
  const registry = new RedisRegistry({ redis, keyPrefix: 'q', ...options })
  opened.push(registry)
  return registry
}

beforeAll(async () => {
  server = await startRedis(['--appendonly', 'yes', '--appendfsync', 'no'])
  redis = new Redis(server.port, { retryStrategy: () => 20 })
  redis.on('error', () => {})
})

afterEach(async () => {
  await Promise.all(opened.splice(0).map((registry) => registry.close()))
})

afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

function camera(id: string, more: Partial<StreamInput> = {}): StreamInput {
  return { id, type: 'srt', sourceAddr: 'a:1', ...more }
}

async function createMany(registry: Registry, streams: readonly StreamInput[]): Promise<void> {
  for (let i = 0; i < streams.length; i += 500)
    await Promise.all(streams.slice(i, i + 500).map((stream) => registry.create(stream)))
}

function numbered(count: number, more: Partial<StreamInput> = {}): StreamInput[] {
  return Array.from({ length: count }, (_, n) =>
    camera(`cam${n}`, { name: `n${n}`, metadata: { n, region: n % 2 === 0 ? 'eu' : 'us' }, ...more }),
  )
}

async function pagedIds(query: Query): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | undefined, pages = 0; ; pages++) {
    const { streams, nextCursor } = await (cursor === undefined ? query : query.after(cursor)).page()
    ids.push(...streams.map(({ id }) => id))
    if (nextCursor === undefined) return ids
    if (pages > 1_000) throw new Error('pages without end')
    cursor = nextCursor
  }
}

async function executedIds(query: Query): Promise<string[]> {
  return (await query.execute()).map(({ id }) => id)
}

/** What the query would find if it looked at every stream. */
async function lookedThrough(registry: Registry, query: Query): Promise<string[]> {
  return (await registry.list()).flatMap((stream) => (evaluate(query.toJSON(), stream) ? [stream.id] : []))
}

describe('10,000 streams that lapsed and were not swept', () => {
  const SORTS = ['createdAt', 'metadata.n', 'name', 'sourceAddr', 'codec'] as const
  let registry: RedisRegistry

  beforeAll(async () => {
    await redis.flushall()
    const writer = new RedisRegistry({ redis, keyPrefix: 'q', indexes: INDEXES })
    const lapsing = numbered(10_000, { ttlMs: 1, status: 'active', tags: ['x'] })
    await createMany(writer, lapsing.slice(0, 5_000))
    await writer.create(camera('live', { tags: ['x'], name: 'n5', metadata: { n: 5_000, region: 'eu' } }))
    await createMany(writer, lapsing.slice(5_000))
    await writer.close()
  }, 60_000)

  beforeEach(() => {
    registry = open({ indexes: INDEXES })
  })

  for (const field of SORTS) {
    for (const direction of ['asc', 'desc'] as const) {
      it(`are not shown by ${field} ${direction}, and do not hide the live one`, async () => {
        expect(await redis.zcard('q:active')).toBe(10_001)
        const sorted = registry.query().sortBy(field, direction)
        for (const query of [
          sorted,
          sorted.filter({ tags: ['x'] }),
          sorted.where('metadata.region', 'eq', 'eu'),
          sorted.where('metadata.n', 'gte', 100),
        ]) {
          expect(await executedIds(query)).toEqual(['live'])
          expect(await query.ids()).toEqual(['live'])
          expect((await query.first())?.id).toBe('live')
          expect(await pagedIds(query.limit(10))).toEqual(['live'])
        }
        expect(await sorted.filter({ status: 'active' }).first()).toBeUndefined()
        expect(await pagedIds(sorted.filter({ status: 'active' }).limit(1))).toEqual([])
        expect(await sorted.offset(1).ids()).toEqual([])
      })
    }
  }

  it('are in no group', async () => {
    const groups = await registry.query().groupBy('codec').aggregate('max', 'metadata.n').execute()
    expect(groups).toEqual([{ key: { codec: null }, max: { 'metadata.n': 5_000 } }])
  })

  it('are not counted, and in no group from counters', async () => {
    expect(await registry.query().where('metadata.n', 'gte', 0).count()).toBe(1)
    expect(await registry.count({ tags: ['x'], sourceAddr: 'a:1' })).toBe(1)
    expect(await registry.count({ tags: ['x'] })).toBe(1)
    expect(await registry.count({ status: 'active' })).toBe(0)
    const groups = await registry.query().groupBy('status').aggregate('count', '*').execute()
    expect(groups).toEqual([{ key: { status: 'pending' }, count: 1 }])
    expect(await registry.count()).toBe(1)
  })
})

describe('FLUSHALL', () => {
  beforeEach(async () => {
    await redis.flushall()
  })

  it('between two pages ends the paging, and what comes afterwards is found', async () => {
    const registry = open({ indexes: INDEXES })
    await createMany(registry, numbered(20))
    for (const field of ['metadata.n', 'createdAt', 'codec'] as const) {
      const query = registry.query().sortBy(field).limit(5)
      const { nextCursor = '' } = await query.page()
      server.cli('flushall')
      expect(await query.after(nextCursor).page()).toEqual({ streams: [] })
      await createMany(registry, numbered(20))
      expect((await pagedIds(query)).toSorted()).toEqual(
        numbered(20)
          .map(({ id }) => id)
          .toSorted(),
      )
      expect((await registry.verify()).problems).toEqual([])
    }
  })

  it('in the middle of a query that is drained lets it end', async () => {
    const registry = open({ indexes: INDEXES, batchSize: 10 })
    for (const query of [
      registry.query().sortBy('metadata.n', 'desc'),
      registry.query().where('metadata.region', 'eq', 'eu').sortBy('id'),
      registry.query().where('name', 'like', 'n*').sortBy('codec'),
    ]) {
      await createMany(registry, numbered(200))
      const all = await executedIds(query)
      const iterator = query.iterate()
      const { value } = await iterator.next()
      expect(all).toContain(value?.id)
      const executing = query.execute()
      server.cli('flushall')
      const rest: string[] = []
      for await (const { id } of iterator) rest.push(id)
      expect(all).toEqual(expect.arrayContaining(rest))
      expect(all).toEqual(expect.arrayContaining((await executing).map(({ id }) => id)))
      expect(await query.execute()).toEqual([])
      await createMany(registry, numbered(200))
      expect(await executedIds(query)).toEqual(all)
      server.cli('flushall')
    }
  })

  const OTHERS = {
    'declared no index': [],
    'declared another index': [{ field: 'metadata.other', kind: 'number' }],
    'declared as many indexes': [
      { field: 'metadata.other', kind: 'number' },
      { field: 'metadata.third', kind: 'number' },
      { field: 'codec', kind: 'text' },
    ],
  } as const

  for (const [what, indexes] of Object.entries(OTHERS)) {
    for (const looks of [false, true]) {
      it(`hides nothing from an index when one that ${what} writes first${looks ? ', after a look' : ''}`, async () => {
        const declared = open({ indexes: INDEXES })
        const plain = open({ instanceId: 'plain', indexes })
        const query = declared.query()
        const queries = [
          query.where('metadata.n', 'gte', 3).sortBy('metadata.n', 'desc'),
          query.where('metadata.region', 'eq', 'eu').sortBy('id'),
          query.where('metadata.region', 'ne', 'us').sortBy('id'),
          query.where('name', 'like', 'n1*').sortBy('name'),
          query.sortBy('metadata.n').limit(100),
        ]
        await createMany(declared, numbered(30))
        const expected = []
        for (const asked of queries) expected.push([await executedIds(asked), await asked.count()])
        await plain.count()
        server.cli('flushall')
        if (looks) expect(await queries[0]?.ids()).toEqual([])
        await createMany(plain, numbered(30))
        const found = []
        for (const asked of queries) found.push([await executedIds(asked), await asked.count()])
        expect(found).toEqual(expected)
        expect(await queries[0]?.ids()).toEqual(expected[0]?.[0])
        await createMany(plain, [camera('late', { name: 'n1z', metadata: { n: 99, region: 'eu' } })])
        for (const asked of queries) expect(await asked.ids()).toContain('late')
        expect((await declared.verify()).problems).toEqual([])
      })
    }
  }
})

describe('a Redis that is killed during a query', () => {
  const LIMIT_MS = 700

  beforeEach(async () => {
    await redis.flushall()
  })

  for (const [name, run] of Object.entries(RUNS)) {
    it(`makes ${name} reject in time, and answers it again afterwards`, async () => {
      const registry = open({ indexes: INDEXES })
      await createMany(registry, numbered(200))
      const query = registry.query().filter({ type: 'srt' })
      const before = await run(query, {})
      const settling = run(query, { timeoutMs: LIMIT_MS })
      const dying = server.kill()
      expect(await duration(settling)).toBeLessThan(LIMIT_MS + SLACK_MS)
      await errorOf(settling, 'UNAVAILABLE', 'TIMEOUT')
      await dying
      await server.restart()
      const options = { timeoutMs: 10_000 }
      if (name === 'explain') await run(query, options)
      else expect(await run(query, options)).toEqual(before)
    })
  }

  it('makes an iteration that was under way reject in time', async () => {
    const registry = open({ batchSize: 10 })
    await createMany(registry, numbered(200))
    const iterator = registry.query().iterate({ timeoutMs: LIMIT_MS })
    await iterator.next()
    await server.kill()
    const rest = (async () => {
      for await (const _ of iterator);
    })()
    expect(await duration(rest)).toBeLessThan(LIMIT_MS + SLACK_MS)
    await errorOf(rest, 'UNAVAILABLE', 'TIMEOUT')
    await server.restart()
    expect(await registry.query().count({ timeoutMs: 10_000 })).toBe(200)
  })
})

describe('a query out of time, or aborted', () => {
  const LIMIT_MS = 200
  let registry: RedisRegistry

  beforeAll(async () => {
    await redis.flushall()
    const writer = new RedisRegistry({ redis, keyPrefix: 'q' })
    await createMany(writer, numbered(3_000))
    await writer.close()
  })

  beforeEach(async () => {
    registry = open({ queryTimeoutMs: LIMIT_MS })
    await registry.count({ timeoutMs: 10_000 })
  })

  afterEach(() => server.thaw())

  for (const [name, run] of Object.entries(RUNS)) {
    it(`${name} rejects with TIMEOUT, after its own time or that of the registry`, async () => {
      server.freeze()
      for (const options of [{}, { timeoutMs: LIMIT_MS }]) {
        const settling = run(registry.query().filter({ type: 'srt' }), options)
        expect(await duration(settling)).toBeLessThan(LIMIT_MS + SLACK_MS)
        await errorOf(settling, 'TIMEOUT')
      }
    })

    it(`${name} rejects with the reason of the signal`, async () => {
      const reason = new Error('changed my mind')
      const aborter = new AbortController()
      server.freeze()
      const options = { signal: aborter.signal, timeoutMs: 10_000 }
      const settling = run(registry.query().filter({ type: 'srt' }), options)
      setTimeout(() => aborter.abort(reason), 20)
      await expect(settling).rejects.toBe(reason)
      await expect(run(registry.query(), options)).rejects.toBe(reason)
    })
  }

  it('is TIMEOUT wherever in a search the time is up', async () => {
    const query = registry.query().sortBy('codec')
    for (let timeoutMs = 0.2; timeoutMs < 5; timeoutMs += 0.2)
      await errorOf(query.execute({ timeoutMs }), 'TIMEOUT')
  })

  it('stops in the midst of a search', async () => {
    const aborter = new AbortController()
    const options = { signal: aborter.signal, timeoutMs: 10_000 }
    const slow = open({ batchSize: 1 }).query()
    const iterator = slow.iterate(options)
    await iterator.next()
    const [executing, paging] = [slow.execute(options), slow.sortBy('codec').limit(10).page(options)]
    const reason = new Error('enough')
    setTimeout(() => aborter.abort(reason), 20)
    const iterating = (async () => {
      for await (const _ of iterator);
    })()
    const calls = [executing, paging, iterating]
    await Promise.all(calls.map((call) => expect(call).rejects.toBe(reason)))
    expect(await registry.query().count({ timeoutMs: 10_000 })).toBe(3_000)
  })
})

describe('a corrupt record', () => {
  const CORRUPTIONS: Record<string, () => Promise<unknown>> = {
    'text that is no JSON': () => redis.set('q:cam2', '{"id":'),
    'JSON of another kind': () => redis.set('q:cam2', '[]'),
    'the record of another id': async () => redis.set('q:cam2', (await redis.get('q:cam1')) ?? ''),
    'a value of another type': async () => {
      await redis.del('q:cam2')
      await redis.hset('q:cam2', 'a', 1)
    },
    'statistics that are none': () => redis.hset('q:idx:stats', 'cam2', '{"bytes_received":'),
    'no document': () => redis.del('q:cam2'),
  }

  for (const [what, corrupt] of Object.entries(CORRUPTIONS)) {
    it(`(${what}) is left out of results, and breaks no query`, async () => {
      await redis.flushall()
      const registry = open({ indexes: INDEXES })
      await createMany(registry, numbered(5))
      await corrupt()
      const query = registry.query()
      const well = ['cam0', 'cam1', 'cam3', 'cam4']
      for (const asked of [
        query.sortBy('id'),
        query.sortBy('metadata.n'),
        query.filter({ type: 'srt' }).sortBy('name'),
        query.where('metadata.n', 'gte', 0).sortBy('codec'),
      ]) {
        expect(await executedIds(asked)).toEqual(well)
        expect(await pagedIds(asked.limit(2))).toEqual(well)
        expect((await asked.offset(2).first())?.id).toBe('cam3')
        const iterated: string[] = []
        for await (const { id } of asked.iterate()) iterated.push(id)
        expect(iterated).toEqual(well)
        const ids = await asked.ids()
        expect(ids.filter((id) => id !== 'cam2')).toEqual(well)
        expect([4, 5]).toContain(await asked.count())
      }
      const groups = await query.groupBy('codec').aggregate('count', '*').execute()
      expect(groups).toEqual([{ key: { codec: null }, count: 4 }])
      expect(await query.where('codec', 'exists', false).count()).toBe(4)
    })
  }
})

describe('an index that somebody overwrote', () => {
  const INDEX_KEYS = {
    'q:idx:status:active': (query) => query.filter({ status: 'active', tags: ['x'] }),
    'q:idx:tag:x': (query) => query.filter({ status: 'active', tags: ['x'] }),
    'q:idx:created_at': (query) => query,
    'q:idx:source_addr': (query) => query.filter({ sourceAddr: 'a:1' }),
    'q:idx:metadata.n': (query) => query.where('metadata.n', 'gt', 1),
    'q:idx:metadata.region:seu': (query) => query.where('metadata.region', 'eq', 'eu'),
    'q:idx:name': (query) => query.where('name', 'like', 'n1*'),
    'q:active': (query) => query.filter({ status: 'active' }),
    'q:idx:stats': (query) => query.filter({ tags: ['x'] }),
  } satisfies Record<string, (query: Query) => Query>

  for (const [key, ask] of Object.entries(INDEX_KEYS)) {
    it(`(${key}) makes queries by it reject at once, with an error of the registry`, async () => {
      await redis.flushall()
      const registry = open({ indexes: INDEXES })
      await createMany(registry, numbered(5, { status: 'active', tags: ['x'] }))
      await redis.set(key, 'not ours')
      const query = ask(registry.query())
      for (const [name, run] of Object.entries(RUNS)) {
        const start = performance.now()
        const error: unknown = await run(query, { timeoutMs: 5_000 }).then(
          () => undefined,
          (reason: unknown) => reason,
        )
        expect(performance.now() - start, `${name} took its time`).toBeLessThan(1_000)
        if (name === 'execute') expect(error).toBeDefined()
        if (error !== undefined) expect(isRegistryError(error), `${name}: ${String(error)}`).toBe(true)
      }
      await redis.del(key)
      const [repaired] = [await registry.verify({ repair: true }), await registry.verify({ repair: true })]
      expect(repaired.problems.every((problem) => problem.repaired)).toBe(true)
    })
  }
})

describe('two registries at once', () => {
  it('miss nothing that stays, and show nothing that does not match', async () => {
    await redis.flushall()
    const others = [new Redis(server.port), new Redis(server.port)]
    const [a, b] = others.map((own, i) => open({ redis: own, instanceId: `i${i}`, indexes: INDEXES }))
    if (a === undefined || b === undefined) throw new Error('two were opened')
    await createMany(
      a,
      Array.from({ length: 200 }, (_, n) =>
        camera(`stays${n}`, { status: 'active', name: 'n', metadata: { n: n % 7, region: 'eu' } }),
      ),
    )
    let going = true
    const write = async (registry: Registry, offset: number): Promise<void> => {
      for (let i = offset; going; i += 2) {
        const id = `moves${i % 50}`
        const metadata = { n: i % 9, region: i % 4 < 2 ? 'eu' : 'us' }
        const status = i % 3 === 0 ? ('active' as const) : ('pending' as const)
        await registry.register(camera(id, { status, name: `n${i % 5}`, metadata }), { takeover: true })
        await registry.updateStatus(id, i % 2 === 0 ? 'active' : 'error').catch(() => {})
        if (i % 5 === 0) await registry.delete(id)
      }
    }
    const queries = (registry: Registry): Query[] => {
      const query = registry.query()
      return [
        query.filter({ status: 'active' }),
        query.where('metadata.region', 'eq', 'eu').sortBy('metadata.n', 'desc'),
        query.where('metadata.n', 'gte', 0).sortBy('name').sortBy('id', 'desc'),
        query
          .or(
            (q) => q.filter({ status: 'active' }),
            (q) => q.where('metadata.n', 'lt', 5),
          )
          .sortBy('id'),
        query.where('name', 'like', 'n*').sortBy('codec'),
      ]
    }
    const check = async (registry: Registry): Promise<void> => {
      for (const query of queries(registry)) {
        const streams = await query.execute()
        for (const stream of streams) expect(evaluate(query.toJSON(), stream)).toBe(true)
        for (const ids of [streams.map(({ id }) => id), await query.ids(), await pagedIds(query.limit(50))]) {
          const stays = ids.filter((id) => id.startsWith('stays'))
          expect([stays.length, new Set(stays).size]).toEqual([200, 200])
        }
        expect(await query.count()).toBeGreaterThanOrEqual(200)
      }
    }
    const writing = Promise.all([write(a, 0), write(b, 1)])
    try {
      for (let round = 0; round < 10; round++) await Promise.all([check(a), check(b)])
    } finally {
      going = false
      await writing
    }
    for (const query of queries(b)) {
      expect((await query.ids()).toSorted()).toEqual((await lookedThrough(a, query)).toSorted())
    }
    expect((await a.verify()).problems).toEqual([])
    for (const own of others) own.disconnect()
  }, 40_000)
})
