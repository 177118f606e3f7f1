import { RedisRegistry } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { errorOf } from '../support/expect-error.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

let server: RedisServer
let redis: Redis
let registry: RedisRegistry

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.port)
})

beforeEach(async () => {
  await redis.flushall()
  registry = new RedisRegistry({ redis, keyPrefix: 'r', indexCacheSize: 0 })
  for (const id of ['cam1', 'cam2', 'cam3']) {
    await registry.create({ id, type: 'srt', sourceAddr: 'a:1', status: 'active', tags: ['x'] })
  }
})

afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

const CORRUPTIONS: Record<string, () => Promise<unknown>> = {
  'text that is no JSON': () => redis.set('r:cam2', '{"id":'),
  'JSON of another kind': () => redis.set('r:cam2', '{"hello":1}'),
  'the record of another id': async () => redis.set('r:cam2', (await redis.get('r:cam1')) ?? ''),
  'a value of another type': async () => {
    await redis.del('r:cam2')
    await redis.hset('r:cam2', 'a', 1)
  },
  'no document': () => redis.del('r:cam2'),
}

describe('a corrupt record', () => {
  for (const [what, corrupt] of Object.entries(CORRUPTIONS)) {
    it(`(${what}) is CORRUPT for its id, spares lists, and can be deleted`, async () => {
      await corrupt()
      await errorOf(registry.get('cam2'), 'CORRUPT')
      await errorOf(registry.find('cam2'), 'CORRUPT')
      await errorOf(registry.updateStatus('cam2', 'paused'), 'CORRUPT')
      await errorOf(registry.unregister('cam2'), 'CORRUPT')
      await errorOf(registry.register({ id: 'cam2', type: 'srt', sourceAddr: 'a:1' }), 'CORRUPT')
      await errorOf(
        registry.create({ id: 'cam2', type: 'srt', sourceAddr: 'a:1' }),
        'CORRUPT',
        'STREAM_EXISTS',
      )
      expect((await registry.list()).map(({ id }) => id)).toEqual(['cam1', 'cam3'])
      const { streams } = await registry.listPaginated({ limit: 2 })
      expect(streams.map(({ id }) => id)).toEqual(['cam1', 'cam3'])
      expect(await registry.delete('cam2')).toBe(true)
      expect(await registry.find('cam2')).toBeUndefined()
      expect((await registry.create({ id: 'cam2', type: 'srt', sourceAddr: 'a:1' })).revision).toBe(1)
      expect((await registry.verify()).problems).toEqual([])
    })
  }

  it('(somebody else’s value, without a lease) is CORRUPT, is not overwritten, and can be deleted', async () => {
    await redis.set('r:foreign', 'not ours')
    await errorOf(registry.get('foreign'), 'CORRUPT')
    await errorOf(registry.create({ id: 'foreign', type: 'srt', sourceAddr: 'a:1' }), 'CORRUPT')
    await errorOf(registry.heartbeat('foreign'), 'STREAM_NOT_FOUND')
    expect(await redis.get('r:foreign')).toBe('not ours')
    expect(await registry.has('foreign')).toBe(false)
    expect(await registry.count()).toBe(3)
    expect(await registry.delete('foreign')).toBe(true)
    expect(await registry.find('foreign')).toBeUndefined()
  })
})

describe('a foreign value in an index’s place', () => {
  it('leaves changes whole, and is found and mended', async () => {
    await redis.sadd('r:idx:tag:hd', 'foreign')
    await redis.set('r:idx:protocol:rtp', 'foreign')
    const created = await registry.create({ id: 'cam4', type: 'rtp', sourceAddr: 'a:1', tags: ['hd'] })
    expect(await registry.get('cam4')).toEqual(created)
    await registry.updateStatus('cam4', 'active')
    expect((await registry.verify()).problems.map(({ kind }) => kind)).toContain('missing-entry')
    await registry.verify({ repair: true })
    expect((await registry.verify()).problems).toEqual([])
    expect(await redis.zrange('r:idx:tag:hd', 0, -1)).toEqual(['cam4'])
    expect((await registry.unregister('cam4')).status).toBe('terminated')
    expect((await registry.verify()).problems).toEqual([])
  })

  it('(broken bookkeeping) does not stop a sweep or a deletion', async () => {
    await redis.hset('r:idx:rec', 'cam2', 'token\0fence\x005\x001\0stream.expired\0nonsense\0')
    await errorOf(registry.updateStatus('cam2', 'paused'), 'CORRUPT')
    expect(await registry.delete('cam2')).toBe(true)
    expect(await registry.find('cam2')).toBeUndefined()
    await registry.verify({ repair: true })
    expect((await registry.verify()).problems).toEqual([])
  })
})

describe('an index over statistics that is declared late', () => {
  it('is filled from what is stored, not from what a writer remembers', async () => {
    const indexes = [{ field: 'statistics.bitrate', kind: 'number' }] as const
    const writer = new RedisRegistry({ redis, keyPrefix: 'r', indexes })
    await writer.get('cam1')
    await registry.updateStats('cam1', { bitrate: 500 })
    await writer.update('cam1', { name: 'x' })
    expect(await redis.zscore('r:idx:statistics.bitrate', 'cam1')).toBe('500')
    await redis.zadd('r:idx:statistics.bitrate', 7, 'cam1')
    const { problems } = await writer.verify({ repair: true })
    expect(problems.filter(({ streamId }) => streamId === 'cam1').map(({ kind }) => kind)).toEqual([
      'missing-entry',
    ])
    expect(await redis.zscore('r:idx:statistics.bitrate', 'cam1')).toBe('500')
  })
})

describe('verify', () => {
  const BREAKS: Record<string, { break: () => Promise<unknown>; kinds: string[] }> = {
    'a lost lease': { break: () => redis.zrem('r:active', 'cam2'), kinds: ['lost-lease'] },
    'lost bookkeeping': {
      break: () => redis.hdel('r:idx:rec', 'cam2'),
      kinds: ['corrupt-record', 'dangling-entry', 'wrong-counter'],
    },
    'a lost document': {
      break: () => redis.del('r:cam2'),
      kinds: ['corrupt-record', 'dangling-entry', 'wrong-counter'],
    },
    'a broken document': {
      break: () => redis.set('r:cam2', '{}'),
      kinds: ['corrupt-record', 'dangling-entry', 'wrong-counter'],
    },
    'a lost index entry': {
      break: () => redis.zrem('r:idx:status:active', 'cam2'),
      kinds: ['missing-entry'],
    },
    'a lost place in the order': {
      break: () => redis.zrem('r:idx:created_at', 'cam2'),
      kinds: ['missing-entry'],
    },
    'a lost address': { break: () => redis.del('r:idx:source_addr'), kinds: ['missing-entry'] },
    'a wrong score': { break: () => redis.zadd('r:idx:tag:x', 5, 'cam2'), kinds: ['missing-entry'] },
    'a dangling index entry': {
      break: () => redis.zadd('r:idx:status:paused', 5, 'cam2'),
      kinds: ['dangling-entry'],
    },
    'a dangling address': {
      break: () => redis.zadd('r:idx:source_addr', 0, 'vgone\0cam9'),
      kinds: ['dangling-entry'],
    },
    'dangling statistics': {
      break: () => redis.hset('r:idx:stats', 'gone', '{}'),
      kinds: ['dangling-statistics'],
    },
    'a wrong counter': {
      break: () => redis.hincrby('r:idx:counts', 'status|type:active|srt', 5),
      kinds: ['wrong-counter'],
    },
    'an invented counter': {
      break: () => redis.hset('r:idx:counts', 'status|type:error|rtp', 5),
      kinds: ['wrong-counter'],
    },
    'a value without a lease': { break: () => redis.set('r:foreign', 'x'), kinds: ['corrupt-record'] },
    'a document that somebody edited': {
      break: async () => {
        const doc = (await redis.get('r:cam2')) ?? ''
        await redis.set('r:cam2', doc.replace('"status":"active"', '"status":"paused"'))
      },
      kinds: ['missing-entry', 'wrong-bookkeeping', 'wrong-counter', 'dangling-entry'],
    },
  }

  for (const [what, { break: breakIt, kinds }] of Object.entries(BREAKS)) {
    it(`finds and repairs ${what}`, async () => {
      await breakIt()
      const found = await registry.verify()
      expect(found.problems.length).toBeGreaterThan(0)
      expect(found.problems.every(({ repaired }) => !repaired)).toBe(true)
      for (const { kind } of found.problems) expect(kinds).toContain(kind)
      const repair = await registry.verify({ repair: true })
      expect(repair.problems.map(({ kind }) => kind)).toContain(kinds[0])
      expect(repair.problems.every(({ repaired }) => repaired)).toBe(true)
      expect((await registry.verify()).problems).toEqual([])
      const live = await registry.list()
      expect((await registry.stats()).total).toBe(live.length)
    })
  }

  it('leaves a registry alone that is being written to', async () => {
    let going = true
    const writing = (async () => {
      for (let i = 0; going; i++) {
        const id = `busy${i % 20}`
        await registry.register({ id, type: 'srt', sourceAddr: 'a:1', tags: [`t${i % 3}`] })
        if (i % 3 === 0) await registry.delete(id)
      }
    })()
    const reports = []
    for (let i = 0; i < 5; i++) reports.push(await registry.verify({ repair: true }))
    going = false
    await writing
    expect(reports.flatMap(({ problems }) => problems)).toEqual([])
    expect((await registry.verify()).problems).toEqual([])
  })
})
