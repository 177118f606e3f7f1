import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Loaded } from './arena.ts'
import type { Contender } from './contenders/contender.ts'
import { ROUNDS } from './contest.ts'
import { preciseNow, type WriterOrder, type WriterRole } from './events-writer.ts'
import { quantile } from './measure.ts'

const WRITER = fileURLToPath(new URL('./events-writer.ts', import.meta.url))
/** The writer's first steps are not what is measured. */
const WARM_SHARE = 0.2

const LOADS = {
  slow: { perSecond: 100, count: 80 },
  fast: { perSecond: 5_000, count: 6_000 },
  flood: { perSecond: 0, count: 8_000 },
} as const satisfies Record<string, WriterOrder>

/** How events reached a listener in another process: a figure for each round. */
export interface Heard {
  readonly entrant: string
  /** Delays at 100 and at 5,000 changes a second, milliseconds. */
  readonly slow: readonly Delays[]
  readonly fast: readonly Delays[]
  /** Events a second, from one process that writes as fast as it can. */
  readonly flood: readonly number[]
}

export interface Delays {
  readonly p50: number
  readonly p99: number
}

interface Stage {
  readonly listener: Contender
  readonly writer: ChildProcess
  readonly heard: { entrant: string; slow: Delays[]; fast: Delays[]; flood: number[] }
}

/** Lets another process change streams, while this one listens: all contenders in turn. */
export async function hearEvents(all: readonly Loaded[]): Promise<Heard[]> {
  const stages: Stage[] = []
  for (const { entrant, size, gauge } of all) {
    if (gauge === undefined) continue
    const listener = await entrant.open(gauge.port)
    if (listener.listen)
      stages.push(await setUp(listener, { entrant: entrant.key, port: gauge.port, streams: size }))
    else await listener.close()
  }
  for (let round = 0; round <= ROUNDS; round++) {
    // The first is for warming up.
    for (const stage of stages) await runRound(stage, round > 0)
  }
  for (const { writer, listener } of stages) {
    writer.disconnect()
    await listener.close()
  }
  return stages.map(({ heard }) => heard)
}

async function setUp(listener: Contender, role: WriterRole): Promise<Stage> {
  const writer = fork(WRITER, { execArgv: ['--import', 'tsx'] })
  writer.send(role)
  await once(writer, 'message')
  return { listener, writer, heard: { entrant: role.entrant, slow: [], fast: [], flood: [] } }
}

async function runRound(stage: Stage, counts: boolean): Promise<void> {
  const slow = await delaysOf(stage, LOADS.slow)
  const fast = await delaysOf(stage, LOADS.fast)
  const { perSecond } = await listen(stage, LOADS.flood)
  if (!counts) return
  stage.heard.slow.push(slow)
  stage.heard.fast.push(fast)
  stage.heard.flood.push(perSecond)
}

async function delaysOf(stage: Stage, load: WriterOrder): Promise<Delays> {
  const { delays } = await listen(stage, load)
  const warm = delays.slice(delays.length * WARM_SHARE)
  return { p50: quantile(warm, 0.5), p99: quantile(warm, 0.99) }
}

async function listen(
  { listener, writer }: Stage,
  order: WriterOrder,
): Promise<{ delays: number[]; perSecond: number }> {
  const delays: number[] = []
  let began = 0
  let stop: (() => Promise<unknown>) | undefined
  const all = new Promise<void>((resolve) => {
    const heard = (sentAt: number): void => {
      began ||= performance.now()
      delays.push(preciseNow() - sentAt)
      if (delays.length === order.count) resolve()
    }
    void listener.listen?.(heard).then((stopListening) => {
      stop = stopListening
      writer.send(order)
    })
  })
  const written = once(writer, 'message')
  await all
  const perSecond = (order.count * 1_000) / (performance.now() - began)
  await written
  await stop?.()
  return { delays, perSecond }
}
