import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Loaded, load, unload } from './arena.ts'
import { churn } from './churn.ts'
import { entrants } from './contenders/index.ts'
import { type Cell, contest } from './contest.ts'
import { hearEvents } from './events.ts'
import { type Job, jobs } from './jobs.ts'
import { median } from './measure.ts'
import { writeReport } from './report/report.ts'
import { describeMachine, type Filling, type Results } from './results.ts'
import { longestCalls } from './sections/blocking.ts'
import { coordinationFigures } from './sections/coordination.ts'
import { catchUp, eventFigures } from './sections/event-targets.ts'
import { contestFigures, embeddedCreates, heartbeatsOfMany } from './sections/hot-paths.ts'
import { mirrorFigures } from './sections/mirror.ts'
import { dearQueries, quickQueries } from './sections/queries.ts'

const { values: options } = parseArgs({
  options: {
    /** Adds a registry of 1,000,000. */
    full: { type: 'boolean' },
    /** Only some jobs, by their keys: prints what they measured, and writes nothing. */
    jobs: { type: 'string' },
    sizes: { type: 'string', default: '1000,10000,100000' },
  },
})
const SIZES = [...options.sizes.split(',').map(Number), ...(options.full ? [1_000_000] : [])]

const began = performance.now()

function step(name: string): void {
  console.log(`${((performance.now() - began) / 1_000).toFixed(0).padStart(4)} s  ${name}`)
}

async function withLoaded(work: (loaded: readonly Loaded[]) => Promise<void>): Promise<void> {
  step(`registering ${SIZES.map((size) => size.toLocaleString('en')).join(', ')} streams with all contenders`)
  const loaded = await load(SIZES)
  try {
    await work(loaded)
  } finally {
    await unload(loaded)
  }
}

async function contestOf(chosen: readonly Job[], loaded: readonly Loaded[]): Promise<Cell[]> {
  const cells: Cell[] = []
  for (const job of chosen) {
    step(job.width === 1 ? job.name : `${job.name}, ${job.width} in flight`)
    cells.push(...(await contest(job, loaded)))
  }
  return cells
}

async function printSome(keys: readonly string[], loaded: readonly Loaded[]): Promise<void> {
  const cells = await contestOf(
    jobs.filter(({ key }) => keys.includes(key)),
    loaded,
  )
  console.table(
    cells.map(({ entrant, size, job, perSecond, redisMicros, longestMs }) => ({
      job,
      size,
      entrant,
      perSecond: Math.round(median(perSecond)),
      micros: Math.round(1_000_000 / median(perSecond)),
      redisMicros: Math.round(median(redisMicros)),
      longestMs: median(longestMs),
    })),
  )
}

async function measure(loaded: readonly Loaded[]): Promise<Results> {
  const cells = await contestOf(jobs, loaded)
  step('queries against bare GETs')
  const queries = await quickQueries(loaded)
  step('dear queries')
  const dear = await dearQueries(loaded)
  step('the local mirror')
  const mirror = await mirrorFigures(loaded)
  step('many heartbeats')
  const many = await heartbeatsOfMany(loaded)
  step('events')
  const heard = await hearEvents(loaded.filter(({ size }) => size === SIZES[0]))
  const catchingUp = await catchUp(loaded)
  step('churn')
  const churned = []
  for (const entrant of entrants) if (entrant.isRegistry) churned.push(await churn(entrant))
  step('the longest calls of scripts')
  const longest = await longestCalls()
  step('sessions, sweeping, electing')
  const coordination = await coordinationFigures()
  step('creating in memory')
  const hotPaths = [...contestFigures(cells, loaded), ...many, ...(await embeddedCreates())]
  return {
    machine: describeMachine((await loaded.find(({ gauge }) => gauge)?.gauge?.version()) ?? ''),
    minutes: (performance.now() - began) / 60_000,
    fillings: loaded.map(fillingOf),
    cells,
    heard,
    churned,
    dear,
    figures: {
      'The hot paths': hotPaths,
      Queries: queries,
      'Events and the mirror': [...eventFigures(heard), ...catchingUp, ...mirror],
      Coordination: coordination,
      'The longest calls (99th percentile)': longest,
    },
  }
}

function fillingOf({ entrant, size, loadMs, bytesPerStream }: Loaded): Filling {
  return {
    entrant: entrant.key,
    size,
    seconds: loadMs / 1_000,
    bytesPerStream: bytesPerStream ?? null,
  }
}

function write(results: Results): void {
  const docs = new URL('../../docs/', import.meta.url)
  mkdirSync(new URL('benchmarks/', docs), { recursive: true })
  writeFileSync(new URL('benchmarks/results.json', docs), rounded(results))
  writeReport(results, docs)
  step(`written to ${fileURLToPath(new URL('benchmarks.md', docs))}`)
}

/** Four digits are more than any of it is good for. */
function rounded(value: Results): string {
  const json = JSON.stringify(value, (_, each) =>
    typeof each === 'number' && !Number.isInteger(each) ? Number(each.toPrecision(4)) : each,
  )
  // A line for each cell: changes can be read.
  return `${json.replaceAll(/\},\{/g, '},\n{').replaceAll(/:\[\{/g, ':[\n{')}\n`
}

await withLoaded(async (loaded) => {
  if (options.jobs === undefined) write(await measure(loaded))
  else await printSome(options.jobs.split(','), loaded)
})
process.exit()
