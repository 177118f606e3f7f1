import { isDeepStrictEqual } from 'node:util'
import {
  evaluate,
  type Group,
  type GroupedQuery,
  isRegistryError,
  LocalMirror,
  MockRegistry,
  type Query,
  QueryError,
  queryFromJSON,
  RedisRegistry,
  type Registry,
  type Stream,
} from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import fc from 'fast-check'
import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withClauses, withSort } from '../support/query-from-spec.ts'
import { seededRandom, testSeed } from '../support/random.ts'
import { type RedisCluster, startCluster } from '../support/redis-cluster.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { groupsOf, matchesInOrder, type NaiveClause, type NaiveGroup, resolveClauses } from './naive-query.ts'
import {
  type Action,
  query as anyQuery,
  INDEX_SETS,
  type Life,
  LONG_TEXTS,
  livesOf,
  type QuerySpec,
} from './query-arbitraries.ts'

/** Random queries in all; each is asked of three registries. */
const RUNS = Number(process.env.QUERY_RUNS ?? 2_000)
const WAVE = 15
const PARTITIONS = 6
/** More pages than that mean that they do not end. */
const MAX_PAGES = 2_000

interface Population {
  readonly name: string
  readonly size: number
  readonly indexes: number
  readonly batchSizes: readonly [memory: number, standalone: number, cluster: number]
}

const POPULATIONS: readonly Population[] = [
  { name: 'numbers first', size: 90, indexes: 0, batchSizes: [3, 50, 7] },
  { name: 'texts first', size: 60, indexes: 1, batchSizes: [500, 4, 500] },
  { name: 'equality first', size: 70, indexes: 2, batchSizes: [1, 500, 3] },
  { name: 'nothing declared', size: 100, indexes: 3, batchSizes: [10, 9, 20] },
]

/** Two instances over the same records, and how time passes there. */
interface Home {
  readonly name: string
  readonly instances: Readonly<Record<Life['instance'], Registry>>
  readonly pass: (ms: number) => Promise<void>
}

const seed = testSeed('queries')
let server: RedisServer
let cluster: RedisCluster
let standaloneClient: Redis
let clusterClient: Cluster

beforeAll(async () => {
  ;[server, cluster] = await Promise.all([startRedis(), startCluster(3)])
  standaloneClient = new Redis(server.port)
  clusterClient = new Cluster(cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })))
})

afterAll(async () => {
  standaloneClient.disconnect()
  clusterClient.disconnect()
  await Promise.all([server.stop(), cluster.stop()])
})

function homesOf(keyPrefix: string, { indexes: set, batchSizes }: Population): Home[] {
  const indexes = INDEX_SETS[set]!
  const [inMemory, standalone, clustered] = batchSizes.map((batchSize) => ({ batchSize, indexes }))
  const clock = new ManualClock()
  const first = new MockRegistry({ ...inMemory, clock, instanceId: 'node-a' })
  const second = new MockRegistry({ ...inMemory, sharedWith: first, instanceId: 'node-b' })
  const onRedis = (instanceId: string): Registry =>
    new RedisRegistry({ ...standalone, redis: standaloneClient, keyPrefix, instanceId })
  const onCluster = (instanceId: string): Registry =>
    new RedisRegistry({ ...clustered, redis: clusterClient, keyPrefix, partitions: PARTITIONS, instanceId })
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
  return [
    {
      name: 'in memory',
      instances: { 'node-a': first, 'node-b': second },
      pass: async (ms) => clock.advance(ms),
    },
    {
      name: 'on Redis',
      instances: { 'node-a': onRedis('node-a'), 'node-b': onRedis('node-b') },
      pass: sleep,
    },
    {
      name: 'on a cluster',
      instances: { 'node-a': onCluster('node-a'), 'node-b': onCluster('node-b') },
      pass: sleep,
    },
  ]
}

/** Lives through everything: in waves, so that many streams are of one millisecond and many are not. */
async function settle({ instances, pass }: Home, lives: readonly Life[]): Promise<void> {
  for (let i = 0; i < lives.length; i += WAVE) {
    const wave = lives.slice(i, i + WAVE)
    await Promise.all(wave.map(({ instance, input }) => instances[instance].create(input)))
    await pass(3)
    await Promise.all(wave.map((life) => liveOn(life, instances)))
  }
  await pass(30)
}

async function liveOn({ input, instance, actions }: Life, instances: Home['instances']): Promise<void> {
  for (const action of actions) {
    try {
      await act(action, input, instances[instance], instances[instance === 'node-a' ? 'node-b' : 'node-a'])
    } catch (error) {
      if (
        !isRegistryError(error) ||
        (error.code !== 'INVALID_TRANSITION' && error.code !== 'STREAM_NOT_FOUND')
      )
        throw error
    }
  }
}

function act(action: Action, input: Life['input'], own: Registry, other: Registry): Promise<unknown> {
  switch (action.name) {
    case 'update':
      return own.update(input.id, action.patch)
    case 'updateStatus':
      return own.updateStatus(
        input.id,
        action.status,
        action.error === undefined ? {} : { error: action.error },
      )
    case 'updateState':
      return own.updateState(input.id, action.report)
    case 'updateStats':
      return own.updateStats(input.id, action.statistics)
    case 'takeover':
      return other.register(input, { takeover: true })
    default:
      return own[action.name](input.id)
  }
}

function grouped(query: Query, { groups, figures }: QuerySpec): GroupedQuery {
  const [first, ...others] = groups as 'metadata.any'[]
  const [figure, ...more] = figures as ['sum', 'metadata.any'][]
  const base =
    first === undefined
      ? query.aggregate(figure![0], figure![1])
      : query.groupBy(first, ...others).aggregate(...figure!)
  return more.reduce((built, [fn, field]) => built.aggregate(fn, field), base)
}

/** All pages, one after the other; their sizes are used in turn. */
async function drained(query: Query, pageSizes: readonly number[], cursor?: string): Promise<Stream[]> {
  const streams: Stream[] = []
  let next = cursor
  for (let i = 0; i < MAX_PAGES; i++) {
    const limit = pageSizes[i % pageSizes.length]!
    const sized = query.limit(limit)
    const page = await (next === undefined ? sized : sized.after(next)).page()
    if (page.streams.length > limit) throw new Error(`a page of ${page.streams.length}, not ${limit} at most`)
    streams.push(...page.streams)
    if (page.nextCursor === undefined) return streams
    next = page.nextCursor
  }
  throw new Error(`more than ${MAX_PAGES} pages`)
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

function idsOf(streams: readonly Stream[]): string[] {
  return streams.map(({ id }) => id)
}

/** `undefined` when the builder refuses it. */
function madeOrRefused(make: () => Query): Query | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof QueryError) return undefined
    throw error
  }
}

/** Says what a registry answers otherwise than the naive query. */
class Comparison {
  readonly #about: string

  constructor(about: string) {
    this.#about = about
  }

  streams(call: string, actual: readonly Stream[], expected: readonly Stream[]): void {
    this.same(
      call,
      actual.map(({ id }) => id),
      expected.map(({ id }) => id),
    )
    this.same(call, actual, expected)
  }

  same(call: string, actual: unknown, expected: unknown): void {
    if (!isDeepStrictEqual(actual, expected)) this.#fail(call, actual, expected)
  }

  groups(actual: readonly Group[], expected: readonly NaiveGroup[]): void {
    if (!isAlike(actual, expected)) this.#fail('groupBy', actual, expected)
  }

  #fail(call: string, actual: unknown, expected: unknown): never {
    throw new Error(
      `${this.#about}: ${call} answers\n${JSON.stringify(actual)}\ninstead of\n${JSON.stringify(expected)}`,
    )
  }
}

/** Equal, but for how sums are rounded and the sign of zero. */
function isAlike(actual: unknown, expected: unknown): boolean {
  if (typeof actual === 'number' && typeof expected === 'number')
    return actual === expected || Math.abs(actual - expected) <= 1e-9 * Math.abs(expected)
  if (typeof actual !== 'object' || typeof expected !== 'object') return actual === expected
  if (actual === null || expected === null || actual instanceof Date || expected instanceof Date)
    return isDeepStrictEqual(actual, expected)
  const names = Object.keys(actual)
  return (
    names.length === Object.keys(expected).length &&
    names.every(
      (name) =>
        Object.hasOwn(expected, name) &&
        isAlike((actual as Record<string, unknown>)[name], (expected as Record<string, unknown>)[name]),
    )
  )
}

/** Asks a registry a query in every way, and compares each answer with the naive one over the same streams. */
async function compareQuery(
  name: string,
  registry: Registry,
  streams: readonly Stream[],
  spec: QuerySpec,
): Promise<void> {
  const clauses = resolveClauses(spec.clauses, streams)
  const is = new Comparison(`${name}: ${JSON.stringify({ ...spec, clauses })}`)
  const matching = withClauses(registry.query(), clauses)
  const ordered = withSort(matching, spec.sort)
  const whole = spec.offset === undefined ? ordered : ordered.offset(spec.offset)
  const part = spec.limit === undefined ? whole : whole.limit(spec.limit)

  const all = matchesInOrder(streams, clauses, spec.sort)
  const rest = all.slice(spec.offset ?? 0)
  const expected = rest.slice(0, spec.limit)
  const ids = idsOf(expected)

  is.streams('execute', await part.execute(), expected)
  is.same('ids', await part.ids(), ids)
  is.same('count', await part.count(), all.length)
  const checks: Readonly<Record<QuerySpec['also'][number], () => Promise<void>>> = {
    first: async () => is.same('first', await part.first(), expected[0]),
    iterate: async () => is.streams('iterate', await collected(part.iterate()), expected),
    page: async () => is.streams('page', await drained(whole, spec.pageSizes), rest),
    after: () => compareRest(is, whole, rest, spec),
    group: async () =>
      is.groups(await grouped(matching, spec).execute(), groupsOf(all, spec.groups, spec.figures)),
    json: async () => {
      const tree = queryFromJSON(JSON.stringify(part.toJSON()))
      is.same('a query from JSON', await registry.query(tree).ids(), ids)
      const evaluated = streams.filter((stream) => evaluate(tree, stream))
      is.same('evaluate', idsOf(evaluated).sort(), idsOf(all).sort())
      await part.explain()
    },
  }
  for (const check of spec.also) await checks[check]()
  const [only, ...others] = clauses
  if (only !== undefined && 'filter' in only && others.length === 0)
    is.same('count of a filter', await registry.count(only.filter), all.length)
}

/** Asks a mirror the same. */
function compareMirror(
  mirror: LocalMirror,
  registry: Registry,
  streams: readonly Stream[],
  spec: QuerySpec,
): void {
  const clauses = resolveClauses(spec.clauses, streams)
  const is = new Comparison(`a mirror: ${JSON.stringify({ ...spec, clauses })}`)
  const { limit, offset = 0 } = spec
  const ordered = withSort(withClauses(registry.query(), clauses), spec.sort).offset(offset)
  const query = mirror.query((limit === undefined ? ordered : ordered.limit(limit)).toJSON())
  const all = matchesInOrder(streams, clauses, spec.sort)
  const expected = all.slice(offset, limit === undefined ? undefined : offset + limit)
  is.streams('all', query.all(), expected)
  is.same('ids', query.ids(), idsOf(expected))
  is.same('count', query.count(), all.length)
  is.same('first', query.first(), expected[0])
}

/** What comes after a first page, in every way. */
async function compareRest(
  is: Comparison,
  whole: Query,
  rest: readonly Stream[],
  spec: QuerySpec,
): Promise<void> {
  const size = spec.pageSizes[0]!
  const { streams, nextCursor } = await whole.limit(size).page()
  if (nextCursor === undefined) return
  const expected = rest.slice(streams.length)
  const after = whole.after(nextCursor)
  is.streams('execute after a cursor', await after.limit(size).execute(), expected.slice(0, size))
  is.streams('iterate after a cursor', await collected(after.iterate()), expected)
}

const PLAIN: QuerySpec = { clauses: [], sort: [], pageSizes: [10], groups: [], figures: [], also: [] }

describe.each(POPULATIONS)('queries, $name', (population) => {
  const index = POPULATIONS.indexOf(population)
  const runs = Math.ceil(RUNS / POPULATIONS.length)
  let homes: Home[]
  let listed: Stream[][]
  /** Of the first home. */
  let mirror: LocalMirror

  beforeAll(async () => {
    homes = homesOf(`q${index}`, population)
    const lives = livesOf(seed + index, population.size)
    await Promise.all(homes.map((home) => settle(home, lives)))
    listed = await Promise.all(homes.map(({ instances }) => instances['node-a'].list()))
    mirror = await LocalMirror.start(homes[0]!.instances['node-a'])
  })

  afterAll(() => mirror.close())

  const compareAll = async (spec: QuerySpec): Promise<void> => {
    await Promise.all(
      homes.map(({ name, instances }, i) => compareQuery(name, instances['node-a'], listed[i]!, spec)),
    )
    compareMirror(mirror, homes[0]!.instances['node-a'], listed[0]!, spec)
  }

  it('is asked of the same streams everywhere, many of one millisecond, some gone', () => {
    const [inMemory, ...onRedis] = listed.map((streams) => idsOf(streams).sort())
    for (const ids of onRedis) expect(ids).toEqual(inMemory)
    expect(inMemory!.length).toBeGreaterThan(population.size / 2)
    expect(inMemory!.length).toBeLessThan(population.size)
    for (const streams of listed) {
      const times = new Set(streams.map(({ createdAt }) => createdAt.getTime()))
      expect(times.size).toBeGreaterThan(1)
      expect(times.size).toBeLessThan(streams.length / 2)
    }
  })

  it(`answers as a filter, a sort and a slice of all streams do (${runs} queries on three registries)`, async () => {
    await fc.assert(fc.asyncProperty(anyQuery, compareAll), {
      seed: seed + index,
      numRuns: runs,
      interruptAfterTimeLimit: 100_000,
      markInterruptAsFailure: true,
    })
    for (const [i, { instances }] of homes.entries())
      expect(await instances['node-b'].list()).toEqual(listed[i])
  }, 120_000)

  it('answers a pattern that no text can be like with nothing, or refuses it', async () => {
    const odd = ['a\0*', 'a\0', '\uD83C*', '\uD83C', '*\uDFA5', '?\uDFA5*']
    for (const [i, { name, instances }] of homes.entries()) {
      const registry = instances['node-a']
      for (const pattern of odd) {
        const ask = (): Query => registry.query().where('sourceAddr', 'like', pattern).sortBy('sourceAddr')
        const query = madeOrRefused(ask)
        if (query === undefined) continue
        const clauses: NaiveClause[] = [{ where: ['sourceAddr', 'like', pattern] }]
        const expected = matchesInOrder(listed[i]!, clauses, [['sourceAddr', 'asc']])
        const is = new Comparison(`${name}: sourceAddr like ${JSON.stringify(pattern)}`)
        is.streams('execute', await query.execute(), expected)
        is.same('ids', await query.ids(), idsOf(expected))
        is.same('count', await query.count(), expected.length)
      }
    }
  })

  it('tells long texts apart that begin alike', async () => {
    for (const field of ['metadata.mix', 'metadata.region']) {
      for (const text of LONG_TEXTS) {
        for (const op of ['eq', 'ne']) await compareAll({ ...PLAIN, clauses: [{ where: [field, op, text] }] })
      }
    }
  })

  it('adds up numbers that cancel each other', async () => {
    const figures = [
      ['sum', 'metadata.level'],
      ['avg', 'metadata.level'],
    ] as const
    const clauses = [{ where: ['name', 'eq', 'cancelling'] as const }]
    await compareAll({ ...PLAIN, clauses, figures, also: ['group'] })
  })

  it('refuses the cursor of another query', async () => {
    for (const { instances } of homes) {
      const query = instances['node-a'].query().limit(1)
      const { nextCursor } = await query.sortBy('name').page()
      await expect(query.sortBy('name', 'desc').after(nextCursor!).page()).rejects.toBeInstanceOf(QueryError)
    }
  })
})

/** Orders to page in, and the conditions. Streams that stay keep what both look at. */
const PAGED: readonly { sort: QuerySpec['sort']; clauses: readonly NaiveClause[] }[] = [
  { sort: [], clauses: [] },
  { sort: [['createdAt', 'desc']], clauses: [{ filter: { tags: ['hd', 'live'], tagsAny: true } }] },
  { sort: [['metadata.mix', 'asc']], clauses: [] },
  {
    sort: [
      ['metadata.mix', 'desc'],
      ['createdAt', 'asc'],
    ],
    clauses: [{ where: ['metadata.level', 'exists', true] }],
  },
  { sort: [['metadata.region', 'desc']], clauses: [] },
  {
    sort: [
      ['metadata.region', 'asc'],
      ['errorCount', 'desc'],
    ],
    clauses: [],
  },
  { sort: [['sourceAddr', 'asc']], clauses: [] },
  { sort: [['statistics.rttMs', 'desc']], clauses: [{ where: ['type', 'ne', 'rtp'] }] },
  {
    sort: [['metadata.level', 'asc']],
    clauses: [{ or: [[{ where: ['metadata.mix', 'gte', 0] }], [{ where: ['tags', 'contains', 'hd'] }]] }],
  },
  {
    sort: [
      ['updatedAt', 'desc'],
      ['id', 'asc'],
    ],
    clauses: [],
  },
]

describe('paging while others write', () => {
  const population: Population = { name: 'churn', size: 90, indexes: 0, batchSizes: [5, 40, 6] }
  const staying = livesOf(seed + 100, population.size).filter(({ lapses }) => !lapses)
  const passing = livesOf(seed + 101, 400).map(
    ({ input, ...life }, i): Life => ({
      ...life,
      lapses: false,
      input: { ...input, id: `${input.id}-passing${i}`, ttlMs: 3_600_000 },
    }),
  )
  let homes: Home[]

  beforeAll(async () => {
    homes = homesOf('churn', population)
    await Promise.all(homes.map((home) => settle(home, staying)))
  })

  for (const [i, { sort, clauses }] of PAGED.entries()) {
    it(`gives every stream that stays where it is once, sorted by ${JSON.stringify(sort)}`, async () => {
      const random = seededRandom(seed + i)
      for (const pageSize of [1 + ((i * 3) % 8), 23]) {
        const plan = Array.from({ length: MAX_PAGES }, () => [random(), random(), random()] as const)
        await Promise.all(
          homes.map(async ({ name, instances }) => {
            const registry = instances['node-a']
            const before = await registry.list()
            const churn = new Churn(registry, before, passing)
            const query = withSort(withClauses(registry.query(), clauses), sort).limit(pageSize)
            const seen: Stream[] = []
            let cursor: string | undefined
            let pages = 0
            do {
              const writes = pages < 150 ? churn.write(plan[pages]!) : undefined
              const [page] = await Promise.all([
                (cursor === undefined ? query : query.after(cursor)).page(),
                writes,
              ])
              seen.push(...page.streams)
              cursor = page.nextCursor
              pages += 1
            } while (cursor !== undefined && pages < MAX_PAGES)
            expect(pages).toBeLessThan(MAX_PAGES)

            const after = new Map((await registry.list()).map((stream) => [stream.id, stream]))
            const stayed = before.filter(({ id }) => !churn.touched.has(id))
            for (const { id } of stayed) expect(after.has(id)).toBe(true)
            const expected = idsOf(matchesInOrder(stayed, clauses, sort))
            const ofStayed = idsOf(seen).filter((id) => !churn.touched.has(id))
            new Comparison(`${name}, pages of ${pageSize}`).same('page', ofStayed, expected)
          }),
        )
      }
    }, 60_000)
  }
})

/** Creates, changes and deletes streams at random; those that it never touches stay as they are. */
class Churn {
  readonly touched = new Set<string>()
  readonly #registry: Registry
  readonly #victims: string[]
  readonly #quiet: string[]
  readonly #lives: readonly Life[]

  constructor(registry: Registry, streams: readonly Stream[], lives: readonly Life[]) {
    this.#registry = registry
    this.#lives = lives
    const isPassing = ({ id }: Stream): boolean => id.includes('-passing')
    this.#victims = streams.filter(isPassing).map(({ id }) => id)
    this.#quiet = streams.filter((stream) => !isPassing(stream)).map(({ id }) => id)
    for (const id of this.#victims) this.touched.add(id)
  }

  async write([what, which, how]: readonly [number, number, number]): Promise<void> {
    const life = this.#lives[Math.floor(which * this.#lives.length)]!
    const victim = this.#victims[Math.floor(which * this.#victims.length)]
    const calls: Promise<unknown>[] = []
    const { id } = life.input
    this.touched.add(id)
    if (!this.#victims.includes(id)) {
      this.#victims.push(id)
      calls.push(this.#registry.register(life.input))
    }
    if (victim !== undefined && victim !== id) {
      if (what < 0.4) calls.push(this.#registry.delete(victim).then(() => this.#forget(victim)))
      else calls.push(this.#change(victim, this.#lives[Math.floor(how * this.#lives.length)]!))
    }
    // A sign of life moves nothing.
    const quiet = this.#quiet[Math.floor(how * this.#quiet.length)]
    if (quiet !== undefined) calls.push(this.#registry.heartbeat(quiet))
    await Promise.all(calls)
  }

  /** Moves a stream elsewhere in every order. */
  async #change(id: string, { input }: Life): Promise<void> {
    const { sourceAddr, name, metadata, tags } = input
    const { mix = null, level = null, region = null } = metadata ?? {}
    const patch = { sourceAddr, tags: tags ?? [], name: name ?? null, metadata: { mix, level, region } }
    await Promise.all([
      this.#registry.update(id, patch as Parameters<Registry['update']>[1]),
      this.#registry.updateStats(id, input.statistics ?? { rttMs: 0 }),
      this.#registry.updateState(id, { error: 'moved' }),
    ])
  }

  #forget(id: string): void {
    const at = this.#victims.indexOf(id)
    if (at >= 0) this.#victims.splice(at, 1)
  }
}
