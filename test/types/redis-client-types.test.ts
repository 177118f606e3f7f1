import { type RedisClient, RedisRegistry, type RedisRegistryOptions } from '@mirror/stream-registry'
import type { Cluster as Cluster5, Redis as Redis5 } from 'ioredis'
import type { Cluster as Cluster6, Redis as Redis6 } from 'ioredis-6'
import { describe, expectTypeOf, it } from 'vitest'

interface Camera {
  readonly region: string
}

type Accepted = RedisRegistryOptions<Camera>['redis']

describe('the client of a RedisRegistry', () => {
  it('is an ioredis 5 client, standalone, Sentinel or Cluster', () => {
    expectTypeOf<Redis5>().toExtend<Accepted>()
    expectTypeOf<Cluster5>().toExtend<Accepted>()
  })

  it('is an ioredis 6 client, standalone, Sentinel or Cluster', () => {
    expectTypeOf<Redis6>().toExtend<Accepted>()
    expectTypeOf<Cluster6>().toExtend<Accepted>()
  })

  it('is passed as it is, without a cast', () => {
    const build = (redis: Redis5 | Cluster5 | Redis6 | Cluster6) => new RedisRegistry<Camera>({ redis })
    expectTypeOf(build).returns.toEqualTypeOf<RedisRegistry<Camera>>()
  })

  it('is nothing less', () => {
    expectTypeOf<Accepted>().toEqualTypeOf<RedisClient>()
    // @ts-expect-error a URL is no client
    expectTypeOf<string>().toExtend<Accepted>()
    // @ts-expect-error a client without scripts will not do
    expectTypeOf<Omit<Redis5, 'evalsha'>>().toExtend<Accepted>()
  })
})
