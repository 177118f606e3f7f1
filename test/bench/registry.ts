import { MockRegistry, RedisRegistry, type Stream, streamToJSON } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { type Contender, compare, inFlight, median, type Rates, ratios } from './measure.ts'
import { sampleStream } from './sample-streams.ts'
import { seedCreate } from './seed-design.ts'

const STREAMS = Number(process.argv[2] ?? 100_000)
const IN_FLIGHT = 64
const LIST_CHUNK = 500

const only = process.argv[3]

const server = await startRedis(['--slowlog-log-slower-than', '2000', '--slowlog-max-len', '10000'])
const redis = new Redis(server.port)
const raw = new Redis(server.port)
const registry = new RedisRegistry({ redis, keyPrefix: 'ours', indexCacheSize: 0 })

async function main(): Promise<void> {
  const streams = await memoryPerStream()
  const jobs: Record<string, () => Contender[]> = {
    get: () => getContenders(streams),
    list: () => listContenders(streams),
    heartbeat: () => heartbeatContenders(streams),
    create: () => createContenders(streams),
  }
  for (const [name, contenders] of Object.entries(jobs)) {
    if (only === undefined || only === name) report(name, await compare(contenders()))
  }
  await longestBlocks()
  await mockCreates()
}

/** Fills both registries, and compares what a stream takes in Redis. */
async function memoryPerStream(): Promise<Stream[]> {
  const empty = usedMemory(server)
  await inFlight(IN_FLIGHT, STREAMS, (i) => registry.create(sampleStream(i)))
  const streams = await registry.list()
  // The log is bounded and the markers of operations are gone within minutes: neither is a cost of a stream.
  server.cli('xtrim', 'ours:log:events', 'MAXLEN', '0')
  server.cli('eval', REMOVE_MARKERS, '0')
  const ours = (usedMemory(server) - empty) / STREAMS
  const seedServer = await startRedis()
  const seed = new Redis(seedServer.port)
  const seedEmpty = usedMemory(seedServer)
  await inFlight(IN_FLIGHT, STREAMS, (i) =>
    seedCreate(seed, 'seed', at(streams, i), storedJson(at(streams, i))),
  )
  const seeds = (usedMemory(seedServer) - seedEmpty) / STREAMS
  seed.disconnect()
  await seedServer.stop()
  const bytes = median(streams.map((stream) => storedJson(stream).length))
  console.log(
    `memory per stream: ours ${ours.toFixed(0)} B, the seed’s ${seeds.toFixed(0)} B, ratio ${(ours / seeds).toFixed(2)} (record ${bytes} B)`,
  )
  return streams
}

const REMOVE_MARKERS = `
  local cursor = '0'
  repeat
    local page = redis.call('SCAN', cursor, 'MATCH', 'ours:idx:op:*', 'COUNT', 1000)
    cursor = page[1]
    if #page[2] > 0 then redis.call('DEL', unpack(page[2])) end
  until cursor == '0'`

function usedMemory(of: RedisServer): number {
  return Number(/used_memory:(\d+)/.exec(of.cli('info', 'memory'))?.[1])
}

function getContenders(streams: readonly Stream[]): Contender[] {
  const operations = 20_000
  const id = (i: number): string => at(streams, (i * 7_919) % streams.length).id
  return [
    { name: 'get', operations, run: () => inFlight(IN_FLIGHT, operations, (i) => registry.get(id(i))) },
    {
      name: 'GET + JSON.parse',
      operations,
      run: () =>
        inFlight(IN_FLIGHT, operations, async (i) => JSON.parse((await raw.get(`ours:${id(i)}`)) ?? '')),
    },
  ]
}

function listContenders(streams: readonly Stream[]): Contender[] {
  const keys = streams.map(({ id }) => `ours:${id}`)
  return [
    { name: 'list', operations: streams.length, run: async () => void (await registry.list()) },
    {
      name: 'MGET(500) + JSON.parse',
      operations: streams.length,
      run: async () => {
        const all: unknown[] = []
        for (let i = 0; i < keys.length; i += LIST_CHUNK) {
          for (const json of await raw.mget(keys.slice(i, i + LIST_CHUNK))) all.push(JSON.parse(json ?? ''))
        }
      },
    },
  ]
}

function heartbeatContenders(streams: readonly Stream[]): Contender[] {
  const ids = streams.slice(0, 20_000).map(({ id }) => id)
  return [
    {
      name: 'heartbeatMany',
      operations: ids.length,
      run: async () => void (await registry.heartbeatMany(ids)),
    },
    {
      name: 'pipelined ZADD',
      operations: ids.length,
      run: async () => {
        for (let i = 0; i < ids.length; i += 200) {
          const pipeline = raw.pipeline()
          for (const id of ids.slice(i, i + 200)) pipeline.zadd('raw:active', Date.now() + 30_000, id)
          await pipeline.exec()
        }
      },
    },
  ]
}

function createContenders(streams: readonly Stream[]): Contender[] {
  const operations = 10_000
  let ours = STREAMS
  let seeds = STREAMS
  return [
    {
      name: 'create',
      operations,
      run: () => inFlight(IN_FLIGHT, operations, () => registry.create(sampleStream(ours++))),
    },
    {
      name: 'the seed’s MULTI',
      operations,
      run: () =>
        inFlight(IN_FLIGHT, operations, (i) => {
          // It validates nothing, but makes its JSON, as it must.
          const { id } = sampleStream(seeds++)
          const stream = { ...at(streams, i), id }
          return seedCreate(raw, 'seed', stream, JSON.stringify(streamToJSON(stream)))
        }),
    },
  ]
}

function storedJson(stream: Stream): string {
  return JSON.stringify(streamToJSON(stream))
}

function report(name: string, rates: readonly Rates[]): void {
  const figures = rates.map(
    ({ name: who, perSecond }) => `${who} ${Math.round(median(perSecond)).toLocaleString('en')}/s`,
  )
  const ratio = Object.values(ratios(rates)).map((value) => value.toFixed(2))
  console.log(`${name}: ${figures.join(', ')}, ratio ${ratio.join(', ')}`)
}

/** The slowest calls by script, told by the first line of the script that has the digest. */
async function longestBlocks(): Promise<void> {
  const entries = (await raw.slowlog('GET', -1)) as [number, number, number, string[]][]
  const slowest = new Map<string, number>()
  for (const [, , micros, [name = '', id = '']] of entries) {
    const what = /^eval/i.test(name) ? `${name} ${id.slice(0, 40)}` : name
    slowest.set(what, Math.max(slowest.get(what) ?? 0, micros))
  }
  console.log(`calls above 2 ms (SLOWLOG): ${slowest.size === 0 ? 'none' : ''}`)
  for (const [what, micros] of slowest) console.log(`  ${what}: ${(micros / 1_000).toFixed(1)} ms`)
}

async function mockCreates(): Promise<void> {
  const perSecond: number[] = []
  for (let round = 0; round < 5; round++) {
    const mock = new MockRegistry()
    const start = performance.now()
    for (let i = 0; i < 50_000; i++) await mock.create(sampleStream(i))
    perSecond.push(50_000_000 / (performance.now() - start))
  }
  console.log(`MockRegistry: ${Math.round(median(perSecond)).toLocaleString('en')} creates/s`)
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length]
  if (item === undefined) throw new RangeError(`no item ${index}`)
  return item
}

await main().finally(async () => {
  redis.disconnect()
  raw.disconnect()
  await server.stop()
})
