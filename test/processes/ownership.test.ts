import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  type CreateRegistryConfig,
  createRegistry,
  type Registry,
  streamToJSON,
} from '@mirror/stream-registry'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RedisCluster, startCluster } from '../support/redis-cluster.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { deadlines, readJournal, sequenceFaults } from './support/journal.ts'
import { type BuiltLibrary, buildLibrary } from './support/library.ts'

const PROGRAM = fileURLToPath(new URL('./support/owner.ts', import.meta.url))
const HOUR_MS = 3_600_000
const PATIENCE = { timeout: 15_000, interval: 20 }

let library: BuiltLibrary | undefined
let redis: RedisServer
let cluster: RedisCluster
let spaces = 0
const owners: Owner[] = []
const opened: Registry[] = []

beforeAll(async () => {
  library = buildLibrary()
  ;[redis, cluster] = await Promise.all([startRedis(), startCluster()])
})

afterEach(async () => {
  for (const owner of owners.splice(0)) await owner.kill()
  for (const registry of opened.splice(0)) await registry.close()
})

afterAll(async () => {
  await redis?.stop()
  await cluster?.stop()
  library?.remove()
})

interface OwnerOptions {
  readonly mode?: 'idle' | 'hold' | 'busy'
  readonly ids?: readonly string[]
  readonly ttlMs?: number
  readonly shiftMs?: number
  readonly ifHeld?: string
}

/** What an owner said. */
interface Said {
  readonly word: string
  readonly code?: string
  readonly epoch?: number
  readonly refused?: Record<string, number>
}

/** A process that holds streams. */
class Owner {
  readonly said: Said[] = []
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess
  #errors = ''

  constructor(config: CreateRegistryConfig, options: OwnerOptions) {
    const { mode = 'hold', ids = ['cam1'], ttlMs = 1_200, shiftMs = 0, ifHeld = 'reject' } = options
    this.#child = spawn(process.execPath, ['--import', 'tsx', PROGRAM], {
      env: {
        ...process.env,
        LIBRARY_URL: library?.url,
        CONFIG: JSON.stringify({ ...config, instanceId: 'child' }),
        MODE: mode,
        IDS: ids.join(','),
        TTL_MS: String(ttlMs),
        SHIFT_MS: String(shiftMs),
        IF_HELD: ifHeld,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    owners.push(this)
    this.ended = new Promise((resolve) => this.#child.once('exit', (code) => resolve(code)))
    this.#child.stderr?.on('data', (data: Buffer) => {
      this.#errors += data.toString()
    })
    if (this.#child.stdout)
      createInterface({ input: this.#child.stdout }).on('line', (line) => this.said.push(JSON.parse(line)))
  }

  async says(word: string): Promise<Said> {
    const find = (): Said | undefined => this.said.find((said) => said.word === word)
    await expect
      .poll(() => find()?.word ?? `${this.#child.exitCode ?? 'alive'} ${this.#errors}`, PATIENCE)
      .toBe(word)
    return find() as Said
  }

  shiftClock(ms: number): void {
    this.#child.stdin?.write(`shift ${ms}\n`)
  }

  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}

const standalone = (): CreateRegistryConfig => ({ redis: { url: redis.url }, keyPrefix: `own${++spaces}` })

function open(config: CreateRegistryConfig): Registry {
  const registry = createRegistry({ ...config, instanceId: 'tester' })
  opened.push(registry)
  return registry
}

async function gone(registry: Registry, ids: readonly string[] = ['cam1']): Promise<void> {
  await expect
    .poll(async () => (await Promise.all(ids.map((id) => registry.has(id)))).includes(true), PATIENCE)
    .toBe(false)
}

/** Everything that a late write of another could change. */
async function snapshot(registry: Registry): Promise<unknown> {
  const journal = (await readJournal(registry)).flat()
  // The holder's own heartbeats go on; what a late one would do is told by the lease, and by the log when it is over.
  const streams = (await registry.list()).map((stream) =>
    streamToJSON({ ...stream, lastHeartbeat: stream.createdAt }),
  )
  return { streams, events: journal.map(({ logId }) => logId) }
}

async function expectClean(registry: Registry): Promise<void> {
  expect((await registry.verify()).problems).toEqual([])
  for (const records of await readJournal(registry)) expect(sequenceFaults(records)).toEqual([])
}

describe('a process that attaches and does nothing else', () => {
  it('ends by itself, embedded', async () => {
    const owner = new Owner({}, { mode: 'idle' })
    await owner.says('attached')
    expect(await owner.ended).toBe(0)
  })

  const kinds = {
    'one Redis': standalone,
    'a cluster': (): CreateRegistryConfig => ({ redis: { addresses: cluster.addresses }, partitions: 3 }),
  }
  for (const [name, config] of Object.entries(kinds)) {
    it(`ends by itself on ${name}; its streams expire in time, not before`, async () => {
      const settings = config()
      const registry = open(settings)
      const ids = ['cam1', 'cam2', 'cam3', 'cam4']
      const owner = new Owner(settings, { mode: 'idle', ids, ttlMs: 2_500 })
      await owner.says('attached')
      expect(await Promise.race([owner.ended, sleep(10_000, 'still there')])).toBe(0)
      const leases = await deadlines(registry, ids)
      expect(leases.size).toBe(4)
      await gone(registry, ids)
      // The same machine, the same clock: nothing was gone before its lease.
      expect(Date.now()).toBeGreaterThanOrEqual(Math.max(...leases.values()) - 5)
      expect((await registry.verify()).problems).toEqual([])
    })
  }
})

describe('a process that is killed', () => {
  it('leaves streams that expire in time, for those who wait', async () => {
    const config = standalone()
    const registry = open(config)
    const ids = Array.from({ length: 100 }, (_, i) => `cam${i}`)
    const owner = new Owner(config, { ids, ttlMs: 1_500 })
    await owner.says('attached')
    await sleep(3_500)
    expect(await registry.count()).toBe(100)
    await owner.kill()
    const leases = await deadlines(registry, ids)
    const sessions = await Promise.all(
      ids.map((id) => registry.attach({ id, type: 'srt', sourceAddr: 'a:1' }, { ifHeld: 'wait' })),
    )
    for (const { id, stream } of sessions) {
      expect(stream.owner).toBe('tester')
      expect(stream.createdAt.getTime()).toBeGreaterThanOrEqual(leases.get(id) ?? 0)
    }
    await expectClean(registry)
  })
})

/** An owner in the midst of its work is frozen; something happens; it is thawed. */
async function freezeWhile(
  options: OwnerOptions,
  meanwhile: (registry: Registry) => Promise<unknown>,
): Promise<{ registry: Registry; owner: Owner; before: unknown }> {
  const config = standalone()
  const registry = open(config)
  const owner = new Owner(config, { mode: 'busy', ...options })
  await owner.says('attached')
  await expect.poll(async () => (await registry.find('cam1'))?.revision ?? 0, PATIENCE).toBeGreaterThan(20)
  owner.freeze()
  await meanwhile(registry)
  const before = await snapshot(registry)
  owner.thaw()
  return { registry, owner, before }
}

const INPUT = { id: 'cam1', type: 'srt', sourceAddr: '10.0.0.9:1', ttlMs: 60_000 } as const

describe('an owner that is frozen', () => {
  const takers: Record<string, (registry: Registry) => Promise<unknown>> = {
    'longer than its lease, while another waits for the stream': (registry) =>
      registry.attach(INPUT, { ifHeld: 'wait' }),
    'while another takes the stream over': (registry) => registry.attach(INPUT, { takeover: true }),
    'longer than its lease, while another creates the stream': async (registry) => {
      await gone(registry)
      await registry.create(INPUT)
    },
    'longer than its lease, while another holds the stream and ends it': async (registry) => {
      await (await registry.attach(INPUT, { ifHeld: 'wait' })).close()
    },
    'longer than its lease, while another holds the stream and lets it lapse': async (registry) => {
      await gone(registry)
      await registry.create({ ...INPUT, ttlMs: 100 })
      await sleep(200)
    },
  }
  for (const [i, [what, take]] of Object.entries(takers).entries()) {
    // The wrong clocks take turns.
    const shiftMs = [0, HOUR_MS, -HOUR_MS][i % 3] ?? 0
    it(`${what}: nothing of it lands (its clock is ${shiftMs / HOUR_MS} h wrong)`, async () => {
      const { registry, owner, before } = await freezeWhile({ ttlMs: 700, shiftMs }, take)
      const { refused } = await owner.says('over')
      expect((await owner.says('lost')).code).toBe('STALE_OWNER')
      expect(Object.keys(refused ?? {})).toContain('STALE_OWNER')
      expect(owner.said.map(({ word }) => word)).not.toContain('restored')
      await sleep(300)
      expect(await snapshot(registry)).toEqual(before)
      await expectClean(registry)
    })
  }

  it('longer than its lease, while somebody ends the stream before the lease is over: it stays ended', async () => {
    const { registry, owner, before } = await freezeWhile({ ttlMs: 1_000 }, async (registry) => {
      await registry.unregister('cam1')
      await sleep(1_200)
    })
    await owner.says('over')
    expect((await owner.says('lost')).code).toBe('STREAM_NOT_FOUND')
    expect(await snapshot(registry)).toEqual(before)
  })

  for (const shiftMs of [HOUR_MS, -HOUR_MS]) {
    it(`longer than its lease, with nobody else there: restores (its clock is ${shiftMs / HOUR_MS} h wrong)`, async () => {
      let createdAt: Date | undefined
      const { registry, owner } = await freezeWhile({ ttlMs: 500, shiftMs }, async (registry) => {
        createdAt = (await registry.find('cam1'))?.createdAt
        await gone(registry)
        await sleep(300)
      })
      expect((await owner.says('restored')).epoch).toBe(2)
      const stream = await registry.get('cam1')
      expect([stream.createdAt, stream.owner]).toEqual([createdAt ?? stream.createdAt, 'child'])
      expect(owner.said.filter(({ word }) => word === 'lost')).toEqual([])
      await owner.kill()
      await gone(registry)
      await expectClean(registry)
    })
  }
})

describe('an owner whose clock is wrong', () => {
  for (const shiftMs of [HOUR_MS, -HOUR_MS]) {
    for (const when of ['from the start', 'from some moment on']) {
      it(`by ${shiftMs / HOUR_MS} h ${when} keeps its streams, and they expire in time`, async () => {
        const config = standalone()
        const registry = open(config)
        const ids = ['cam1', 'cam2', 'cam3']
        const isLate = when !== 'from the start'
        const owner = new Owner(config, { ids, ttlMs: 1_500, shiftMs: isLate ? 0 : shiftMs })
        await owner.says('attached')
        if (isLate) owner.shiftClock(shiftMs)
        for (let i = 0; i < 25; i++) {
          expect(await registry.count()).toBe(3)
          await sleep(100)
        }
        const [stream] = await registry.list()
        expect(Math.abs((stream?.createdAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
        expect(owner.said.map(({ word }) => word)).toEqual(['attached'])
        await owner.kill()
        const leases = [...(await deadlines(registry, ids)).values()]
        expect(Math.max(...leases)).toBeLessThanOrEqual(Date.now() + 1_500)
        await gone(registry, ids)
        expect(Date.now()).toBeGreaterThanOrEqual(Math.max(...leases) - 5)
        await expectClean(registry)
      })
    }

    it(`by ${shiftMs / HOUR_MS} h waits for another’s stream no longer and no shorter`, async () => {
      const config = standalone()
      const registry = open(config)
      const held = await registry.create({ ...INPUT, ttlMs: 2_500 })
      const owner = new Owner(config, { shiftMs, ifHeld: 'wait' })
      await owner.says('attached')
      const { createdAt, owner: holder } = await registry.get('cam1')
      expect(holder).toBe('child')
      expect(createdAt.getTime() - held.createdAt.getTime()).toBeGreaterThanOrEqual(2_500)
      expect(createdAt.getTime() - held.createdAt.getTime()).toBeLessThan(10_000)
      await expectClean(registry)
    })
  }
})
