import { ManualClock } from '@mirror/stream-registry/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('an alarm of a clock that is moved by hand', () => {
  it('goes off when its time has come, once', () => {
    const clock = new ManualClock(0)
    const calls: number[] = []
    clock.schedule(100, () => void calls.push(clock.now()))
    clock.advance(99)
    expect(calls).toEqual([])
    clock.advance(1)
    clock.advance(1_000)
    expect(calls).toEqual([100])
  })

  it('sees the time that it was set for, however far the clock is moved', () => {
    const clock = new ManualClock(0)
    const calls: number[] = []
    for (const ms of [300, 100, 200]) clock.schedule(ms, () => void calls.push(clock.now()))
    clock.advance(1_000)
    expect([calls, clock.now()]).toEqual([[100, 200, 300], 1_000])
  })

  it('goes off in the order of setting, where several are set for one time', () => {
    const clock = new ManualClock(0)
    const calls: string[] = []
    for (const name of ['a', 'b', 'c']) clock.schedule(10, () => void calls.push(name))
    clock.advance(10)
    expect(calls).toEqual(['a', 'b', 'c'])
  })

  it('is silent once it was cancelled, also by another alarm', () => {
    const clock = new ManualClock(0)
    let calls = 0
    const cancel = clock.schedule(20, () => {
      calls += 1
    })
    clock.schedule(10, cancel)
    clock.advance(100)
    cancel()
    expect(calls).toBe(0)
  })

  it('may set another one, which goes off on the same way where it is due', () => {
    const clock = new ManualClock(0)
    const calls: number[] = []
    const tick = (): void => {
      calls.push(clock.now())
      clock.schedule(100, tick)
    }
    clock.schedule(100, tick)
    clock.advance(350)
    expect([calls, clock.now()]).toEqual([[100, 200, 300], 350])
  })

  it('that is due now goes off with the next move, even by nothing', () => {
    const clock = new ManualClock(0)
    let calls = 0
    clock.schedule(0, () => {
      calls += 1
    })
    expect(calls).toBe(0)
    clock.advance(0)
    expect(calls).toBe(1)
  })

  it('goes off in the order of time, however the clock is moved', () => {
    const script = fc.tuple(
      fc.array(fc.nat(500), { maxLength: 20 }),
      fc.array(fc.nat(100), { maxLength: 20 }),
    )
    fc.assert(
      fc.property(script, ([alarms, moves]) => {
        const clock = new ManualClock(0)
        const calls: number[] = []
        for (const ms of alarms) clock.schedule(ms, () => void calls.push(clock.now()))
        for (const ms of moves) clock.advance(ms)
        const due = alarms.filter((ms) => moves.length > 0 && ms <= clock.now())
        expect(calls).toEqual(due.sort((a, b) => a - b))
      }),
    )
  })
})
