import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ServerClock } from '../../../src/redis/server-clock.ts'

const HOUR = 3_600_000
/** Sums near 1.7e12 are exact to about 2e-4. */
const ROUNDING = 0.001

/** A server’s clock, as a function of this process’s monotonic one. */
type ServerTime = (monotonic: number) => number

/** A request: how long after the reply before it is sent, how long it takes there, and back. */
interface Exchange {
  readonly pause: number
  readonly there: number
  readonly back: number
}

const latency = fc.double({ min: 0, max: 500, noNaN: true })
const exchange: fc.Arbitrary<Exchange> = fc.record({
  pause: fc.double({ min: 0, max: 60_000, noNaN: true }),
  there: latency,
  back: latency,
})
const exchanges = fc.array(exchange, { minLength: 1, maxLength: 20 })
/** Within what quartz does: at most 0.2 ms a second. */
const drift = fc.double({ min: -0.0002, max: 0.0002, noNaN: true })
const ahead = fc.double({ min: 0, max: HOUR, noNaN: true })

function running(start: number, rate: number): ServerTime {
  return (monotonic) => start + monotonic * (1 + rate)
}

/** Runs one exchange after the other; answers when the last reply came. */
function exchangeAll(
  clock: ServerClock,
  serverTime: ServerTime,
  script: readonly Exchange[],
  start = 0,
): number {
  let now = start
  for (const { pause, there, back } of script) {
    const sent = now + pause
    const read = sent + there
    now = read + back
    clock.sample(Math.floor(serverTime(read)), sent, now)
  }
  return now
}

/** An exchange that takes this long each way. */
function trip(each: number, pause = 1): Exchange {
  return { pause, there: each, back: each }
}

describe('a deadline on the server’s clock', () => {
  it('is never later than the deadline itself', () => {
    fc.assert(
      fc.property(exchanges, drift, ahead, (script, rate, wait) => {
        const clock = new ServerClock()
        const serverTime = running(1.7e12, rate)
        const deadline = exchangeAll(clock, serverTime, script) + wait
        expect(clock.serverDeadline(deadline)).toBeLessThanOrEqual(serverTime(deadline) + ROUNDING)
      }),
      { numRuns: 1_000 },
    )
  })

  it('is early by no more than the fastest reply and the drift since leave open', () => {
    fc.assert(
      fc.property(exchanges, drift, ahead, (script, rate, wait) => {
        const clock = new ServerClock()
        const serverTime = running(1.7e12, rate)
        const end = exchangeAll(clock, serverTime, script)
        const deadline = end + wait
        const last = script.at(-1)
        const open = 1 + (last?.back ?? 0) + 0.0004 * wait + 1 + ROUNDING
        expect(clock.serverDeadline(deadline)).toBeGreaterThanOrEqual(serverTime(deadline) - open)
      }),
      { numRuns: 500 },
    )
  })

  it('is a whole number of milliseconds', () => {
    const clock = new ServerClock()
    clock.sample(1_700_000_000_000, 10.25, 11.75)
    expect(Number.isInteger(clock.serverDeadline(5_000.3))).toBe(true)
  })

  it('gets closer with a faster reply, and a slow one after it takes nothing back', () => {
    const clock = new ServerClock()
    const serverTime = running(1.7e12, 0)
    const gap = (now: number): number => serverTime(now + 100) - clock.serverDeadline(now + 100)
    let now = exchangeAll(clock, serverTime, [trip(400)])
    expect(gap(now)).toBeGreaterThan(399)
    now = exchangeAll(clock, serverTime, [trip(2)], now)
    expect(gap(now)).toBeLessThan(5)
    now = exchangeAll(clock, serverTime, [trip(400)], now)
    expect(gap(now)).toBeLessThan(5)
  })

  it('loses what was known as slowly as clocks drift', () => {
    const clock = new ServerClock()
    const serverTime = running(1.7e12, 0)
    const end = exchangeAll(clock, serverTime, [trip(0)])
    const later = exchangeAll(clock, serverTime, [trip(400, HOUR)], end)
    const gap = serverTime(later) - clock.serverDeadline(later)
    expect(gap).toBeGreaterThan(0.0002 * HOUR - 400)
    expect(gap).toBeLessThan(401 + 2)
  })
})

describe('a server whose clock jumps', () => {
  it.each([
    ['ahead', HOUR],
    ['back', -HOUR],
    ['ahead a little', 1_500],
    ['back a little', -1_500],
  ])('%s is believed from its next reply on', (_, jump) => {
    fc.assert(
      fc.property(exchanges, exchanges, drift, ahead, (before, after, rate, wait) => {
        const clock = new ServerClock()
        const jumped = running(1.7e12 + jump, rate)
        // A jump can be told when it is wider than what the replies leave open: a quick one before it.
        const close = exchangeAll(clock, running(1.7e12, rate), [...before, trip(1)])
        const end = exchangeAll(clock, jumped, after, close)
        const deadline = end + wait
        expect(clock.serverDeadline(deadline)).toBeLessThanOrEqual(jumped(deadline) + ROUNDING)
        const open = 3 + (after.at(-1)?.back ?? 0) + 0.0004 * wait
        expect(clock.serverDeadline(deadline)).toBeGreaterThanOrEqual(jumped(deadline) - open)
      }),
      { numRuns: 300 },
    )
  })
})

describe('the time of a server', () => {
  it('is the host’s until the server was heard', () => {
    const before = Date.now()
    const now = new ServerClock().now()
    expect(now).toBeGreaterThanOrEqual(before)
    expect(now).toBeLessThanOrEqual(Date.now())
  })

  it('is the server’s own afterwards, whatever the host’s clock says', () => {
    const clock = new ServerClock()
    const years = 1_000_000_000_000
    const sent = performance.now()
    clock.sample(years, sent, performance.now())
    const now = clock.now()
    expect(now).toBeGreaterThanOrEqual(years)
    expect(now).toBeLessThanOrEqual(years + 1 + performance.now() - sent)
  })
})
