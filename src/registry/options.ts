import { z } from 'zod'
import type { EventUpcasters } from '../core/event-codec.js'
import { instanceIdProblem } from '../core/model/ids.js'
import { INDEXED_FIELDS } from '../core/query/field-indexes.js'
import { fieldOf, findField } from '../core/query/fields.js'
import type { IndexDeclaration } from '../core/store.js'
import type { StandardSchema } from './standard-schema.js'
import { checkedString, ttlMs } from './validation/fields.js'
import { parse } from './validation/parse.js'

/** Where a registry's warnings go. `console` fits. */
export interface Logger {
  warn(message: string): void
}

/** Options of every registry, whatever its store. */
export interface RegistryOptions<M> {
  /** Who this process is, for `owner` and the events' `source`. Default: made of host name, pid and chance. */
  readonly instanceId?: string
  /** How long a stream lives after its last heartbeat, milliseconds. Default 300,000. */
  readonly defaultTtlMs?: number
  /** Indexes beyond the built-in ones. Every writer keeps all that any registry on the store declared. */
  readonly indexes?: readonly IndexDeclaration[]
  /**
   * Validates metadata on every write, and types it. Any Standard Schema, zod's included. What it answers is stored,
   * and validated again with the next change: a schema that transforms must accept its own output.
   */
  readonly metadataSchema?: StandardSchema<M>
  /** Default `timeoutMs` of calls that read, milliseconds. Default 5,000. */
  readonly readTimeoutMs?: number
  /** Default `timeoutMs` of calls that write, milliseconds. Default 5,000. */
  readonly writeTimeoutMs?: number
  /** Default `timeoutMs` of `list` and other calls over the whole registry, milliseconds. Default 30,000. */
  readonly queryTimeoutMs?: number
  /** How many last known records are kept, so that a change takes one round trip. Default 10,000. */
  readonly indexCacheSize?: number
  /**
   * How many documents `list` and queries read at once; one call of Redis reads at most 500. More is faster, and
   * keeps Redis busy for longer at a time: about 5 µs each. Default 250.
   */
  readonly batchSize?: number
  /** How many events are kept at least, in each partition. Default 50,000. */
  readonly maxEvents?: number
  /** How long events are kept at least while there are fewer, milliseconds. Default 600,000. */
  readonly eventRetentionMs?: number
  /** How many events a subscription holds at most; the rest waits in the log. Default 1,000. */
  readonly eventBuffer?: number
  /** How often a `TTLManager` over the registry looks at least, milliseconds. Default 30,000. */
  readonly cleanupIntervalMs?: number
  /** What a `LeaderElection` over the registry uses where it is not told otherwise. Default: its own defaults. */
  readonly leaderElection?: {
    readonly key?: string | undefined
    readonly leaseMs?: number | undefined
    readonly renewMs?: number | undefined
  }
  /** Lift events of older schema versions, by the version that they lift from. Default: none. */
  readonly eventUpcasters?: EventUpcasters
  /** Default: none. */
  readonly logger?: Logger
}

/** Options with every default in place. */
export interface ResolvedOptions<M> extends Required<Omit<RegistryOptions<M>, 'metadataSchema' | 'logger'>> {
  readonly metadataSchema: StandardSchema<M> | undefined
  readonly warn: (message: string) => void
}

const milliseconds = z
  .number()
  .positive()
  .max(2 ** 31 - 1)

/** Values of these kinds can be had in order; everything else in an index can only be equal. */
const ORDERED_KIND = { number: 'number', date: 'number', text: 'text' } as const

const index = z
  .strictObject({ field: z.string(), kind: z.enum(['equality', 'number', 'text']) })
  .check(({ value, issues }) => {
    const problem = indexProblem(value)
    if (problem !== undefined)
      issues.push({ code: 'custom', message: problem, path: ['field'], input: value })
  })
  .transform(({ field, kind }): IndexDeclaration => ({ field: fieldOf(field).path, kind }))

/** What is wrong with the declaration of an index, or `undefined`. */
function indexProblem({ field: name, kind }: IndexDeclaration): string | undefined {
  const field = findField(name)
  if (field === undefined) return 'must be a dotted path of the stream, such as metadata.region'
  if (/[:=\0]/.test(field.path)) return 'must not contain : or ='
  if (INDEXED_FIELDS.includes(field.path)) return 'is indexed already'
  // It moves with every heartbeat, which touches no index.
  if (field.path === 'lastHeartbeat') return 'cannot be indexed'
  if (field.kind === 'json') return undefined
  const ordered = ORDERED_KIND[field.kind as keyof typeof ORDERED_KIND]
  const isMeasured = field.path.startsWith('statistics.') || field.kind === 'date'
  if (kind === 'equality' && !isMeasured) return undefined
  return kind === ordered ? undefined : `holds a ${field.kind}: declare it as ${ordered}`
}

const indexes = z.array(index).check(({ value, issues }) => {
  const fields = value.map(({ field }) => field)
  const twice = fields.find((field, i) => fields.indexOf(field) !== i)
  if (twice !== undefined) issues.push({ code: 'custom', message: `declares ${twice} twice`, input: value })
})

const optionsSchema = z.object({
  instanceId: checkedString(instanceIdProblem).optional(),
  defaultTtlMs: ttlMs.default(300_000),
  indexes: indexes.default([]),
  readTimeoutMs: milliseconds.default(5_000),
  writeTimeoutMs: milliseconds.default(5_000),
  queryTimeoutMs: milliseconds.default(30_000),
  indexCacheSize: z.int().min(0).default(10_000),
  batchSize: z.int().min(1).max(100_000).default(250),
  maxEvents: z.int().min(1).default(50_000),
  eventRetentionMs: milliseconds.default(600_000),
  cleanupIntervalMs: milliseconds.default(30_000),
  leaderElection: z
    .strictObject({
      key: z.string().optional(),
      leaseMs: milliseconds.optional(),
      renewMs: milliseconds.optional(),
    })
    .default({}),
  eventBuffer: z.int().min(1).max(100_000).default(1_000),
})

/** Checks options and fills in the defaults. @throws ValidationError */
export function resolveOptions<M>(
  options: RegistryOptions<M>,
  makeInstanceId: () => string,
): ResolvedOptions<M> {
  const { instanceId = makeInstanceId(), ...parsed } = parse(optionsSchema, options)
  const { logger, metadataSchema, eventUpcasters = {} } = options
  const warn = (message: string): void => {
    try {
      logger?.warn(message)
    } catch {
      // A logger that fails must stop nobody.
    }
  }
  return { ...parsed, instanceId, metadataSchema, eventUpcasters, warn }
}
