import { registryConfigSchema } from '@mirror/stream-registry'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveOptions } from '../../../src/registry/options.ts'

/** What is wrong with a configuration: where, and what. */
function problemsOf(config: unknown): string[] {
  const result = registryConfigSchema.safeParse(config)
  if (result.success) return []
  return result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

describe('a configuration', () => {
  it('may be empty', () => {
    expect(registryConfigSchema.parse({})).toEqual({})
  })

  it('takes the keys of the seed’s YAML', () => {
    const yaml = {
      redis: {
        addresses: ['10.0.0.1:6379'],
        password: 'secret',
        db: 2,
        pool_size: 4,
        dial_timeout: '5s',
        read_timeout: '3s',
        write_timeout: '250ms',
      },
      default_ttl: '5m',
      cleanup_interval: '1m',
      event_buffer: 1_000,
      event_retention: '24h',
      leader_election: { key: 'leader', lease: '15s', renew: '5s' },
      index_cache_size: 10_000,
      query_timeout: '1m30s',
      batch_size: 100,
    }
    expect(registryConfigSchema.parse(yaml)).toEqual({
      redis: {
        addresses: ['10.0.0.1:6379'],
        password: 'secret',
        db: 2,
        poolSize: 4,
        dialTimeoutMs: 5_000,
        readTimeoutMs: 3_000,
        writeTimeoutMs: 250,
      },
      defaultTtlMs: 300_000,
      cleanupIntervalMs: 60_000,
      eventBuffer: 1_000,
      eventRetentionMs: 86_400_000,
      leaderElection: { key: 'leader', leaseMs: 15_000, renewMs: 5_000 },
      indexCacheSize: 10_000,
      queryTimeoutMs: 90_000,
      batchSize: 100,
    })
  })

  it('takes camelCase keys, and durations in milliseconds', () => {
    const config = {
      keyPrefix: 'mirror:streams',
      partitions: 4,
      instanceId: 'ingest-1',
      defaultTtlMs: 300_000,
      cleanupIntervalMs: 60_000,
      eventBuffer: 1_000,
      eventRetentionMs: 600_000,
      leaderElection: { key: 'leader', leaseMs: 15_000, renewMs: 5_000 },
      indexCacheSize: 0,
      queryTimeoutMs: 30_000,
      batchSize: 500,
      maxEvents: 50_000,
      indexes: [{ field: 'metadata.region', kind: 'equality' }],
      redis: { url: 'redis://127.0.0.1:6379', poolSize: 2, dialTimeoutMs: 1_000 },
    }
    expect(registryConfigSchema.parse(config)).toEqual(config)
  })

  it.each([1, 1_001, 100_000])('takes a batch size of %d', (batchSize) => {
    expect(registryConfigSchema.parse({ batchSize })).toEqual({ batchSize })
    expect(resolveOptions({ batchSize }, () => 'ingest-1').batchSize).toBe(batchSize)
  })

  it('leaves the batch size at 250', () => {
    expect(resolveOptions({}, () => 'ingest-1').batchSize).toBe(250)
    expect(() => resolveOptions({ batchSize: 100_001 }, () => 'ingest-1')).toThrow('batchSize')
  })

  it('takes our own keys in snake_case, too', () => {
    const config = {
      key_prefix: 'a',
      instance_id: 'b',
      default_ttl_ms: 1_000,
      max_events: 5,
      redis: { url: 'redis://a', dial_timeout_ms: 7 },
    }
    expect(registryConfigSchema.parse(config)).toEqual({
      keyPrefix: 'a',
      instanceId: 'b',
      defaultTtlMs: 1_000,
      maxEvents: 5,
      redis: { url: 'redis://a', poolSize: 1, dialTimeoutMs: 7 },
    })
  })

  it.each([
    ['default_ttl', { default_ttl: '5m', default_ttl_ms: 300_000 }, 'defaultTtlMs'],
    ['defaultTtlMs', { defaultTtlMs: 300_000, default_ttl: '5m' }, 'defaultTtlMs'],
    ['batchSize', { batch_size: 5, batchSize: 5 }, 'batchSize'],
    ['redis.poolSize', { redis: { url: 'redis://a', pool_size: 1, poolSize: 2 } }, 'poolSize'],
    ['leaderElection.leaseMs', { leaderElection: { lease: '1s', leaseMs: 1_000 } }, 'leaseMs'],
  ])('refuses %s in two spellings', (_, config, name) => {
    expect(problemsOf(config).join()).toContain(`sets ${name} a second time`)
  })

  it.each([
    [{ defaultTTL: 5 }, 'defaultTTL'],
    [{ redis: { url: 'redis://a', host: 'b' } }, 'host'],
    [{ leader_election: { leese: '1s' } }, 'leese'],
    [{ indexes: [{ field: 'a', kind: 'text', unique: true }] }, 'unique'],
    [{ redis: { addresses: ['a:1'], sentinel: { name: 'x', port: 1 } } }, 'port'],
  ])('refuses a key that it does not know: %j', (config, key) => {
    expect(problemsOf(config).join()).toContain(`"${key}"`)
  })

  it('refuses keys that every object inherits, and is not changed by them', () => {
    for (const key of ['__proto__', 'constructor', 'toString']) {
      const config: unknown = JSON.parse(`{"${key}":{"keyPrefix":"polluted"}}`)
      expect(problemsOf(config)).not.toEqual([])
    }
  })

  it.each([null, 5, 'redis://a', [], true])('refuses what is no object: %j', (config) => {
    expect(problemsOf(config)).toHaveLength(1)
  })

  it.each([
    [{ partitions: 0 }, 'partitions'],
    [{ partitions: 1_025 }, 'partitions'],
    [{ partitions: 1.5 }, 'partitions'],
    [{ batchSize: 0 }, 'batchSize'],
    [{ batchSize: 100_001 }, 'batchSize'],
    [{ indexCacheSize: -1 }, 'indexCacheSize'],
    [{ maxEvents: 0 }, 'maxEvents'],
    [{ eventBuffer: 0 }, 'eventBuffer'],
    [{ queryTimeoutMs: 0 }, 'queryTimeoutMs'],
    [{ queryTimeoutMs: 2 ** 31 }, 'queryTimeoutMs'],
    [{ eventRetentionMs: -1 }, 'eventRetentionMs'],
    [{ indexes: [{ field: 'a', kind: 'unique' }] }, 'indexes.0.kind'],
    [{ indexes: {} }, 'indexes'],
    [{ keyPrefix: 5 }, 'keyPrefix'],
    [{ leaderElection: { key: '' } }, 'leaderElection.key'],
  ])('refuses %j, and says where', (config, path) => {
    const problems = problemsOf(config)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^${path}: .`))
  })
})

describe('a duration', () => {
  const ttlOf = (default_ttl: unknown) => registryConfigSchema.parse({ default_ttl }).defaultTtlMs

  it.each([
    ['5m', 300_000],
    ['1m30s', 90_000],
    ['250ms', 250],
    ['1.5h', 5_400_000],
    ['24h', 86_400_000],
    ['1h1m1s1ms', 3_661_001],
    ['0.5s', 500],
    ['90s', 90_000],
    ['2m0s', 120_000],
    ['01s', 1_000],
  ])('of %s is %d ms', (text, ms) => {
    expect(ttlOf(text)).toBe(ms)
  })

  it.each([
    ['1.1h', 3_960_000],
    ['8.2m', 492_000],
    ['1.005s', 1_005],
    ['0.29h', 1_044_000],
  ])('of %s is %d ms, without an error of binary fractions', (text, ms) => {
    expect(ttlOf(text)).toBe(ms)
  })

  it('is exact for any hours, minutes, seconds and milliseconds', () => {
    fc.assert(
      fc.property(fc.nat(99), fc.nat(59), fc.nat(59), fc.nat(999), (h, m, s, ms) => {
        expect(ttlOf(`${h}h${m}m${s}s${ms}ms`)).toBe(((h * 60 + m) * 60 + s) * 1_000 + ms)
      }),
    )
  })

  it.each([
    ['s', 100],
    ['m', 6_000],
    ['h', 360_000],
  ])('is exact in tenths of its unit: %s', (unit, tenth) => {
    for (let tenths = 0; tenths <= 500; tenths++) {
      expect(ttlOf(`${Math.floor(tenths / 10)}.${tenths % 10}${unit}`)).toBe(tenths * tenth)
    }
  })

  it.each(['', '5', 'm', '5 m', '-5m', '5d', '5m ', '1.s', '.5s', '1e3s', '5min', 'five minutes', '1h-30m'])(
    'is not %j',
    (text) => {
      expect(problemsOf({ default_ttl: text })).toEqual([
        'default_ttl: must be a duration with its unit, such as 5m or 250ms',
      ])
    },
  )

  it.each([300_000, null, true, ['5m'], {}])('is text with a unit, not %j', (value) => {
    expect(problemsOf({ default_ttl: value }).join()).toContain('such as 5m or 250ms')
  })
})
