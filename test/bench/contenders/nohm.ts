import { Redis } from 'ioredis'
import { NohmClass, type NohmModel } from 'nohm'
import {
  type BenchStream,
  type Contender,
  type Entrant,
  type Newest,
  PAGE_SIZE,
  type Report,
} from './contender.ts'

const TTL_MS = 3_600_000
const PROPERTIES = {
  type: { type: 'string', index: true },
  status: { type: 'string', index: true },
  createdAt: { type: 'timestamp', index: true },
  deadline: { type: 'timestamp', index: true },
  statistics: { type: 'json' },
  record: { type: 'json' },
} as const

/** An id of one's own is kept only if it comes from here. */
function idOfRecord(this: NohmModel): string {
  return (this.property('record') as { readonly id: string }).id
}

type Properties = ReturnType<NohmModel['allProperties']>

/** An object mapper: type and status are indexed by sets, creation and deadline by sorted sets. */
class NohmContender implements Contender {
  readonly #redis: Redis
  readonly #Model: ReturnType<NohmClass['model']>

  constructor(redis: Redis) {
    this.#redis = redis
    // It is typed for the client of its time, and takes ioredis.
    const nohm = new NohmClass({ prefix: 'nohm', client: redis as never })
    this.#Model = nohm.model('Stream', { properties: { ...PROPERTIES }, idGenerator: idOfRecord })
  }

  register({ input, record }: BenchStream): Promise<unknown> {
    const stream = new this.#Model()
    stream.property({
      type: record.type,
      status: record.status,
      createdAt: Date.parse(record.created_at),
      deadline: Date.now() + (input.ttlMs ?? TTL_MS),
      record,
    })
    return stream.save()
  }

  remove({ id }: { readonly id: string }): Promise<unknown> {
    return this.#Model.remove(id)
  }

  heartbeat(id: string, ttlMs = TTL_MS): Promise<unknown> {
    return this.#change(id, { deadline: Date.now() + ttlMs })
  }

  report(id: string, report: Report): Promise<unknown> {
    return this.#change(id, { statistics: report, deadline: Date.now() + TTL_MS })
  }

  setStatus(id: string, status: string): Promise<unknown> {
    return this.#change(id, { status })
  }

  async get(id: string): Promise<object | undefined> {
    return (await this.#Model.load(id)).allProperties()
  }

  async list(): Promise<Properties[]> {
    return this.#load(await this.#Model.find({}))
  }

  async countOf(status: string): Promise<number> {
    return (await this.#Model.find({ status })).length
  }

  async countOfBoth(type: string, status: string): Promise<number> {
    return (await this.#Model.find({ type, status })).length
  }

  newest(which: Newest): Promise<string[]> {
    return this.#rows(which, 0)
  }

  async secondPage(which: Newest): Promise<() => Promise<string[]>> {
    return () => this.#rows(which, PAGE_SIZE)
  }

  async countByType(): Promise<Record<string, number>> {
    const types = ['srt', 'rtp', 'rtmp', 'webrtc']
    const found = await Promise.all(types.map((type) => this.#Model.find({ type })))
    return Object.fromEntries(types.map((type, i) => [type, found[i]?.length ?? 0]))
  }

  maintain(): () => undefined {
    const timer = setInterval(async () => {
      const lapsed = await this.#Model.find({ deadline: { max: Date.now() } })
      await Promise.all(lapsed.map((id) => this.remove({ id }).catch(() => {})))
    }, 1_000)
    return () => void clearInterval(timer)
  }

  close(): Promise<unknown> {
    return this.#redis.quit()
  }

  async #change(id: string, changed: Record<string, unknown>): Promise<void> {
    const stream = await this.#Model.load(id)
    stream.property(changed)
    await stream.save()
  }

  async #rows({ type, status, tag }: Newest, offset: number): Promise<string[]> {
    const ids = await this.#Model.find({ status, ...(type && { type }) })
    const tagged = tag === undefined ? ids : await this.#withTag(ids, tag)
    const limit = [offset, PAGE_SIZE]
    const streams = await this.#load(
      await this.#Model.sort({ field: 'createdAt', direction: 'DESC', limit }, tagged),
    )
    return streams.map(({ id }) => String(id))
  }

  /** It cannot index lists. */
  async #withTag(ids: readonly string[], tag: string): Promise<string[]> {
    const streams = await this.#Model.loadMany([...ids])
    return streams.flatMap((stream) => {
      const { tags } = stream.property('record') as { readonly tags: readonly string[] }
      return tags.includes(tag) ? [String(stream.id)] : []
    })
  }

  async #load(ids: readonly string[]): Promise<Properties[]> {
    const streams = await this.#Model.loadMany([...ids])
    return streams.map((stream) => stream.allProperties())
  }
}

export const nohm: Entrant = {
  key: 'nohm',
  name: 'nohm',
  what: 'nohm 3.0.0, an object mapper for Redis, over ioredis',
  lacks: [
    'what has lapsed is shown until a sweep of one’s own',
    'a change is several commands: readers see halves, and changes overwrite one another',
    'a repeated command takes effect twice',
    'no stale owner is refused',
    'lists cannot be indexed',
    'events are lost with the connection',
  ],
  most: { streams: 10_000, because: 'a query for a tag loads every record' },
  isRegistry: true,
  onRedis: true,
  open: async (port) => {
    const redis = new Redis(port)
    await redis.ping() // it refuses a client that is not connected yet
    return new NohmContender(redis)
  },
}
