import { isTerminalStatus, type StreamEvent } from '@mirror/stream-registry'
import { decodeEvent } from '../../../src/core/event-codec.ts'
import type { LogRecord } from '../../../src/core/store.ts'
import { storeOf } from '../../../src/registry/store-registry.ts'

const EVERYTHING = 1_000_000

const call = (): { deadline: number } => ({ deadline: performance.now() + 10_000 })

/** Everything that was logged, each partition by itself. */
export async function readJournal(registry: object): Promise<(readonly LogRecord[])[]> {
  const store = storeOf(registry)
  const partitions = Array.from({ length: store.partitions }, (_, partition) => partition)
  const slices = await Promise.all(
    partitions.map((partition) => store.readLog(partition, undefined, EVERYTHING, call())),
  )
  return slices.map(({ records }) => records)
}

/** Finishes what has lapsed. */
export async function sweep(registry: object): Promise<string[]> {
  const finished = await storeOf(registry).sweep(EVERYTHING, 'sweeper', call())
  return finished.map(({ id }) => id)
}

/** When the leases of live streams run out, by Redis time. */
export async function deadlines(registry: object, ids: readonly string[]): Promise<Map<string, number>> {
  const found = await storeOf(registry).view(ids, call())
  const entries = found.flatMap((one, i): [string, number][] =>
    one.kind === 'live' ? [[ids[i] ?? '', one.rec.deadline]] : [],
  )
  return new Map(entries)
}

/** What is wrong with the numbering of one partition's log: it starts at 1, is dense and never goes back in time. */
export function sequenceFaults(records: readonly LogRecord[]): string[] {
  let [lastMs, lastSequence] = [0, 0]
  return records.flatMap(({ logId }) => {
    const [ms = 0, sequence = 0] = logId.split('-').map(Number)
    const isRight = sequence === lastSequence + 1 && ms >= lastMs
    const fault = `${logId} after ${lastMs}-${lastSequence}`
    lastMs = ms
    lastSequence = sequence
    return isRight ? [] : [fault]
  })
}

/** A stream as the events so far tell of it. */
interface Life {
  readonly event: StreamEvent
  readonly opId: string | undefined
}

/** The outcome of a replay. */
export interface Replayed {
  /** What the log says is there at its end. */
  readonly live: ReadonlyMap<string, StreamEvent>
  /** Where the log contradicts itself. */
  readonly faults: readonly string[]
}

/** Follows each stream through one partition's log. */
export function replay(records: readonly LogRecord[]): Replayed {
  const lives = new Map<string, Life>()
  const ended = new Map<string, Life>()
  const faults: string[] = []
  for (const record of records) {
    const { id, opId } = record
    const event = decodeEvent(record)
    if (event.type === 'unknown') {
      faults.push(`${record.logId} tells of no stream`)
      continue
    }
    const life = lives.get(id)
    const problem =
      event.type === 'stream.created'
        ? faultOfBirth(event, opId, life, ended.get(id))
        : faultOfLife(event, record, life)
    if (problem !== undefined) faults.push(`${record.logId} ${event.type} of ${id}: ${problem}`)
    if (event.type === 'stream.deleted' || event.type === 'stream.expired') {
      lives.delete(id)
      ended.set(id, { event, opId })
    } else lives.set(id, { event, opId })
  }
  return { live: new Map([...lives].map(([id, { event }]) => [id, event])), faults }
}

function faultOfBirth(
  { data }: StreamEvent,
  opId: string | undefined,
  life: Life | undefined,
  ended: Life | undefined,
): string | undefined {
  if (life !== undefined) return 'is there already'
  const isNewIncarnation = ended?.event.type === 'stream.deleted' && ended.opId === opId
  const epoch = isNewIncarnation ? ended.event.data.epoch + 1 : 1
  if (data.revision !== 1 || data.epoch !== epoch) return `revision ${data.revision}, epoch ${data.epoch}`
  return undefined
}

function faultOfLife(
  { type, data }: StreamEvent,
  { opId, logId, deadline }: LogRecord,
  life: Life | undefined,
): string | undefined {
  if (life === undefined) return 'is not there'
  const before = life.event.data
  const isEnd = type === 'stream.deleted' || type === 'stream.expired'
  const isSameCommit = opId !== undefined && opId === life.opId
  const revision = before.revision + (isEnd || isSameCommit ? 0 : 1)
  if (data.revision !== revision) return `revision ${data.revision} after ${before.revision}`
  const epoch = before.epoch + (type === 'stream.owner.changed' ? 1 : 0)
  if (data.epoch !== epoch) return `epoch ${data.epoch} after ${before.epoch}`
  if ((data.owner !== before.owner) !== (type === 'stream.owner.changed')) return `owner ${data.owner}`
  if (type === 'stream.expired' && isTerminalStatus(data.status)) return `has ended as ${data.status}`
  if (type === 'stream.expired' && Number.parseInt(logId, 10) < deadline) return `before ${deadline}`
  return undefined
}
