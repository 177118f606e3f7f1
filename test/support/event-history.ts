import { setTimeout as sleep } from 'node:timers/promises'
import {
  type EventGap,
  isRegistryError,
  type Registry,
  type Stream,
  type StreamEvent,
  type Subscription,
  type UnknownEvent,
} from '@mirror/stream-registry'
import type { LogRecord } from '../../src/core/store.ts'
import { storeOf } from '../../src/registry/store-registry.ts'
import { readJournal } from '../processes/support/journal.ts'
import { seededRandom } from './random.ts'

/** An item, and the cursor that a consumer could store while it had the item in hand. */
export interface Sighting {
  readonly item: StreamEvent | UnknownEvent | EventGap
  readonly stored: string
}

/** What a consumer saw between two cursors. */
export interface History {
  /** A cursor, or `start`. */
  readonly from: string
  readonly until: string
  readonly seen: readonly Sighting[]
}

/** What there is to see at the end. */
export interface Truth {
  readonly partitionOf: (id: string) => number
  /** All that is kept of each partition's log. */
  readonly logs: readonly (readonly LogRecord[])[]
  readonly streams: ReadonlyMap<string, Stream>
}

/** A consumer that notes everything it sees, until its subscription ends. */
export class Recorder implements History {
  readonly seen: Sighting[] = []
  readonly from: string
  readonly #subscription: Subscription
  readonly #ended: Promise<void>

  /** @param handle - what the consumer does with each item before it asks for the next. */
  constructor(
    subscription: Subscription,
    {
      from = subscription.cursor,
      handle,
    }: { from?: string; handle?: () => Promise<unknown> | undefined } = {},
  ) {
    this.from = from
    this.#subscription = subscription
    this.#ended = this.#record(handle)
  }

  get until(): string {
    return this.#subscription.cursor
  }

  get gaps(): string[] {
    return this.seen.flatMap(({ item }) => (item.type === 'gap' ? [item.reason] : []))
  }

  /** Resolves when the consumer has finished with everything that is logged now. */
  async catchUp(registry: object, timeoutMs = 10_000): Promise<void> {
    const ends = await logEnds(registry)
    const deadline = performance.now() + timeoutMs
    for (; this.until !== ends; await sleep(5)) {
      if (performance.now() > deadline) {
        throw new Error(`stands at ${this.until} after ${timeoutMs} ms; the log ends at ${ends}`)
      }
    }
  }

  async close(): Promise<void> {
    await this.#subscription.close()
    await this.#ended
  }

  async #record(handle?: () => Promise<unknown> | undefined): Promise<void> {
    for await (const item of this.#subscription) {
      if (item.type === 'stream.stats') continue
      this.seen.push({ item, stored: this.#subscription.cursor })
      await handle?.()
    }
  }
}

/** The cursor behind everything that is logged. */
export async function logEnds(registry: object): Promise<string> {
  return (await storeOf(registry).logEnds({ deadline: performance.now() + 10_000 })).join('.')
}

/** Reads the whole log, and every live stream. Nobody may write meanwhile. */
export async function readTruth(registry: Registry): Promise<Truth> {
  const store = storeOf(registry)
  const streams = await registry.list()
  return {
    partitionOf: (id) => store.partitionOf(id),
    logs: await readJournal(registry),
    streams: new Map(streams.map((stream) => [stream.id, stream])),
  }
}

interface Step {
  readonly logId: string
  readonly item: StreamEvent | UnknownEvent | EventGap
}

/** What was seen of one partition's log. */
interface Track {
  readonly start: string | undefined
  readonly end: string | undefined
  readonly steps: readonly Step[]
}

type Order = readonly [ms: number, sequence: number]

function orderOf(logId: string): Order {
  const [ms = 0, sequence = 0] = logId.split('-').map(Number)
  return [ms, sequence]
}

function isBehind(logId: string, other: string | undefined): boolean {
  if (other === undefined) return true
  const [a, b] = [orderOf(logId), orderOf(other)]
  return a[0] > b[0] || (a[0] === b[0] && a[1] > b[1])
}

const sequenceOf = (logId: string): number => orderOf(logId)[1]

function positionsOf(cursor: string, partitions: number): (string | undefined)[] {
  return cursor === 'start' ? new Array<undefined>(partitions).fill(undefined) : cursor.split('.')
}

/** Where there was no log, one has begun: nothing was before it that could have been seen or lost. */
function hasJustBegun(before: string | undefined, position: string | undefined): boolean {
  return before === '0-0' && position !== undefined && sequenceOf(position) === 0
}

/** Takes a history apart by partitions. Each item's cursor moves on in the item's own partition alone. */
function tracksOf({ from, until, seen }: History, { logs, partitionOf }: Truth, faults: string[]): Track[] {
  const starts = positionsOf(from, logs.length)
  const at = [...starts]
  const steps: Step[][] = logs.map(() => [])
  for (const { item } of seen) {
    const positions = item.cursor.split('.')
    for (const [i, position] of positions.entries()) if (hasJustBegun(at[i], position)) at[i] = position
    const moved = positions.flatMap((position, i) => (position === (at[i] ?? '0-0') ? [] : [i]))
    const [partition = item.type === 'gap' ? 0 : partitionOf(item.streamId), ...others] = moved
    if (others.length > 0) faults.push(`${item.cursor} moves on in several partitions`)
    if (item.type !== 'gap' && partition !== partitionOf(item.streamId))
      faults.push(`${item.cursor} does not stand behind ${item.streamId}`)
    const logId = positions[partition] ?? ''
    at[partition] = logId
    steps[partition]?.push({ logId, item })
  }
  const ends = positionsOf(until, logs.length)
  return logs.map((_, i) => ({ start: starts[i], end: ends[i], steps: steps[i] ?? [] }))
}

/** Dense, never back in time, and a gap wherever that does not hold: so ordered, and nothing lost in silence. */
function orderFaults({ start, end, steps }: Track, log: readonly LogRecord[]): string[] {
  const faults: string[] = []
  let at = start
  for (const { logId, item } of steps) {
    if (item.type === 'gap') faults.push(...gapFaults(item, at, logId, log))
    else if (at !== undefined) {
      const isNext = sequenceOf(logId) === sequenceOf(at) + 1
      if (!isNext || orderOf(logId)[0] < orderOf(at)[0]) faults.push(`${logId} comes after ${at}`)
    }
    at = logId
  }
  if ((end ?? '0-0') !== (at ?? '0-0') && !hasJustBegun(at, end))
    faults.push(`ends at ${end}, but what was seen last is ${at}`)
  return faults
}

/** A gap must be where something is missing, and nothing that is kept may be in it. */
function gapFaults(
  { reason }: EventGap,
  at: string | undefined,
  to: string,
  log: readonly LogRecord[],
): string[] {
  if (at === undefined) return [`a gap before anything was seen`]
  if (reason === 'rewound') return []
  if (sequenceOf(to) <= sequenceOf(at)) return [`trimmed from ${at} to ${to}: nothing`]
  const kept = log.filter(({ logId }) => isBehind(logId, at) && !isBehind(logId, to))
  return kept.length === 0 ? [] : [`trimmed from ${at} to ${to}, but ${kept.length} of them are kept`]
}

/** What is logged between start and end was seen, once; what was seen was logged. */
function completenessFaults({ start, end, steps }: Track, log: readonly LogRecord[]): string[] {
  const known = new Map(log.map((record) => [record.logId, record]))
  const oldest = log[0]?.logId
  const faults: string[] = []
  const seen = new Set<string>()
  const lastRewind = steps.findLastIndex(({ item }) => item.type === 'gap' && item.reason === 'rewound')
  for (const [i, { logId, item }] of steps.entries()) {
    if (item.type === 'gap') continue
    if (seen.has(logId)) faults.push(`${logId} was seen twice`)
    seen.add(logId)
    const record = known.get(logId)
    if (record !== undefined) faults.push(...differences(item, record))
    else if (i > lastRewind && oldest !== undefined && isBehind(logId, oldest))
      faults.push(`${logId} was never logged`)
  }
  for (const { logId } of log) {
    const isDue = isBehind(logId, start) && !(end !== undefined && isBehind(logId, end))
    if (isDue && !seen.has(logId)) faults.push(`${logId} was not seen`)
  }
  return faults
}

function differences(item: StreamEvent | UnknownEvent, { logId, id, type, doc }: LogRecord): string[] {
  if (item.type === 'unknown') return [`${logId} was not understood`]
  const { revision } = JSON.parse(doc) as { revision: number }
  const isSame = item.streamId === id && item.type === type && item.data.revision === revision
  return isSame ? [] : [`${logId} is ${type} of ${id}, but was shown as ${item.type} of ${item.streamId}`]
}

/** What the events told last of each stream. A gap makes whoever sees it forget. */
function lastEvents({ steps }: Track): {
  readonly last: Map<string, StreamEvent>
  readonly isWhole: boolean
} {
  const lastGap = steps.findLastIndex(({ item }) => item.type === 'gap')
  const last = new Map<string, StreamEvent>()
  for (const { item } of steps.slice(lastGap + 1))
    if (item.type !== 'gap' && item.type !== 'unknown') last.set(item.streamId, item)
  return { last, isWhole: lastGap === -1 }
}

function stateFaults(track: Track, start: string | undefined, partition: number, truth: Truth): string[] {
  const { last, isWhole } = lastEvents(track)
  const faults: string[] = []
  for (const [id, { type, data }] of last) {
    const isEnd = type === 'stream.deleted' || type === 'stream.expired'
    const stream = truth.streams.get(id)
    if (isEnd !== (stream === undefined)) faults.push(`${id} ends with ${type}, but is ${stream?.status}`)
    else if (stream !== undefined && describe(stream) !== describe(data))
      faults.push(`${id} is ${describe(stream)}, the events tell ${describe(data)}`)
  }
  const isFromStart = start === undefined || start === '0-0'
  if (!isWhole || !isFromStart) return faults
  for (const id of truth.streams.keys())
    if (truth.partitionOf(id) === partition && !last.has(id)) faults.push(`nothing told of ${id}`)
  return faults
}

function describe({ revision, status, metadata }: Stream): string {
  return `${revision} ${status} ${JSON.stringify(metadata)}`
}

/** Everything that is wrong with a history: what is out of order, twice, missing, untold, untrue. At most the first 20. */
export function historyFaults(history: History, truth: Truth): string[] {
  const faults: string[] = []
  // A rewound gap goes back to where something was seen before.
  const cursors = history.seen.flatMap(({ item }) => (item.type === 'gap' ? [] : [item.cursor]))
  if (new Set(cursors).size !== cursors.length) faults.push('a cursor was seen twice')
  for (const [partition, track] of tracksOf(history, truth, faults).entries()) {
    const log = truth.logs[partition] ?? []
    faults.push(...orderFaults(track, log), ...completenessFaults(track, log))
    faults.push(...stateFaults(track, track.start, partition, truth))
  }
  return faults.slice(0, 20)
}

/** Subscribes anew from some of the stored cursors: each must show exactly the rest. Nobody may write meanwhile. */
export async function resumeFaults(
  registry: Registry,
  history: History,
  truth: Truth,
  samples = 8,
): Promise<string[]> {
  const step = Math.max(1, Math.floor(history.seen.length / samples))
  const chosen = history.seen.flatMap((_, i) => (i % step === 0 ? [i] : []))
  const faults = await Promise.all(
    chosen.map(async (i) => {
      const from = history.seen[i]?.stored ?? ''
      const again = new Recorder(await registry.subscribe({ from }))
      await again.catchUp(registry).finally(() => again.close())
      const rest = history.seen.slice(i)
      const isComparable = ![...rest, ...again.seen].some(({ item }) => item.type === 'gap')
      const isSame = !isComparable || idsOf(rest, truth) === idsOf(again.seen, truth)
      const unequal = isSame ? [] : [`shows ${again.seen.length}, at first ${rest.length}`]
      return [...historyFaults(again, truth), ...unequal].map((fault) => `resumed at ${from}: ${fault}`)
    }),
  )
  return faults.flat()
}

/** Log ids by partition: across partitions there is no order. */
function idsOf(seen: readonly Sighting[], { logs, partitionOf }: Truth): string {
  const ids: string[][] = logs.map(() => [])
  for (const { item } of seen) {
    if (item.type === 'gap') continue
    const partition = partitionOf(item.streamId)
    ids[partition]?.push(item.cursor.split('.')[partition] ?? '')
  }
  return ids.map((each) => each.join()).join(' ')
}

/** Creates, changes and deletes a few streams at random, whatever becomes of Redis, until it is stopped. */
export class Churn {
  /** Calls that took effect for sure. */
  done = 0
  /** What no call may reject with. */
  readonly surprises: unknown[] = []
  readonly #registry: Registry
  readonly #random: () => number
  readonly #lanes: Promise<void>[]
  #isStopped = false

  constructor(registry: Registry, seed: number, { lanes = 4, pauseMs = 2 } = {}) {
    this.#registry = registry
    this.#random = seededRandom(seed)
    this.#lanes = Array.from({ length: lanes }, () => this.#run(pauseMs))
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#lanes)
  }

  async #run(pauseMs: number): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#change(`cam${Math.floor(this.#random() * 12)}`, this.#random())
        this.done += 1
      } catch (error) {
        if (!isRegistryError(error)) this.surprises.push(error)
      }
      await sleep(pauseMs)
    }
  }

  #change(id: string, chance: number): Promise<unknown> {
    const options = { timeoutMs: 10_000 }
    if (chance < 0.3) {
      const status = chance < 0.15 ? 'active' : 'pending'
      return this.#registry.create({ id, type: 'srt', sourceAddr: 'a:1', status }, options)
    }
    if (chance < 0.8) return this.#registry.update(id, { metadata: { n: this.done } }, options)
    if (chance < 0.9) return this.#registry.updateStatus(id, chance < 0.85 ? 'active' : 'paused', options)
    return chance < 0.95 ? this.#registry.unregister(id, options) : this.#registry.delete(id, options)
  }
}
