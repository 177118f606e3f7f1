import { RedisRegistry, type RedisRegistryOptions } from '@mirror/stream-registry'
import type { ContractHarness } from '@mirror/stream-registry/testing'

type Client = RedisRegistryOptions<never>['redis']

/** A harness over a client: each space is a key prefix, time is real. */
export function redisHarness(redis: Client, partitions: number, stop: () => Promise<void>): ContractHarness {
  return {
    registry: (space, options) => new RedisRegistry({ ...options, redis, partitions, keyPrefix: space }),
    advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    stop,
  }
}
