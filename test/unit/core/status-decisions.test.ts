import {
  InvalidTransitionError,
  LIMITS,
  STATUS_TRANSITIONS,
  STREAM_STATUSES,
  type Stream,
  type StreamStatus,
} from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { decideStatus } from '../../../src/core/commands/report.ts'
import { CREATED_MS, eventsOf, LATER, requirePut, streamWith, thrownBy } from '../support/streams.ts'

const now = new Date(LATER.now)

const MOVES = STREAM_STATUSES.flatMap((from) => STREAM_STATUSES.map((to) => ({ from, to })))
const ALLOWED = MOVES.filter(({ from, to }) => STATUS_TRANSITIONS[from].includes(to))
const REFUSED = MOVES.filter(({ from, to }) => from !== to && !STATUS_TRANSITIONS[from].includes(to))

function move(current: Stream, to: StreamStatus, report = {}) {
  return requirePut(decideStatus(current, to, report, LATER))
}

/** The event of a move, as the event table has it. */
function expectedEvent(from: StreamStatus, to: StreamStatus, startedBefore: boolean): string {
  if (to === 'active') return startedBefore ? (from === 'paused' ? 'resumed' : 'updated') : 'started'
  if (to === 'paused') return 'paused'
  if (to === 'error') return 'error'
  if (to === 'terminated' || to === 'closed') return 'terminated'
  return 'updated'
}

describe('a move of the status', () => {
  it.each(ALLOWED)('from $from to $to changes the status, once', ({ from, to }) => {
    const { next, renew, newFence } = move(streamWith({ status: from, revision: 4 }), to)
    expect(next).toMatchObject({ status: to, revision: 5, updatedAt: now })
    expect(next.state.statusTransitions).toEqual([{ from, to, at: now }])
    expect({ renew, newFence }).toEqual({ renew: true, newFence: false })
  })

  it.each(ALLOWED)('from $from to $to emits its event', ({ from, to }) => {
    for (const startedAt of [undefined, new Date(CREATED_MS)]) {
      const current = streamWith({ status: from, ...(startedAt && { startedAt }) })
      expect(eventsOf(move(current, to))).toEqual([expectedEvent(from, to, startedAt !== undefined)])
    }
  })

  it.each(REFUSED)('from $from to $to is refused', ({ from, to }) => {
    const error = thrownBy(() => decideStatus(streamWith({ status: from }), to, {}, LATER))
    expect(error).toBeInstanceOf(InvalidTransitionError)
    expect(error).toMatchObject({ from, to, streamId: 'cam1', code: 'INVALID_TRANSITION' })
  })

  it.each(STREAM_STATUSES)('from %s to itself emits nothing and renews', (status) => {
    const current = streamWith({ status })
    expect(decideStatus(current, status, { reason: 'again' }, LATER)).toStrictEqual({
      kind: 'none',
      stream: current,
      renew: true,
    })
  })

  it('names the status as the change where it is told by updated', () => {
    expect(move(streamWith(), 'connecting').events).toEqual([
      { type: 'stream.updated', shows: 'written', changes: ['status'] },
    ])
  })
})

describe('the times of a stream', () => {
  it('keep the first start', () => {
    const started = new Date(CREATED_MS + 1)
    expect(move(streamWith(), 'active').next.startedAt).toEqual(now)
    expect(move(streamWith({ status: 'paused', startedAt: started }), 'active').next.startedAt).toEqual(
      started,
    )
    expect(move(streamWith(), 'connecting').next).not.toHaveProperty('startedAt')
  })

  it('keep the end', () => {
    expect(move(streamWith(), 'terminated').next.endedAt).toEqual(now)
    expect(move(streamWith(), 'closed').next.endedAt).toEqual(now)
    expect(move(streamWith(), 'terminating').next).not.toHaveProperty('endedAt')
  })

  it('never go back, whatever the clock says', () => {
    const updatedAt = new Date(LATER.now + 5_000)
    const { next } = move(streamWith({ updatedAt }), 'active')
    expect([next.updatedAt, next.startedAt, next.state.statusTransitions[0]?.at]).toEqual([
      updatedAt,
      updatedAt,
      updatedAt,
    ])
  })
})

describe('the report with a move', () => {
  it('keeps the reason in the history', () => {
    const { next } = move(streamWith(), 'active', { reason: 'on air' })
    expect(next.state.statusTransitions[0]).toEqual({
      from: 'pending',
      to: 'active',
      at: now,
      reason: 'on air',
    })
  })

  it('counts an error and keeps it as the last one', () => {
    const failure = Object.assign(new Error('socket closed'), { code: 'ECONNRESET' })
    const reports = [
      { report: { error: 'no signal' }, message: 'no signal' },
      { report: { error: { message: 'no key', code: 'E1' } }, message: 'no key', code: 'E1' },
      { report: { error: failure }, message: 'socket closed', code: 'ECONNRESET' },
      { report: { reason: 'timed out' }, message: 'timed out' },
      { report: {}, message: 'no reason given' },
    ]
    for (const { report, ...expected } of reports) {
      const { state } = move(streamWith(), 'error', report).next
      expect(state.errorCount).toBe(1)
      expect(state.lastError).toStrictEqual({ ...expected, at: now })
    }
  })

  it('counts an error with any move, and none where none was reported', () => {
    expect(move(streamWith(), 'closed', { error: 'lost' }).next.state.errorCount).toBe(1)
    expect(move(streamWith(), 'closed', { reason: 'done' }).next.state.errorCount).toBe(0)
  })

  it('keeps the last 16 moves, newest last', () => {
    let current = streamWith({ status: 'active' })
    for (let i = 0; i < 20; i++) {
      const to = current.status === 'active' ? 'connecting' : 'active'
      current = move(current, to, { reason: `move ${i}` }).next
    }
    const reasons = current.state.statusTransitions.map(({ reason }) => reason)
    expect(LIMITS.maxTransitions).toBe(16)
    expect(reasons).toEqual(Array.from({ length: 16 }, (_, i) => `move ${i + 4}`))
  })
})
