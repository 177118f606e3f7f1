import { z } from 'zod'
import type { Metadata } from '../core/model/stream.js'
import { describeDocument } from '../registry/describe-document.js'
import { makeInstanceId } from '../registry/instance-id.js'
import { type RegistryOptions, resolveOptions } from '../registry/options.js'
import { StoreRegistry } from '../registry/store-registry.js'
import { parse } from '../registry/validation/parse.js'
import { type ClientSource, hostClient, type RedisClient } from './client.js'
import { requireUsableClient } from './client-checks.js'
import { RedisStore } from './redis-store.js'

/** Options of a registry on Redis, however it is reached. */
export interface RedisLayoutOptions<M> extends RegistryOptions<M> {
  /** What every key begins with. Default `mirror:streams`. */
  readonly keyPrefix?: string
  /**
   * Over how many slots the records are spread. Default 1: on one Redis more is slower. On a cluster use about as
   * many as it has masters, and the same in every process.
   */
  readonly partitions?: number
}

/** Options of a {@link RedisRegistry}. */
export interface RedisRegistryOptions<M> extends RedisLayoutOptions<M> {
  /** The host's ioredis client (5 or 6; standalone, Sentinel or Cluster): used as it is, never closed. */
  readonly redis: RedisClient
}

const layoutSchema = z.object({
  keyPrefix: z
    .string()
    .max(128)
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._~:-]*$/,
      'must be of A-Z a-z 0-9 . _ ~ : - and start with a letter or a digit',
    )
    .default('mirror:streams'),
  partitions: z.int().min(1).max(1024).default(1),
})

/** The options of any registry on Redis, and the store that takes its clients from `clients`. */
export function buildRedisStore<M>(
  options: RedisLayoutOptions<M>,
  clients: ClientSource,
): ConstructorParameters<typeof StoreRegistry<M>> {
  const resolved = resolveOptions(options, makeInstanceId)
  const { keyPrefix: prefix, partitions } = parse(layoutSchema, options)
  const { indexes, warn, maxEvents, eventRetentionMs: maxAgeMs, instanceId } = resolved
  const store = new RedisStore({
    clients,
    source: instanceId,
    prefix,
    partitions,
    indexes,
    warn,
    describe: describeDocument,
    retention: { maxEvents, maxAgeMs },
  })
  return [store, resolved]
}

/**
 * A {@link Registry} whose truth is in Redis: standalone, behind Sentinel, or a cluster.
 *
 * @example
 * import { Redis } from 'ioredis'
 * const registry = new RedisRegistry({ redis: new Redis('redis://127.0.0.1:6379') })
 */
export class RedisRegistry<M = Metadata> extends StoreRegistry<M> {
  /** @throws `VALIDATION`, also for a client that has a `keyPrefix` of its own. */
  constructor(options: RedisRegistryOptions<M>) {
    requireUsableClient(options.redis)
    super(...buildRedisStore(options, hostClient(options.redis)))
  }
}
