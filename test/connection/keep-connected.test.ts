import { RedisRegistry } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { keepConnected } from '../../src/redis/keep-connected.js'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

let server: RedisServer

beforeAll(async () => {
  server = await startRedis()
})

afterAll(() => server.stop())

/** How many connections of that name the server has. */
function connections(name: string): number {
  return server.cli('client', 'list').split(` name=${name} `).length - 1
}

describe('keepConnected', () => {
  it('connects anew a client that the driver gave up, until it is closed', async () => {
    const client = new Redis(server.port, { connectionName: 'kept' })
    const close = keepConnected(client)
    expect(await client.ping()).toBe('PONG')

    for (let time = 0; time < 3; time++) {
      const ended = new Promise((resolve) => client.once('end', resolve))
      client.disconnect() // what the driver does to itself
      await ended
      await vi.waitFor(() => expect(client.status).toBe('ready'))
      expect(await client.ping()).toBe('PONG')
    }

    close()
    await vi.waitFor(() => expect(connections('kept')).toBe(0))
    await new Promise((resolve) => setTimeout(resolve, 300)) // three times the longest first pause
    expect(client.status).toBe('end')
    expect(connections('kept')).toBe(0)
  })

  it('stays closed when it is closed while it pauses', async () => {
    const client = new Redis(server.port, { connectionName: 'paused' })
    const close = keepConnected(client)
    await client.ping()
    client.disconnect()
    await new Promise((resolve) => client.once('end', resolve))
    close()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(client.status).toBe('end')
  })
})

describe('the connection that listens', () => {
  it('is kept: statistics are heard again after the driver gave it up', async () => {
    const redis = new Redis(server.port)
    const duplicate = vi.spyOn(redis, 'duplicate')
    const registry = new RedisRegistry({ redis, keyPrefix: 'kept' })
    const { id } = await registry.create({ type: 'srt', sourceAddr: 'a:1' })
    const heard = vi.fn()
    const subscription = await registry.subscribe(['stream.stats'])
    subscription.on('stream.stats', heard)
    const listening = duplicate.mock.results[0]?.value as Redis
    const ended = new Promise((resolve) => listening.once('end', resolve))
    listening.disconnect()
    await ended

    await vi.waitFor(async () => {
      await registry.updateStats(id, { bytesReceived: 1 })
      expect(heard).toHaveBeenCalled()
    }, 10_000)

    await subscription.close()
    await registry.close()
    await vi.waitFor(() => expect(listening.status).toBe('end'))
    redis.disconnect()
  })
})
