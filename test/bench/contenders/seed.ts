import { Redis } from 'ioredis'
import {
  type BenchRecord,
  type BenchStream,
  type Contender,
  type Entrant,
  type Newest,
  PAGE_SIZE,
  type Report,
} from './contender.ts'

const PREFIX = 'mirror:streams'
const EVENTS = 'streams:events'
const TTL_MS = 3_600_000
const MGET_CHUNK = 500

/** Reads, changes and writes the JSON of one stream, as its Lua scripts do. */
const UPDATE = (change: string): string => `
local raw = redis.call('GET', KEYS[1])
if not raw then return redis.error_reply('stream not found') end
local stream = cjson.decode(raw)
${change}
stream.updated_at = ARGV[1]
redis.call('SET', KEYS[1], cjson.encode(stream), 'PX', stream.ttl_ms)`

const SCRIPTS = {
  seedHeartbeat: UPDATE('stream.last_heartbeat = ARGV[1]'),
  seedStats: UPDATE(`
stream.statistics = stream.statistics or {}
for field, value in pairs(cjson.decode(ARGV[2])) do stream.statistics[field] = value end
stream.last_heartbeat = ARGV[1]`),
  seedStatus: `${UPDATE(`
local old = stream.status
stream.status = ARGV[2]`)}
redis.call('SREM', KEYS[2] .. old, stream.id)
redis.call('SADD', KEYS[2] .. ARGV[2], stream.id)
local event = cjson.encode({ type = 'stream.updated', stream_id = stream.id, timestamp = ARGV[1], data = stream, source = 'bench', version = 1 })
redis.call('PUBLISH', '${EVENTS}', event)
redis.call('PUBLISH', 'stream:' .. stream.id .. ':events', event)`,
  seedTell: `${UPDATE('stream.metadata.sent_at = ARGV[2]')}
local event = cjson.encode({ type = 'stream.updated', stream_id = stream.id, timestamp = ARGV[1], data = stream, source = 'bench', version = 1 })
redis.call('PUBLISH', '${EVENTS}', event)
redis.call('PUBLISH', 'stream:' .. stream.id .. ':events', event)`,
  seedList: `
local found = {}
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local raw = redis.call('GET', KEYS[2] .. id)
  if raw then found[#found + 1] = raw else redis.call('SREM', KEYS[1], id) end
end
return found`,
} as const

type Script = (...args: (string | number)[]) => Promise<unknown>
type Scripted = Redis & Record<keyof typeof SCRIPTS, Script>

/** The design that this package grew from, in TypeScript: JSON in a key with a time to live, sets as indexes. */
class Seed implements Contender {
  readonly #redis: Scripted
  #queries = 0

  constructor(port: number) {
    const redis = new Redis(port)
    for (const [name, lua] of Object.entries(SCRIPTS)) {
      redis.defineCommand(name, { lua, numberOfKeys: name === 'seedStatus' || name === 'seedList' ? 2 : 1 })
    }
    this.#redis = redis as Scripted
  }

  async register({ id, input, record }: BenchStream): Promise<void> {
    const json = JSON.stringify(record)
    const event = `{"type":"stream.created","stream_id":"${id}","timestamp":"${record.created_at}","data":${json},"source":"bench","version":1}`
    const transaction = this.#redis.multi().set(keyOf(id), json, 'PX', input.ttlMs ?? TTL_MS)
    for (const index of indexesOf(record)) transaction.sadd(index, id)
    await transaction
      .zadd(`${PREFIX}:idx:time`, Math.floor(Date.parse(record.created_at) / 1_000), id)
      .publish(EVENTS, event)
      .publish(`stream:${id}:events`, event)
      .exec()
  }

  async remove({ id, record }: BenchStream): Promise<void> {
    const transaction = this.#redis.multi().del(keyOf(id)).zrem(`${PREFIX}:idx:time`, id)
    for (const index of indexesOf(record)) transaction.srem(index, id)
    await transaction.exec()
  }

  heartbeat(id: string): Promise<unknown> {
    return this.#redis.seedHeartbeat(keyOf(id), new Date().toISOString())
  }

  report(id: string, report: Report): Promise<unknown> {
    const stats = JSON.stringify({ bytes_received: report.bytesReceived, packets_lost: report.packetsLost })
    return this.#redis.seedStats(keyOf(id), new Date().toISOString(), stats)
  }

  setStatus(id: string, status: string): Promise<unknown> {
    return this.#redis.seedStatus(keyOf(id), `${PREFIX}:idx:status:`, new Date().toISOString(), status)
  }

  async get(id: string): Promise<object | undefined> {
    const json = await this.#redis.get(keyOf(id))
    return json === null ? undefined : JSON.parse(json)
  }

  async list(): Promise<BenchRecord[]> {
    const documents = (await this.#redis.seedList(`${PREFIX}:active`, `${PREFIX}:`)) as string[]
    return documents.map((json) => JSON.parse(json))
  }

  countOf(status: string): Promise<number> {
    return this.#redis.scard(`${PREFIX}:idx:status:${status}`)
  }

  async countOfBoth(type: string, status: string): Promise<number> {
    return (await this.#find([`idx:type:${type}`, `idx:status:${status}`])).length
  }

  async newest(which: Newest): Promise<string[]> {
    return (await this.#sorted(which)).slice(0, PAGE_SIZE)
  }

  async secondPage(which: Newest): Promise<() => Promise<string[]>> {
    return async () => (await this.#sorted(which)).slice(PAGE_SIZE, 2 * PAGE_SIZE)
  }

  async countByType(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {}
    for (const { type } of await this.#load(await this.#redis.smembers(`${PREFIX}:active`))) {
      counts[type] = (counts[type] ?? 0) + 1
    }
    return counts
  }

  tell(id: string, sentAt: number): Promise<unknown> {
    return this.#redis.seedTell(keyOf(id), new Date().toISOString(), String(sentAt))
  }

  listen(heard: (sentAt: number) => void): Promise<() => Promise<unknown>> {
    return this.#subscribe(({ type, data }) => {
      if (type === 'stream.updated') heard(Number(data.metadata.sent_at))
    })
  }

  listenToNew(heard: (id: string) => void): Promise<() => Promise<unknown>> {
    return this.#subscribe(({ type, stream_id }) => type === 'stream.created' && heard(stream_id))
  }

  /** Its cleanup: an id whose key has gone leaves the set and the times; what its record said is not known any more. */
  maintain(): () => undefined {
    const timer = setInterval(async () => {
      const ids = await this.#redis.smembers(`${PREFIX}:active`)
      for (const id of ids) {
        if ((await this.#redis.exists(keyOf(id))) === 1) continue
        await this.#redis.multi().srem(`${PREFIX}:active`, id).zrem(`${PREFIX}:idx:time`, id).exec()
      }
    }, 1_000)
    return () => void clearInterval(timer)
  }

  close(): Promise<unknown> {
    return this.#redis.quit()
  }

  async #sorted({ type, status, tag }: Newest): Promise<string[]> {
    const indexes = [`idx:status:${status}`, type && `idx:type:${type}`, tag && `idx:tag:${tag}`]
    const streams = await this.#load(await this.#find(indexes.flatMap((index) => index ?? [])))
    const time = ({ created_at }: BenchRecord): number => Date.parse(created_at)
    streams.sort((a, b) => time(b) - time(a) || (a.id < b.id ? 1 : -1))
    return streams.map(({ id }) => id)
  }

  async #find(indexes: readonly string[]): Promise<string[]> {
    const found = `temp:query:${++this.#queries}`
    const replies = await this.#redis
      .pipeline()
      .sinterstore(found, ...indexes.map((index) => `${PREFIX}:${index}`))
      .smembers(found)
      .del(found)
      .exec()
    return replies?.[1]?.[1] as string[]
  }

  async #load(ids: readonly string[]): Promise<BenchRecord[]> {
    const streams: BenchRecord[] = []
    for (let i = 0; i < ids.length; i += MGET_CHUNK) {
      for (const json of await this.#redis.mget(ids.slice(i, i + MGET_CHUNK).map(keyOf))) {
        if (json !== null) streams.push(JSON.parse(json))
      }
    }
    return streams
  }

  async #subscribe(
    handle: (event: { type: string; stream_id: string; data: BenchRecord }) => unknown,
  ): Promise<() => Promise<unknown>> {
    const listener = this.#redis.duplicate()
    await listener.subscribe(EVENTS)
    listener.on('message', (_, message: string) => handle(JSON.parse(message)))
    return () => listener.quit()
  }
}

function keyOf(id: string): string {
  return `${PREFIX}:${id}`
}

function indexesOf({ status, type, protocol, source_addr, tags }: BenchRecord): string[] {
  const indexes = [`status:${status}`, `type:${type}`, `protocol:${protocol}`, `source:${source_addr}`]
  return [
    `${PREFIX}:active`,
    ...[...indexes, ...tags.map((tag) => `tag:${tag}`)].map((index) => `${PREFIX}:idx:${index}`),
  ]
}

export const seed: Entrant = {
  key: 'seed',
  name: 'the seed’s design',
  what: 'a faithful port: JSON with a time to live, MULTI, sets and SINTERSTORE, Lua over cjson, pub/sub',
  lacks: [
    'the sets keep what has expired: counts are wrong for good',
    'expiry is not told',
    'integers over 2^53, [] and floats do not survive cjson',
    'a repeated command takes effect twice',
    'no stale owner is refused',
    'events are lost with the connection',
    'a query loads all that match',
    'one call blocks Redis for the whole list',
  ],
  isRegistry: true,
  onRedis: true,
  open: (port) => new Seed(port),
}
