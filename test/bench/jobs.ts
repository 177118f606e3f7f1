import type { BenchStream, Contender, Newest } from './contenders/contender.ts'
import { inFlight } from './measure.ts'

const IN_FLIGHT = 64
/** A prime: streams are taken in an order that no cache knows. */
const STRIDE = 7_919
const NEWEST: Newest = { type: 'srt', status: 'active' }
const RARE: Newest = { status: 'active', tag: 'rare' }

/** The streams of a registry: those that are there, and, from `size` on, more to register. */
export interface Population {
  readonly size: number
  readonly stream: (i: number) => BenchStream
}

/** Something to do, `i` times; `tidy` undoes the first `count` of them, and is not measured. */
export interface Work {
  readonly run: (i: number) => Promise<unknown>
  /** What `run` answers, in a form that all contenders share; where it is not in one. */
  readonly answer?: () => Promise<unknown>
  readonly tidy?: (count: number) => Promise<unknown>
}

/** One kind of work, the same for all contenders. */
export interface Job {
  readonly key: string
  readonly name: string
  /** How many are under way at once. Of one, the latency is told; of many, how many are done in a second. */
  readonly width: number
  /** Undefined where the contender has no such thing. */
  readonly on: (contender: Contender, population: Population) => Promise<Work | undefined> | Work | undefined
  /** The most streams that it is done with. */
  readonly most?: number
  /** Whether all contenders must give the same answer. */
  readonly isQuestion?: true
}

function anyId({ size, stream }: Population, i: number): string {
  return stream((i * STRIDE) % size).id
}

const register: Job['on'] = (to, { size, stream }) => ({
  run: (i) => to.register(stream(size + i)),
  tidy: (count) => inFlight(IN_FLIGHT, count, (i) => to.remove(stream(size + i))),
})
const heartbeat: Job['on'] = (to, population) =>
  to.heartbeat && { run: (i) => to.heartbeat!(anyId(population, i)) }
const report: Job['on'] = (to, population) =>
  to.report && {
    run: (i) => to.report!(anyId(population, i), { bytesReceived: 1_316 * i, packetsLost: i % 7 }),
  }
const get: Job['on'] = (to, population) => to.get && { run: (i) => to.get!(anyId(population, i)) }

/** Streams go to paused, round by round of all of them back to active; in the end all are active again. */
const setStatus: Job['on'] = (to, { size, stream }) => {
  const newest = Array.from({ length: Math.min(size, 1_000) }, (_, i) => stream(size - 1 - i))
  const ids = newest.flatMap(({ id, record }) => (record.status === 'active' ? id : []))
  const target = (i: number): string => ids[i % ids.length] ?? ''
  return (
    to.setStatus && {
      run: (i) => to.setStatus!(target(i), Math.floor(i / ids.length) % 2 === 0 ? 'paused' : 'active'),
      tidy: (count) =>
        inFlight(IN_FLIGHT, Math.min(count, ids.length), (i) => to.setStatus!(target(i), 'active')),
    }
  )
}

export const jobs: readonly Job[] = [
  { key: 'register', name: 'register', width: IN_FLIGHT, on: register },
  { key: 'heartbeats', name: 'heartbeat', width: IN_FLIGHT, on: heartbeat },
  { key: 'reports', name: 'statistics', width: IN_FLIGHT, on: report },
  { key: 'changes', name: 'status change', width: IN_FLIGHT, on: setStatus },
  { key: 'gets', name: 'get', width: IN_FLIGHT, on: get },
  { key: 'get', name: 'get', width: 1, on: get },
  { key: 'heartbeat', name: 'heartbeat', width: 1, on: heartbeat },
  { key: 'change', name: 'status change', width: 1, on: setStatus },
  {
    key: 'newest',
    name: 'newest 10 of type + status',
    width: 1,
    isQuestion: true,
    on: (to) => to.newest && { run: () => to.newest!(NEWEST) },
  },
  {
    key: 'rare',
    name: 'newest 10 of a rare tag + status',
    width: 1,
    isQuestion: true,
    on: (to) => to.newest && { run: () => to.newest!(RARE) },
  },
  {
    key: 'second',
    name: 'page 2 of type + status',
    width: 1,
    isQuestion: true,
    on: async (to) => {
      const ask = await to.secondPage?.(NEWEST)
      return ask && { run: ask }
    },
  },
  {
    key: 'count',
    name: 'count of a status',
    width: 1,
    isQuestion: true,
    on: (to) => to.countOf && { run: () => to.countOf!('active') },
  },
  {
    key: 'counts',
    name: 'count of type + status',
    width: 1,
    isQuestion: true,
    on: (to) => to.countOfBoth && { run: () => to.countOfBoth!('srt', 'active') },
  },
  {
    key: 'groups',
    name: 'count by type',
    width: 1,
    most: 100_000,
    isQuestion: true,
    on: (to) => to.countByType && { run: () => to.countByType!() },
  },
  {
    key: 'list',
    name: 'list all',
    width: 1,
    most: 100_000,
    isQuestion: true,
    on: (to) =>
      to.list && {
        run: () => to.list!(),
        answer: async () => (await to.list!()).map(({ id }) => String(id)).sort(),
      },
  },
]
