import { EVENT_VERSION, type EventType, type StreamEvent } from './events.js'
import type { Metadata } from './model/stream.js'
import { streamFromStored } from './model/wire.js'
import type { LogRecord } from './store.js'

/** The event that a log entry tells of. @throws ValidationError when the logged document is not a stream. */
export function decodeEvent<M = Metadata>(record: LogRecord): StreamEvent<M> {
  return {
    type: record.type as EventType,
    streamId: record.id,
    timestamp: new Date(Number.parseInt(record.logId, 10)),
    data: streamFromStored<M>(record.doc, record.side, record.deadline),
    source: record.source,
    version: EVENT_VERSION,
    cursor: record.logId,
    ...(record.changes && { changes: record.changes }),
  }
}
