import { setTimeout as sleep } from 'node:timers/promises'
import {
  type CreateRegistryConfig,
  createRegistry,
  isRegistryError,
  type Registry,
  type StreamSession,
  TTLManager,
} from '@mirror/stream-registry'
import { afterEach, describe, expect, it } from 'vitest'
import { startCluster } from '../support/redis-cluster.ts'
import { startReplicated, startSentinels } from '../support/redis-sentinel.ts'
import type { RedisServer } from '../support/redis-server.ts'

const SESSIONS = 60
const TTL_MS = 4_000
const CALL_TIMEOUT_MS = 2_000
/** What a call may take beyond its time, on a machine that is busy. */
const SLACK_MS = 1_000
const PATIENCE = { timeout: 40_000, interval: 50 }

const closing: (() => unknown)[] = []

/** Closed at the end of the test, the last one first. */
function atEnd(close: () => unknown): void {
  closing.unshift(close)
}

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Sessions that report all the time, and how their calls went. */
class Load {
  readonly registry: Registry
  sessions: StreamSession[] = []
  /** Calls that took effect for sure. */
  done = 0
  longestMs = 0
  readonly surprises: unknown[] = []
  readonly restored = new Set<string>()
  #isOver = false
  #work: Promise<unknown> = Promise.resolve()

  constructor(registry: Registry) {
    this.registry = registry
  }

  async start(): Promise<void> {
    const ids = Array.from({ length: SESSIONS }, (_, i) => `cam${i}`)
    this.sessions = await Promise.all(
      ids.map((id) => this.registry.attach({ id, type: 'srt', sourceAddr: 'a:1', ttlMs: TTL_MS })),
    )
    for (const session of this.sessions) {
      session.on('restored', ({ id }) => this.restored.add(id))
      await session.setStatus('active')
    }
    this.#work = Promise.all(this.sessions.map((session) => this.#report(session)))
    atEnd(() => this.stop())
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#work
  }

  async #report(session: StreamSession): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      const began = performance.now()
      try {
        await session.updateStats({ bytesReceived: n })
        await session.update({ metadata: { n } }, { timeoutMs: CALL_TIMEOUT_MS })
        this.done += 1
      } catch (error) {
        if (!isRegistryError(error) || !error.retryable) this.surprises.push(error)
      }
      this.longestMs = Math.max(this.longestMs, performance.now() - began)
      await sleep(20)
    }
  }

  /** Waits until calls take effect again. */
  async goesOn(): Promise<void> {
    const goal = this.done + SESSIONS * 2
    await expect.poll(() => this.done, PATIENCE).toBeGreaterThan(goal)
  }

  /** Ends the load, and checks what there is to see. */
  async conclude(): Promise<void> {
    await this.stop()
    expect(this.surprises).toEqual([])
    expect(this.longestMs).toBeLessThan(CALL_TIMEOUT_MS + SLACK_MS)
    for (const session of this.sessions) await session.heartbeat({ timeoutMs: 5_000 })
    expect(this.sessions.filter(({ signal }) => signal.aborted)).toEqual([])
    const streams = await this.registry.query().sortBy('id').execute()
    expect(streams.map(({ id, status, createdAt }) => [id, status, createdAt])).toEqual(
      this.sessions
        .map(({ stream: { id, status, createdAt } }) => [id, status, createdAt] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    )
    expect((await this.registry.verify()).problems).toEqual([])
  }
}

async function startLoad(config: CreateRegistryConfig): Promise<Load> {
  const registry = createRegistry(config)
  atEnd(() => registry.close())
  const manager = new TTLManager(registry, { cleanupIntervalMs: 1_000 })
  manager.start()
  const load = new Load(registry)
  await load.start()
  await load.goesOn()
  return load
}

describe('sessions behind Sentinel', () => {
  it('go on when the master is killed, and come back when it takes them with it', async () => {
    const [master, replica] = await startReplicated(atEnd)
    const { addresses, cli } = await startSentinels(master, replica, atEnd)
    const load = await startLoad({ redis: { addresses, sentinel: { name: 'main' } } })
    // What the master acknowledges from here on is lost with it: a stream too.
    replica.freeze()
    master.cli('client', 'kill', 'type', 'replica')
    const late = await load.registry.attach({ id: 'late', type: 'rtp', sourceAddr: 'b:1', ttlMs: TTL_MS })
    load.sessions.push(late)
    await late.setStatus('active')
    await master.kill()
    replica.thaw()
    const current = (): string => cli('sentinel', 'get-master-addr-by-name', 'main')
    await expect.poll(current, PATIENCE).toContain(String(replica.port))
    await load.goesOn()
    const { createdAt } = late.stream
    await expect.poll(() => load.registry.find('late').catch(() => undefined), PATIENCE).toBeDefined()
    expect(late.stream.createdAt).toEqual(createdAt)
    await load.conclude()
  }, 90_000)
})

describe('sessions on a cluster', () => {
  it('go on when masters fail over one after the other', async () => {
    const cluster = await startCluster(3, 1)
    atEnd(() => cluster.stop())
    const load = await startLoad({
      redis: { addresses: cluster.addresses },
      keyPrefix: 'fleet',
      partitions: 6,
    })
    const isMaster = (node: RedisServer): boolean => node.cli('role').startsWith('master')
    const masters = cluster.nodes.filter(isMaster)
    const replicas = cluster.nodes.filter((node) => !isMaster(node))
    const inSync = (node: RedisServer): boolean =>
      node.cli('info', 'replication').includes('master_link_status:up')
    await expect.poll(() => replicas.every(inSync), PATIENCE).toBe(true)
    for (const victim of masters.slice(0, 2)) {
      const before = replicas.filter(isMaster).length
      await victim.kill()
      await expect.poll(() => replicas.filter(isMaster).length, PATIENCE).toBe(before + 1)
      // A majority of masters must be there for the next one.
      await victim.restart()
      await load.goesOn()
    }
    await load.conclude()
  }, 90_000)
})
