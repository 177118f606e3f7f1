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
