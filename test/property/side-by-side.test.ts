import { isRegistryError, MockRegistry, RedisRegistry, type Registry } from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { storeOf } from '../../src/registry/store-registry.ts'
import { testSeed } from '../support/random.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { history, type Pass, type Step } from './command-arbitraries.ts'

const RUNS = Number(process.env.PROPERTY_RUNS ?? 150)

let server: RedisServer
let redis: Redis
let runs = 0

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.port)
})

afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

type Instances = Readonly<Record<'a' | 'b', Registry>>

it(`gives the same answers, errors, events and final state in memory and on Redis (${RUNS} histories)`, async () => {
  const seed = testSeed('side by side')
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      runs += 1
      const clock = new ManualClock()
      const first = new MockRegistry({ clock, instanceId: 'a' })
      const memory = { a: first, b: new MockRegistry({ sharedWith: first, instanceId: 'b' }) }
      const keyPrefix = `p${runs}`
      const shared = {
        a: new RedisRegistry({ redis, keyPrefix, instanceId: 'a' }),
        b: new RedisRegistry({ redis, keyPrefix, instanceId: 'b' }),
      }
      for (const step of steps) await compareStep(step, memory, shared, clock, keyPrefix)
      expect(await finalState(shared.a)).toEqual(await finalState(memory.a))
      expect((await shared.a.verify()).problems).toEqual([])
      expect((await memory.a.verify()).problems).toEqual([])
      await Promise.all([shared.a.close(), shared.b.close()])
    }),
    { seed, numRuns: RUNS },
  )
}, 120_000)

async function compareStep(
  step: Step | Pass,
  memory: Instances,
  shared: Instances,
  clock: ManualClock,
  prefix: string,
): Promise<void> {
  if (!('run' in step)) {
    clock.advance(step.minutes * 60_000)
    await redis.eval(AGE_LEASES, 1, `${prefix}:active`, step.minutes * 60_000)
    return
  }
  const expected = await outcome(step.run(memory[step.instance]))
  expect({ [step.name]: await outcome(step.run(shared[step.instance])) }).toEqual({ [step.name]: expected })
}

/** Redis has a clock of its own: time passes there by ageing every lease. */
const AGE_LEASES = `
  for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    redis.call('ZINCRBY', KEYS[1], -ARGV[1], id)
  end`

async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    return comparable(await call)
  } catch (error) {
    if (!isRegistryError(error)) throw error
    return { ...error, message: error.message }
  }
}

/** Times differ between the two, so only that there is one counts; lists are compared by id for the same reason. */
function comparable(value: unknown): unknown {
  if (value instanceof Date) return 'a time'
  if (Array.isArray(value)) {
    const items = value.map(comparable)
    return items.every(isStream) ? items.sort((a, b) => (a.id < b.id ? -1 : 1)) : items
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, comparable(member)]))
}

function isStream(value: unknown): value is { id: string } {
  return typeof value === 'object' && value !== null && 'id' in value && 'revision' in value
}

async function finalState(registry: Registry): Promise<unknown> {
  const store = storeOf(registry)
  const call = { deadline: performance.now() + 10_000 }
  const before = comparable([await registry.list(), await registry.stats(), await registry.count()])
  const swept = (await store.sweep(100, 'sweeper', call)).sort((a, b) => (a.id < b.id ? -1 : 1))
  const { records: log } = await store.readLog(0, undefined, 10_000, call)
  const events = log.map(({ id, type, source, doc, side, changes }) => {
    const { created_at, updated_at, started_at, ended_at, state, ...rest } = JSON.parse(doc) as Record<
      string,
      never
    >
    const measured = side === undefined ? {} : (JSON.parse(side) as object)
    return {
      id,
      type,
      source,
      rest,
      measured,
      changes: changes?.toSorted(),
      health: (state as { health?: string } | undefined)?.health,
    }
  })
  const expired = events.filter(({ source }) => source === 'sweeper').map(({ id }) => id)
  return {
    before,
    swept,
    expired: expired.sort(),
    events: events.filter(({ source }) => source !== 'sweeper'),
  }
}
