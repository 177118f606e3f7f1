import type { Query, Registry } from '@mirror/stream-registry'
import { type Loaded, oursOf } from '../arena.ts'
import { type Ours, oursOnRedis } from '../contenders/ours.ts'
import { ROUNDS } from '../contest.ts'
import type { Figure } from '../figure.ts'
import { compare, inFlight, median, quantile, ratios } from '../measure.ts'
import { sampleStream } from '../sample-streams.ts'
import type { ServerGauge } from '../server-gauge.ts'

/** What fits in a few calls is no test of a plan. */
const SMALLEST = 10_000
/** From 10,000 to 1,000,000 streams. */
const MOST_GROWTH = 1.6
const OPERATIONS = 500
const STRIDE = 7_919
/** How often a query is asked whose calls are timed by Redis; fewer when it is slow. */
const ASKED = 5
const LONG_MS = 1_000

/** What should cost little more than a bare GET, whatever the size; with the most GETs that it may take. */
const QUICK: Record<string, { readonly most: number; readonly run: (of: Registry) => Promise<unknown> }> = {
  'newest 10 of type + status': { most: 6, run: (of) => newest(of).execute() },
  'newest 10 of a rare tag + status': {
    most: 8,
    run: (of) =>
      of
        .query()
        .filter({ tags: ['rare'], status: 'active' })
        .sortBy('createdAt', 'desc')
        .limit(10)
        .execute(),
  },
  'newest 10 of type + the status of the oldest': {
    most: 8,
    run: (of) =>
      of.query().filter({ status: 'paused', type: 'srt' }).sortBy('createdAt', 'desc').limit(10).execute(),
  },
  'count of a status': { most: 4, run: (of) => of.count({ status: 'active' }) },
  'count of type + status': { most: 4, run: (of) => of.count({ status: 'active', type: 'srt' }) },
  '10 by a prefix of the source address': {
    most: 6,
    run: (of) => of.query().where('sourceAddr', 'like', '192.168.7.*').limit(10).execute(),
  },
}

/** What no plan makes cheap: it may take long, but not block Redis long. */
const DEAR: Record<string, (of: Registry) => Promise<unknown>> = {
  'two tags of 10 %, 3 in common': (of) =>
    of
      .query()
      .filter({ tags: ['alpha', 'beta'] })
      .limit(10)
      .execute(),
  'count of these two tags': (of) => of.count({ tags: ['alpha', 'beta'] }),
  'a filter opposed to the sort': (of) =>
    of.query().filter({ status: 'paused' }).sortBy('lastHeartbeat', 'desc').limit(10).execute(),
  'nothing indexed, nothing found': (of) =>
    of.query().where('resolution', 'eq', 'none').limit(10).execute({ timeoutMs: 600_000 }),
  'an average, grouped by metadata': (of) =>
    of.query().groupBy('metadata.region').aggregate('avg', 'bitrate').execute({ timeoutMs: 600_000 }),
}

/** A query of the second kind, and how long Redis was busy with its calls, milliseconds. */
export interface Dear {
  readonly what: string
  readonly size: number
  readonly ms: number
  readonly calls: number
  readonly p99Ms: number
  readonly longestMs: number
}

function newest(registry: Registry): Query {
  return registry.query().filter({ type: 'srt', status: 'active' }).sortBy('createdAt', 'desc').limit(10)
}

interface Held {
  readonly size: number
  readonly gauge: ServerGauge
  readonly registry: Registry
}

/** Compares the queries of ours with bare GETs on the same server, over all sizes in turn. */
export function quickQueries(all: readonly Loaded[]): Promise<Figure[]> {
  const big = oursOf(all).filter(({ size }) => size >= SMALLEST)
  return holding(big, async (held) => [...(await againstGets(held)), ...(await secondPages(held))])
}

async function againstGets(held: readonly Held[]): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const [name, { most, run }] of Object.entries(QUICK)) {
    const queries = held.map(({ size, registry }) => ({
      name: `${size}`,
      operations: OPERATIONS,
      run: () => inFlight(1, OPERATIONS, () => run(registry)),
    }))
    for (const { run: warmUp } of [...queries, ...queries, ...held.map(bareGets)]) await warmUp()
    const rates = await compare([...queries, ...held.map(bareGets)], ROUNDS)
    for (const [i, { size }] of held.entries()) {
      const [reached = Number.NaN] = Object.values(
        ratios([rates[held.length + i], rates[i]].flatMap((r) => r ?? [])),
      )
      figures.push({ what: `${name}, ${sized(size)}`, reached, unit: '× a GET', atMost: most })
    }
    const [growth = Number.NaN] = Object.values(
      ratios([rates[0], rates[held.length - 1]].flatMap((r) => r ?? [])),
    )
    figures.push({
      what: `${name}, largest against smallest`,
      reached: growth,
      unit: '×',
      atMost: MOST_GROWTH,
    })
  }
  return figures
}

async function secondPages(held: readonly Held[]): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const { size, registry } of held) {
    const { nextCursor = '' } = await newest(registry).page()
    const pages = [newest(registry), newest(registry).after(nextCursor)].map((query, i) => ({
      name: `page ${i + 1}`,
      operations: OPERATIONS,
      run: () => inFlight(1, OPERATIONS, () => query.page()),
    }))
    const [reached = Number.NaN] = Object.values(ratios(await compare(pages, ROUNDS)))
    figures.push({ what: `page 2, ${sized(size)}`, reached, unit: '× page 1', atMost: 1.3 })
  }
  return figures
}

/** Asks what is dear of the largest registry. */
export function dearQueries(all: readonly Loaded[]): Promise<Dear[]> {
  return holding(oursOf(all).slice(-1), async (held) => {
    const found: Dear[] = []
    for (const each of held) {
      for (const [what, run] of Object.entries(DEAR)) found.push(await askDear(what, each, run))
    }
    return found
  })
}

async function askDear(
  what: string,
  { size, gauge, registry }: Held,
  run: (of: Registry) => Promise<unknown>,
): Promise<Dear> {
  await gauge.watchScripts()
  const times: number[] = []
  while (times.length < 2 || (times.length < ASKED && median(times) < LONG_MS)) {
    const began = performance.now()
    await run(registry)
    times.push(performance.now() - began)
  }
  const calls = await gauge.scriptMs()
  return {
    what,
    size,
    ms: median(times),
    calls: Math.round(calls.length / times.length),
    p99Ms: quantile(calls, 0.99),
    longestMs: Math.max(0, ...calls),
  }
}

function bareGets({ size, gauge }: Held): { name: string; operations: number; run: () => Promise<void> } {
  return {
    name: `GET of ${size}`,
    operations: OPERATIONS,
    run: () =>
      inFlight(1, OPERATIONS, (i) => gauge.get(`mirror:streams:${sampleStream((i * STRIDE) % size).id}`)),
  }
}

/** Opens registries over what was loaded, as long as it takes. */
async function holding<T>(
  loaded: readonly { readonly size: number; readonly gauge: ServerGauge }[],
  work: (held: readonly Held[]) => Promise<T>,
): Promise<T> {
  const opened = loaded.map(({ gauge }) => oursOnRedis.open(gauge.port) as Ours)
  const held = loaded.flatMap(({ size, gauge }, i) => {
    const registry = opened[i]?.registry
    return registry === undefined ? [] : { size, gauge, registry }
  })
  try {
    return await work(held)
  } finally {
    for (const each of opened) await each.close()
  }
}

function sized(size: number): string {
  return `${size.toLocaleString('en')} streams`
}
