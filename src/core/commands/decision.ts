import type { EventType } from '../events.js'
import { entriesOf } from '../indexes.js'
import { NO_STATISTICS, type StreamStatistics } from '../model/statistics.js'
import { isTerminalStatus } from '../model/status.js'
import type { Metadata, Stream } from '../model/stream.js'
import { documentToJSON, statisticsToJSON } from '../model/wire.js'
import type { LogEvent, Write } from '../store.js'

const NOTHING_REPORTED = statisticsToJSON(NO_STATISTICS)

/** An event that a decision causes. */
export interface PlannedEvent extends LogEvent {
  readonly type: EventType
}

/** What a command does to a record. Refusals are thrown as `RegistryError`. */
export type Decision<M = Metadata> =
  /** Nothing to change; `renew` still renews the lease. */
  | { readonly kind: 'none'; readonly stream: Stream<M>; readonly renew: boolean }
  | { readonly kind: 'remove'; readonly last: Stream<M>; readonly events: readonly PlannedEvent[] }
  | {
      readonly kind: 'put'
      readonly next: Stream<M>
      readonly events: readonly PlannedEvent[]
      readonly renew: boolean
      /** Whether writers of the record's earlier holder are stale from here on. */
      readonly newFence: boolean
      /** Whether `next.statistics` replaces what was measured, or what was measured is kept. */
      readonly statistics: 'replace' | 'keep'
    }

/** The circumstances of a decision. */
export interface Context {
  /** The store's time, milliseconds. */
  readonly now: number
  readonly instanceId: string
}

/** When a change happens: never before the change before it, whatever the estimates of the time say. */
export function timeOfChange({ updatedAt }: Stream<unknown>, { now }: Context): Date {
  return new Date(Math.max(now, updatedAt.getTime()))
}

/** A change within the record's life: the next revision, stamped. */
export function changed<M>(stream: Stream<M>, change: Partial<Stream<M>>, context: Context): Stream<M> {
  return { ...stream, ...change, updatedAt: timeOfChange(stream, context), revision: stream.revision + 1 }
}

/** An event that shows the record as it is after the change. */
export function eventOf(type: EventType, changes?: readonly string[]): PlannedEvent {
  return { type, shows: 'written', ...(changes && { changes }) }
}

/** The store's form of a decision. */
export function toWrite(decision: Decision<unknown>): Write {
  switch (decision.kind) {
    case 'none':
      return { kind: 'none', renew: decision.renew }
    case 'remove':
      return { kind: 'remove', lastDoc: encodeDocument(decision.last) }
    case 'put': {
      const { next, renew, newFence, statistics } = decision
      return {
        kind: 'put',
        doc: encodeDocument(next),
        order: next.createdAt.getTime(),
        ttlMs: next.ttlMs,
        entries: entriesOf(next),
        onLapsed: lapsedEvent(next),
        renew,
        newFence,
        ...(statistics === 'replace' && { side: encodeStatistics(next.statistics) }),
      }
    }
  }
}

/** The event that tells of the end of the stream's lease. */
export function lapsedEvent(stream: Pick<Stream<unknown>, 'status'>): EventType {
  return isTerminalStatus(stream.status) ? 'stream.deleted' : 'stream.expired'
}

/** What differs from having reported nothing: most streams begin with nothing to store. */
function encodeStatistics(statistics: StreamStatistics): string {
  if (statistics === NO_STATISTICS) return '{}'
  const json = statisticsToJSON(statistics)
  for (const name in NOTHING_REPORTED) if (json[name] === NOTHING_REPORTED[name]) delete json[name]
  return JSON.stringify(json)
}

function encodeDocument(stream: Stream<unknown>): string {
  return JSON.stringify(documentToJSON(stream))
}
