import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FaultProxy } from '@mirror/stream-registry/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seededRandom, testSeed } from '../support/random.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { EFFECT_KEYS, readNotes, sharedNow } from './support/campaign.ts'
import { Worker } from './support/fleet.ts'
import { type BuiltLibrary, buildLibrary } from './support/library.ts'
import { faultsOfTerms, termsOf } from './support/terms.ts'

const LEASE_MS = 600
const STORM_MS = 17_000
const SPACE = { keyPrefix: 'election' }

let redis: RedisServer
let library: BuiltLibrary
let folder: string
let direct: Redis
const proxies: FaultProxy[] = []
const candidates: Candidate[] = []

/** A process that is a candidate, and the next one in its place when it is killed. */
class Candidate {
  readonly name: string
  readonly #url: string
  readonly #file: string
  #worker: Worker
  #running: Promise<unknown> = Promise.resolve()

  constructor(name: string, port: number, file: string) {
    this.name = name
    this.#url = `redis://127.0.0.1:${port}`
    this.#file = file
    this.#worker = this.#spawn()
  }

  #spawn(): Worker {
    const worker = new Worker({ LIBRARY_URL: library.url, REDIS_URL: this.#url })
    worker.ready.catch(() => {})
    return worker
  }

  async run(leaseMs = LEASE_MS): Promise<void> {
    await this.#worker.ready
    const input = { candidate: this.name, leaseMs, file: this.#file }
    this.#running = this.#worker.call('campaign', SPACE, input)
    this.#running.catch(() => {})
  }

  /** A clean end of its candidacy; {@link run} begins it anew. */
  async stop(): Promise<void> {
    this.#worker.stop()
    await this.#running
  }

  async kill(): Promise<void> {
    await this.#worker.kill()
  }

  async respawn(): Promise<void> {
    this.#worker = this.#spawn()
    await this.run()
  }

  async freeze(ms: number): Promise<void> {
    this.#worker.freeze()
    await sleep(ms)
    this.#worker.thaw()
  }
}

beforeAll(async () => {
  redis = await startRedis()
  library = buildLibrary()
  folder = mkdtempSync(join(tmpdir(), 'election-'))
  direct = new Redis(redis.port)
  for (let i = 0; i < 2; i++) proxies.push(new FaultProxy({ port: redis.port }))
  const ports = [redis.port, ...(await Promise.all(proxies.map((proxy) => proxy.listen())))]
  for (let i = 0; i < 6; i++) {
    const file = join(folder, `candidate${i}`)
    writeFileSync(file, '')
    candidates.push(new Candidate(`candidate${i}`, ports[i % 3] ?? 0, file))
  }
})

afterAll(async () => {
  await Promise.all(candidates.map((candidate) => candidate.kill()))
  for (const proxy of proxies) await proxy.close()
  direct?.disconnect()
  await redis?.stop()
  library?.remove()
  rmSync(folder, { recursive: true, force: true })
})

const allNotes = () => candidates.flatMap(({ name }) => readNotes(join(folder, name)))

/** Who had the last effect. */
async function leader(): Promise<Candidate> {
  const last = (await direct.lindex(EFFECT_KEYS[1], -1)) ?? ''
  return candidates.find(({ name }) => last.endsWith(name)) ?? (candidates[0] as Candidate)
}

/** When somebody was elected after this time. */
async function electedAfter(at: number): Promise<number> {
  for (;;) {
    const next = termsOf(allNotes()).find(({ began }) => began > at)
    if (next !== undefined) return next.began
    await sleep(10)
  }
}

/** How long it took from here on until another led, each time. */
async function gaps(rounds: number, change: () => Promise<() => Promise<unknown>>): Promise<number[]> {
  const took: number[] = []
  for (let round = 0; round < rounds; round++) {
    await sleep(LEASE_MS)
    const at = sharedNow()
    const restore = await change()
    took.push((await electedAfter(at)) - at)
    await restore()
  }
  return took.toSorted((a, b) => a - b)
}

describe('six processes that want to lead', () => {
  it('have another leader soon after one has stopped, and after one was killed', async () => {
    await Promise.all(candidates.map((candidate) => candidate.run()))
    await electedAfter(0)
    const afterStop = await gaps(5, async () => {
      const stopped = await leader()
      const stopping = stopped.stop()
      return async () => {
        await stopping
        await stopped.run()
      }
    })
    const afterKill = await gaps(3, async () => {
      const killed = await leader()
      await killed.kill()
      return () => killed.respawn()
    })
    const shown = (list: number[]): string => list.map(Math.round).join(' ')
    console.log(`until the next led, ms: after a stop ${shown(afterStop)}, a kill ${shown(afterKill)}`)
    // The median: the machine has pauses of its own.
    expect(afterStop[2]).toBeLessThan(250)
    expect(afterKill[1]).toBeLessThan(LEASE_MS + 1_000)
  }, 60_000)

  it('lead one at a time, whatever happens to them and to their network', async () => {
    const random = seededRandom(testSeed('election'))
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
    const aProxy = (): FaultProxy => pick(proxies)
    const troubles: Record<string, (whom: Candidate) => Promise<unknown>> = {
      kill: async (whom) => {
        await whom.kill()
        await whom.respawn()
      },
      freeze: (whom) => whom.freeze(LEASE_MS * (1.2 + random())),
      'freeze shortly': (whom) => whom.freeze(LEASE_MS * (0.5 + random() / 2)),
      stop: async (whom) => {
        await whom.stop()
        await whom.run()
      },
      cut: async () => aProxy().cut(),
      stall: async () => {
        const proxy = aProxy()
        proxy.stall()
        await sleep(LEASE_MS * (0.5 + random()))
        proxy.resume()
      },
    }
    const happened: string[] = []
    const end = performance.now() + STORM_MS
    while (performance.now() < end) {
      const name = pick(Object.keys(troubles))
      const whom = random() < 0.8 ? await leader() : pick(candidates)
      happened.push(name)
      await troubles[name]?.(whom)
      await sleep(LEASE_MS * random())
    }
    await Promise.all(candidates.map((candidate) => candidate.stop()))

    const notes = allNotes()
    const terms = termsOf(notes)
    const refused = Number((await direct.get(EFFECT_KEYS[2])) ?? 0)
    const landed = (await direct.lrange(EFFECT_KEYS[1], 0, -1)).map((line) => line.split(' '))
    console.log(`${terms.length} terms in ${happened.length} troubles (${happened.join(', ')})`)
    console.log(`${landed.length} effects landed, ${refused} came too late`)
    expect(notes.filter(({ kind }) => kind === 'broke')).toEqual([])
    expect(faultsOfTerms(notes)).toEqual([])
    expect(terms.length).toBeGreaterThan(10)
    const ledBy = new Map(terms.map(({ token, candidate }) => [token, candidate]))
    let highest = 0
    const stale = landed.filter(([token, candidate = '']) => {
      const isStale = Number(token) < highest || ledBy.get(Number(token)) !== candidate
      highest = Math.max(highest, Number(token))
      return isStale
    })
    expect(stale).toEqual([])
    expect(landed.length).toBeGreaterThan(terms.length)
  }, 90_000)
})
