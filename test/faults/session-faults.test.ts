import { setTimeout as sleep } from 'node:timers/promises'
import { createRegistry, RedisRegistry, type Registry, type StreamSession } from '@mirror/stream-registry'
import { FaultProxy } from '@mirror/stream-registry/testing'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { startCluster } from '../support/redis-cluster.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { Wire } from '../support/wire.ts'

const TTL_MS = 800
const PATIENCE = { timeout: 20_000, interval: 20 }

let server: RedisServer
const closing: (() => unknown)[] = []

/** Closed at the end of the test, the last one first. */
function atEnd(close: () => unknown): void {
  closing.unshift(close)
}

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function start(args: readonly string[] = []): Promise<void> {
  server = await startRedis(args)
  atEnd(() => server.stop())
}

interface Opening {
  readonly port?: number
  readonly instanceId?: string
  readonly partitions?: number
}

function owned({ port = server.port, instanceId = 'a', partitions = 1 }: Opening = {}): Registry {
  const redis = { url: `redis://127.0.0.1:${port}` }
  const registry = createRegistry({ redis, instanceId, partitions })
  atEnd(() => registry.close())
  return registry
}

function hosted({ port = server.port, instanceId = 'a', partitions = 1 }: Opening = {}): Registry {
  const redis = new Redis(port, { retryStrategy: () => 20 })
  redis.on('error', () => {})
  atEnd(() => redis.disconnect())
  const registry = new RedisRegistry({ redis, instanceId, partitions, writeTimeoutMs: 1_500 })
  atEnd(() => registry.close())
  return registry
}

const KINDS = { 'a connection of its own': owned, 'a client of the host': hosted }

/** Sessions, and what they told. */
class Crew {
  readonly sessions: StreamSession[] = []
  readonly restored: string[] = []
  readonly lost: string[] = []
  readonly #registry: Registry

  constructor(registry: Registry) {
    this.#registry = registry
  }

  async attach(count: number, ttlMs = TTL_MS): Promise<void> {
    const ids = Array.from({ length: count }, (_, i) => `cam${i}`)
    await Promise.all(
      ids.map(async (id, i) => {
        const input = { id, type: 'srt', sourceAddr: '10.0.0.1:9000', ttlMs, metadata: { i } } as const
        const session = await this.#registry.attach(input, { statsIntervalMs: 100 })
        session.on('restored', () => this.restored.push(id))
        session.on('lost', ({ code }) => this.lost.push(`${id} ${code}`))
        this.sessions.push(session)
      }),
    )
    for (const session of this.sessions) {
      await session.setStatus('active')
      await session.updateStats({ bytesReceived: 7 })
      await session.heartbeat()
    }
  }

  /** That every stream is there and held, as it was attached. */
  async expectHeld(reader: Registry): Promise<void> {
    for (const { id, stream, signal } of this.sessions) {
      await expect.poll(() => reader.has(id).catch(() => false), PATIENCE).toBe(true)
      const found = await reader.get(id)
      expect(signal.aborted).toBe(false)
      expect([found.status, found.metadata, found.createdAt, found.owner]).toEqual([
        'active',
        stream.metadata,
        stream.createdAt,
        'a',
      ])
      expect(found.statistics.bytesReceived).toBe(7)
    }
    expect(this.lost).toEqual([])
  }

  /** That all of them can still be used and closed, and that nothing is left behind. */
  async conclude(reader: Registry): Promise<void> {
    await Promise.all(this.sessions.map((session) => session.update({ name: 'after' })))
    expect((await reader.verify()).problems).toEqual([])
    await Promise.all(this.sessions.map((session) => session.close()))
    expect(await reader.count()).toBe(0)
    expect((await reader.verify()).problems).toEqual([])
  }
}

for (const [kind, open] of Object.entries(KINDS)) {
  describe(`sessions over ${kind}`, () => {
    it('go on when Redis is killed and has kept its file', async () => {
      await start(['--appendonly', 'yes', '--appendfsync', 'always'])
      const registry = open({ partitions: 2 })
      const crew = new Crew(registry)
      await crew.attach(20, 3_000)
      for (let i = 0; i < 2; i++) {
        await server.restart()
        await crew.expectHeld(registry)
      }
      await sleep(3_500)
      await crew.expectHeld(registry)
      await crew.conclude(registry)
    })

    it('restore what lapsed while Redis was away for long', async () => {
      await start(['--appendonly', 'yes', '--appendfsync', 'always'])
      const registry = open()
      const crew = new Crew(registry)
      await crew.attach(20)
      await server.kill()
      await sleep(2 * TTL_MS)
      await server.restart()
      await expect.poll(() => crew.restored.length, PATIENCE).toBe(20)
      await crew.expectHeld(registry)
      await crew.conclude(registry)
      expect(crew.restored.length).toBe(20)
    })

    it('restore everything when Redis has kept nothing', async () => {
      await start()
      const registry = open({ partitions: 2 })
      const crew = new Crew(registry)
      await crew.attach(120)
      for (const round of [1, 2]) {
        await server.restart()
        await expect.poll(() => crew.restored.length, PATIENCE).toBe(round * 120)
        await crew.expectHeld(registry)
      }
      await crew.conclude(registry)
    })

    it('restore everything when Redis is flushed, although others write meanwhile', async () => {
      await start()
      const registry = open({ partitions: 3 })
      const other = owned({ instanceId: 'b', partitions: 3 })
      const crew = new Crew(registry)
      await crew.attach(60)
      for (const round of [1, 2, 3]) {
        server.cli('flushall')
        await Promise.all(
          Array.from({ length: 30 }, (_, i) =>
            other.create({ id: `other${round}-${i}`, type: 'srt', sourceAddr: 'a:1', ttlMs: 2_000 }),
          ),
        )
        await expect.poll(() => crew.restored.length, PATIENCE).toBe(round * 60)
        await crew.expectHeld(other)
      }
      for (const { id } of await other.list()) if (id.startsWith('other')) await other.delete(id)
      await crew.conclude(registry)
    })

    it('are told once of a flush that calls and beats find out together', async () => {
      await start()
      const registry = open()
      const crew = new Crew(registry)
      await crew.attach(20, 6_000)
      for (let round = 1; round <= 5; round++) {
        server.cli('flushall')
        await Promise.all(
          crew.sessions.flatMap((session) => [
            session.heartbeat(),
            session.update({ codec: `round${round}` }),
            session.setState({ health: 'healthy' }),
          ]),
        )
        expect(crew.restored.length).toBe(round * 20)
        for (const session of crew.sessions) expect(session.stream.codec).toBe(`round${round}`)
      }
      await crew.conclude(registry)
    })

    it('live through killed connections, cuts and stalls', async () => {
      await start()
      const wire = new Wire(server.port)
      const registry = open({ port: await wire.listen() })
      atEnd(() => wire.close())
      const reader = owned({ instanceId: 'reader' })
      const crew = new Crew(registry)
      await crew.attach(30, 2_000)
      for (let i = 0; i < 20; i++) {
        if (i % 2 === 0) server.cli('client', 'kill', 'type', 'normal')
        else wire.cut()
        await sleep(60)
      }
      await crew.expectHeld(reader)
      wire.stall(true)
      await sleep(3_000)
      wire.stall(false)
      await expect.poll(() => crew.restored.length, PATIENCE).toBe(30)
      await crew.expectHeld(reader)
      await crew.conclude(reader)
    })

    it('leave to another what he took while they were cut off, also what was on the wire', async () => {
      await start()
      const wire = new Wire(server.port)
      const registry = open({ port: await wire.listen() })
      atEnd(() => wire.close())
      const other = owned({ instanceId: 'b' })
      const crew = new Crew(registry)
      await crew.attach(10)
      wire.stall(true)
      const sent = crew.sessions.flatMap((session) => [
        session.update({ name: 'late' }, { timeoutMs: 8_000 }),
        session.setStatus('paused', { timeoutMs: 8_000 }),
        session.updateStats({ bytesReceived: 666 }),
        session.heartbeat({ timeoutMs: 8_000 }),
      ])
      const outcomes = Promise.allSettled(sent)
      const held = await Promise.all(
        crew.sessions.map(({ id }) =>
          other.attach({ id, type: 'srt', sourceAddr: 'b:1', ttlMs: 60_000 }, { ifHeld: 'wait' }),
        ),
      )
      // Some of them have ended by the time that the others are heard of again.
      await Promise.all(held.slice(0, 5).map((session) => session.close()))
      const before = await other.list()
      wire.stall(false)
      await outcomes
      await expect.poll(() => crew.lost.length, PATIENCE).toBe(10)
      expect(new Set(crew.lost.map((words) => words.split(' ')[1]))).toEqual(new Set(['STALE_OWNER']))
      await sleep(500)
      expect(await other.list()).toEqual(before)
      expect(crew.restored).toEqual([])
      expect((await other.verify()).problems).toEqual([])
    })
  })
}

describe('sessions whose answers are lost', () => {
  it('are restored once, and know themselves again', async () => {
    await start()
    const proxy = new FaultProxy({ port: server.port })
    const registry = hosted({ port: await proxy.listen() })
    atEnd(() => proxy.close())
    const reader = owned({ instanceId: 'reader' })
    const crew = new Crew(registry)
    await crew.attach(10, 1_500)
    for (let round = 1; round <= 3; round++) {
      server.cli('flushall')
      let calls = 0
      proxy.plan = (command) => {
        if (!command.startsWith('eval')) return { kind: 'pass' }
        calls += 1
        return { kind: calls % 3 === 0 ? 'pass' : 'lose-reply' }
      }
      await sleep(1_500)
      proxy.plan = () => ({ kind: 'pass' })
      await expect.poll(() => crew.restored.length, PATIENCE).toBeGreaterThanOrEqual(round * 10)
      await crew.expectHeld(reader)
    }
    await crew.conclude(reader)
  })
})

describe('a stream that cannot be restored', () => {
  it('does not keep the others from it', async () => {
    await start()
    const registry = hosted()
    const crew = new Crew(registry)
    await crew.attach(130)
    server.cli('flushall')
    server.cli('set', 'mirror:streams:cam0', 'somebody else’s')
    await expect.poll(() => crew.restored.length, { ...PATIENCE, timeout: 6_000 }).toBe(129)
  })
})

describe('sessions on a cluster of which a node dies', () => {
  it('keep the streams of the other nodes, and restore theirs when it is back, empty', async () => {
    const cluster = await startCluster()
    atEnd(() => cluster.stop())
    const registry = createRegistry({
      redis: { addresses: cluster.addresses },
      partitions: 6,
      instanceId: 'a',
    })
    atEnd(() => registry.close())
    const crew = new Crew(registry)
    await crew.attach(60, 1_200)
    await cluster.nodes[0]?.restart()
    await expect.poll(() => crew.restored.length, PATIENCE).toBeGreaterThan(0)
    await crew.expectHeld(registry)
    expect(crew.restored.length).toBeLessThan(60)
    await crew.conclude(registry)
  })
})

describe('a registry that closes while its Redis is away', () => {
  it('does so in time, and says which sessions it could not end', async () => {
    await start()
    const warnings: string[] = []
    const redis = new Redis(server.port, { retryStrategy: () => 20 })
    redis.on('error', () => {})
    atEnd(() => redis.disconnect())
    const logger = { warn: (message: string) => void warnings.push(message) }
    const registry = new RedisRegistry({ redis, instanceId: 'a', writeTimeoutMs: 500, logger })
    const crew = new Crew(registry)
    await crew.attach(5)
    await server.kill()
    const begun = performance.now()
    await registry.close()
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect(warnings.filter((text) => text.includes('not closed in order')).length).toBe(5)
  })
})
