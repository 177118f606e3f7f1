import { decodeEvent, type EventUpcasters } from '../../core/event-codec.js'
import type { EventGap, StreamEvent, UnknownEvent } from '../../core/events.js'
import { sequenceOfLogId, timeOfLogId } from '../../core/log-id.js'
import type { Call, LogRecord, LogSlice, Store } from '../../core/store.js'
import { encodeLogCursor, type LogPositions } from './log-cursor.js'

/** What comes out of the log. */
export type LogItem<M> = StreamEvent<M> | UnknownEvent | EventGap

/** What a reader reads. */
export interface LogReaderOptions {
  readonly store: Store
  readonly positions: LogPositions
  /** Whether an event of this type, of this stream, is wanted. */
  readonly wants: (type: string, id: string) => boolean
  /** Only this partition; default all. */
  readonly partition: number | undefined
  readonly upcasters: EventUpcasters
}

/** Reads the logs of all partitions on from where it stands, and says where something is missing. */
export class LogReader<M> {
  readonly #options: LogReaderOptions
  readonly #positions: LogPositions
  readonly #partitions: readonly number[]
  /** The ends of the logs as lately told: what stands there needs no look. */
  readonly #ends = new Map<number, string>()
  /** The logs of which somebody told while they were read. */
  readonly #rung = new Set<number>()

  constructor(options: LogReaderOptions) {
    const { store, positions, partition } = options
    this.#options = options
    this.#positions = [...positions]
    this.#partitions =
      partition === undefined ? Array.from({ length: store.partitions }, (_, i) => i) : [partition]
  }

  /** Behind everything that was read. */
  get cursor(): string {
    return encodeLogCursor(this.#positions)
  }

  /** Takes note that a log may have grown. Answers whether there may be something to read. */
  ring(partition: number, last: string): boolean {
    this.#ends.set(partition, last)
    this.#rung.add(partition)
    return this.#partitions.includes(partition) && this.#isBehind(partition)
  }

  /** Whether there may be something to read. */
  get isBehind(): boolean {
    return this.#partitions.some((partition) => this.#isBehind(partition))
  }

  #isBehind(partition: number): boolean {
    const position = this.#positions[partition]
    return position === undefined || this.#ends.get(partition) !== position
  }

  /** Up to about `limit` items; none when there are none for now, or none that are wanted. */
  async read(limit: number, call: Call): Promise<LogItem<M>[]> {
    const behind = this.#partitions.filter((partition) => this.#isBehind(partition))
    const share = Math.max(1, Math.ceil(limit / Math.max(1, behind.length)))
    for (const partition of behind) this.#rung.delete(partition)
    const slices = await Promise.all(
      behind.map((partition) =>
        this.#options.store.readLog(partition, this.#positions[partition], share, call),
      ),
    )
    return behind.flatMap((partition, i) => this.#take(partition, slices[i], share))
  }

  #take(partition: number, slice: LogSlice | undefined, share: number): LogItem<M>[] {
    if (slice === undefined) return []
    const { records, gap, next } = slice
    const items: LogItem<M>[] = []
    if (gap !== undefined) {
      const [first] = records
      this.#positions[partition] = first === undefined ? next : idBefore(first.logId)
      items.push({ type: 'gap', reason: gap, cursor: this.cursor })
    }
    for (const record of records) {
      this.#positions[partition] = record.logId
      const item = this.#decode(record)
      if (item !== undefined) items.push(item)
    }
    this.#positions[partition] = next
    // Less than asked for: that was the end, until the log grows.
    if (records.length < share && !this.#rung.has(partition)) this.#ends.set(partition, next)
    return items
  }

  /** The event of an entry, if it is wanted: as today's schema calls it, for that is what was asked for. */
  #decode(record: LogRecord): LogItem<M> | undefined {
    const { wants, upcasters } = this.#options
    const { id, type, version } = record
    if (version === undefined && !wants(type, id)) return undefined
    const event = decodeEvent<M>(record, this.cursor, upcasters)
    return wants(event.type === 'unknown' ? type : event.type, id) ? event : undefined
  }
}

/** The id after which an entry is the next one: the numbers are dense. */
function idBefore(logId: string): string {
  return `${timeOfLogId(logId)}-${sequenceOfLogId(logId) - 1}`
}
