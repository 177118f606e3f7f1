import { setTimeout as sleep } from 'node:timers/promises'
import {
  type CreateRegistryConfig,
  createRegistry,
  LeaderElection,
  type Registry,
  TTLManager,
} from '@mirror/stream-registry'
import { afterEach, describe, expect, it } from 'vitest'
import { readJournal, replay, sequenceFaults } from '../processes/support/journal.ts'
import { type RedisCluster, startCluster } from '../support/redis-cluster.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

const LEASE_MS = 600
const PATIENCE = { timeout: 20_000, interval: 20 }

const closing: (() => unknown)[] = []

/** Closed at the end of the test, the last one first. */
function atEnd(close: () => unknown): void {
  closing.unshift(close)
}

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** One process of a service: a candidate whose manager works while it leads, and streams that nobody renews. */
class Service {
  readonly registry: Registry
  readonly election: LeaderElection
  readonly manager: TTLManager
  readonly tokens: number[] = []
  #isWriting = true
  readonly #writing: Promise<void>

  constructor(name: string, config: CreateRegistryConfig) {
    this.registry = createRegistry({ ...config, instanceId: name })
    this.election = new LeaderElection(this.registry, { leaseMs: LEASE_MS })
    this.election.on('elected', ({ token }) => void this.tokens.push(token))
    this.manager = new TTLManager(this.registry, { leader: this.election, cleanupIntervalMs: 1_000 })
    this.election.start()
    this.manager.start()
    this.#writing = this.#write(name)
  }

  async #write(name: string): Promise<void> {
    for (let n = 0; this.#isWriting; n++) {
      const id = `${name}-${n}`
      const write = async (): Promise<void> => {
        await this.registry.create(
          { id, type: 'srt', sourceAddr: 'a:1', ttlMs: 100 + (n % 300) },
          { timeoutMs: 500 },
        )
        await this.registry.updateStatus(id, 'active', { timeoutMs: 500 })
      }
      await write().catch(() => {})
      await sleep(5)
    }
  }

  async endWriting(): Promise<void> {
    this.#isWriting = false
    await this.#writing
  }
}

function startServices(config: CreateRegistryConfig): Service[] {
  return ['a', 'b', 'c'].map((name) => {
    const service = new Service(name, config)
    atEnd(async () => {
      await service.endWriting()
      await service.registry.close()
    })
    return service
  })
}

const leading = (services: readonly Service[]): Service[] =>
  services.filter(({ election }) => election.isLeader)

/** That one leads, and that streams which were created from now on expire. */
async function works(services: readonly Service[]): Promise<void> {
  await expect.poll(() => leading(services).length, PATIENCE).toBe(1)
  const from = Date.now()
  const [{ registry }] = services as [Service]
  const isCleaned = async (): Promise<boolean> =>
    (await readJournal(registry)).every((records) =>
      records.some(({ type, logId }) => type === 'stream.expired' && Number.parseInt(logId, 10) > from),
    )
  await expect.poll(() => isCleaned().catch(() => false), PATIENCE).toBe(true)
}

/** Waits until all has ended, and checks what is left. */
async function check(services: readonly Service[]): Promise<void> {
  await Promise.all(services.map((service) => service.endWriting()))
  const [{ registry }] = services as [Service]
  await expect
    .poll(async () => (await registry.verify().catch(() => ({ checked: -1 }))).checked, PATIENCE)
    .toBe(0)
  expect((await registry.verify()).problems).toEqual([])
  expect(leading(services).length).toBe(1)
  const tokens = services.flatMap((service) => service.tokens)
  expect(new Set(tokens).size).toBe(tokens.length)
  for (const service of services) expect(service.tokens).toEqual(service.tokens.toSorted((a, b) => a - b))
}

describe('managers and elections', () => {
  it('go on when Redis was killed and comes back with its file', async () => {
    const server = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always'])
    atEnd(() => server.stop())
    const services = startServices({ redis: { url: server.url }, keyPrefix: 'x' })
    await works(services)
    for (const awayMs of [100, 1_500]) {
      await server.kill()
      await sleep(awayMs)
      expect(leading(services).length).toBeLessThanOrEqual(1)
      await server.restart()
      await works(services)
    }
    server.freeze()
    await sleep(2 * LEASE_MS)
    expect(leading(services)).toEqual([])
    server.thaw()
    await works(services)
    await check(services)
    const [{ registry }] = services as [Service]
    const journal = await readJournal(registry)
    expect(journal.flatMap(sequenceFaults)).toEqual([])
    expect(journal.map(replay).flatMap(({ faults }) => faults)).toEqual([])
  }, 60_000)

  it('go on when the masters of a cluster are replaced', async () => {
    const cluster = await startCluster(3, 1)
    atEnd(() => cluster.stop())
    const services = startServices({ redis: { addresses: cluster.addresses }, keyPrefix: 'x', partitions: 3 })
    await works(services)
    // The first partition holds the leaders' leases.
    await expect
      .poll(() => pairOf(cluster, '{x:0}:x')[1].cli('info', 'replication'), PATIENCE)
      .toContain('master_link_status:up')
    pairOf(cluster, '{x:0}:x')[1].cli('cluster', 'failover')
    await sleep(500)
    await works(services)
    for (const key of ['{x:0}:x', '{x:1}:x']) {
      const [master, replica] = pairOf(cluster, key)
      if (replica === undefined) continue
      await expect.poll(() => replica.cli('info', 'replication'), PATIENCE).toContain('master_link_status:up')
      await master.kill()
      await expect.poll(() => replica.cli('info', 'replication'), PATIENCE).toContain('role:master')
      await master.restart()
      await works(services)
    }
    await check(services)
  }, 90_000)
})

/** The master of a slot's keys, and its replica. */
function pairOf({ nodes }: RedisCluster, key: string): [RedisServer, RedisServer] {
  const first = nodes[0] as RedisServer
  const slot = Number(first.cli('cluster', 'keyslot', key))
  const lines = first
    .cli('cluster', 'nodes')
    .split('\n')
    .map((line) => line.split(' '))
  const holds = (range: string): boolean => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return from <= slot && slot <= to
  }
  const owner = lines.find((fields) => fields[2]?.includes('master') && fields.slice(8).some(holds)) ?? []
  const replica = lines.find((fields) => fields[3] === owner[0]) ?? []
  const server = ([, address = '']: string[]): RedisServer => {
    const port = Number(/:(\d+)@/.exec(address)?.[1])
    return nodes.find((node) => node.port === port) as RedisServer
  }
  return [server(owner), server(replica)]
}
