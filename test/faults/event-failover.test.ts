import { setTimeout as sleep } from 'node:timers/promises'
import { createRegistry, RedisRegistry, type Registry } from '@mirror/stream-registry'
import { Cluster, Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { storeOf } from '../../src/registry/store-registry.ts'
import { Churn, historyFaults, Recorder, readTruth, resumeFaults } from '../support/event-history.ts'
import { testSeed } from '../support/random.ts'
import { type RedisCluster, startCluster } from '../support/redis-cluster.ts'
import { startReplicated, startSentinels } from '../support/redis-sentinel.ts'
import type { RedisServer } from '../support/redis-server.ts'

const seed = testSeed('event-failover')
/** Within this time after a master's end, a consumer must see something new. */
const RECOVERY_MS = 12_000
const PATIENCE = { timeout: 15_000, interval: 50 }

const closing: (() => unknown)[] = []

/** Closed at the end of the test, the last one first. */
function atEnd(close: () => unknown): void {
  closing.unshift(close)
}

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

function kept<R extends Registry>(registry: R): R {
  atEnd(() => registry.close())
  return registry
}

async function record(registry: Registry): Promise<Recorder> {
  const recorder = new Recorder(await registry.subscribe())
  atEnd(() => recorder.close())
  return recorder
}

async function seen(recorders: readonly Recorder[], more: number, timeout = RECOVERY_MS): Promise<void> {
  const goals = recorders.map(({ seen: { length } }) => length + more)
  await expect
    .poll(() => recorders.every((each, i) => each.seen.length >= (goals[i] ?? 0)), { timeout, interval: 20 })
    .toBe(true)
}

async function check(writer: Registry, churn: Churn, recorders: readonly Recorder[]): Promise<void> {
  await churn.stop()
  expect(churn.surprises).toEqual([])
  await Promise.all(recorders.map((recorder) => recorder.catchUp(writer)))
  const truth = await readTruth(writer)
  for (const recorder of recorders) {
    expect(historyFaults(recorder, truth)).toEqual([])
    expect(await resumeFaults(writer, recorder, truth, 5)).toEqual([])
  }
}

/** Cuts a frozen replica off, so that what its master acknowledges from now on is lost with the master. */
async function forsake(master: RedisServer, replica: RedisServer): Promise<void> {
  replica.freeze()
  master.cli('client', 'kill', 'type', 'replica')
}

/** Writes what the master will lose, and waits until every consumer has seen it. */
async function writeDoomed(writer: Registry, id: string, recorders: readonly Recorder[]): Promise<void> {
  await writer.register({ id, type: 'srt', sourceAddr: 'a:1' })
  for (let n = 0; n < 30; n++) await writer.update(id, { metadata: { n } })
  const isDone = ({ seen }: Recorder): boolean =>
    seen.some(
      ({ item }) => item.type === 'stream.updated' && item.streamId === id && item.data.metadata.n === 29,
    )
  await expect.poll(() => recorders.every(isDone), PATIENCE).toBe(true)
}

describe('a subscription behind Sentinel', () => {
  it('follows the master, and says that the old one took something with it', async () => {
    const [master, replica] = await startReplicated(atEnd)
    const { addresses, cli } = await startSentinels(master, replica, atEnd)
    const open = (): Registry =>
      kept(createRegistry({ redis: { addresses, sentinel: { name: 'main' } }, keyPrefix: 'ha' }))
    const redis = new Redis({
      name: 'main',
      sentinels: addresses.map((address) => ({ host: '127.0.0.1', port: Number(address.split(':')[1]) })),
    })
    redis.on('error', () => {})
    atEnd(() => redis.disconnect())
    const writer = open()
    const host = kept(new RedisRegistry({ redis, keyPrefix: 'ha' }))
    const recorders = [await record(open()), await record(host)]
    const churn = new Churn(writer, seed)
    atEnd(() => churn.stop())
    await seen(recorders, 30)
    const isMaster = (): string => cli('sentinel', 'get-master-addr-by-name', 'main')

    await forsake(master, replica)
    await writeDoomed(writer, 'doomed', recorders)
    await master.kill()
    replica.thaw()
    await expect.poll(isMaster, PATIENCE).toContain(String(replica.port))
    await seen(recorders, 30)
    await check(writer, churn, recorders)
    for (const { gaps } of recorders) expect(gaps).toEqual(['rewound'])
    expect(await writer.has('doomed')).toBe(false)
  }, 60_000)
})

/** The master of a slot's keys, and its replica. */
function pairOf({ nodes }: RedisCluster, key: string): [RedisServer, RedisServer] {
  const [first] = nodes
  if (first === undefined) throw new Error('no nodes')
  const slot = Number(first.cli('cluster', 'keyslot', key))
  const lines = first.cli('cluster', 'nodes').split('\n')
  const owner = lines.find((line) =>
    line
      .split(' ')
      .slice(8)
      .some((range) => {
        const [from = 0, to = from] = range.split('-').map(Number)
        return from <= slot && slot <= to
      }),
  )
  const replica = lines.find((line) => line.split(' ')[3] === owner?.split(' ')[0])
  const server = (line = ''): RedisServer => {
    const port = Number(/:(\d+)@/.exec(line)?.[1])
    const found = nodes.find((node) => node.port === port)
    if (found === undefined) throw new Error(`no node of ${line}`)
    return found
  }
  return [server(owner), server(replica)]
}

function openCluster({ nodes }: RedisCluster): Cluster {
  const cluster = new Cluster(nodes.map(({ port }) => ({ host: '127.0.0.1', port })))
  cluster.on('error', () => {})
  atEnd(() => cluster.disconnect())
  return cluster
}

function idIn(registry: Registry, partition: number): string {
  for (let n = 0; ; n++) if (storeOf(registry).partitionOf(`doomed${n}`) === partition) return `doomed${n}`
}

describe('a subscription to a cluster', () => {
  it('goes on when masters are replaced, and says what one of them took with it', async () => {
    const cluster = await startCluster(3, 1)
    atEnd(() => cluster.stop())
    const space = { keyPrefix: 'fleet', partitions: 3 }
    const open = (): Registry => kept(createRegistry({ redis: { addresses: cluster.addresses }, ...space }))
    const writer = open()
    const host = kept(new RedisRegistry({ redis: openCluster(cluster), ...space }))
    await expect
      .poll(() => pairOf(cluster, '{fleet:0}:x')[1].cli('info', 'replication'), PATIENCE)
      .toContain('master_link_status:up')
    const recorders = [await record(open()), await record(host)]
    const churn = new Churn(writer, seed)
    atEnd(() => churn.stop())
    await seen(recorders, 30)

    const [, successor] = pairOf(cluster, '{fleet:1}:x')
    successor.cli('cluster', 'failover')
    await expect.poll(() => successor.cli('info', 'replication'), PATIENCE).toContain('role:master')
    await seen(recorders, 30)

    const [master, replica] = pairOf(cluster, '{fleet:0}:x')
    await forsake(master, replica)
    await writeDoomed(writer, idIn(writer, 0), recorders)
    await master.kill()
    replica.thaw()
    await expect.poll(() => replica.cli('info', 'replication'), PATIENCE).toContain('role:master')
    const isAgain = (): boolean =>
      recorders.every(({ seen }) =>
        seen
          .slice(seen.findLastIndex(({ item }) => item.type === 'gap') + 1)
          .some(({ item }) => 'streamId' in item && storeOf(writer).partitionOf(item.streamId) === 0),
      )
    await expect.poll(() => recorders.every(({ gaps }) => gaps.length > 0) && isAgain(), PATIENCE).toBe(true)
    await check(writer, churn, recorders)
    for (const { gaps } of recorders) {
      expect(gaps).toContain('rewound')
      expect(gaps.length).toBeLessThanOrEqual(3)
    }
    expect(await writer.has(idIn(writer, 0))).toBe(false)
  }, 60_000)

  it('hears its bell after another subscription over the same client has ended', async () => {
    const cluster = await startCluster(3)
    atEnd(() => cluster.stop())
    const space = { keyPrefix: 'fleet', partitions: 3 }
    const writer = kept(createRegistry({ redis: { addresses: cluster.addresses }, ...space }))
    const client = openCluster(cluster)
    const [first, second] = [1, 2].map(() => kept(new RedisRegistry({ redis: client, ...space })))
    if (first === undefined || second === undefined) throw new Error('no registry')
    const recorder = await record(first)
    const listening = (): RedisServer[] =>
      cluster.nodes.filter((node) =>
        /[1-9]/.test(node.cli('pubsub', 'numsub', 'fleet:log:bell@0').split('\n')[1] ?? ''),
      )
    await expect.poll(() => listening().length, PATIENCE).toBe(1)
    expect(await latency(writer, recorder)).toBeLessThan(300)

    const other = await record(second)
    await other.close()
    await sleep(50)
    expect.soft(await latency(writer, recorder), 'after another subscription ended').toBeLessThan(300)
  }, 30_000)
})

/** How long it takes a consumer to see what is written: the median of five, milliseconds. */
async function latency(writer: Registry, recorder: Recorder): Promise<number> {
  await writer.register({ id: 'timed', type: 'srt', sourceAddr: 'a:1' })
  const latencies: number[] = []
  for (let i = 0; i < 5; i++) {
    await recorder.catchUp(writer)
    await writer.update('timed', { metadata: { n: Math.random() } })
    const sent = performance.now()
    await recorder.catchUp(writer, 5_000)
    latencies.push(performance.now() - sent)
  }
  return latencies.toSorted((a, b) => a - b)[2] ?? 0
}
