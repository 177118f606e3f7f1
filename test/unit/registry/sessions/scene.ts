import { MockRegistry, type StreamSession } from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import type { Store } from '../../../../src/core/store.ts'
import { storeOf } from '../../../../src/registry/store-registry.ts'

export const INPUT = { id: 'cam1', type: 'srt', sourceAddr: '10.0.0.1:9000', ttlMs: 300_000 } as const

/** Registries over one memory, under a clock that stands still. */
export interface Scene {
  readonly clock: ManualClock
  readonly registry: MockRegistry
  readonly other: MockRegistry
  readonly store: Store
  readonly warnings: string[]
  /** Lets time pass in small steps, and lets what is due on the way happen. */
  pass(ms: number): Promise<void>
}

/** @param maxEvents - how many events are kept at most, and at least. */
export function makeScene(maxEvents = 50_000): Scene {
  const clock = new ManualClock()
  const warnings: string[] = []
  const logger = { warn: (message: string) => void warnings.push(message) }
  const registry = new MockRegistry({ clock, instanceId: 'a', logger, maxEvents })
  const other = new MockRegistry({ sharedWith: registry, instanceId: 'b' })
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < 100; i++) {
      clock.advance(ms / 100)
      await settled()
    }
  }
  return { clock, registry, other, store: storeOf(registry), warnings, pass }
}

/** Whatever can happen without time passing has happened. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Holds back what the next call of a method answers, or rejects with. */
export function hold<K extends 'commit' | 'renew' | 'readLog'>(
  store: Store,
  method: K,
  when: 'before' | 'after',
): { readonly reached: Promise<void>; release(failure?: Error): void } {
  const real = store[method].bind(store) as (...args: unknown[]) => Promise<unknown>
  let reach = (): void => {}
  const reached = new Promise<void>((resolve) => {
    reach = resolve
  })
  let release: (failure?: Error) => void = () => {}
  const released = new Promise<void>((resolve, reject) => {
    release = (failure) => (failure ? reject(failure) : resolve())
  })
  let isTaken = false
  const held = async (...args: unknown[]): Promise<unknown> => {
    if (isTaken) return real(...args)
    isTaken = true
    reach()
    if (when === 'before') await released
    const answer = await real(...args)
    if (when === 'after') await released
    return answer
  }
  store[method] = held as Store[K]
  return { reached, release }
}

/** Every renewal from now on fails, until the answer is called. */
export function cutRenewals(store: Store): () => void {
  const { renew } = store
  store.renew = async () => {
    throw new Error('cut')
  }
  return () => {
    store.renew = renew
  }
}

/** What a session told its host, in order. */
export function told(session: StreamSession): string[] {
  const words: string[] = []
  session.on('restored', () => words.push('restored'))
  session.on('lost', ({ code }) => words.push(`lost ${code}`))
  return words
}
