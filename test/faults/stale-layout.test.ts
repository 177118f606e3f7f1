import { RedisRegistry } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scripts } from '../../src/redis/scripts.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

const ACTIVE = 'mirror:streams:active'
const SECTION = ['status:active', '-inf', '+inf']

/** What each reading script is asked, behind the layout version. */
const ARGUMENTS = {
  walk: ['0', '', '', '10', '100', 'count', ...SECTION, '10', '0'],
  sizes: SECTION,
  count: ['2000', '10000', '1', '+', ...SECTION],
} as const

let server: RedisServer
let redis: Redis
let version = ''

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.port)
  const registry = new RedisRegistry({ redis })
  await registry.create({ id: 'cam1', type: 'srt', sourceAddr: '10.0.0.1:9000', status: 'active' })
  version = (await redis.hget('mirror:streams:idx:layout', 'version')) ?? ''
})

afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

describe.each(Object.entries(ARGUMENTS))('the script %s', (name, args) => {
  const script = scripts[name as keyof typeof ARGUMENTS]

  it('answers under the layout that is', async () => {
    const [state, , ...rest] = (await script.run(redis, ACTIVE, [version, ...args])) as unknown[]
    expect(state).toBe('done')
    expect(rest.map(String)).toContain('1')
  })

  it('refuses under one that was: an index that it counts on may be gone', async () => {
    const [state] = (await script.run(redis, ACTIVE, ['1', ...args])) as unknown[]
    expect(state).toBe('layout')
  })
})
