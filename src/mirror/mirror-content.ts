import type { Stream } from '../core/model/stream.js'
import { statisticsToJSON } from '../core/model/wire.js'
import type { QueryTree } from '../core/query/tree.js'
import type { IndexDeclaration } from '../core/store.js'
import { tellAll } from '../registry/tell-all.js'
import { LiveQuery, type MirrorChange } from './live-query.js'
import { StreamTable } from './stream-table.js'

/** A live query, and who is told of it. */
interface Watch<M> {
  readonly query: LiveQuery<M>
  readonly listener: (change: MirrorChange<M>) => void
}

/** What a mirror holds, and who watches it. */
export class MirrorContent<M> {
  readonly table: StreamTable<M>
  readonly #watches = new Set<Watch<M>>()
  readonly #report: (error: unknown) => void

  /** @param report - takes what listeners throw. */
  constructor(declared: readonly IndexDeclaration[], report: (error: unknown) => void) {
    this.table = new StreamTable(declared)
    this.#report = report
  }

  /** What an event tells of a stream. Heartbeats have no events: what is known of them may be newer. */
  follow(stream: Stream<M>, token: string): void {
    const known = this.table.records.get(stream.id)?.stream
    if (known === undefined || !isSameIncarnation(known, stream)) {
      this.#put(stream, token, false)
      return
    }
    const isNewer = known.lastHeartbeat > stream.lastHeartbeat
    const current = isNewer ? { ...stream, lastHeartbeat: known.lastHeartbeat } : stream
    // One change may have several events.
    this.#put(current, token, known.revision === stream.revision && hasSameStatistics(known, stream))
  }

  /** What was read of a stream just now. */
  replace(stream: Stream<M>, token: string): void {
    const known = this.table.records.get(stream.id)
    if (known?.token !== token || !hasSameStatistics(known.stream, stream)) this.#put(stream, token, false)
    else this.renew(stream.id, stream.lastHeartbeat.getTime() + stream.ttlMs)
  }

  /** When the lease of a stream was seen to end. */
  renew(id: string, deadline: number): void {
    const known = this.table.records.get(id)
    if (known === undefined || known.deadline === deadline) return
    this.#tell(id, this.table.renew(known, deadline), true)
  }

  remove(id: string): void {
    if (!this.table.records.has(id)) return
    this.table.remove(id)
    this.#tell(id, undefined, false)
  }

  /** Tells the listener of what matches now, if anything does, and of every change from here on. */
  watch(tree: QueryTree, listener: (change: MirrorChange<M>) => void): () => void {
    const watch = { query: new LiveQuery(this.table, tree), listener }
    const first = watch.query.begin()
    this.#watches.add(watch)
    if (first !== undefined) this.#call(watch, first)
    return () => void this.#watches.delete(watch)
  }

  #put(stream: Stream<M>, token: string, isQuiet: boolean): void {
    this.table.put(stream, token)
    this.#tell(stream.id, stream, isQuiet)
  }

  /** All queries take the change in before anybody is told: listeners may ask, watch and unwatch. */
  #tell(id: string, after: Stream<M> | undefined, isQuiet: boolean): void {
    const told: [Watch<M>, MirrorChange<M>][] = []
    for (const watch of this.#watches) {
      const change = watch.query.apply(id, after, isQuiet)
      if (change !== undefined) told.push([watch, change])
    }
    for (const [watch, change] of told) if (this.#watches.has(watch)) this.#call(watch, change)
  }

  #call({ listener }: Watch<M>, change: MirrorChange<M>): void {
    tellAll([listener], change, this.#report)
  }
}

function isSameIncarnation(a: Stream<unknown>, b: Stream<unknown>): boolean {
  return a.epoch === b.epoch && a.createdAt.getTime() === b.createdAt.getTime()
}

function hasSameStatistics(a: Stream<unknown>, b: Stream<unknown>): boolean {
  const [one, other] = [a, b].map(({ statistics }) => JSON.stringify(statisticsToJSON(statistics)))
  return one === other
}
