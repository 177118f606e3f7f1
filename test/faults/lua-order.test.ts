import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

const read = (path: string): string => readFileSync(new URL(`../../lua/${path}`, import.meta.url), 'utf8')
const COMPARE = `${read('lib/order.lua')}\nreturn is_after(ARGV[1], ARGV[2]) and 1 or 0`

let server: RedisServer
let redis: Redis

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.port)
})

afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

describe('the order of ids in Lua', () => {
  it('is that of their bytes, as in a sorted set', async () => {
    const id = fc.string({ unit: fc.constantFrom('A', 'Z', 'a', 'z', '0', '_', '-', '~'), maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(id, id, async (a, b) => {
        const expected = Buffer.compare(Buffer.from(a), Buffer.from(b)) > 0 ? 1 : 0
        expect(await redis.eval(COMPARE, 0, a, b)).toBe(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('is nowhere left to Lua’s own comparison of text, which goes by the locale of the server', () => {
    expect(read('lib/places.lua')).not.toMatch(/<=\s*id\b|\[1\]\s*[<>]/)
    expect(read('lib/places.lua')).toContain('is_after(')
  })
})
