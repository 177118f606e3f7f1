import { sequenceOfLogId, timeOfLogId } from '../core/log-id.js'
import { LOG_START, type LogRecord, type LogSlice } from '../core/store.js'

/** What is logged; the log adds the id. */
export type LogDraft = Omit<LogRecord, 'logId'>

/** How many events are logged before what is too old is looked for. */
const TRIM_EVERY = 64

/** The event log in memory: dense numbers, milliseconds that never go back, bounded by length and age. */
export class MemoryLog {
  readonly #maxEvents: number
  readonly #maxAgeMs: number
  #entries: LogRecord[] = []
  #sequence = 0
  #ms = 0
  #nextTrim = TRIM_EVERY

  constructor(maxEvents: number, maxAgeMs: number) {
    this.#maxEvents = maxEvents
    this.#maxAgeMs = maxAgeMs
  }

  /** Appends events and answers the id of the last one. */
  append(drafts: readonly LogDraft[], now: number): string {
    this.#ms = Math.max(this.#ms, now)
    let logId = ''
    for (const draft of drafts) {
      this.#sequence += 1
      logId = `${this.#ms}-${this.#sequence}`
      this.#entries.push({ logId, ...draft })
    }
    // Trimming moves what stays, so it waits until a good part can go.
    if (this.#entries.length > this.#maxEvents * 1.25) this.#entries = this.#entries.slice(-this.#maxEvents)
    if (this.#sequence >= this.#nextTrim) this.trimByAge(this.#ms)
    return logId
  }

  /** The entries after an id, or all that are kept. */
  read(after: string | undefined, limit: number): LogSlice {
    const first = this.#sequence - this.#entries.length
    const sequence = after === undefined ? first : sequenceOfLogId(after)
    if (sequence > this.#sequence) return { records: [], gap: 'rewound', next: this.last }
    const start = Math.max(0, sequence - first)
    const records = this.#entries.slice(start, start + limit)
    const slice = { records, next: records.at(-1)?.logId ?? after ?? LOG_START }
    return sequence < first ? { ...slice, gap: 'trimmed' } : slice
  }

  /** The id of the last entry. */
  get last(): string {
    return this.#sequence === 0 ? LOG_START : `${this.#ms}-${this.#sequence}`
  }

  /** The entries of one stream. */
  of(id: string): LogRecord[] {
    return this.#entries.filter((record) => record.id === id)
  }

  /** Drops what is too old. */
  trimByAge(now: number): void {
    this.#nextTrim = this.#sequence + TRIM_EVERY
    const oldest = now - this.#maxAgeMs
    const kept = this.#entries.findIndex(({ logId }) => timeOfLogId(logId) >= oldest)
    if (kept === -1) this.#entries = []
    else if (kept > 0) this.#entries = this.#entries.slice(kept)
  }
}
