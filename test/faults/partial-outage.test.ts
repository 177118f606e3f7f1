import { RedisRegistry } from '@mirror/stream-registry'
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { partitionOf } from '../../src/redis/keys.ts'
import { storeOf } from '../../src/registry/store-registry.ts'
import { errorOf } from '../support/expect-error.ts'
import { type RedisCluster, startCluster } from '../support/redis-cluster.ts'

const PARTITIONS = 6

let cluster: RedisCluster
let redis: Cluster
let registry: RedisRegistry

beforeAll(async () => {
  cluster = await startCluster(3)
  redis = new Cluster(cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })))
  registry = new RedisRegistry({ redis, partitions: PARTITIONS, writeTimeoutMs: 500, readTimeoutMs: 500 })
})

afterAll(async () => {
  await registry.close()
  redis.disconnect()
  await cluster.stop()
})

describe('one frozen master of a cluster', () => {
  it('fails the calls on its partitions only, also those of one tick', async () => {
    expect(storeOf(registry).partitions).toBe(PARTITIONS)
    const ids = Array.from({ length: 60 }, (_, i) => `cam${i}`)
    await Promise.all(
      ids.map((id) => registry.create({ id, type: 'srt', sourceAddr: 'a:1' }, { timeoutMs: 10_000 })),
    )
    const [frozen] = cluster.nodes
    const onFrozen = (id: string): boolean => {
      const slot = frozen?.cli('cluster', 'keyslot', `{mirror:streams:${partitionOf(id, PARTITIONS)}}:${id}`)
      return Number(slot) <= 5460
    }
    const [lost, well] = [ids.filter(onFrozen), ids.filter((id) => !onFrozen(id))]
    expect(lost.length * well.length).toBeGreaterThan(0)
    frozen?.freeze()
    const calls = ids.map((id) => [registry.heartbeat(id), registry.get(id)] as const)
    const outcomes = await Promise.all(calls.map((pair) => Promise.allSettled(pair)))
    for (const [i, [beat, read]] of outcomes.entries()) {
      const expected = well.includes(ids[i] ?? '') ? 'fulfilled' : 'rejected'
      expect([ids[i], beat.status, read.status]).toEqual([ids[i], expected, expected])
    }
    await errorOf(registry.heartbeatMany(ids), 'OUTCOME_UNKNOWN')
    expect((await registry.heartbeatMany(well)).alive).toEqual(well)
    frozen?.thaw()
    await expect.poll(() => registry.count({ timeoutMs: 5_000 }), { timeout: 15_000 }).toBe(60)
    expect((await registry.verify()).problems).toEqual([])
  }, 40_000)
})
