import { MockRegistry, type StreamSession } from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import { describe, expect, it } from 'vitest'
import { storeOf } from '../../../../src/registry/store-registry.ts'
import { seededRandom, testSeed } from '../../../support/random.ts'
import { settled } from './scene.ts'

const SEED = testSeed('sessions-soak')
const IDS = ['cam1', 'cam2', 'cam3']
const TTL_MS = 3_000

/** Registries that attach, take over, close, end and freeze at random, over one memory. */
class Soak {
  readonly #clock = new ManualClock()
  readonly #random: () => number
  readonly registries: MockRegistry[]
  /** Every session that was not closed, with who attached it. */
  readonly open = new Set<{ readonly session: StreamSession; readonly owner: string }>()
  /** The store is cut off for heartbeats. */
  #isCut = false

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    const first = new MockRegistry({ clock: this.#clock, instanceId: 'r0' })
    const others = ['r1', 'r2'].map((instanceId) => new MockRegistry({ sharedWith: first, instanceId }))
    this.registries = [first, ...others]
    const store = storeOf(first)
    const renew = store.renew.bind(store)
    store.renew = async (renewals, call) => {
      if (this.#isCut) throw new Error('cut')
      return renew(renewals, call)
    }
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)] as T
  }

  async step(): Promise<void> {
    const registry = this.#pick(this.registries)
    const id = this.#pick(IDS)
    const held = this.#pick([...this.open])
    const chance = this.#random()
    if (chance < 0.3) {
      const input = { id, type: 'srt', sourceAddr: 'a:1', ttlMs: TTL_MS } as const
      const session = await registry.attach(input, { takeover: chance < 0.12 }).catch(() => undefined)
      if (session) this.open.add({ session, owner: registry.instanceId })
    } else if (chance < 0.4)
      await (chance < 0.35 ? registry.delete(id) : registry.unregister(id)).catch(() => {})
    else if (chance < 0.5 && held) {
      this.open.delete(held)
      await held.session.close()
    } else if (chance < 0.8 && held) await this.#use(held.session, held.owner)
    else if (chance < 0.85) this.#isCut = !this.#isCut
    else await this.pass(this.#pick([50, 500, 2_000, 5_000]))
  }

  /** A write through a session takes effect exactly when the session says so. */
  async #use(session: StreamSession, owner: string): Promise<void> {
    const name = `name-${Math.floor(this.#random() * 1e9)}`
    const isDone = await session.update({ name }).then(
      () => true,
      () => false,
    )
    const found = await this.registries[0]?.find(session.id)
    expect(found?.name === name).toBe(isDone)
    expect(session.signal.aborted).toBe(!isDone)
    if (isDone) expect(found?.owner).toBe(owner)
  }

  async pass(ms: number): Promise<void> {
    for (let i = 0; i < 20; i++) {
      this.#clock.advance(ms / 20)
      await settled()
    }
  }

  /** With everything mended: each live stream has one session, each session a live stream. */
  async conclude(): Promise<void> {
    this.#isCut = false
    await this.pass(4 * TTL_MS)
    const [reader] = this.registries
    const holders = [...this.open].filter(({ session }) => !session.signal.aborted)
    const live = (await reader?.list()) ?? []
    expect(live.map(({ id, owner }) => `${id} ${owner}`).sort()).toEqual(
      holders.map(({ session, owner }) => `${session.id} ${owner}`).sort(),
    )
    for (const registry of this.registries) await registry.close()
    expect(await new MockRegistry({ sharedWith: reader as MockRegistry }).count()).toBe(0)
    expect((await new MockRegistry({ sharedWith: reader as MockRegistry }).verify()).problems).toEqual([])
  }
}

describe('sessions of three registries, at random', () => {
  it('hold what they say, and nothing else', async () => {
    for (let round = 0; round < 40; round++) {
      const soak = new Soak(SEED + round)
      for (let step = 0; step < 150; step++) await soak.step()
      await soak.conclude()
    }
  })
})
