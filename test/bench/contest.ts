import { deepStrictEqual } from 'node:assert'
import type { Loaded } from './arena.ts'
import type { Job } from './jobs.ts'

/** How long the work of one round takes about, and what is done before to warm up, milliseconds. */
const ROUND_MS = 80
const WARM_UP_MS = 90
export const ROUNDS = 5

/** What one contender did of one job: a figure for each round. */
export interface Cell {
  readonly entrant: string
  readonly size: number
  readonly job: string
  readonly width: number
  readonly perSecond: number[]
  /** What Redis worked for each, microseconds; empty without Redis. */
  readonly redisMicros: number[]
  /** The longest that one call kept Redis busy, milliseconds; zero where none was over 0.1 ms. */
  readonly longestMs: number[]
}

interface Runner {
  readonly loaded: Loaded
  readonly cell: Cell
  /** How many make a round. */
  count: number
}

/** Lets all contenders do one job, interleaved: whatever else the machine does hits all of them. */
export async function contest(job: Job, all: readonly Loaded[]): Promise<Cell[]> {
  const runners = await runnersOf(job, all)
  if (job.isQuestion) await compareAnswers(job, runners)
  for (const runner of runners) await warmUp(runner)
  for (let round = 0; round < ROUNDS; round++) {
    for (const runner of runners) await runRound(runner)
  }
  return runners.map(({ cell }) => cell)
}

async function runnersOf(
  { key, width, most = Number.POSITIVE_INFINITY }: Job,
  all: readonly Loaded[],
): Promise<Runner[]> {
  const runners: Runner[] = []
  for (const loaded of all) {
    const { entrant, size, contestant } = loaded
    if (size > most) continue
    if (!(await contestant.ask({ do: 'begin', size, job: key }))) continue
    const figures = { perSecond: [], redisMicros: [], longestMs: [] }
    runners.push({ loaded, cell: { entrant: entrant.key, size, job: key, width, ...figures }, count: width })
  }
  return runners
}

/** A wrong answer is no feat, however fast it came. */
async function compareAnswers({ name }: Job, runners: readonly Runner[]): Promise<void> {
  const expected = new Map<number, unknown>()
  for (const { loaded, cell } of runners) {
    const answer = await loaded.contestant.ask({ do: 'answer', size: cell.size })
    if (!expected.has(cell.size)) expected.set(cell.size, answer)
    deepStrictEqual(answer, expected.get(cell.size), `${name}: ${cell.entrant} differs at ${cell.size}`)
  }
}

/** Also finds out how many make a round. */
async function warmUp(runner: Runner): Promise<void> {
  let [done, ms] = [0, 0]
  for (let count = runner.cell.width; ms < WARM_UP_MS; count *= 2) {
    ms += await run(runner, count)
    done += count
  }
  runner.count = Math.max(runner.cell.width, Math.ceil((ROUND_MS * done) / ms))
}

async function runRound(runner: Runner): Promise<void> {
  const {
    loaded: { gauge },
    cell,
    count,
  } = runner
  await gauge?.longestMs()
  const cpu = await gauge?.cpuMicros()
  const ms = await run(runner, count, async () => {
    if (gauge === undefined || cpu === undefined) return
    cell.redisMicros.push(((await gauge.cpuMicros()) - cpu) / count)
    cell.longestMs.push(await gauge.longestMs())
  })
  cell.perSecond.push((count * 1_000) / ms)
}

/** Answers how long so many took, milliseconds; looks at what they left, and tidies up. */
async function run(
  { loaded: { contestant }, cell: { size, width } }: Runner,
  count: number,
  look?: () => Promise<void>,
): Promise<number> {
  const ms = Number(await contestant.ask({ do: 'run', size, width, count }))
  await look?.()
  await contestant.ask({ do: 'tidy', size, count })
  return ms
}
