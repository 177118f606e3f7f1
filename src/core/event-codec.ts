import { EVENT_VERSION, type EventType, type StreamEvent } from './events.js'
import type { Metadata, Stream } from './model/stream.js'
import { documentFromJSON, statisticsFromJSON } from './model/wire.js'
import type { LogRecord, Rec } from './store.js'

/** The stream that a stored record is. @throws ValidationError when its document is not one. */
export function decodeRecord<M = Metadata>({
  doc,
  side,
  deadline,
}: Pick<Rec, 'doc' | 'side' | 'deadline'>): Stream<M> {
  const document = documentFromJSON<M>(doc)
  return {
    ...document,
    lastHeartbeat: lastHeartbeatOf(document, deadline),
    statistics: statisticsFromJSON(side),
  }
}

/** The last renewal: the lease runs for `ttlMs` from it. Never before the creation, which the client stamps. */
export function lastHeartbeatOf(
  { createdAt, ttlMs }: Pick<Stream<unknown>, 'createdAt' | 'ttlMs'>,
  deadline: number,
): Date {
  return new Date(Math.max(createdAt.getTime(), deadline - ttlMs))
}

/** The event that a log entry tells of. @throws ValidationError when the logged document is not a stream. */
export function decodeEvent<M = Metadata>(record: LogRecord): StreamEvent<M> {
  return {
    type: record.type as EventType,
    streamId: record.id,
    timestamp: new Date(Number.parseInt(record.logId, 10)),
    data: decodeRecord<M>(record),
    source: record.source,
    version: EVENT_VERSION,
    cursor: record.logId,
    ...(record.changes && { changes: record.changes }),
  }
}
