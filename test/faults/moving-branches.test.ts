import { RedisRegistry } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

const STREAMS = 300
const RUN_MS = 3_000

let server: RedisServer
let redis: Redis
let other: Redis

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.port)
  other = new Redis(server.port)
})

afterAll(async () => {
  redis.disconnect()
  other.disconnect()
  await server.stop()
})

type Make = (registry: RedisRegistry) => ReturnType<RedisRegistry['query']>

/** Every way to ask for all matches, and how many streams it told of. */
const RUNS: Readonly<Record<string, (make: Make, registry: RedisRegistry) => Promise<number>>> = {
  execute: async (make, registry) => distinct((await make(registry).execute()).map(({ id }) => id)),
  ids: async (make, registry) => distinct(await make(registry).ids()),
  pages: async (make, registry) => {
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const query = make(registry).limit(40)
      const page = await (cursor === undefined ? query : query.after(cursor)).page()
      ids.push(...page.streams.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    return distinct(ids)
  },
  iterate: async (make, registry) => {
    const ids: string[] = []
    for await (const { id } of make(registry).iterate()) ids.push(id)
    return distinct(ids)
  },
  count: (make, registry) => make(registry).count(),
  group: async (make, registry) => {
    const groups = await make(registry).groupBy('type').aggregate('count', '*').execute()
    return groups.reduce((sum, { count = 0 }) => sum + Number(count), 0)
  },
  'group by what moves': async (make, registry) => {
    const groups = await make(registry).groupBy('status').aggregate('count', '*').execute()
    return groups.reduce((sum, { count = 0 }) => sum + Number(count), 0)
  },
}

/** How many there are; a repeated one makes it NaN. */
function distinct(ids: readonly string[]): number {
  return new Set(ids).size === ids.length ? ids.length : Number.NaN
}

/** What moves, what asks for it wherever it is, and how one moves. */
const MOVES: readonly [
  string,
  Make,
  (registry: RedisRegistry, id: string, turn: number) => Promise<unknown>,
][] = [
  [
    'two states',
    (registry) => registry.query().filter({ status: ['active', 'paused'] }),
    (registry, id, turn) => registry.updateStatus(id, turn % 2 === 0 ? 'paused' : 'active'),
  ],
  [
    'two tags',
    (registry) => registry.query().filter({ tags: ['red', 'blue'], tagsAny: true }),
    (registry, id, turn) => registry.update(id, { tags: [turn % 2 === 0 ? 'blue' : 'red'] }),
  ],
]

for (const partitions of [1, 3]) {
  describe.each(MOVES)(`streams that move between %s, in ${partitions} partitions`, (name, make, move) => {
    it('are always all found, each once', async () => {
      const options = { keyPrefix: `moving-${partitions}-${name.replace(' ', '-')}`, partitions }
      const registry = new RedisRegistry({ redis, ...options, batchSize: 50 })
      const mover = new RedisRegistry({ redis: other, ...options })
      const ids = Array.from({ length: STREAMS }, (_, i) => `cam${i}`)
      await Promise.all(
        ids.map((id) =>
          mover.create({ id, type: 'srt', sourceAddr: 'a:1', status: 'active', tags: ['red'] }),
        ),
      )
      let stopped = false
      let moved = 0
      const moving = (async () => {
        for (let turn = 0; !stopped; turn++) {
          for (let i = 0; i < STREAMS && !stopped; i += 10) {
            await Promise.all(ids.slice(i, i + 10).map((id) => move(mover, id, turn)))
            moved += 10
          }
        }
      })()
      moving.catch(() => {})
      const wrong: string[] = []
      let runs = 0
      try {
        for (const end = performance.now() + RUN_MS; performance.now() < end; ) {
          for (const [how, run] of Object.entries(RUNS)) {
            const found = await run(make, registry)
            if (found !== STREAMS) wrong.push(`${how}: ${found}`)
            runs += 1
          }
        }
      } finally {
        stopped = true
        await moving
        await Promise.all([registry.close(), mover.close()])
      }
      expect(wrong).toEqual([])
      expect(moved).toBeGreaterThan(STREAMS)
      expect(runs).toBeGreaterThan(20)
    }, 60_000)
  })
}
