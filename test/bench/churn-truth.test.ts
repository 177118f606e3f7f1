import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ChurnTruth } from './churn-truth.ts'

const TTL_MS = 1_000
const done = async (): Promise<void> => {}

let truth: ChurnTruth
/** Calls that are under way until they are let go. */
let release: (() => void)[]
const hang = (): Promise<void> => new Promise((resolve) => release.push(resolve))

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_000_000, toFake: ['Date'] })
  truth = new ChurnTruth()
  release = []
  await truth.register('a', TTL_MS, done)
})

function pass(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}

/** What a query that takes no time must hold, and may hold. */
function now(which: 'all' | 'active' = 'all'): { must: string[]; may: string[] } {
  const { mustHold, mayHold } = truth.bounds(Date.now(), Date.now(), which)
  return { must: [...mustHold], may: [...mayHold] }
}

describe('the truth of a churn', () => {
  it('demands what lives, and allows nothing that lapsed', () => {
    pass(10)
    expect(now()).toEqual({ must: ['a'], may: ['a'] })
    pass(TTL_MS - 11)
    // Too close to tell.
    expect(now()).toEqual({ must: [], may: ['a'] })
    pass(10)
    expect(now()).toEqual({ must: [], may: [] })
  })

  it('leaves open what is under way', async () => {
    const registering = truth.register('b', TTL_MS, hang)
    pass(10)
    expect(now()).toEqual({ must: ['a'], may: ['a', 'b'] })
    release[0]?.()
    await registering
    pass(10)
    expect(now()).toEqual({ must: ['a', 'b'], may: ['a', 'b'] })
  })

  it('counts a lease from when its sign was sent at least, and from its answer at most', async () => {
    pass(900)
    const signing = truth.sign('a', hang)
    pass(200)
    expect(now()).toEqual({ must: [], may: ['a'] })
    release[0]?.()
    await signing
    expect(now()).toEqual({ must: ['a'], may: ['a'] })
    pass(TTL_MS - 190) // 1,010 ms since it was sent, 810 since it was answered
    expect(now()).toEqual({ must: [], may: ['a'] })
    pass(300)
    expect(now()).toEqual({ must: [], may: [] })
  })

  it('knows what was taken back, and is not fooled by a refused sign', async () => {
    pass(10)
    await truth.end('a', done)
    await truth.sign('a', () => Promise.reject(new Error('gone')))
    pass(10)
    expect(now()).toEqual({ must: [], may: [] })
  })

  it('knows the status, and leaves it open while it changes', async () => {
    pass(10)
    expect(now('active')).toEqual({ must: ['a'], may: ['a'] })
    const changing = truth.change('a', false, hang)
    expect(now('active')).toEqual({ must: [], may: ['a'] })
    release[0]?.()
    await changing
    pass(10)
    expect(now('active')).toEqual({ must: [], may: [] })
    expect(now('all')).toEqual({ must: ['a'], may: ['a'] })
  })
})
