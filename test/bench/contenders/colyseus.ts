import type { IRoomCache } from '@colyseus/core'
import { RedisDriver } from '@colyseus/redis-driver'
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

type Room = IRoomCache<BenchRecord>

/** A stream as a room: the driver keeps all rooms in one hash, and queries load them all. */
class Colyseus implements Contender {
  readonly #redis: Redis
  readonly #driver: RedisDriver

  constructor(port: number) {
    this.#redis = new Redis(port)
    this.#driver = new RedisDriver(this.#redis)
  }

  register({ id, record }: BenchStream): Promise<unknown> {
    return this.#driver.persist({
      roomId: id,
      name: record.type,
      processId: 'bench',
      clients: 0,
      maxClients: 1,
      createdAt: new Date(record.created_at),
      metadata: record,
    })
  }

  remove({ id }: { readonly id: string }): Promise<unknown> {
    return this.#driver.remove(id)
  }

  report(id: string, { bytesReceived, packetsLost }: Report): Promise<unknown> {
    return this.#change(id, (record) => ({
      statistics: { ...record.statistics, bytes_received: bytesReceived, packets_lost: packetsLost },
    }))
  }

  setStatus(id: string, status: string): Promise<unknown> {
    return this.#change(id, () => ({ status }))
  }

  get(id: string): Promise<object | undefined> {
    return this.#driver.findOne({ roomId: id })
  }

  async list(): Promise<BenchRecord[]> {
    const rooms = (await this.#driver.query({})) as Room[]
    return rooms.flatMap(({ metadata }) => metadata ?? [])
  }

  async countOf(status: string): Promise<number> {
    return (await this.#query({ status })).length
  }

  async countOfBoth(type: string, status: string): Promise<number> {
    return (await this.#query({ name: type, status })).length
  }

  async newest(which: Newest): Promise<string[]> {
    return idsOf((await this.#newest(which)).slice(0, PAGE_SIZE))
  }

  async secondPage(which: Newest): Promise<() => Promise<string[]>> {
    return async () => idsOf((await this.#newest(which)).slice(PAGE_SIZE, 2 * PAGE_SIZE))
  }

  async countByType(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {}
    for (const { name } of await this.#driver.query({})) counts[name] = (counts[name] ?? 0) + 1
    return counts
  }

  close(): Promise<unknown> {
    return this.#redis.quit()
  }

  async #change(id: string, change: (record: BenchRecord) => object): Promise<void> {
    const room = (await this.#driver.findOne({ roomId: id })) as Room | undefined
    if (room?.metadata === undefined) return
    await this.#driver.update(room, { $set: { metadata: { ...room.metadata, ...change(room.metadata) } } })
  }

  async #newest({ type, status, tag }: Newest): Promise<Room[]> {
    const rooms = await this.#query({ status, ...(type && { name: type }) }, { createdAt: -1 })
    return tag === undefined ? rooms : rooms.filter(({ metadata }) => metadata?.tags.includes(tag))
  }

  /** Conditions are looked up in the metadata too. */
  #query(conditions: Record<string, string>, sort?: { createdAt: -1 }): Promise<Room[]> {
    return this.#driver.query(conditions as Partial<Room>, sort)
  }
}

function idsOf(rooms: readonly Room[]): string[] {
  return rooms.map(({ roomId }) => roomId)
}

export const colyseus: Entrant = {
  key: 'colyseus',
  name: '@colyseus/redis-driver',
  what: '@colyseus/redis-driver 0.18.3, a stream as a room, its record as metadata',
  lacks: [
    'no heartbeat: what died without saying so stays',
    'no events',
    'a change can overwrite another one',
    'no stale owner is refused',
    'each query loads all rooms',
  ],
  most: { streams: 10_000, because: 'each query loads all of them into the process: at 100,000 in some 2 s' },
  isRegistry: true,
  onRedis: true,
  open: (port) => new Colyseus(port),
}
