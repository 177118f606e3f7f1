import { createRegistry, MockRegistry, RedisRegistry } from '@mirror/stream-registry'
import { FaultProxy } from '@mirror/stream-registry/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { duration, errorOf } from '../support/expect-error.ts'
import { type RedisCluster, startCluster } from '../support/redis-cluster.ts'
import { freePort, type RedisServer, startRedis } from '../support/redis-server.ts'

const input = (id: string) => ({ id, type: 'srt', sourceAddr: 'a:1' }) as const

let server: RedisServer
let cluster: RedisCluster

beforeAll(async () => {
  server = await startRedis()
  cluster = await startCluster(3)
})

afterAll(async () => {
  await Promise.all([server.stop(), cluster.stop()])
})

describe('createRegistry', () => {
  it('is embedded without redis', async () => {
    const registry = createRegistry({ defaultTtlMs: 1_000 })
    expect(registry).toBeInstanceOf(MockRegistry)
    expect((await registry.create(input('cam1'))).ttlMs).toBe(1_000)
  })

  it('takes a URL, and the options beside it', async () => {
    const registry = createRegistry({
      redis: { url: `${server.url}/3` },
      keyPrefix: 'by:url',
      defaultTtlMs: 7_000,
      instanceId: 'me',
    })
    expect(await registry.create(input('cam1'))).toMatchObject({ ttlMs: 7_000, owner: 'me' })
    expect(server.cli('-n', '3', 'exists', 'by:url:cam1')).toBe('1')
    await registry.close()
  })

  it('takes the seeds’ YAML keys', async () => {
    const yaml = {
      redis: { addresses: [`127.0.0.1:${server.port}`], db: 4, pool_size: 2, dial_timeout: '1s' },
      default_ttl: '5m',
    }
    const registry = createRegistry(yaml as object)
    expect((await registry.create(input('cam1'))).ttlMs).toBe(300_000)
    expect(server.cli('-n', '4', 'exists', 'mirror:streams:cam1')).toBe('1')
    await registry.close()
  })

  it('uses as many connections as poolSize says, in turn, and closes them', async () => {
    const registry = createRegistry({ redis: { url: server.url, poolSize: 3 }, keyPrefix: 'pool' })
    await registry.create(input('cam1'))
    for (let i = 0; i < 6; i++) await registry.get('cam1')
    const connections = (): number =>
      Number(/connected_clients:(\d+)/.exec(server.cli('info', 'clients'))?.[1])
    // One of them is redis-cli itself.
    expect(connections()).toBe(4)
    await registry.close()
    await expect.poll(connections).toBe(1)
  })

  it('gives up after the timeouts that it is told', async () => {
    const redis = { url: `redis://127.0.0.1:${await freePort()}`, readTimeoutMs: 150, writeTimeoutMs: 300 }
    const registry = createRegistry({ redis })
    const [reading, writing] = [registry.get('cam1'), registry.create(input('cam1'))]
    const times = await Promise.all([duration(reading), duration(writing)])
    await errorOf(reading, 'UNAVAILABLE')
    await errorOf(writing, 'UNAVAILABLE')
    expect(times[0]).toBeLessThan(290)
    expect(times[1]).toBeGreaterThan(290)
    await registry.close()
  })

  it('comes back by itself after its connection was cut', async () => {
    const proxy = new FaultProxy({ port: server.port })
    const registry = createRegistry({
      redis: { url: `redis://127.0.0.1:${await proxy.listen()}` },
      keyPrefix: 'cut',
    })
    await registry.create(input('cam1'))
    for (let i = 0; i < 3; i++) {
      proxy.cut()
      await registry.updateStats('cam1', { bytesReceived: i })
    }
    expect((await registry.get('cam1')).statistics.bytesReceived).toBe(2)
    await registry.close()
    await proxy.close()
  })

  it('talks to a password-protected Redis, and says so when it may not', async () => {
    const guarded = await startRedis(['--requirepass', 'secret'])
    const address = `127.0.0.1:${guarded.port}`
    const registry = createRegistry({ redis: { addresses: [address], password: 'secret' } })
    await registry.create(input('cam1'))
    await registry.close()
    const stranger = createRegistry({ redis: { addresses: [address], readTimeoutMs: 500 } })
    expect((await errorOf(stranger.get('cam1'), 'UNAVAILABLE')).message).toMatch(/NOAUTH|reached/)
    await stranger.close()
    await guarded.stop()
  })

  it('takes several addresses as a cluster', async () => {
    const registry = createRegistry({
      redis: { addresses: cluster.addresses },
      partitions: 4,
      keyPrefix: 'fleet',
    })
    await Promise.all(Array.from({ length: 20 }, (_, i) => registry.create(input(`cam${i}`))))
    expect(await registry.count()).toBe(20)
    expect((await registry.verify()).problems).toEqual([])
    const spread = cluster.nodes.map((node) => Number(node.cli('dbsize')))
    expect(spread.filter((keys) => keys > 0).length).toBeGreaterThan(1)
    await registry.close()
  })

  it('takes sentinels, and finds the new master after a failover', async () => {
    const master = await startRedis()
    const replica = await startRedis(['--replicaof', '127.0.0.1', String(master.port)])
    const config = (): string[] => [
      '--sentinel',
      `sentinel monitor main 127.0.0.1 ${master.port} 2`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 2000',
    ]
    const sentinels = await Promise.all([startRedis(config()), startRedis(config()), startRedis(config())])
    const addresses = sentinels.map(({ port }) => `127.0.0.1:${port}`)
    const patience = { timeout: 15_000 }
    await expect.poll(() => replica.cli('info', 'replication'), patience).toContain('master_link_status:up')
    await expect
      .poll(() => sentinels[0]?.cli('sentinel', 'sentinels', 'main').split('runid').length, patience)
      .toBe(3)
    await expect
      .poll(() => sentinels[0]?.cli('sentinel', 'replicas', 'main'), patience)
      .toContain(String(replica.port))

    const registry = createRegistry({ redis: { addresses, sentinel: { name: 'main' } }, keyPrefix: 'ha' })
    await registry.create(input('cam1'))
    await expect.poll(() => replica.cli('exists', 'ha:cam1'), patience).toBe('1')
    await master.kill()
    expect((await registry.updateStatus('cam1', 'active', { timeoutMs: 15_000 })).status).toBe('active')
    expect(replica.cli('get', 'ha:cam1')).toContain('"status":"active"')
    expect((await registry.verify()).problems).toEqual([])
    await registry.close()
    await Promise.all([...sentinels, master, replica].map((each) => each.stop()))
  }, 40_000)
})

describe('a config that is wrong', () => {
  it('is refused before anything connects, and says where', () => {
    const wrong: [object, RegExp][] = [
      [{ redis: {} }, /exactly one/],
      [{ redis: { url: 'http://x' } }, /redis:\/\//],
      [{ redis: { addresses: ['nohost'] } }, /host:port/],
      [{ redis: { url: 'redis://x', poolSize: 0 } }, /poolSize/],
      [{ defaultTtl: 5 }, /unit/],
      [{ default_ttl: '5 minutes' }, /unit/],
      [{ nonsense: 1 }, /nonsense/],
      [{ keyPrefix: 'a{b}', redis: { url: 'redis://x' } }, /keyPrefix/],
      [{ indexes: [{ field: 'metadata.region', kind: 'fulltext' }] }, /indexes/],
      [{ indexes: [{ field: 'metadata:region', kind: 'equality' }] }, /indexes/],
      [{ instanceId: 'a b' }, /instanceId/],
    ]
    for (const [config, message] of wrong) expect(() => createRegistry(config)).toThrow(message)
  })

  it('refuses what RedisRegistry cannot use', () => {
    const redis = {} as never
    expect(() => new RedisRegistry({ redis })).toThrow(/redis/)
  })
})
