import {
  EVENT_TYPES,
  EVENT_VERSION,
  type EventType,
  type EventUpcaster,
  type StreamEvent,
  type UnknownEvent,
} from './events.js'
import { timeOfLogId } from './log-id.js'
import type { JsonValue } from './model/json.js'
import type { Metadata, Stream } from './model/stream.js'
import { streamFromStored } from './model/wire.js'
import type { LogRecord } from './store.js'

/** Upcasters by the schema version that they lift from. */
export type EventUpcasters = Readonly<Record<number, EventUpcaster>>

/**
 * The event that a log entry tells of: one of an older schema is lifted by upcasters, one that cannot be understood
 * is marked as unknown.
 */
export function decodeEvent<M = Metadata>(
  record: LogRecord,
  cursor: string = record.logId,
  upcasters: EventUpcasters = {},
): StreamEvent<M> | UnknownEvent {
  const { id: streamId, source, changes, version = EVENT_VERSION } = record
  const lifted = lift(record, version, upcasters)
  const data = lifted && decodeStream<M>(lifted)
  const timestamp = new Date(timeOfLogId(record.logId))
  if (lifted === undefined || data?.id !== streamId) {
    const json = parseJson(record.doc)
    return {
      type: 'unknown',
      originalType: record.type,
      streamId,
      timestamp,
      source,
      version,
      cursor,
      data: json,
    }
  }
  return {
    type: lifted.type as EventType,
    streamId,
    timestamp,
    data,
    source,
    version: EVENT_VERSION,
    cursor,
    ...(changes && { changes }),
  }
}

/** The record in today's schema; `undefined` when nothing leads there. */
function lift(record: LogRecord, version: number, upcasters: EventUpcasters): LogRecord | undefined {
  if (version > EVENT_VERSION) return undefined
  let { type, doc } = record
  for (let from = version; from < EVENT_VERSION; from++) {
    const upcast = upcasters[from]
    const data = parseJson(doc)
    if (upcast === undefined || data === undefined) return undefined
    const next = attempt(() => upcast({ type, data }))
    if (next === undefined) return undefined
    type = next.type
    doc = JSON.stringify(next.data)
  }
  return (EVENT_TYPES as readonly string[]).includes(type) ? { ...record, type, doc } : undefined
}

function decodeStream<M>({ doc, side, deadline }: LogRecord): Stream<M> | undefined {
  return attempt(() => streamFromStored<M>(doc, side, deadline))
}

function parseJson(text: string): JsonValue | undefined {
  return attempt(() => JSON.parse(text) as JsonValue)
}

/** What cannot be understood is told as unknown: it must not stop what follows. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
