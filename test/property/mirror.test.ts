import {
  isRegistryError,
  LocalMirror,
  MockRegistry,
  type Query,
  type Registry,
  type Stream,
} from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Witness, watchedQueries } from '../support/mirror-witness.ts'
import { withClauses, withSort } from '../support/query-from-spec.ts'
import { seededRandom, testSeed } from '../support/random.ts'
import { history, type Pass, type Step } from './command-arbitraries.ts'
import { resolveClauses } from './naive-query.ts'
import { query as anyQuery, INDEX_SETS, type Life, livesOf, type QuerySpec } from './query-arbitraries.ts'

const HISTORIES = Number(process.env.MIRROR_RUNS ?? 60)
const POPULATIONS = Number(process.env.MIRROR_RUNS ?? 60)
const seed = testSeed('mirror')

/** A registry in memory, its mirror, and who watches it. */
interface Scene {
  readonly clock: ManualClock
  readonly a: Registry
  readonly b: Registry
  readonly mirror: LocalMirror
  readonly witnesses: Witness[]
}

async function open(indexes: (typeof INDEX_SETS)[number] = []): Promise<Scene> {
  const clock = new ManualClock()
  const first = new MockRegistry({ clock, instanceId: 'a', indexes })
  const b = new MockRegistry({ sharedWith: first, instanceId: 'b', indexes })
  const mirror = await LocalMirror.start(b)
  return { clock, a: first, b, mirror, witnesses: [] }
}

/** That the mirror, its queries and what its watchers were told last are what the registry answers. */
async function compare({ a, mirror, witnesses }: Scene): Promise<void> {
  await mirror.sync()
  expect(mirror.query().all()).toEqual(await a.list())
  for (const witness of witnesses) {
    expect(await witness.conclude(a)).toEqual([])
    const same = mirror.query(witness.query.toJSON())
    const { all, count } = { all: await witness.query.execute(), count: await witness.query.count() }
    expect(same.all()).toEqual(all)
    expect([same.ids(), same.count(), same.first()]).toEqual([all.map(({ id }) => id), count, all[0]])
  }
}

async function close({ a, b, mirror, witnesses }: Scene): Promise<void> {
  for (const { unwatch } of witnesses) unwatch()
  await mirror.close()
  await Promise.all([a.close(), b.close()])
}

function built(registry: Registry, spec: QuerySpec, streams: readonly Stream[]): Query {
  const ordered = withSort(withClauses(registry.query(), resolveClauses(spec.clauses, streams)), spec.sort)
  const part = spec.offset === undefined ? ordered : ordered.offset(spec.offset % 4)
  return spec.limit === undefined ? part : part.limit(1 + (spec.limit % 6))
}

/** What may be refused is refused. */
async function attempt(call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!isRegistryError(error)) throw error
  })
}

async function take(step: Step | Pass, { clock, a, b }: Scene): Promise<void> {
  if ('run' in step) await attempt(step.run(step.instance === 'a' ? a : b))
  else clock.advance(step.minutes * 60_000)
}

it(`is what the registry is, whatever is done to it (${HISTORIES} histories)`, async () => {
  await fc.assert(
    fc.asyncProperty(
      history,
      fc.array(anyQuery, { maxLength: 4 }),
      fc.nat(9),
      async (steps, specs, interval) => {
        const scene = await open()
        const queries = [...watchedQueries(scene.a), ...specs.map((spec) => built(scene.a, spec, []))]
        for (const query of queries) scene.witnesses.push(new Witness(scene.mirror, query))
        for (const [i, step] of steps.entries()) {
          await take(step, scene)
          if (i % (interval + 1) === interval) await compare(scene)
        }
        await compare(scene)
        await close(scene)
      },
    ),
    { seed, numRuns: HISTORIES },
  )
}, 60_000)

/** What one step does to the streams. */
async function live({ a, b, clock }: Scene, life: Life, random: () => number, ids: string[]): Promise<void> {
  const id = ids[Math.floor(random() * ids.length)] ?? life.input.id
  const [own, other] = life.instance === 'node-a' ? [a, b] : [b, a]
  const chance = random()
  if (chance < 0.1) clock.advance(Math.floor(random() * 3))
  if (chance < 0.3) return attempt(own.create({ ...life.input, ttlMs: 1 + Math.floor(random() * 40) }))
  if (chance < 0.6) return attempt(own.create(life.input))
  if (chance < 0.65) return attempt(own.heartbeatMany(ids))
  if (chance < 0.7) return attempt(other.register({ ...life.input, id }, { takeover: true }))
  for (const action of life.actions) {
    if (action.name === 'update') await attempt(own.update(id, action.patch))
    else if (action.name === 'updateStatus') await attempt(own.updateStatus(id, action.status))
    else if (action.name === 'updateState') await attempt(own.updateState(id, action.report))
    else if (action.name === 'updateStats') await attempt(own.updateStats(id, action.statistics))
    else if (action.name === 'delete') await attempt(own.delete(id))
  }
}

it(`keeps any query's answer, from any place on (${POPULATIONS} populations)`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(anyQuery, { minLength: 4, maxLength: 10 }),
      fc.nat(INDEX_SETS.length - 1),
      async (draw, specs, set) => {
        const scene = await open(INDEX_SETS[set])
        const { a, mirror, witnesses } = scene
        const random = seededRandom(draw)
        const lives = livesOf(draw, 40)
        const ids = lives.map(({ input }) => input.id)
        for (const [i, life] of lives.entries()) {
          if (i < 15) await attempt(a.create(life.input))
          else await live(scene, life, random, ids.slice(0, i))
          if (i === 15) await mirror.sync()
          if (i >= 15 && i < 15 + specs.length) {
            const query = built(a, specs[i - 15]!, await a.list())
            const { nextCursor } = await query.page()
            const isLater = random() < 0.4 && nextCursor !== undefined
            witnesses.push(new Witness(mirror, isLater ? query.after(nextCursor) : query))
          }
          if (i % 6 === 5) await compare(scene)
        }
        await compare(scene)
        await close(scene)
      },
    ),
    { seed, numRuns: POPULATIONS },
  )
}, 60_000)
