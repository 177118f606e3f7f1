import type { Metadata } from '../core/model/stream.js'
import { withoutUndefined } from '../core/model/without-undefined.js'
import { MockRegistry } from '../memory/mock-registry.js'
import { configuredClients } from '../redis/connection.js'
import { buildRedisStore } from '../redis/redis-registry.js'
import type { Logger, RegistryOptions } from '../registry/options.js'
import type { Registry } from '../registry/registry.js'
import type { StandardSchema } from '../registry/standard-schema.js'
import { StoreRegistry } from '../registry/store-registry.js'
import { parse } from '../registry/validation/parse.js'
import { type RedisConfig, type RegistryConfig, registryConfigSchema } from './config.js'

/** What {@link createRegistry} takes: the configuration, and what no file can hold. */
export interface CreateRegistryConfig<M = Metadata> extends Omit<RegistryConfig, 'redis'> {
  readonly redis?: Partial<RedisConfig> | undefined
  /** Validates metadata on every write, and types it. */
  readonly metadataSchema?: StandardSchema<M> | undefined
  readonly logger?: Logger | undefined
}

/**
 * A registry as the configuration says: on Redis, or without `redis` embedded, in memory.
 *
 * Connects with the first call, not before. Needs ioredis installed only when `redis` is given.
 *
 * @throws `VALIDATION` when the configuration is wrong.
 * @example
 * const embedded = createRegistry()
 * const shared = createRegistry({ redis: { url: 'redis://127.0.0.1:6379' }, defaultTtlMs: 30_000 })
 */
export function createRegistry<M = Metadata>(config: CreateRegistryConfig<M> = {}): Registry<M> {
  const { metadataSchema, logger, ...rest } = config
  const { redis, leaderElection, ...options } = parse(registryConfigSchema, rest)
  const extras = {
    ...(metadataSchema && { metadataSchema }),
    ...(logger && { logger }),
    ...(leaderElection && { leaderElection: withoutUndefined(leaderElection) }),
  }
  const given = { ...withoutUndefined(options), ...extras } as RegistryOptions<M>
  if (redis === undefined) return new MockRegistry<M>(given)
  const { readTimeoutMs, writeTimeoutMs } = redis
  const timeouts = withoutUndefined({ readTimeoutMs, writeTimeoutMs })
  return new StoreRegistry<M>(...buildRedisStore<M>({ ...given, ...timeouts }, configuredClients(redis)))
}
