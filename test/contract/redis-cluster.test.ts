import { describeRegistryContract } from '@mirror/stream-registry/testing'
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { startCluster } from '../support/redis-cluster.ts'
import { redisHarness } from '../support/redis-harness.ts'

describeRegistryContract({
  name: 'RedisRegistry, cluster of 3 masters, 6 partitions',
  runner: { describe, it: it.concurrent, beforeAll, afterAll },
  start: async () => {
    const cluster = await startCluster(3)
    const redis = new Cluster(cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })))
    return redisHarness(redis, 6, async () => {
      redis.disconnect()
      await cluster.stop()
    })
  },
})
