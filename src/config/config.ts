import { z } from 'zod'
import { LIMITS } from '../core/model/limits.js'
import { duration } from './duration.js'

/**
 * Renames the seeds' snake_case keys. `default_ttl: 5m` becomes `defaultTtlMs: 300000`; our own keys in snake_case
 * (`default_ttl_ms: 300000`) are taken, too. A key in two spellings is refused.
 */
function camelKeys(
  durations: readonly string[],
): (input: unknown, context: z.core.$RefinementCtx) => unknown {
  return (input, context) => {
    if (typeof input !== 'object' || input === null || Array.isArray(input)) return input
    const renamed: Record<string, unknown> = {}
    for (const [key, value] of Object.entries(input)) {
      const camel = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      const isDuration = durations.includes(camel)
      const name = isDuration ? `${camel}Ms` : camel
      const parsed = isDuration ? duration.safeParse(value) : undefined
      for (const issue of parsed?.error?.issues ?? [])
        context.addIssue({ code: 'custom', path: [key], message: issue.message })
      if (name in renamed)
        context.addIssue({ code: 'custom', path: [key], message: `sets ${name} a second time` })
      renamed[name] = parsed?.success ? parsed.data : value
    }
    return renamed
  }
}

const timeout = z
  .number()
  .positive()
  .max(2 ** 31 - 1)
const address = z.string().regex(/^(\[[0-9A-Fa-f:.]+\]|[^\s:[\]]+):\d{1,5}$/, 'must be host:port')
const hasPort = (address: string): boolean => {
  const port = Number(address.slice(address.lastIndexOf(':') + 1))
  return port >= 1 && port <= LIMITS.maxPort
}
const addresses = z.array(address.refine(hasPort, `must have a port from 1 to ${LIMITS.maxPort}`)).min(1)

const sentinelSchema = z.preprocess(
  camelKeys([]),
  z.strictObject({
    /** The master's name. */
    name: z.string().min(1),
    /** The password of the sentinels themselves. */
    password: z.string().optional(),
  }),
)

const redisSchema = z.preprocess(
  camelKeys(['dialTimeout', 'readTimeout', 'writeTimeout']),
  z
    .strictObject({
      url: z
        .string()
        .regex(/^rediss?:\/\//, 'must begin with redis:// or rediss://')
        .optional(),
      addresses: addresses.optional(),
      sentinel: sentinelSchema.optional(),
      username: z.string().optional(),
      password: z.string().optional(),
      db: z.int().min(0).optional(),
      poolSize: z.int().min(1).max(64).default(1),
      dialTimeoutMs: timeout.default(2_000),
      readTimeoutMs: timeout.optional(),
      writeTimeoutMs: timeout.optional(),
      tls: z.union([z.boolean(), z.record(z.string(), z.unknown())]).optional(),
    })
    .check(({ value, issues }) => {
      const refuse = (path: string, message: string): void =>
        void issues.push({ code: 'custom', path: [path], message, input: value })
      if ((value.url === undefined) === (value.addresses === undefined))
        refuse('url', 'or addresses: exactly one is needed')
      if (value.sentinel && !value.addresses) refuse('sentinel', 'needs addresses, those of the sentinels')
      const isCluster = (value.addresses?.length ?? 0) > 1 && !value.sentinel
      if (isCluster && value.db) refuse('db', 'must be 0: a cluster has no other')
    }),
)

const indexSchema = z.preprocess(
  camelKeys([]),
  z.strictObject({ field: z.string(), kind: z.enum(['equality', 'number', 'text']) }),
)

const leaderElectionSchema = z.preprocess(
  camelKeys(['lease', 'renew']),
  z.strictObject({
    key: z.string().min(1).optional(),
    leaseMs: timeout.optional(),
    renewMs: timeout.optional(),
  }),
)

/**
 * The configuration of {@link createRegistry}: everything is optional, unknown keys are refused.
 *
 * Takes camelCase keys with durations in milliseconds, and the seeds' snake_case YAML keys with durations as text.
 *
 * @example
 * registryConfigSchema.parse({ default_ttl: '5m', redis: { addresses: ['127.0.0.1:6379'] } }).defaultTtlMs // 300000
 */
export const registryConfigSchema: z.ZodType<RegistryConfig, unknown> = z.preprocess(
  camelKeys(['defaultTtl', 'queryTimeout', 'eventRetention', 'cleanupInterval']),
  z.strictObject({
    redis: redisSchema.optional(),
    keyPrefix: z.string().optional(),
    partitions: z.int().min(1).max(1024).optional(),
    instanceId: z.string().optional(),
    defaultTtlMs: z.number().optional(),
    eventRetentionMs: timeout.optional(),
    indexCacheSize: z.int().min(0).optional(),
    queryTimeoutMs: timeout.optional(),
    batchSize: z.int().min(1).max(100_000).optional(),
    maxEvents: z.int().min(1).optional(),
    cleanupIntervalMs: timeout.optional(),
    eventBuffer: z.int().min(1).optional(),
    leaderElection: leaderElectionSchema.optional(),
    indexes: z.array(indexSchema).optional(),
  }),
) as z.ZodType<RegistryConfig, unknown>

/** Where Redis is. One address is standalone, several are a Cluster, unless `sentinel` says they are sentinels. */
export interface RedisConfig {
  /** `redis://user:password@host:port/db`, or `rediss://` with TLS. */
  readonly url?: string | undefined
  /** `host:port` each. */
  readonly addresses?: readonly string[] | undefined
  readonly sentinel?: { readonly name: string; readonly password?: string | undefined } | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly db?: number | undefined
  /** How many connections are used in turn. Default 1. */
  readonly poolSize: number
  /** How long connecting may take, milliseconds. Default 2,000. */
  readonly dialTimeoutMs: number
  /** The default `timeoutMs` of calls that read, milliseconds. Default 5,000. */
  readonly readTimeoutMs?: number | undefined
  /** The default `timeoutMs` of calls that write, milliseconds. Default 5,000. */
  readonly writeTimeoutMs?: number | undefined
  /** `true`, or options of `tls.connect`. */
  readonly tls?: boolean | Readonly<Record<string, unknown>> | undefined
}

/** A checked configuration. Without `redis` it is that of an embedded registry. */
export interface RegistryConfig {
  readonly redis?: RedisConfig | undefined
  /** What every key begins with. Default `mirror:streams`. */
  readonly keyPrefix?: string | undefined
  /** Over how many slots the records are spread. Default 1. */
  readonly partitions?: number | undefined
  /** Default: made of host name, pid and chance. */
  readonly instanceId?: string | undefined
  /** Default 300,000. */
  readonly defaultTtlMs?: number | undefined
  /** Default 600,000. */
  readonly eventRetentionMs?: number | undefined
  /** How many last known records are kept. Default 10,000. */
  readonly indexCacheSize?: number | undefined
  /** The default `timeoutMs` of calls over the whole registry, milliseconds. Default 30,000. */
  readonly queryTimeoutMs?: number | undefined
  /** How many records `list` reads at once; one call of Redis reads at most 500. Default 500. */
  readonly batchSize?: number | undefined
  /** How many events each partition keeps at least. Default 50,000. */
  readonly maxEvents?: number | undefined
  /** How often a `TTLManager` over the registry looks at least, milliseconds. Default 30,000. */
  readonly cleanupIntervalMs?: number | undefined
  /** How many events a subscription holds at most. Default 1,000. */
  readonly eventBuffer?: number | undefined
  /** What a `LeaderElection` over the registry uses where it is not told otherwise. */
  readonly leaderElection?:
    | {
        readonly key?: string | undefined
        readonly leaseMs?: number | undefined
        readonly renewMs?: number | undefined
      }
    | undefined
  readonly indexes?:
    | readonly { readonly field: string; readonly kind: 'equality' | 'number' | 'text' }[]
    | undefined
}
