import { MockRegistry } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { type Loaded, oursOf, withRegistry } from '../arena.ts'
import { type Cell, ROUNDS } from '../contest.ts'
import type { Figure } from '../figure.ts'
import { compare, median, ratios } from '../measure.ts'
import { sampleStream } from '../sample-streams.ts'

const BEATS = 20_000
const BEATS_A_CALL = 200
const CREATES = 50_000
/** Where the contest compares: what is registered there is neither small nor big. */
const SIZE = 10_000

/** What of the contest has a target. */
export function contestFigures(cells: readonly Cell[], loaded: readonly Loaded[]): Figure[] {
  const bytes = (key: string): number =>
    loaded.findLast(({ entrant }) => entrant.key === key)?.bytesPerStream ?? Number.NaN
  return [
    {
      what: 'get, 64 in flight',
      reached: ratio(cells, 'gets', 'raw'),
      unit: '× GET + JSON.parse',
      atLeast: 0.6,
    },
    { what: 'list', reached: ratio(cells, 'list', 'raw'), unit: '× MGET(500) + JSON.parse', atLeast: 0.6 },
    {
      what: 'create, 64 in flight',
      reached: ratio(cells, 'register', 'seed'),
      unit: '× the seed’s',
      atLeast: 1,
    },
    {
      what: 'newest 10 in memory',
      reached: milliseconds(cells, 'newest', 'memory'),
      unit: 'ms',
      atMost: 0.2,
    },
    { what: 'memory of a stream', reached: bytes('ours') / bytes('seed'), unit: '× the seed’s', atMost: 1.5 },
  ]
}

/** Of one query, at the largest size. */
function milliseconds(cells: readonly Cell[], job: string, entrant: string): number {
  const cell = cells.findLast((of) => of.job === job && of.entrant === entrant)
  return 1_000 / median(cell?.perSecond ?? [])
}

/** How ours did against another one, by the medians of their ratios in each round. */
function ratio(cells: readonly Cell[], job: string, other: string): number {
  const of = (key: string): number[] =>
    cells.find((cell) => cell.job === job && cell.entrant === key && cell.size === SIZE)?.perSecond ?? []
  const others = of(other)
  return median(of('ours').map((perSecond, round) => perSecond / (others[round] ?? Number.NaN)))
}

/** Many heartbeats in a call, against as many ZADDs in pipelines. */
export async function heartbeatsOfMany(all: readonly Loaded[]): Promise<Figure[]> {
  const ours = oursOf(all).at(-1)
  if (ours === undefined) return []
  const ids = Array.from({ length: Math.min(ours.size, BEATS) }, (_, i) => sampleStream(i).id)
  const redis = new Redis(ours.gauge.port)
  const rates = await withRegistry(ours.gauge.port, (registry) =>
    compare(
      [
        { name: 'ours', operations: ids.length, run: async () => void (await registry.heartbeatMany(ids)) },
        { name: 'ZADD', operations: ids.length, run: () => pipelined(redis, ids) },
      ],
      ROUNDS,
    ),
  )
  redis.disconnect()
  const [reached = Number.NaN] = Object.values(ratios(rates))
  return [{ what: 'heartbeatMany', reached, unit: '× pipelined ZADD', atLeast: 0.8 }]
}

async function pipelined(redis: Redis, ids: readonly string[]): Promise<void> {
  for (let i = 0; i < ids.length; i += BEATS_A_CALL) {
    const pipeline = redis.pipeline()
    for (const id of ids.slice(i, i + BEATS_A_CALL)) pipeline.zadd('raw:active', Date.now() + 30_000, id)
    await pipeline.exec()
  }
}

/** How many streams the embedded registry creates, one after the other. */
export async function embeddedCreates(): Promise<Figure[]> {
  const perSecond: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const registry = new MockRegistry()
    const began = performance.now()
    for (let i = 0; i < CREATES; i++) await registry.create(sampleStream(i))
    if (round > 0) perSecond.push((CREATES * 1_000) / (performance.now() - began))
    await registry.close()
  }
  return [{ what: 'MockRegistry.create', reached: median(perSecond), unit: '/s', atLeast: 50_000 }]
}
