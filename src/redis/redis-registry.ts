import { z } from 'zod'
import { NO_STATISTICS } from '../core/model/statistics.js'
import type { Metadata } from '../core/model/stream.js'
import { statisticsToJSON } from '../core/model/wire.js'
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
  /**
   * The pub/sub channels on which each event is published, too, in the seeds' JSON envelope: for services in other
   * languages. At most once, without a cursor; listen at the master. `false`: none. In `stream`, `<id>` stands for the
   * stream's id.
   * Default `{ all: 'streams:events', stream: 'stream:<id>:events' }`.
   */
  readonly eventChannels?: false | EventChannels
}

/** Names of pub/sub channels; an empty one is not used. */
export interface EventChannels {
  readonly all?: string
  readonly stream?: string
}

/** Options of a {@link RedisRegistry}. */
export interface RedisRegistryOptions<M> extends RedisLayoutOptions<M> {
  /** The host's ioredis client (5 or 6; standalone, Sentinel or Cluster): used as it is, never closed. */
  readonly redis: RedisClient
}

const NO_NUL = /^[^\0]*$/

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
  eventChannels: z
    .union([
      z.literal(false),
      z.strictObject({
        all: z.string().regex(NO_NUL).optional(),
        stream: z
          .string()
          .regex(NO_NUL)
          .refine((name) => name === '' || name.split('<id>').length === 2, 'must hold <id> once')
          .optional(),
      }),
    ])
    .default({}),
})

/** The channels as lua/lib/channels.lua takes them. */
function encodeChannels(names: z.infer<typeof layoutSchema>['eventChannels']): string {
  if (names === false) return ''
  const { all = 'streams:events', stream = 'stream:<id>:events' } = names
  const [head = '', tail = ''] = stream.split('<id>')
  if (all === '' && stream === '') return ''
  return `${[all, stream === '' ? '0' : '1', head, tail, JSON.stringify(statisticsToJSON(NO_STATISTICS))].join('\0')}\0`
}

/** The options of any registry on Redis, and the store that takes its clients from `clients`. */
export function buildRedisStore<M>(
  options: RedisLayoutOptions<M>,
  clients: ClientSource,
): ConstructorParameters<typeof StoreRegistry<M>> {
  const resolved = resolveOptions(options, makeInstanceId)
  const { keyPrefix: prefix, partitions, eventChannels } = parse(layoutSchema, options)
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
    channels: encodeChannels(eventChannels),
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
