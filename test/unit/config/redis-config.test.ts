import { registryConfigSchema } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'

/** What is wrong with a `redis` section: where, and what. */
function problemsOf(redis: unknown): string[] {
  const result = registryConfigSchema.safeParse({ redis })
  if (result.success) return []
  return result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

const parsed = (redis: unknown) => registryConfigSchema.parse({ redis }).redis

describe('where Redis is', () => {
  it('has defaults for all but the address', () => {
    expect(parsed({ url: 'redis://127.0.0.1:6379' })).toEqual({
      url: 'redis://127.0.0.1:6379',
      poolSize: 1,
      dialTimeoutMs: 2_000,
    })
  })

  it.each(['redis://a', 'rediss://user:pw@a:6380/2', 'redis://[::1]:6379'])('may be the URL %s', (url) => {
    expect(problemsOf({ url })).toEqual([])
  })

  it.each(['', 'a:6379', 'http://a', 'REDIS//a', 'redis:a'])('must not be the URL %j', (url) => {
    expect(problemsOf({ url })).toEqual(['redis.url: must begin with redis:// or rediss://'])
  })

  it.each(['127.0.0.1:6379', 'redis.example.org:6379', 'redis-0:1', '[::1]:6379', '[fe80::1.2.3.4]:65535'])(
    'may be the address %s',
    (address) => {
      expect(problemsOf({ addresses: [address] })).toEqual([])
    },
  )

  it.each([
    '',
    'redis',
    ':6379',
    'redis:',
    'redis:port',
    '::1:6379',
    '[::1]',
    'a b:6379',
    'redis://a:6379',
    'a:6379/2',
    'a:123456',
  ])('must not be the address %j', (address) => {
    expect(problemsOf({ addresses: ['ok:1', address] })[0]).toBe('redis.addresses.1: must be host:port')
  })

  it.each(['a:0', 'a:65536', 'a:99999'])('must not be at a port that there is not: %s', (address) => {
    expect(problemsOf({ addresses: [address] })[0]).toMatch(/^redis\.addresses\.0: ./)
  })

  it('is told by a URL or by addresses: one of them', () => {
    const message = 'redis.url: or addresses: exactly one is needed'
    expect(problemsOf({})).toEqual([message])
    expect(problemsOf({ url: 'redis://a', addresses: ['a:1'] })).toEqual([message])
    expect(problemsOf({ addresses: [] })).not.toEqual([])
    expect(problemsOf({ addresses: 'a:1' })).not.toEqual([])
  })
})

describe('sentinels', () => {
  it('are addresses, with the master’s name', () => {
    const redis = { addresses: ['a:26379', 'b:26379'], sentinel: { name: 'mymaster', password: 'x' }, db: 3 }
    expect(parsed(redis)).toMatchObject(redis)
  })

  it('cannot be told by a URL', () => {
    expect(problemsOf({ url: 'redis://a', sentinel: { name: 'mymaster' } })).toEqual([
      'redis.sentinel: needs addresses, those of the sentinels',
    ])
  })

  it.each([{}, { name: '' }, { name: 5 }, 'mymaster'])('need a name: %j', (sentinel) => {
    const problems = problemsOf({ addresses: ['a:1'], sentinel })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^redis\.sentinel/)
  })
})

describe('a cluster', () => {
  it('is several addresses without a sentinel, and has one database', () => {
    const addresses = ['a:1', 'b:1', 'c:1']
    expect(problemsOf({ addresses })).toEqual([])
    expect(problemsOf({ addresses, db: 0 })).toEqual([])
    expect(problemsOf({ addresses, db: 1 })).toEqual(['redis.db: must be 0: a cluster has no other'])
    expect(problemsOf({ addresses: ['a:1'], db: 1 })).toEqual([])
  })
})

describe('the connections', () => {
  it.each([1, 2, 64])('may be a pool of %d', (poolSize) => {
    expect(parsed({ url: 'redis://a', poolSize })?.poolSize).toBe(poolSize)
    expect(parsed({ url: 'redis://a', pool_size: poolSize })?.poolSize).toBe(poolSize)
  })

  it.each([0, -1, 65, 1.5, '4', null])('must not be a pool of %j', (poolSize) => {
    const problems = problemsOf({ url: 'redis://a', poolSize })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^redis\.poolSize: ./)
  })

  it.each(['dialTimeoutMs', 'readTimeoutMs', 'writeTimeoutMs'])('have a positive %s', (field) => {
    expect(parsed({ url: 'redis://a', [field]: 1.5 })).toMatchObject({ [field]: 1.5 })
    for (const wrong of [0, -1, Number.POSITIVE_INFINITY, Number.NaN, '5s', 2 ** 31]) {
      expect(problemsOf({ url: 'redis://a', [field]: wrong }).join()).toMatch(
        new RegExp(`^redis\\.${field}: .`),
      )
    }
  })

  it('have a database that is a whole number', () => {
    expect(parsed({ url: 'redis://a', db: 15 })?.db).toBe(15)
    for (const db of [-1, 0.5, '1']) expect(problemsOf({ url: 'redis://a', db })).toHaveLength(1)
  })

  it('may be encrypted, as the platform or options say', () => {
    for (const tls of [true, false, { servername: 'redis.example.org', rejectUnauthorized: false }]) {
      expect(parsed({ url: 'redis://a', tls })?.tls).toEqual(tls)
    }
    expect(problemsOf({ url: 'redis://a', tls: 'yes' })).toHaveLength(1)
  })
})
