import { MockRegistry, type Query, RedisRegistry, type Registry } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { compare, inFlight, median, ratios } from './measure.ts'
import { queryStream } from './query-streams.ts'
import { sampleStream } from './sample-streams.ts'

const SIZES = process.argv.includes('--full') ? [10_000, 100_000, 1_000_000] : [10_000, 100_000]
const OPERATIONS = 200
const ROUNDS = 7
const INDEXES = [{ field: 'statistics.bitrate', kind: 'number' }] as const

interface Loaded {
  readonly size: number
  readonly server: RedisServer
  readonly redis: Redis
  readonly registry: Registry
}

/** What the targets are about, with the most that a bare GET may fit in. */
const QUICK: Record<
  string,
  { readonly most: number; readonly run: (registry: Registry) => Promise<unknown> }
> = {
  'newest 10 of type + status': { most: 6, run: (r) => newest(r).execute() },
  'a rare tag + status, newest 10': {
    most: 8,
    run: (r) =>
      r
        .query()
        .filter({ tags: ['rare'], status: 'active' })
        .sortBy('createdAt', 'desc')
        .limit(10)
        .execute(),
  },
  'a status of the oldest + type, newest 10': {
    most: 8,
    run: (r) =>
      r.query().filter({ status: 'paused', type: 'srt' }).sortBy('createdAt', 'desc').limit(10).execute(),
  },
  'count of a status': { most: 4, run: (r) => r.count({ status: 'active' }) },
  'count of type + status': { most: 4, run: (r) => r.count({ status: 'active', type: 'srt' }) },
  '10 by source address prefix': {
    most: 6,
    run: (r) => r.query().where('sourceAddr', 'like', '192.168.7.*').limit(10).execute(),
  },
}

/** The queries that no plan makes cheap. */
const WORST: Record<string, (registry: Registry) => Promise<unknown>> = {
  'two tags of 10 %, 3 in common': (r) =>
    r
      .query()
      .filter({ tags: ['alpha', 'beta'] })
      .limit(10)
      .execute(),
  'count of these two tags': (r) => r.count({ tags: ['alpha', 'beta'] }),
  'filter opposed to the sort': (r) =>
    r.query().filter({ status: 'paused' }).sortBy('statistics.bitrate', 'desc').limit(10).execute(),
  'big filter, sorted by a number index': (r) =>
    r.query().filter({ status: 'active' }).sortBy('statistics.bitrate', 'desc').limit(10).execute(),
  'nothing indexed, nothing found': (r) =>
    r.query().where('resolution', 'eq', 'none').limit(10).execute({ timeoutMs: 600_000 }),
  'group by region with an average': (r) =>
    r.query().groupBy('metadata.region').aggregate('avg', 'bitrate').execute({ timeoutMs: 600_000 }),
}

function newest(registry: Registry): Query {
  return registry.query().filter({ type: 'srt', status: 'active' }).sortBy('createdAt', 'desc').limit(10)
}

async function load(size: number): Promise<Loaded> {
  const server = await startRedis(['--slowlog-max-len', '100000'])
  const redis = new Redis(server.port)
  const registry = new RedisRegistry({ redis, indexes: INDEXES, indexCacheSize: 0, maxEvents: 1_000 })
  const started = performance.now()
  await inFlight(256, size, (i) => registry.create({ ...queryStream(i, size), ttlMs: 36_000_000 }))
  console.log(
    `${size.toLocaleString('en')} streams in ${((performance.now() - started) / 1_000).toFixed(0)} s`,
  )
  return { size, server, redis, registry }
}

/** One query over all sizes in turn, against a bare GET. */
async function quick(loaded: readonly Loaded[]): Promise<void> {
  for (const [name, { most, run }] of Object.entries(QUICK)) {
    const rates = await compare(
      [
        ...loaded.map(({ registry, size }) => ({
          name: String(size),
          operations: OPERATIONS,
          run: () => inFlight(1, OPERATIONS, () => run(registry)),
        })),
        ...loaded.map(getContender),
      ],
      ROUNDS,
    )
    const [queries, gets] = [rates.slice(0, loaded.length), rates.slice(loaded.length)]
    const times = queries.map(({ perSecond }, i) => {
      const get = gets[i]?.perSecond ?? []
      const ratio = median(perSecond.map((rate, round) => (get[round] ?? Number.NaN) / rate))
      return `${(1_000 / median(perSecond)).toFixed(2)} ms (${ratio.toFixed(1)}x)`
    })
    const growth = ratios([queries[0], queries.at(-1)].flatMap((rate) => rate ?? []))
    console.log(
      `${name}: ${times.join(', ')}; target ${most}x; largest against smallest ${Object.values(growth)[0]?.toFixed(2)}`,
    )
  }
}

function getContender({ redis, size }: Loaded): {
  name: string
  operations: number
  run: () => Promise<void>
} {
  return {
    name: `GET of ${size}`,
    operations: OPERATIONS,
    run: () =>
      inFlight(1, OPERATIONS, async (i) => {
        await redis.get(`mirror:streams:${sampleStream((i * 7_919) % size).id}`)
      }),
  }
}

async function secondPage({ registry, size }: Loaded): Promise<void> {
  const { nextCursor = '' } = await newest(registry).page()
  const rates = await compare(
    [newest(registry), newest(registry).after(nextCursor)].map((query, i) => ({
      name: `page ${i + 1}`,
      operations: OPERATIONS,
      run: () => inFlight(1, OPERATIONS, () => query.page()),
    })),
    ROUNDS,
  )
  console.log(
    `page 2 against page 1 at ${size}: ${Object.values(ratios(rates))[0]?.toFixed(2)}x, target 1.3x`,
  )
}

/** The longest that one call kept Redis busy, and how many calls there were. */
async function worst({ registry, redis, size }: Loaded): Promise<void> {
  for (const [name, run] of Object.entries(WORST)) {
    await redis.config('SET', 'slowlog-log-slower-than', '0')
    await redis.slowlog('RESET')
    const times: number[] = []
    while (times.length < 3 || (times.length < ROUNDS && median(times) < 1_000)) {
      const started = performance.now()
      await run(registry)
      times.push(performance.now() - started)
    }
    const entries = (await redis.slowlog('GET', -1)) as [number, number, number, string[]][]
    const micros = entries
      .filter(([, , , [command = '']]) => /^eval/i.test(command))
      .map(([, , time]) => time)
    micros.sort((a, b) => a - b)
    const [p50, p99, longest] = [median(micros), micros[Math.floor(micros.length * 0.99)], micros.at(-1)]
    const blocks = [p50, p99, longest].map((time) => `${((time ?? 0) / 1_000).toFixed(2)}`)
    console.log(
      `${name}, ${size}: ${median(times).toFixed(1)} ms; Redis busy by one call (ms): median ${blocks[0]}, p99 ${blocks[1]}, longest ${blocks[2]} of ${micros.length}`,
    )
  }
}

async function inMemory(): Promise<void> {
  const registry = new MockRegistry()
  for (let i = 0; i < 100_000; i++) await registry.create(queryStream(i, 100_000))
  const times: number[] = []
  for (let i = 0; i < 500; i++) {
    const started = performance.now()
    await newest(registry).execute()
    times.push(performance.now() - started)
  }
  console.log(`newest 10 of 100,000 in memory: ${median(times).toFixed(3)} ms, target 0.2 ms`)
}

await inMemory()
const loaded: Loaded[] = []
try {
  for (const size of SIZES) loaded.push(await load(size))
  await quick(loaded)
  for (const each of loaded) await secondPage(each)
  for (const each of loaded) await worst(each)
} finally {
  for (const { redis, server } of loaded) {
    redis.disconnect()
    await server.stop()
  }
}
