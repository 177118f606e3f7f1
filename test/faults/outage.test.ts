import { RedisRegistry, type Registry } from '@mirror/stream-registry'
import { FaultProxy } from '@mirror/stream-registry/testing'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { duration, errorOf } from '../support/expect-error.ts'
import { freePort, type RedisServer, startRedis } from '../support/redis-server.ts'

const LIMIT_MS = 400
/** What a busy machine may add to a timer. */
const SLACK_MS = 350

const READS: Record<string, (registry: Registry) => Promise<unknown>> = {
  get: (registry) => registry.get('cam1'),
  has: (registry) => registry.has('cam1'),
  list: (registry) => registry.list({ timeoutMs: LIMIT_MS }),
  count: (registry) => registry.count(),
  stats: (registry) => registry.stats({ timeoutMs: LIMIT_MS }),
}

const WRITES: Record<string, (registry: Registry) => Promise<unknown>> = {
  create: (registry) => registry.create({ id: 'new', type: 'srt', sourceAddr: 'a:1' }),
  register: (registry) => registry.register({ id: 'cam1', type: 'srt', sourceAddr: 'a:1', name: 'x' }),
  update: (registry) => registry.update('cam1', { name: 'y' }),
  updateStatus: (registry) => registry.updateStatus('cam1', 'paused'),
  updateStats: (registry) => registry.updateStats('cam1', { bytesReceived: 1 }),
  heartbeat: (registry) => registry.heartbeat('cam1'),
  heartbeatMany: (registry) => registry.heartbeatMany(['cam1', 'cam2']),
  unregister: (registry) => registry.unregister('cam1'),
  delete: (registry) => registry.delete('cam1'),
}

const CALLS = { ...READS, ...WRITES }

let server: RedisServer
let redis: Redis
let registry: RedisRegistry

function open(port: number): void {
  redis = new Redis(port, { retryStrategy: () => 20 })
  redis.on('error', () => {})
  registry = new RedisRegistry({ redis, readTimeoutMs: LIMIT_MS, writeTimeoutMs: LIMIT_MS })
}

async function createOne(): Promise<void> {
  await registry.create(
    { id: 'cam1', type: 'srt', sourceAddr: 'a:1', status: 'active' },
    { timeoutMs: 10_000 },
  )
}

beforeEach(async () => {
  server = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always'])
})

afterEach(async () => {
  await registry.close()
  redis.disconnect()
  await server.stop()
})

describe('a Redis that is not there', () => {
  for (const [name, call] of Object.entries(CALLS)) {
    it(`makes ${name} settle in time as UNAVAILABLE`, async () => {
      open(await freePort())
      const settling = call(registry)
      expect(await duration(settling)).toBeLessThan(LIMIT_MS + SLACK_MS)
      await errorOf(settling, 'UNAVAILABLE')
    })
  }

  it('is waited for, if it comes within the timeout', async () => {
    const port = await freePort()
    open(port)
    const waiting = createOne()
    const late = new FaultProxy({ port: server.port })
    await late.listen(port)
    await waiting
    await late.close()
  })
})

describe('a Redis that is frozen', () => {
  for (const [name, call] of Object.entries(CALLS)) {
    it(`makes ${name} settle in time, and goes on afterwards`, async () => {
      open(server.port)
      await createOne()
      server.freeze()
      const settling = call(registry)
      expect(await duration(settling)).toBeLessThan(LIMIT_MS + SLACK_MS)
      await errorOf(settling, ...(name in READS ? (['TIMEOUT'] as const) : (['OUTCOME_UNKNOWN'] as const)))
      server.thaw()
      expect(await registry.has('cam1', { timeoutMs: 10_000 })).toBe(true)
      expect((await registry.verify()).problems).toEqual([])
    })
  }

  it('changes nothing later: what ran out of time is not applied when it thaws', async () => {
    open(server.port)
    await createOne()
    server.freeze()
    const late = [
      registry.update('cam1', { name: 'late' }),
      registry.updateStats('cam1', { bytesReceived: 99 }),
      registry.create({ id: 'late', type: 'srt', sourceAddr: 'a:1' }),
      registry.delete('cam1'),
    ]
    await Promise.all(late.map((call) => errorOf(call, 'OUTCOME_UNKNOWN')))
    server.thaw()
    const stream = await registry.get('cam1', { timeoutMs: 10_000 })
    expect(stream).not.toHaveProperty('name')
    expect(stream.statistics.bytesReceived).toBe(0)
    expect(await registry.has('late')).toBe(false)
  })
})

describe('a Redis that is killed', () => {
  it('loses nothing that was acknowledged when it comes back with its file', async () => {
    open(server.port)
    for (let i = 0; i < 20; i++) await registry.create({ id: `cam${i}`, type: 'srt', sourceAddr: 'a:1' })
    await server.kill()
    await errorOf(registry.get('cam1'), 'UNAVAILABLE')
    await server.restart()
    expect(await registry.count({ timeoutMs: 10_000 })).toBe(20)
    expect((await registry.updateStatus('cam1', 'active')).revision).toBe(2)
    expect((await registry.verify()).problems).toEqual([])
  })

  it('is written to again after everything was flushed, scripts and layout too', async () => {
    open(server.port)
    await createOne()
    server.cli('flushall')
    server.cli('script', 'flush')
    await errorOf(registry.updateStatus('cam1', 'paused'), 'STREAM_NOT_FOUND')
    await errorOf(registry.heartbeat('cam1'), 'STREAM_NOT_FOUND')
    await createOne()
    server.cli('script', 'flush')
    await registry.updateStats('cam1', { bytesReceived: 1 })
    server.cli('script', 'flush')
    expect((await registry.list()).map(({ id }) => id)).toEqual(['cam1'])
    expect((await registry.verify()).problems).toEqual([])
  })
})

describe('a network that stalls', () => {
  it('settles a call in time, and tells nothing wrong afterwards', async () => {
    const proxy = new FaultProxy({ port: server.port })
    open(await proxy.listen())
    await createOne()
    proxy.stall()
    const settling = registry.update('cam1', { name: 'late' })
    expect(await duration(settling)).toBeLessThan(LIMIT_MS + SLACK_MS)
    await errorOf(settling, 'OUTCOME_UNKNOWN')
    proxy.resume()
    expect(await registry.get('cam1', { timeoutMs: 10_000 })).not.toHaveProperty('name')
    proxy.cut()
    expect((await registry.update('cam1', { name: 'new' }, { timeoutMs: 10_000 })).name).toBe('new')
    await proxy.close()
  })

  it('answers a repeated unregister and delete as the first try', async () => {
    const proxy = new FaultProxy({ port: server.port })
    open(await proxy.listen())
    await createOne()
    await registry.create({ id: 'cam2', type: 'srt', sourceAddr: 'a:1' })
    let left = 1
    const loseOne = (): void => {
      left = 1
      proxy.plan = (command) =>
        command === 'evalsha' && left-- > 0 ? { kind: 'lose-reply' } : { kind: 'pass' }
    }
    loseOne()
    expect((await registry.unregister('cam1', { timeoutMs: 10_000 })).status).toBe('terminated')
    loseOne()
    expect(await registry.delete('cam2', { timeoutMs: 10_000 })).toBe(true)
    expect(await registry.count()).toBe(0)
    await proxy.close()
  })

  it('creates once although somebody deleted the stream before the retry', async () => {
    const proxy = new FaultProxy({ port: server.port })
    open(await proxy.listen())
    await createOne()
    const direct = new Redis(server.port)
    const other = new RedisRegistry({ redis: direct })
    let lost = false
    proxy.plan = (command) => {
      if (lost || command !== 'evalsha') return { kind: 'pass' }
      lost = true
      return { kind: 'lose-reply' }
    }
    // The driver comes back only after the other has deleted what the lost try created.
    redis.options.retryStrategy = () => 300
    const creating = registry.create({ id: 'cam2', type: 'srt', sourceAddr: 'a:1' }, { timeoutMs: 10_000 })
    await expect.poll(() => other.has('cam2'), { interval: 5 }).toBe(true)
    expect(await other.delete('cam2')).toBe(true)
    expect((await creating).id).toBe('cam2')
    expect(await other.has('cam2')).toBe(false)
    await other.close()
    direct.disconnect()
    await proxy.close()
  })
})

describe('aborting', () => {
  it('rejects a read with the reason, and a write that was sent as OUTCOME_UNKNOWN', async () => {
    open(server.port)
    await createOne()
    server.freeze()
    const reason = new Error('changed my mind')
    const aborter = new AbortController()
    const { signal } = aborter
    const reading = registry.get('cam1', { signal, timeoutMs: 10_000 })
    const listing = registry.list({ signal, timeoutMs: 10_000 })
    const writing = registry.update('cam1', { name: 'x' }, { signal, timeoutMs: 10_000 })
    setTimeout(() => aborter.abort(reason), 50)
    await expect(reading).rejects.toBe(reason)
    await expect(listing).rejects.toBe(reason)
    expect((await errorOf(writing, 'OUTCOME_UNKNOWN')).cause).toBe(reason)
    server.thaw()
  })
})

describe('aborting before anything was sent', () => {
  it('sends nothing', async () => {
    open(server.port)
    await createOne()
    const aborter = new AbortController()
    const reason = new Error('changed my mind')
    const calls = [
      registry.updateStats('cam1', { bytesReceived: 9 }, { signal: aborter.signal }),
      registry.heartbeat('cam1', { signal: aborter.signal }),
      registry.update('cam1', { name: 'x' }, { signal: aborter.signal }),
    ]
    aborter.abort(reason)
    for (const call of calls.slice(0, 2)) await expect(call).rejects.toBe(reason)
    await calls[2]?.catch(() => {})
    expect((await registry.get('cam1')).statistics.bytesReceived).toBe(0)
  })

  it('leaves no rejection unhandled when the connection is lost later', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', note)
    redis = new Redis({ port: await freePort(), retryStrategy: () => 20, maxRetriesPerRequest: 0 })
    redis.on('error', () => {})
    registry = new RedisRegistry({ redis })
    const aborter = new AbortController()
    const call = registry.create(
      { type: 'srt', sourceAddr: 'a:1' },
      { signal: aborter.signal, timeoutMs: 300 },
    )
    aborter.abort()
    await call.catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 400))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  it('says OUTCOME_UNKNOWN of a heartbeat and of statistics that had left', async () => {
    open(server.port)
    await createOne()
    server.freeze()
    const aborter = new AbortController()
    const options = { signal: aborter.signal, timeoutMs: 10_000 }
    const calls = [
      registry.heartbeat('cam1', options),
      registry.updateStats('cam1', { bytesReceived: 9 }, options),
    ]
    setTimeout(() => aborter.abort(), 50)
    const errors = await Promise.all(calls.map((call) => errorOf(call, 'OUTCOME_UNKNOWN')))
    expect(errors.map(({ streamId }) => streamId)).toEqual(['cam1', 'cam1'])
    server.thaw()
  })
})

describe('a client that its host gives up', () => {
  it('is OUTCOME_UNKNOWN for a write that had left, and UNAVAILABLE for all others', async () => {
    open(server.port)
    await createOne()
    server.freeze()
    const sent = registry.update('cam1', { name: 'x' }, { timeoutMs: 10_000 })
    await new Promise((resolve) => setTimeout(resolve, 50))
    redis.disconnect()
    await errorOf(sent, 'OUTCOME_UNKNOWN')
    await errorOf(registry.update('cam1', { name: 'y' }), 'UNAVAILABLE')
    await errorOf(registry.get('cam1'), 'UNAVAILABLE')
    server.thaw()
  })
})

describe('closing during an outage', () => {
  it('returns at once, and settles what is under way', async () => {
    open(server.port)
    await createOne()
    server.freeze()
    const reading = registry.get('cam1', { timeoutMs: 60_000 })
    const writing = registry.updateStatus('cam1', 'paused', { timeoutMs: 60_000 })
    const settled = Promise.all([errorOf(reading, 'CLOSED'), errorOf(writing, 'OUTCOME_UNKNOWN')])
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await duration(registry.close())).toBeLessThan(SLACK_MS)
    await settled
    expect(redis.status).toBe('ready')
    server.thaw()
  })
})
