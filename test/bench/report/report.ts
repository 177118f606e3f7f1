import { writeFileSync } from 'node:fs'
import { entrants } from '../contenders/index.ts'
import type { Cell } from '../contest.ts'
import { type Figure, isMet } from '../figure.ts'
import { type Job, jobs } from '../jobs.ts'
import { median } from '../measure.ts'
import type { Results } from '../results.ts'
import { latencyChart, throughputChart } from './charts.ts'
import { digits, nameOf, spread, table, textTable } from './table.ts'

/** Where contenders are compared in full: what all of them can hold. */
const COMPARED_AT = 10_000

/** Writes `benchmarks.md` and its charts. */
export function writeReport(results: Results, docs: URL): void {
  const { cells } = results
  writeFileSync(new URL('benchmarks/latency.svg', docs), latencyChart(cells))
  writeFileSync(new URL('benchmarks/throughput.svg', docs), throughputChart(cells))
  const text = [
    opening(results),
    contenders(),
    churn(results),
    throughput(cells),
    latency(cells),
    redisTime(cells),
    longest(cells),
    filling(results),
    events(results),
    targets(results),
    dear(results),
  ]
  writeFileSync(new URL('benchmarks.md', docs), `${text.join('\n\n')}\n`)
}

function opening({ machine, minutes }: Results): string {
  const { date, cpu, cores, memoryGiB, system, node, redis, ioredis } = machine
  return `# Benchmarks

Written by \`npm run bench\`, which starts a process for each contender, and a redis-server for each of its registries, registers
the same streams with all of them, compares their answers, warms up, and then lets them do each job in turn, five rounds, so that whatever else the
machine does hits all of them. Tables show the **median** and (least–most) of the rounds. \`npm run bench -- --full\` adds
1,000,000 streams. Every round is in [results.json](benchmarks/results.json).

Read the ratios, not the absolute figures: measured ${date} in ${digits(minutes)} minutes on ${cores} shared, virtual cores
(${cpu}), ${memoryGiB} GiB, ${system}, Node ${node}, Redis ${redis}, ioredis ${ioredis}. The measuring process and Redis
share these cores.`
}

function contenders(): string {
  return `## Contenders

${textTable(
  ['contender', 'what it is', 'what it lacks'],
  entrants.map(({ name, what, lacks, most }) => [
    name,
    what + (most ? ` (up to ${most.streams.toLocaleString('en')} streams: ${most.because})` : ''),
    lacks.join('; ') || '–',
  ]),
)}`
}

function churn({ churned }: Results): string {
  return `## Correctness under churn

200 streams with a lease of one second live for five seconds, with some 70 registrations, status changes, removals and
silent deaths a second; meanwhile all streams are listed and the active ones counted, and the connections that listen are
cut each 0.7 s. A ghost is an answer with a stream whose lease had surely lapsed; missed, one without a stream that surely
lived throughout. Each contender runs its own cleaning up once a second.

${table(
  ['contender', 'lists with ghosts', 'lists that missed', 'wrong counts', 'events lost', 'events twice'],
  churned.map(({ entrant, answers, ghosts, missed, counts, wrongCounts, registered, lost, twice }) => [
    nameOf(entrant),
    `${ghosts} of ${answers}`,
    `${missed} of ${answers}`,
    `${wrongCounts} of ${counts}`,
    lost === undefined ? 'no events' : `${lost} of ${registered}`,
    twice === undefined ? '–' : `${twice}`,
  ]),
)}`
}

function throughput(cells: readonly Cell[]): string {
  return `## Throughput

A second, 64 in flight, one process, ${COMPARED_AT.toLocaleString('en')} streams.

![Operations a second of each contender](benchmarks/throughput.svg)

${contestTable(
  cells,
  jobs.filter(({ width }) => width > 1),
  COMPARED_AT,
  ({ perSecond }) => spread(perSecond),
)}`
}

function latency(cells: readonly Cell[]): string {
  const sizes = [...new Set(cells.map(({ size }) => size))]
  return `## Latency

Milliseconds of one call after the other.

![Latency over the size of the registry](benchmarks/latency.svg)

${sizes
  .map(
    (size) => `### ${size.toLocaleString('en')} streams

${contestTable(
  cells,
  jobs.filter(({ width }) => width === 1),
  size,
  ({ perSecond }) => spread(perSecond, (rate) => 1_000 / rate),
)}`,
  )
  .join('\n\n')}`
}

function redisTime(cells: readonly Cell[]): string {
  return `## What Redis works

Microseconds of its main thread for each operation, ${COMPARED_AT.toLocaleString('en')} streams, its network included.

${contestTable(cells, jobs, COMPARED_AT, ({ redisMicros }) => spread(redisMicros))}`
}

function longest(cells: readonly Cell[]): string {
  const sizes = cells.map(({ size }) => size)
  const size = Math.max(...sizes)
  return `## The longest that one call keeps Redis from others

Milliseconds at ${size.toLocaleString('en')} streams, by its slow log, the median of the longest of each round; – where
none took 0.1 ms. Single calls of some milliseconds come from the machine, too: it is shared.

${contestTable(
  cells,
  jobs.filter(({ width }) => width === 1),
  size,
  ({ longestMs }) => (median(longestMs) > 0 ? digits(median(longestMs)) : '–'),
)}`
}

function filling({ fillings }: Results): string {
  return `## Registering all, and memory

Seconds to register so many, 64 in flight, and what Redis then holds for each. What is bounded is not counted: the log of
50,000 events at the most, and the markers of the last minute.

${table(
  ['contender', ...sizesOf(fillings).map((size) => `${size.toLocaleString('en')}, s`), 'bytes of a stream'],
  entrants.map(({ key, name }) => {
    const own = fillings.filter(({ entrant }) => entrant === key)
    const seconds = sizesOf(fillings).map((size) =>
      digits(own.find((of) => of.size === size)?.seconds ?? Number.NaN),
    )
    return [name, ...seconds, digits(own.at(-1)?.bytesPerStream ?? Number.NaN)]
  }),
)}`
}

function sizesOf(of: readonly { readonly size: number }[]): number[] {
  return [...new Set(of.map(({ size }) => size))]
}

function events({ heard }: Results): string {
  return `## Events

From a change in one process to the listener in another, and how many a second arrive from one process that changes as fast
as it can.

${table(
  ['contender', '100/s: p50, ms', 'p99, ms', '5,000/s: p50, ms', 'p99, ms', 'most a second'],
  heard.map(({ entrant, slow, fast, flood }) => [
    nameOf(entrant),
    spread(slow.map(({ p50 }) => p50)),
    spread(slow.map(({ p99 }) => p99)),
    spread(fast.map(({ p50 }) => p50)),
    spread(fast.map(({ p99 }) => p99)),
    spread(flood),
  ]),
)}`
}

function targets({ figures }: Results): string {
  const sections = Object.entries(figures).map(
    ([name, of]) => `### ${name}

${table(['what', 'reached', 'target', ''], of.map(figureRow))}`,
  )
  return `## Targets

What this library promised itself, and what it reached in this run. Why some are missed: [where the time goes](performance.md).

${sections.join('\n\n')}`
}

function figureRow(figure: Figure): string[] {
  const { what, reached, unit, atMost, atLeast } = figure
  const target =
    atMost !== undefined ? `≤ ${digits(atMost)}` : atLeast !== undefined ? `≥ ${digits(atLeast)}` : '–'
  const verdict = target === '–' ? '' : isMet(figure) ? 'met' : '**missed**'
  return [what, `${digits(reached)} ${unit}`, target, verdict]
}

function dear({ dear: queries }: Results): string {
  return `## Dear queries

What no index makes cheap, and how long Redis was busy with each call of it.

${table(
  ['query', 'streams', 'ms', 'calls', 'p99 of a call, ms', 'longest, ms'],
  queries.map(({ what, size, ms, calls, p99Ms, longestMs }) => [
    what,
    size.toLocaleString('en'),
    digits(ms),
    `${calls}`,
    digits(p99Ms),
    digits(longestMs),
  ]),
)}`
}

function contestTable(
  cells: readonly Cell[],
  rows: readonly Job[],
  size: number,
  show: (cell: Cell) => string,
): string {
  const there = cells.filter((cell) => cell.size === size)
  const shown = entrants.filter(({ key }) =>
    rows.some((job) => there.some((c) => c.job === job.key && c.entrant === key)),
  )
  return table(
    ['', ...shown.map(({ name }) => name)],
    rows.map(({ key, name, width }) => [
      rows.some((other) => other.width !== width) && width > 1 ? `${name}, ${width} in flight` : name,
      ...shown.map((entrant) => {
        const cell = there.find((of) => of.job === key && of.entrant === entrant.key)
        return cell ? show(cell) : '–'
      }),
    ]),
  )
}
