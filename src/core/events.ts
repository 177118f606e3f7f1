import type { JsonValue } from './model/json.js'
import type { Metadata, Stream } from './model/stream.js'

/** The schema version of the events that this release writes. */
export const EVENT_VERSION = 1

/** Every event of a stream's life. */
export const EVENT_TYPES = [
  'stream.created',
  'stream.updated',
  'stream.started',
  'stream.paused',
  'stream.resumed',
  'stream.terminated',
  'stream.error',
  'stream.health.changed',
  'stream.expired',
  'stream.deleted',
  'stream.owner.changed',
] as const

/** A lifecycle event's type. */
export type EventType = (typeof EVENT_TYPES)[number]

/** What every event tells, whatever its type. */
export interface EventOf<T extends EventType, M> {
  readonly type: T
  readonly streamId: string
  /** Redis time at which the change was written. */
  readonly timestamp: Date
  /** The stream right after the change; for `expired` and `deleted` the last record. */
  readonly data: Stream<M>
  /** The instance that made the change. */
  readonly source: string
  /** The schema version. */
  readonly version: number
  /** Where the event stands in the log: resume after it with `from`. */
  readonly cursor: string
  /** For `stream.updated`: the fields that changed. */
  readonly changes?: readonly string[]
}

/** Something that happened to a stream, discriminated by `type`. */
export type StreamEvent<M = Metadata> = { [T in EventType]: EventOf<T, M> }[EventType]

/**
 * An event that this release does not know: of a newer schema version, of a type added later, or about a record that
 * was no stream. It is told, so that nothing is lost in silence.
 */
export interface UnknownEvent {
  readonly type: 'unknown'
  /** The type as logged. */
  readonly originalType: string
  readonly streamId: string
  readonly timestamp: Date
  readonly source: string
  /** The schema version as logged. */
  readonly version: number
  readonly cursor: string
  /** What was logged of the stream. */
  readonly data: JsonValue | undefined
}

/** Events are missing here: retention cut them (`trimmed`), or Redis lost them (`rewound`). Read the registry anew. */
export interface EventGap {
  readonly type: 'gap'
  readonly reason: 'trimmed' | 'rewound'
  /** Where it goes on. */
  readonly cursor: string
}

/** Statistics that a stream reported lately, conflated: at most once, not in the log, without a cursor. */
export interface StatisticsEvent<M = Metadata> {
  readonly type: 'stream.stats'
  readonly streamId: string
  readonly timestamp: Date
  readonly data: Stream<M>
}

/** Lifts an event of an older schema version by one: from the logged JSON of its stream to that of the next version. */
export type EventUpcaster = (event: { readonly type: string; readonly data: JsonValue }) => {
  readonly type: string
  readonly data: JsonValue
}
