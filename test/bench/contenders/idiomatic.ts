import { Redis } from 'ioredis'
import {
  type BenchStream,
  type Contender,
  type Entrant,
  type Newest,
  PAGE_SIZE,
  type Report,
} from './contender.ts'

const TTL_MS = 3_600_000

interface Hash extends Readonly<Record<string, string>> {
  readonly id: string
}

/** What a good engineer writes in an afternoon: a hash per stream, sorted sets per status, type and tag, one of deadlines. */
class Idiomatic implements Contender {
  readonly redis: Redis
  constructor(port: number) {
    this.redis = new Redis(port)
  }
  async register({
    id,
    input,
    record: { type, status, tags, created_at, ...record },
  }: BenchStream): Promise<void> {
    const fields = { id, type, status, tags: tags.join(), created_at, ...flat(record) }
    const transaction = this.redis.multi().hset(`i:${id}`, fields)
    for (const key of keysOf(fields)) transaction.zadd(key, Date.parse(created_at), id)
    transaction.zadd('i:deadlines', Date.now() + (input.ttlMs ?? TTL_MS), id)
    await transaction.publish('i:events', JSON.stringify({ event: 'created', id, type, status })).exec()
  }
  async remove({ id }: { readonly id: string }): Promise<void> {
    const [type, status, tags] = await this.redis.hmget(`i:${id}`, 'type', 'status', 'tags')
    const transaction = this.redis.multi().del(`i:${id}`).zrem('i:deadlines', id)
    for (const key of keysOf({ type, status, tags })) transaction.zrem(key, id)
    await transaction.publish('i:events', JSON.stringify({ event: 'removed', id })).exec()
  }
  heartbeat(id: string, ttlMs = TTL_MS): Promise<unknown> {
    return this.redis.zadd('i:deadlines', 'XX', Date.now() + ttlMs, id)
  }
  report(id: string, { bytesReceived, packetsLost }: Report): Promise<unknown> {
    const fields = { bytes_received: bytesReceived, packets_lost: packetsLost }
    return this.redis
      .pipeline()
      .hset(`i:${id}`, fields)
      .zadd('i:deadlines', 'XX', Date.now() + TTL_MS, id)
      .exec()
  }
  async setStatus(id: string, status: string): Promise<void> {
    const [old, createdAt] = await this.redis.hmget(`i:${id}`, 'status', 'created_at')
    const transaction = this.redis.multi().hset(`i:${id}`, { status, updated_at: new Date().toISOString() })
    transaction.zrem(`i:status:${old}`, id).zadd(`i:status:${status}`, Date.parse(createdAt ?? ''), id)
    await transaction.publish('i:events', JSON.stringify({ event: 'status', id, status })).exec()
  }
  async get(id: string): Promise<object | undefined> {
    const replies = await this.redis.pipeline().hgetall(`i:${id}`).zscore('i:deadlines', id).exec()
    const [[, fields] = [], [, deadline] = []] = replies ?? []
    return Number(deadline) > Date.now() ? (fields as object) : undefined
  }
  async list(): Promise<Hash[]> {
    return this.#load(await this.redis.zrangebyscore('i:deadlines', Date.now(), '+inf'))
  }
  countOf(status: string): Promise<number> {
    return this.redis.zcard(`i:status:${status}`)
  }
  countOfBoth(type: string, status: string): Promise<number> {
    return this.redis.zintercard(2, `i:type:${type}`, `i:status:${status}`)
  }
  newest(which: Newest): Promise<string[]> {
    return this.#rows(which, 0)
  }
  async secondPage(which: Newest): Promise<() => Promise<string[]>> {
    return () => this.#rows(which, PAGE_SIZE)
  }
  async countByType(): Promise<Record<string, number>> {
    const types = ['srt', 'rtp', 'rtmp', 'webrtc']
    const counts = await Promise.all(types.map((type) => this.redis.zcard(`i:type:${type}`)))
    return Object.fromEntries(types.map((type, i) => [type, counts[i] ?? 0]))
  }
  tell(id: string, sentAt: number): Promise<unknown> {
    const event = JSON.stringify({ event: 'updated', id, sentAt })
    return this.redis.multi().hset(`i:${id}`, 'sent_at', sentAt).publish('i:events', event).exec()
  }
  listen(heard: (sentAt: number) => void): Promise<() => Promise<unknown>> {
    return this.#subscribe(({ sentAt }) => sentAt !== undefined && heard(sentAt))
  }
  listenToNew(heard: (id: string) => void): Promise<() => Promise<unknown>> {
    return this.#subscribe(({ event, id }) => event === 'created' && heard(id))
  }
  maintain(): () => undefined {
    const timer = setInterval(async () => {
      const lapsed = await this.redis.zrangebyscore('i:deadlines', 0, Date.now(), 'LIMIT', 0, 1_000)
      await Promise.all(lapsed.map((id) => this.remove({ id })))
    }, 1_000)
    return () => void clearInterval(timer)
  }
  close(): Promise<unknown> {
    return this.redis.quit()
  }
  async #rows({ type, status, tag }: Newest, offset: number): Promise<string[]> {
    const keys = [`i:status:${status}`, type && `i:type:${type}`, tag && `i:tag:${tag}`].flatMap(
      (key) => key ?? [],
    )
    const found = `i:found:${Math.random()}`
    const transaction = this.redis.multi().zinterstore(found, keys.length, ...keys, 'AGGREGATE', 'MAX')
    const replies = await transaction
      .zrange(found, offset, offset + PAGE_SIZE - 1, 'REV')
      .del(found)
      .exec()
    return (await this.#load(replies?.[1]?.[1] as string[])).map(({ id }) => id)
  }
  async #load(ids: readonly string[]): Promise<Hash[]> {
    const pipeline = this.redis.pipeline()
    for (const id of ids) pipeline.hgetall(`i:${id}`)
    return ((await pipeline.exec()) ?? []).flatMap(([, fields]) =>
      'id' in (fields as object) ? (fields as Hash) : [],
    )
  }
  async #subscribe(
    handle: (message: { event: string; id: string; sentAt?: number }) => unknown,
  ): Promise<() => Promise<unknown>> {
    const listener = this.redis.duplicate()
    await listener.subscribe('i:events')
    listener.on('message', (_, message: string) => handle(JSON.parse(message)))
    return () => listener.quit()
  }
}

function keysOf({
  type,
  status,
  tags,
}: Record<'type' | 'status' | 'tags', string | null | undefined>): string[] {
  const tagKeys = (tags ?? '').split(',').flatMap((tag) => (tag === '' ? [] : `i:tag:${tag}`))
  return ['i:all', `i:type:${type}`, `i:status:${status}`, ...tagKeys]
}

/** Fields of a hash are text. */
function flat(record: object): Record<string, string | number> {
  const entries = Object.entries(record).map(([key, value]) => [
    key,
    typeof value === 'object' ? JSON.stringify(value) : value,
  ])
  return Object.fromEntries(entries)
}

export const idiomatic: Entrant = {
  key: 'idiomatic',
  name: 'idiomatic ioredis',
  what: 'hand-written over ioredis: a hash per stream, sorted sets per status, type and tag, one of deadlines, pub/sub',
  lacks: [
    'counts and queries show what has lapsed until the next sweep',
    'a status change can overwrite another one',
    'a repeated command takes effect twice',
    'no stale owner is refused',
    'events are lost with the connection',
    'intersects whole sets',
  ],
  isRegistry: true,
  onRedis: true,
  open: (port) => new Idiomatic(port),
}
