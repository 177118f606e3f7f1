import { z } from 'zod'
import type { EventUpcasters } from '../../core/event-codec.js'
import { EVENT_TYPES } from '../../core/events.js'
import type { Call, Store } from '../../core/store.js'
import { streamId } from '../validation/fields.js'
import { parse } from '../validation/parse.js'
import { decodeLogCursor, type LogPositions } from './log-cursor.js'
import { LogReader } from './log-reader.js'
import { StatisticsFeed } from './statistics-feed.js'
import { StoreSubscription } from './store-subscription.js'
import type { SubscribableType, SubscribeOptions, Subscription } from './subscription.js'

const optionsSchema = z.strictObject({
  types: z.array(z.enum([...EVENT_TYPES, 'stream.stats'])).optional(),
  streamId: streamId.optional(),
  from: z.string().min(1).default('now'),
  bufferSize: z.int().min(1).max(100_000).optional(),
  statsIntervalMs: z.int().min(10).max(3_600_000).default(1_000),
})

/** What the registry gives a subscription. */
export interface SubscriptionContext<M> {
  readonly store: Store
  readonly call: Call
  /** Unless the subscription says otherwise. */
  readonly bufferSize: number
  readonly upcasters: EventUpcasters
  readonly warn: (message: string) => void
  readonly onOpen: (subscription: Subscription<M>) => void
  readonly onClose: (subscription: Subscription<M>) => void
}

/** The options of a call of `subscribe`, whichever way it says them. */
export function readSubscribeOptions(
  given: SubscribableType | readonly SubscribableType[] | SubscribeOptions,
): SubscribeOptions {
  if (typeof given === 'string') return { types: [given] }
  return Array.isArray(given) ? { types: given as readonly SubscribableType[] } : (given as SubscribeOptions)
}

/** Opens a subscription. When it is there, everything that happens from now on is before it. @throws ValidationError */
export async function openSubscription<M>(
  { signal, timeoutMs: _, ...options }: SubscribeOptions,
  { store, call, bufferSize, upcasters, warn, onOpen, onClose }: SubscriptionContext<M>,
): Promise<Subscription<M>> {
  const checked = parse(optionsSchema, options)
  const { types, streamId: only, from, statsIntervalMs: intervalMs, bufferSize: size = bufferSize } = checked
  const wanted = types && new Set<string>(types)
  const wants = (type: string, id: string): boolean =>
    (wanted === undefined || wanted.has(type)) && (only === undefined || id === only)
  const positions = await positionsOf(from, store, call)
  const partition = only === undefined ? undefined : store.partitionOf(only)
  const reader = new LogReader<M>({ store, positions, wants, partition, upcasters })
  const statistics = (wake: () => void): StatisticsFeed<M> =>
    new StatisticsFeed<M>({ store, intervalMs, streamId: only, wake })
  return new StoreSubscription<M>({
    store,
    reader,
    bufferSize: size,
    statistics: types?.includes('stream.stats') ? statistics : undefined,
    signal,
    warn,
    onOpen,
    onClose,
  })
}

async function positionsOf(from: string, store: Store, call: Call): Promise<LogPositions> {
  const isPlace = from !== 'now' && from !== 'start'
  const positions = isPlace ? decodeLogCursor(from, store.partitions) : undefined
  // In any case the registry is reached before the promise resolves.
  const ends = await store.logEnds(call)
  return from === 'start' ? ends.map(startOf) : (positions ?? [...ends])
}

/** The oldest entry that is kept, or the beginning of a log that holds none: another log has another beginning. */
function startOf(end: string): string | undefined {
  return end.endsWith('-0') ? end : undefined
}
