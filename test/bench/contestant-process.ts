import type { Contender } from './contenders/contender.ts'
import { entrants } from './contenders/index.ts'
import type { Reply, Request } from './contestant.ts'
import { jobs, type Population, type Work } from './jobs.ts'
import { inFlight } from './measure.ts'
import { benchStreams } from './streams.ts'

const IN_FLIGHT = 64

interface Instance {
  readonly contender: Contender
  readonly population: Population
}

/** By size. */
const instances = new Map<number, Instance>()
/** By size, for the job that is on. */
const works = new Map<number, Work>()

const actions = { open, begin, answer, run, tidy, close }

/** Registers everything; answers how long it took, milliseconds. */
async function open({ entrant: key, size, port }: Extract<Request, { do: 'open' }>): Promise<number> {
  const entrant = entrants.find((each) => each.key === key)
  if (entrant === undefined) throw new RangeError(`no contender ${key}`)
  const population = { size, stream: await benchStreams(size) }
  const contender = await entrant.open(port)
  const began = performance.now()
  await inFlight(IN_FLIGHT, size, (i) => contender.register(population.stream(i)))
  const ms = performance.now() - began
  await contender.prepare?.(size, population.stream)
  instances.set(size, { contender, population })
  return ms
}

/** Answers whether the contender can do that. */
async function begin({ size, job: key }: Extract<Request, { do: 'begin' }>): Promise<boolean> {
  const { contender, population } = instanceOf(size)
  const work = await jobs.find((job) => job.key === key)?.on(contender, population)
  if (work) works.set(size, work)
  else works.delete(size)
  return work !== undefined
}

function answer({ size }: Extract<Request, { do: 'answer' }>): Promise<unknown> {
  const { run, answer } = workOf(size)
  return answer?.() ?? run(0)
}

/** Answers how long it took, milliseconds; what tidies up is not in it. */
async function run({ size, width, count }: Extract<Request, { do: 'run' }>): Promise<number> {
  const work = workOf(size)
  const began = performance.now()
  await inFlight(width, count, work.run)
  return performance.now() - began
}

async function tidy({ size, count }: Extract<Request, { do: 'tidy' }>): Promise<void> {
  await workOf(size).tidy?.(count)
}

async function close(): Promise<void> {
  for (const { contender } of instances.values()) await contender.close()
}

function instanceOf(size: number): Instance {
  const instance = instances.get(size)
  if (instance === undefined) throw new RangeError(`no registry of ${size}`)
  return instance
}

function workOf(size: number): Work {
  const work = works.get(size)
  if (work === undefined) throw new RangeError(`nothing to do at ${size}`)
  return work
}

process.on('message', (request: Request) => {
  const action = actions[request.do] as (request: Request) => unknown
  Promise.resolve()
    .then(() => action(request))
    .then(
      (value): Reply => ({ value }),
      (error: Error): Reply => ({ error: error.stack ?? error.message }),
    )
    .then((reply) => process.send?.(reply))
})
process.once('disconnect', () => process.exit())
