import {
  MockRegistry,
  RedisRegistry,
  type Registry,
  type Stream,
  type StreamStatus,
  type StreamType,
  TTLManager,
} from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import {
  type BenchStream,
  type Contender,
  type Entrant,
  type Newest,
  PAGE_SIZE,
  type Report,
} from './contender.ts'

const CLEANUP_INTERVAL_MS = 1_000

/** This library, as it is used. */
export class Ours implements Contender {
  readonly registry: Registry
  readonly #redis: Redis | undefined

  constructor(registry: Registry, redis?: Redis) {
    this.registry = registry
    this.#redis = redis
  }

  register({ input }: BenchStream): Promise<unknown> {
    return this.registry.create(input)
  }

  remove({ id }: BenchStream): Promise<unknown> {
    return this.registry.delete(id)
  }

  heartbeat(id: string): Promise<unknown> {
    return this.registry.heartbeat(id)
  }

  report(id: string, report: Report): Promise<unknown> {
    return this.registry.updateStats(id, report)
  }

  setStatus(id: string, status: StreamStatus): Promise<unknown> {
    return this.registry.updateStatus(id, status)
  }

  get(id: string): Promise<object | undefined> {
    return this.registry.find(id)
  }

  list(): Promise<Stream[]> {
    return this.registry.list()
  }

  countOf(status: StreamStatus): Promise<number> {
    return this.registry.count({ status })
  }

  countOfBoth(type: StreamType, status: StreamStatus): Promise<number> {
    return this.registry.count({ type, status })
  }

  async newest(which: Newest): Promise<string[]> {
    return (await this.#query(which).execute()).map(({ id }) => id)
  }

  async secondPage(which: Newest): Promise<() => Promise<string[]>> {
    const { nextCursor } = await this.#query(which).page()
    if (nextCursor === undefined) return async () => []
    return async () => (await this.#query(which).after(nextCursor).page()).streams.map(({ id }) => id)
  }

  async countByType(): Promise<Record<string, number>> {
    const groups = await this.registry.query().groupBy('type').aggregate('count', '*').execute()
    return Object.fromEntries(groups.map(({ key, count }) => [key.type, count]))
  }

  tell(id: string, sentAt: number): Promise<unknown> {
    return this.registry.update(id, { metadata: { sentAt } })
  }

  async listen(heard: (sentAt: number) => void): Promise<() => Promise<unknown>> {
    const subscription = await this.registry.subscribe('stream.updated')
    subscription.on('stream.updated', ({ data }) => heard(Number(data.metadata.sentAt)))
    return () => subscription.close()
  }

  async listenToNew(heard: (id: string) => void): Promise<() => Promise<unknown>> {
    const subscription = await this.registry.subscribe('stream.created')
    subscription.on('stream.created', ({ streamId }) => heard(streamId))
    return () => subscription.close()
  }

  maintain(): () => Promise<unknown> {
    const manager = new TTLManager(this.registry, { cleanupIntervalMs: CLEANUP_INTERVAL_MS })
    manager.start()
    return () => manager.stop()
  }

  async close(): Promise<void> {
    await this.registry.close()
    this.#redis?.disconnect()
  }

  #query({ type, status, tag }: Newest): ReturnType<Registry['query']> {
    const filter = { status, ...(type && { type }), ...(tag && { tags: [tag] }) }
    return this.registry.query().filter(filter).sortBy('createdAt', 'desc').limit(PAGE_SIZE)
  }
}

export const oursOnRedis: Entrant = {
  key: 'ours',
  name: 'ours, on Redis',
  what: 'RedisRegistry of this package, one partition, default options',
  lacks: [],
  isRegistry: true,
  onRedis: true,
  open: (port) => {
    const redis = new Redis(port)
    return new Ours(new RedisRegistry({ redis }), redis)
  },
}

export const oursInMemory: Entrant = {
  key: 'memory',
  name: 'ours, in memory',
  what: 'MockRegistry of this package, the embedded default',
  lacks: ['one process only'],
  most: { streams: 100_000, because: 'its streams are objects of the measuring process' },
  isRegistry: true,
  onRedis: false,
  open: () => new Ours(new MockRegistry()),
}
