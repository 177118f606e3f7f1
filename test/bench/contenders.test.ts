import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Contender, Newest } from './contenders/contender.ts'
import { entrants } from './contenders/index.ts'
import { type Job, jobs, type Population } from './jobs.ts'
import { inFlight } from './measure.ts'
import { ServerGauge } from './server-gauge.ts'
import { benchStreams } from './streams.ts'

const SIZE = 200

let population: Population

/** What everybody must answer, worked out from the streams themselves, the newest first. */
function expected(key: string): unknown {
  const records = Array.from({ length: SIZE }, (_, i) => population.stream(SIZE - 1 - i).record)
  const newest = ({ type, status, tag }: Newest, from = 0): string[] =>
    records
      .filter((of) => of.status === status && (!type || of.type === type) && (!tag || of.tags.includes(tag)))
      .slice(from, from + 10)
      .map(({ id }) => id)
  const byType: Record<string, number> = {}
  for (const { type } of records) byType[type] = (byType[type] ?? 0) + 1
  const active = records.filter(({ status }) => status === 'active')
  const answers: Record<string, unknown> = {
    newest: newest({ type: 'srt', status: 'active' }),
    rare: newest({ status: 'active', tag: 'rare' }),
    second: newest({ type: 'srt', status: 'active' }, 10),
    count: active.length,
    counts: active.filter(({ type }) => type === 'srt').length,
    groups: byType,
    list: records.map(({ id }) => id).sort(),
  }
  return answers[key]
}

async function answerOf(job: Job, contender: Contender): Promise<unknown> {
  const work = await job.on(contender, population)
  return work?.answer ? work.answer() : work?.run(0)
}

beforeAll(async () => {
  population = { size: SIZE, stream: await benchStreams(SIZE) }
})

describe.each(entrants.map((entrant) => [entrant.name, entrant] as const))('%s', (_, entrant) => {
  let gauge: ServerGauge
  let contender: Contender

  beforeAll(async () => {
    gauge = await ServerGauge.start()
    contender = await entrant.open(gauge.port)
    await inFlight(16, SIZE, (i) => contender.register(population.stream(i)))
    await contender.prepare?.(SIZE, population.stream)
  })

  afterAll(async () => {
    await contender.close()
    await gauge.stop()
  })

  it.each(jobs.filter(({ isQuestion }) => isQuestion))('answers rightly: $name', async (job) => {
    const answer = await answerOf(job, contender)
    if (answer !== undefined) expect(answer).toEqual(expected(job.key))
    else expect(entrant.key).toBe('moleculer') // which has no queries
  })

  it('is the same after all other work and its tidying up', async () => {
    for (const job of jobs.filter(({ isQuestion }) => !isQuestion)) {
      const work = await job.on(contender, population)
      await inFlight(4, 20, async (i) => work?.run(i))
      await work?.tidy?.(20)
    }
    for (const job of jobs.filter(({ isQuestion }) => isQuestion)) {
      const answer = await answerOf(job, contender)
      if (answer !== undefined) expect(answer).toEqual(expected(job.key))
    }
  })
})
