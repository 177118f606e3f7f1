import { Redis } from 'ioredis'
import type { BenchRecord, BenchStream, Contender, Entrant, Newest } from './contender.ts'
import { PAGE_SIZE } from './contender.ts'

const CHUNK = 500
const PREFIX = 'raw'

/** The least that any client can do for the same bytes: single commands over answers that were laid out beforehand. */
class Raw implements Contender {
  readonly #redis: Redis
  #record = ''

  constructor(port: number) {
    this.#redis = new Redis(port)
  }

  register({ id, record }: BenchStream): Promise<unknown> {
    return this.#redis.set(`${PREFIX}:${id}`, JSON.stringify(record))
  }

  remove({ id }: BenchStream): Promise<unknown> {
    return this.#redis.del(`${PREFIX}:${id}`)
  }

  async prepare(size: number, stream: (i: number) => BenchStream): Promise<void> {
    this.#record = JSON.stringify(stream(0).record)
    for (let first = 0; first < size; first += CHUNK) {
      const pipeline = this.#redis.pipeline()
      for (let order = first; order < Math.min(size, first + CHUNK); order++) {
        const { id, record } = stream(order)
        pipeline.zadd(`${PREFIX}:active`, order, id).zadd(`${PREFIX}:count:${record.status}`, order, id)
        pipeline.zadd(answerKey({ type: record.type, status: record.status }), order, id)
        pipeline.hincrby(`${PREFIX}:types`, record.type, 1)
        if (record.tags.includes('rare')) {
          pipeline.zadd(answerKey({ status: record.status, tag: 'rare' }), order, id)
        }
      }
      await pipeline.exec()
    }
  }

  heartbeat(id: string): Promise<unknown> {
    return this.#redis.zadd(`${PREFIX}:active`, Date.now() + 30_000, id)
  }

  report(id: string, report: object): Promise<unknown> {
    return this.#redis.hset(`${PREFIX}:stats`, id, JSON.stringify(report))
  }

  setStatus(id: string): Promise<unknown> {
    return this.#redis.set(`${PREFIX}:changed:${id}`, this.#record)
  }

  async get(id: string): Promise<object | undefined> {
    const json = await this.#redis.get(`${PREFIX}:${id}`)
    return json === null ? undefined : JSON.parse(json)
  }

  async list(): Promise<BenchRecord[]> {
    const ids = await this.#redis.zrange(`${PREFIX}:active`, 0, -1)
    const all: BenchRecord[] = []
    for (let i = 0; i < ids.length; i += CHUNK) all.push(...(await this.#load(ids.slice(i, i + CHUNK))))
    return all
  }

  countOf(status: string): Promise<number> {
    return this.#redis.zcard(`${PREFIX}:count:${status}`)
  }

  countOfBoth(type: string, status: string): Promise<number> {
    return this.#redis.zcard(answerKey({ type, status }))
  }

  newest(which: Newest): Promise<string[]> {
    return this.#rows(which, 0)
  }

  async secondPage(which: Newest): Promise<() => Promise<string[]>> {
    return () => this.#rows(which, PAGE_SIZE)
  }

  async countByType(): Promise<Record<string, number>> {
    const counts = await this.#redis.hgetall(`${PREFIX}:types`)
    return Object.fromEntries(Object.entries(counts).map(([type, count]) => [type, Number(count)]))
  }

  async tell(id: string, sentAt: number): Promise<unknown> {
    this.#record ||= (await this.#redis.get(`${PREFIX}:${id}`)) ?? ''
    return this.#redis.publish(PREFIX, `${sentAt} ${this.#record}`)
  }

  async listen(heard: (sentAt: number) => void): Promise<() => Promise<unknown>> {
    const listener = this.#redis.duplicate()
    await listener.subscribe(PREFIX)
    listener.on('message', (_, message: string) => {
      JSON.parse(message.slice(message.indexOf(' ') + 1))
      heard(Number.parseFloat(message))
    })
    return () => listener.quit()
  }

  close(): Promise<unknown> {
    return this.#redis.quit()
  }

  async #rows(which: Newest, offset: number): Promise<string[]> {
    const ids = await this.#redis.zrange(answerKey(which), offset, offset + PAGE_SIZE - 1, 'REV')
    return (await this.#load(ids)).map(({ id }) => id)
  }

  async #load(ids: readonly string[]): Promise<BenchRecord[]> {
    const documents = await this.#redis.mget(ids.map((id) => `${PREFIX}:${id}`))
    return documents.map((json) => JSON.parse(json ?? ''))
  }
}

function answerKey({ type = '', status, tag = '' }: { type?: string; status: string; tag?: string }): string {
  return `${PREFIX}:newest:${type}:${status}:${tag}`
}

export const raw: Entrant = {
  key: 'raw',
  name: 'raw ioredis',
  what: 'single commands of ioredis over the same bytes, with answers laid out beforehand: the limit, not a registry',
  lacks: ['keeps no index', 'checks no lease', 'guards no write', 'events are lost with the connection'],
  isRegistry: false,
  onRedis: true,
  open: (port) => new Raw(port),
}
