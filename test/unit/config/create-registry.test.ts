import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import {
  type CreateRegistryConfig,
  createRegistry,
  MockRegistry,
  StoreRegistry,
  ValidationError,
} from '@mirror/stream-registry'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { thrownBy } from '../support/streams.ts'

const camera = { id: 'cam1', type: 'srt', sourceAddr: '10.0.0.1:9000' } as const

describe('createRegistry without redis', () => {
  it('is the embedded registry in memory', async () => {
    for (const registry of [createRegistry(), createRegistry({}), createRegistry({ redis: undefined })]) {
      expect(registry).toBeInstanceOf(MockRegistry)
      await registry.create(camera)
      expect((await registry.list()).map(({ id }) => id)).toEqual(['cam1'])
      await registry.close()
    }
  })

  it('has a memory of its own each time', async () => {
    await createRegistry().create(camera)
    expect(await createRegistry().count()).toBe(0)
  })

  it('passes the options on', async () => {
    const registry = createRegistry({
      instanceId: 'ingest-1',
      defaultTtlMs: 1_234,
      metadataSchema: z.object({ region: z.string() }),
    })
    expect(registry.instanceId).toBe('ingest-1')
    const stream = await registry.create({ ...camera, metadata: { region: 'eu' } })
    expect(stream).toMatchObject({ ttlMs: 1_234, owner: 'ingest-1' })
    await expect(registry.update('cam1', { metadata: { region: null } })).rejects.toMatchObject({
      issues: [{ path: ['metadata', 'region'] }],
    })
  })

  it('takes the YAML of the seeds', async () => {
    const yaml = { default_ttl: '5s', event_buffer: 100, cleanup_interval: '1m' }
    const registry = createRegistry(yaml as CreateRegistryConfig)
    expect((await registry.create(camera)).ttlMs).toBe(5_000)
  })
})

describe('a wrong configuration', () => {
  it.each([
    [{ redis: {} }, 'redis.url or addresses: exactly one is needed'],
    [{ redis: { addresses: ['nowhere'] } }, 'redis.addresses.0 must be host:port'],
    [
      { redis: { url: 'redis://a', pool_size: 2, poolSize: 2 } },
      'redis.poolSize sets poolSize a second time',
    ],
    [{ redis: { url: 'redis://a' }, keyPrefix: '{x}' }, 'keyPrefix must be of A-Z a-z 0-9'],
    [{ redis: { url: 'redis://a' }, keyPrefix: '' }, 'keyPrefix must be of A-Z a-z 0-9'],
    [{ default_ttl: '5' }, 'default_ttl must be a duration with its unit'],
    [{ defaultTtlMs: 0 }, 'defaultTtlMs must be at least 1 ms'],
    [{ defaultTtlMs: 1.5 }, 'defaultTtlMs must be an integer of milliseconds'],
    [{ instanceId: 'a b' }, 'instanceId must be of A-Z a-z 0-9'],
    [{ indexes: [{ field: 'status', kind: 'equality' }] }, 'indexes.0.field is indexed already'],
    [{ indexes: [{ field: 'a b', kind: 'text' }] }, 'indexes.0.field must be a dotted path'],
    [
      { indexes: [{ field: 'statistics.rttMs', kind: 'text' }] },
      'indexes.0.field holds a number: declare it as number',
    ],
    [{ nonsense: 1 }, 'nonsense is not a field that can be set here'],
    [{ redis: { url: 'redis://a', nonsense: 1 } }, 'redis.nonsense is not a field that can be set here'],
  ])('is refused at once, with what is wrong where: %j', (config, message) => {
    const error = thrownBy(() => createRegistry(config as CreateRegistryConfig))
    expect(error).toBeInstanceOf(ValidationError)
    expect((error as ValidationError).message).toContain(`validation failed: ${message}`)
  })

  it('is told of completely', () => {
    const wrong = { batchSize: 0, partitions: 0, redis: { url: 'redis://a', poolSize: 0, db: -1 } }
    const { issues } = thrownBy(() => createRegistry(wrong)) as ValidationError
    const paths = issues.map(({ path }) => path.join('.'))
    expect(paths.sort()).toEqual(['batchSize', 'partitions', 'redis.db', 'redis.poolSize'])
  })
})

describe('createRegistry with redis', () => {
  const sockets: Socket[] = []
  let server: Server
  let port: number

  beforeEach(async () => {
    sockets.length = 0
    server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })

  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })

  /** How many connections came, after enough of our own came and went for any other to have come, too. */
  async function countStrangers(): Promise<number> {
    await import('ioredis')
    const ours = 20
    for (let i = 0; i < ours; i++) {
      const client = connect(port, '127.0.0.1')
      await once(client, 'connect')
      const isHere = (): boolean => sockets.some(({ remotePort }) => remotePort === client.localPort)
      while (!isHere()) await once(server, 'connection')
      client.destroy()
    }
    return sockets.length - ours
  }

  it('connects with the first call, not before', async () => {
    const registry = createRegistry({ redis: { addresses: [`127.0.0.1:${port}`] } })
    expect(registry).toBeInstanceOf(StoreRegistry)
    expect(registry).not.toBeInstanceOf(MockRegistry)
    expect(await countStrangers()).toBe(0)

    const controller = new AbortController()
    const connected = once(server, 'connection')
    const call = registry.has('cam1', { signal: controller.signal })
    await connected
    controller.abort(new Error('seen enough'))
    await expect(call).rejects.toThrow('seen enough')
    await registry.close()
  })

  it('connects to nothing when it is closed without a call', async () => {
    const registry = createRegistry({ redis: { url: `redis://127.0.0.1:${port}`, poolSize: 4 } })
    await registry.close()
    await registry.close()
    await expect(registry.list()).rejects.toMatchObject({ code: 'CLOSED' })
    expect(await countStrangers()).toBe(0)
  })
})
