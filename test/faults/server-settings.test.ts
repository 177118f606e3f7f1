import { RedisRegistry, type RedisRegistryOptions } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { errorOf } from '../support/expect-error.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

let server: RedisServer
let redis: Redis

beforeEach(async () => {
  server = await startRedis()
  redis = new Redis(server.port)
})

afterEach(async () => {
  redis.disconnect()
  await server.stop()
})

function open(options: Partial<RedisRegistryOptions<never>> = {}): RedisRegistry {
  return new RedisRegistry({ redis, ...options }) as never
}

const input = (id: string) => ({ id, type: 'srt', sourceAddr: 'a:1' }) as const

describe('a client that the registry cannot work with', () => {
  it('is refused when it has a keyPrefix', () => {
    const prefixed = new Redis({ lazyConnect: true, keyPrefix: 'app:' })
    expect(() => open({ redis: prefixed })).toThrow(/keyPrefix/)
  })

  it('is warned of once when it pipelines by itself, or may evict', async () => {
    server.cli('config', 'set', 'maxmemory-policy', 'allkeys-lru')
    const pipelining = new Redis(server.port, { enableAutoPipelining: true })
    const warnings: string[] = []
    const registry = open({ redis: pipelining, logger: { warn: (message) => void warnings.push(message) } })
    await Promise.all([registry.create(input('cam1')), registry.count(), registry.list()])
    await registry.create(input('cam2'))
    expect(warnings).toHaveLength(2)
    expect(warnings[0]).toMatch(/enableAutoPipelining/)
    expect(warnings[1]).toMatch(/allkeys-lru.*noeviction/)
    expect(await registry.count()).toBe(2)
    pipelining.disconnect()
  })

  it('is not warned of when all is well', async () => {
    const warnings: string[] = []
    await open({ logger: { warn: (message) => void warnings.push(message) } }).count()
    expect(warnings).toEqual([])
  })
})

describe('a Redis that is out of memory', () => {
  it('refuses what adds, cleanly and at once; renews, and removes', async () => {
    const registry = open()
    for (const id of ['cam1', 'cam2', 'cam3', 'cam4']) await registry.create(input(id))
    await registry.create({ ...input('brief'), ttlMs: 50 })
    server.cli('config', 'set', 'maxmemory', '1')
    const error = await errorOf(registry.create(input('cam5')), 'UNAVAILABLE')
    expect(error.message).toMatch(/OOM/)
    await errorOf(registry.updateStatus('cam1', 'active'), 'UNAVAILABLE')
    await errorOf(registry.update('cam1', { name: 'x' }), 'UNAVAILABLE')
    await registry.heartbeat('cam1')
    expect((await registry.heartbeatMany(['cam1', 'cam2'])).alive).toEqual(['cam1', 'cam2'])
    expect((await registry.get('cam1')).revision).toBe(1)
    expect((await registry.unregister('cam2')).status).toBe('terminated')
    expect(await registry.delete('cam3')).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(await registry.delete('brief')).toBe(false)
    expect((await registry.list()).map(({ id }) => id)).toEqual(['cam1', 'cam4'])
    expect((await registry.verify()).problems).toEqual([])
    server.cli('config', 'set', 'maxmemory', '0')
    await registry.create(input('cam5'))
    expect(await registry.count()).toBe(3)
  })
})

describe('a layout that is not the one asked for', () => {
  it('is refused with both partition counts named', async () => {
    await open().create(input('cam1'))
    const error = await errorOf(open({ partitions: 4 }).create(input('cam2')), 'VALIDATION')
    expect(error.message).toMatch(/4.*1/)
    await errorOf(open({ partitions: 4 }).list(), 'VALIDATION')
    await open({ partitions: 4, keyPrefix: 'other' }).create(input('cam2'))
    const back = await errorOf(open({ keyPrefix: 'other' }).count(), 'VALIDATION')
    expect(back.message).toMatch(/1.*4/)
  })

  it('is refused when the format is of another release', async () => {
    await redis.hset('mirror:streams:idx:layout', { format: '99', partitions: '1', naming: 'plain' })
    expect((await errorOf(open().count(), 'VALIDATION')).message).toMatch(/format 99/)
  })

  it('is refused when the prefix holds the set of another registry', async () => {
    await redis.sadd('mirror:streams:active', 'cam1')
    expect((await errorOf(open().count(), 'VALIDATION')).message).toMatch(/mirror:streams:active/)
    expect(await redis.smembers('mirror:streams:active')).toEqual(['cam1'])
  })

  it('lets two prefixes live side by side', async () => {
    const [a, b] = [open({ keyPrefix: 'a' }), open({ keyPrefix: 'a:b' })]
    await a.create(input('b'))
    await b.create(input('x'))
    await b.create(input('y'))
    expect([await a.count(), await b.count()]).toEqual([1, 2])
    expect((await a.verify()).problems).toEqual([])
  })

  it('keeps every index that any registry declared', async () => {
    const plain = open()
    await plain.create({ ...input('cam1'), metadata: { region: 'eu' } })
    await open({ indexes: [{ field: 'metadata.region', kind: 'equality' }] }).count()
    await open({ indexes: [{ field: 'statistics.bitrate', kind: 'number' }] }).count()
    await plain.create({ ...input('cam2'), metadata: { region: 'us' }, statistics: { bitrate: 7 } })
    await plain.updateStats('cam2', { bitrate: 8 })
    await plain.updateStats('cam2', { bytesReceived: 8 })
    expect(await redis.zrange('mirror:streams:idx:metadata.region:sus', 0, '-1')).toEqual(['cam2'])
    expect(await redis.zscore('mirror:streams:idx:statistics.bitrate', 'cam2')).toBe('8')
    await plain.updateStatus('cam1', 'active')
    expect(await redis.zrange('mirror:streams:idx:metadata.region:seu', 0, '-1')).toEqual(['cam1'])
    const layout = () => redis.hgetall('mirror:streams:idx:layout')
    await expect.poll(layout).toMatchObject({
      'index:metadata.region': 'equality|ready',
      'index:statistics.bitrate': 'number|ready',
    })
    expect((await plain.verify()).problems).toEqual([])
  })
})

describe('records for other readers', () => {
  it('are pure JSON in the wire form under <prefix>:<id>', async () => {
    const registry = open()
    await registry.create({
      ...input('cam1'),
      metadata: { keep: [], exact: 9007199254740991 },
      sourcePort: 9,
    })
    const record = JSON.parse((await redis.get('mirror:streams:cam1')) ?? '') as object
    expect(record).toMatchObject({
      id: 'cam1',
      source_addr: 'a:1',
      source_port: 9,
      metadata: { keep: [], exact: 9007199254740991 },
    })
    expect(await redis.ttl('mirror:streams:cam1')).toBe(-1)
    expect(await redis.zcard('mirror:streams:active')).toBe(1)
  })
})
