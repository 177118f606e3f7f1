import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { RegistryClosedError } from '../core/errors.js'
import { addedEntries } from '../core/indexes.js'
import type { Call, Describe, IndexDeclaration, Match, Place, Walk } from '../core/store.js'
import type { Warn } from './client-checks.js'
import { decodeBookkeeping, encodeEntry } from './entries.js'
import type { Partition } from './partition.js'

/** Records in one script call: about 2 ms of Redis. */
const BATCH_SIZE = 200
/** How long one step may take, milliseconds. */
const STEP_TIMEOUT_MS = 5_000
/** How long to wait while somebody else builds, or after a failure, milliseconds. */
const PAUSE_MS = 1_000

const EVERYTHING: Pick<Walk, 'branches' | 'descending' | 'read'> = {
  branches: [{ along: { kind: 'number', index: 'created_at', range: {} }, where: [], share: 1 }],
  descending: false,
  read: 'ids',
}

/**
 * Builds indexes that were declared when there were records already, beside readers and writers.
 *
 * Every writer has kept the new index since it was declared, so one pass over the records that were there before
 * completes it. Whoever declared the index builds; if he ends, the next one begins anew.
 */
export class IndexBuilder {
  readonly #describe: Describe
  readonly #declared: ReadonlySet<string>
  readonly #warn: Warn
  readonly #name = randomUUID()
  readonly #closing = new AbortController()
  #building: Promise<void> | undefined

  constructor(declared: readonly IndexDeclaration[], describe: Describe, warn: Warn) {
    this.#declared = new Set(declared.map(({ field }) => field))
    this.#describe = describe
    this.#warn = warn
  }

  /** Begins to build where something is left to build, unless it does so already. */
  start(partitions: readonly Partition[]): void {
    if (this.#building !== undefined || this.#declared.size === 0 || this.#closing.signal.aborted) return
    if (partitions.every((partition) => this.#unfinished(partition).length === 0)) return
    this.#building = this.#build(partitions).finally(() => {
      this.#building = undefined
    })
  }

  stop(): void {
    this.#closing.abort(new RegistryClosedError())
  }

  #unfinished(partition: Partition): IndexDeclaration[] {
    return partition.unfinishedIndexes().filter(({ field }) => this.#declared.has(field))
  }

  async #build(partitions: readonly Partition[]): Promise<void> {
    for (const partition of partitions) {
      while (this.#unfinished(partition).length > 0) {
        try {
          if (!(await this.#pass(partition))) await this.#pause()
          await partition.reloadLayout(this.#step())
        } catch (error) {
          if (this.#closing.signal.aborted) return
          this.#warn(`an index could not be built yet, trying again: ${String(error)}`)
          await this.#pause()
        }
      }
    }
  }

  #step(): Call {
    const { signal } = this.#closing
    signal.throwIfAborted()
    return { deadline: performance.now() + STEP_TIMEOUT_MS, signal, isBackground: true }
  }

  #pause(): Promise<void> {
    return setTimeout(PAUSE_MS, undefined, { signal: this.#closing.signal, ref: false }).catch(() => {})
  }

  /** One pass over all records. Answers `false` when somebody else builds, or the layout changed. */
  async #pass(partition: Partition): Promise<boolean> {
    const indexes = this.#unfinished(partition)
    const { version } = await partition.layout(this.#step())
    let after: Place | undefined
    for (;;) {
      const slice = await partition.walk({ ...EVERYTHING, after, limit: BATCH_SIZE }, this.#step())
      const records = await this.#records(partition, slice.matches, indexes)
      const complete = slice.finished ? indexes.map(({ field }) => field) : []
      const step = {
        version,
        builder: this.#name,
        before: after?.id ?? '',
        after: slice.last?.id ?? '',
        readyFields: complete,
        records,
      }
      const isBuilt = await partition.build(step, this.#step())
      if (!isBuilt || slice.finished) return isBuilt
      after = slice.last
    }
  }

  /** id, token, number of entries and the entries of each record, as the script takes them. */
  async #records(
    partition: Partition,
    matches: readonly Match[],
    indexes: readonly IndexDeclaration[],
  ): Promise<string[]> {
    if (matches.length === 0) return []
    const ids = matches.map(({ id }) => id)
    const { docs, bookkeeping } = await partition.readColumns(ids, true, this.#step())
    return ids.flatMap((id, i) => {
      const [doc, text] = [docs[i], bookkeeping[i]]
      const token = typeof text === 'string' ? decodeBookkeeping(text)?.token : undefined
      const wanted = typeof doc === 'string' ? this.#describe(id, doc) : undefined
      if (token === undefined || wanted === undefined) return []
      const entries = addedEntries(wanted.entries, indexes).map(encodeEntry)
      return [id, token, String(entries.length), ...entries]
    })
  }
}
