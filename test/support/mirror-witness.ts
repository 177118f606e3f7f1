import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import {
  isRegistryError,
  type LocalMirror,
  type MirrorChange,
  type Query,
  type QueryTree,
  type Registry,
  type Stream,
} from '@mirror/stream-registry'
import { orderOf } from '../../src/core/query/sort.ts'
import { seededRandom } from './random.ts'

/** A watcher that checks each change against the one before, and against what the mirror answers at that moment. */
export class Witness {
  readonly query: Query
  readonly faults: string[] = []
  readonly unwatch: () => void
  changes = 0
  last: readonly Stream[] = []
  /** The ids that left the result, once for each time. */
  readonly removed: string[] = []
  readonly #mirror: LocalMirror
  readonly #tree: QueryTree

  constructor(mirror: LocalMirror, query: Query) {
    this.query = query
    this.#mirror = mirror
    this.#tree = query.toJSON()
    this.unwatch = mirror.watch(query, (change) => this.#take(change))
  }

  #take({ added, changed, removed, result }: MirrorChange): void {
    this.changes += 1
    const before = new Map(this.last.map((stream) => [stream.id, stream]))
    const expected = new Map(before)
    for (const stream of removed) {
      if (!sameButHeartbeat(before.get(stream.id), stream)) this.#fault(`${stream.id} removed, was otherwise`)
      expected.delete(stream.id)
      this.removed.push(stream.id)
    }
    for (const { id } of changed) if (!before.has(id)) this.#fault(`${id} changed, was not there`)
    for (const { id } of added) if (before.has(id)) this.#fault(`${id} added, was there`)
    for (const stream of [...added, ...changed]) expected.set(stream.id, stream)
    this.#checkResult(result, expected)
    if (added.length + changed.length + removed.length === 0) this.#fault('a change without a change')
    this.last = result
  }

  #checkResult(result: readonly Stream[], expected: ReadonlyMap<string, Stream>): void {
    const ids = result.map(({ id }) => id)
    if (new Set(ids).size !== ids.length || ids.length !== expected.size)
      this.#fault(`result ${ids.join()}, by the changes ${[...expected.keys()].join()}`)
    for (const stream of result)
      if (!sameButHeartbeat(expected.get(stream.id), stream)) this.#fault(`${stream.id} changed untold`)
    const { compare, positionOf } = orderOf(this.#tree.sort)
    const positions = result.map((stream) => positionOf(stream))
    for (const [i, position] of positions.entries()) {
      const previous = positions[i - 1]
      if (previous && compare(previous, position) >= 0) this.#fault(`${position.id} out of order`)
    }
    const answer = this.#mirror.query(this.#tree).all()
    if (!isDeepStrictEqual(answer, result))
      this.#fault(`result ${ids.join()}, the mirror answers ${answer.map(({ id }) => id).join()}`)
  }

  #fault(what: string): void {
    if (this.faults.length < 10)
      this.faults.push(`change ${this.changes} of ${JSON.stringify(this.#tree)}: ${what}`)
  }

  /** Everything that was wrong, and how the last result differs from the registry's answer. Nobody may write meanwhile. */
  async conclude(registry: Registry): Promise<string[]> {
    const answer = await registry.query(this.#tree).execute()
    const isSame = isDeepStrictEqual(this.last.map(withoutHeartbeat), answer.map(withoutHeartbeat))
    const [told, actual] = [this.last, answer].map((streams) => streams.map(describe).join(', '))
    const unequal = isSame ? [] : [`${JSON.stringify(this.#tree)} told\n${told}\nbut is\n${actual}`]
    return [...this.faults, ...unequal]
  }
}

function describe({ id, revision, epoch, status }: Stream): string {
  return `${id} ${epoch}.${revision} ${status}`
}

/** Heartbeats alone are not told. */
function withoutHeartbeat({ lastHeartbeat, ...rest }: Stream): Omit<Stream, 'lastHeartbeat'> {
  return rest
}

function sameButHeartbeat(one: Stream | undefined, other: Stream): boolean {
  return one === other || (one && isDeepStrictEqual(withoutHeartbeat(one), withoutHeartbeat(other))) === true
}

/** Queries of every kind of window, to be watched. */
export function watchedQueries(registry: Registry): Query[] {
  const query = registry.query()
  return [
    query,
    query.filter({ status: 'active' }).sortBy('createdAt', 'desc').limit(3),
    query.sortBy('metadata.n', 'desc').offset(2).limit(4),
    query.where('metadata.n', 'gte', 50).sortBy('metadata.n').offset(1),
    query.sortBy('statistics.bitrate', 'desc').limit(5),
    query
      .or(
        (q) => q.filter({ status: 'paused' }),
        (q) => q.where('statistics.bitrate', 'lt', 3_000),
      )
      .sortBy('updatedAt', 'desc'),
    query.where('id', 'like', 'cam1*').sortBy('status').limit(2),
    query.sortBy('lastHeartbeat', 'desc').offset(1).limit(4),
  ]
}

/** How long the leases of passing streams last, milliseconds. */
const BRIEF_MS = 300

/** Heartbeats, statistics and streams that soon lapse, whatever becomes of Redis, until it is stopped. */
export class Pulse {
  /** What no call may reject with. */
  readonly surprises: unknown[] = []
  readonly #registry: Registry
  readonly #random: () => number
  readonly #lanes: Promise<void>[]
  #isStopped = false
  #briefs = 0

  constructor(registry: Registry, seed: number) {
    this.#registry = registry
    this.#random = seededRandom(seed + 1)
    this.#lanes = [this.#run(() => this.#beat(), 50), this.#run(() => this.#report(), 20)]
  }

  /** Resolves when all that was to lapse has lapsed. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#lanes)
    const isOver = async (): Promise<boolean> =>
      (await this.#registry.query().where('id', 'like', 'brief*').count()) === 0
    while (!(await isOver())) await sleep(50)
  }

  async #run(work: () => Promise<unknown>, pauseMs: number): Promise<void> {
    while (!this.#isStopped) {
      await work().catch((error: unknown) => {
        if (!isRegistryError(error)) this.surprises.push(error)
      })
      await sleep(pauseMs)
    }
  }

  /** The stream `kept` lives as long as it is renewed; each `brief` one is renewed for a while. */
  async #beat(): Promise<void> {
    const source = { type: 'srt', sourceAddr: 'a:1' } as const
    const options = { timeoutMs: 5_000 }
    if (!(await this.#registry.has('kept', options)))
      await this.#registry.register({ ...source, id: 'kept', ttlMs: 4_000 }, options)
    const n = this.#briefs++
    await this.#registry.register({ ...source, id: `brief${n % 20}`, ttlMs: BRIEF_MS }, options)
    const ids = [n - 1, n - 2, n - 3].map((each) => `brief${(each + 20) % 20}`)
    const cams = Array.from({ length: 12 }, (_, i) => `cam${i}`)
    await this.#registry.heartbeatMany(['kept', ...ids, ...cams], options)
  }

  #report(): Promise<unknown> {
    const id = `cam${Math.floor(this.#random() * 12)}`
    return this.#registry.updateStats(
      id,
      { bitrate: Math.floor(this.#random() * 9_000) },
      { timeoutMs: 5_000 },
    )
  }
}
