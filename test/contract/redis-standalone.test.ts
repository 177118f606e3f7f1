import { describeRegistryContract } from '@mirror/stream-registry/testing'
import { Redis } from 'ioredis'
import { Redis as Redis6 } from 'ioredis-6'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { redisHarness } from '../support/redis-harness.ts'
import { startRedis } from '../support/redis-server.ts'

const CLIENTS = {
  'ioredis 5': (port: number) => new Redis(port),
  'ioredis 6': (port: number) => new Redis6(port),
}

for (const [name, connect] of Object.entries(CLIENTS)) {
  describeRegistryContract({
    name: `RedisRegistry, standalone, ${name}`,
    runner: { describe, it: it.concurrent, beforeAll, afterAll },
    start: async () => {
      const server = await startRedis()
      const redis = connect(server.port)
      return redisHarness(redis, 1, async () => {
        redis.disconnect()
        await server.stop()
      })
    },
  })
}
