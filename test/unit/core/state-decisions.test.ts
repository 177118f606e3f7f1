import {
  InvalidTransitionError,
  PROCESSING_STATES,
  PROCESSING_TRANSITIONS,
  type StateReport,
  type Stream,
} from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { decideState } from '../../../src/core/commands/report.ts'
import { eventsOf, LATER, requirePut, stateWith, streamWith, thrownBy } from '../support/streams.ts'

const now = new Date(LATER.now)
const MOVES = PROCESSING_STATES.flatMap((from) => PROCESSING_STATES.map((to) => ({ from, to })))

function report(report: StateReport, current: Stream = streamWith()) {
  return requirePut(decideState(current, report, LATER))
}

describe('a report of the processing state', () => {
  it.each(MOVES.filter(({ from, to }) => PROCESSING_TRANSITIONS[from].includes(to)))(
    'moves from $from to $to and keeps the move',
    ({ from, to }) => {
      const current = streamWith({ state: stateWith({ currentState: from }) })
      const { next, events } = report({ currentState: to, reason: 'why' }, current)
      expect(next.state).toMatchObject({
        currentState: to,
        previousState: from,
        stateTransitions: [{ from, to, at: now, reason: 'why' }],
      })
      expect(events).toEqual([{ type: 'stream.updated', shows: 'written', changes: ['state.currentState'] }])
    },
  )

  it.each(MOVES.filter(({ from, to }) => from !== to && !PROCESSING_TRANSITIONS[from].includes(to)))(
    'is refused from $from to $to',
    ({ from, to }) => {
      const current = streamWith({ state: stateWith({ currentState: from }) })
      const error = thrownBy(() => decideState(current, { currentState: to }, LATER))
      expect(error).toBeInstanceOf(InvalidTransitionError)
      expect(error).toMatchObject({ from, to, streamId: 'cam1' })
    },
  )

  it('keeps the last 16 moves, newest last', () => {
    let current = streamWith()
    for (let i = 0; i < 20; i++) {
      const currentState = current.state.currentState === 'buffering' ? 'streaming' : 'buffering'
      current = report({ currentState, reason: `move ${i}` }, current).next
    }
    expect(current.state.stateTransitions.map(({ reason }) => reason)).toEqual(
      Array.from({ length: 16 }, (_, i) => `move ${i + 4}`),
    )
  })
})

describe('the events of a report', () => {
  const rows: [string, StateReport, string[]][] = [
    ['only the health changes', { health: 'healthy' }, ['health.changed']],
    ['the processing state changes', { currentState: 'buffering' }, ['updated']],
    ['a measure changes', { quality: { score: 5 } }, ['updated']],
    ['a resource changes', { resources: { cpuPercent: 5 } }, ['updated']],
    ['an error is reported', { error: 'lost' }, ['updated']],
    [
      'the health and more change',
      { health: 'degraded', quality: { score: 1 } },
      ['updated', 'health.changed'],
    ],
    ['an error comes with bad health', { health: 'unhealthy', error: 'lost' }, ['updated', 'health.changed']],
  ]

  it.each(rows)('when %s', (_, given, events) => {
    expect(eventsOf(decideState(streamWith(), given, LATER))).toEqual(events)
  })

  it.each([
    ['is empty', {}],
    ['repeats the health', { health: 'unknown' }],
    ['repeats the processing state', { currentState: 'initializing', reason: 'again' }],
    ['repeats a measure', { quality: { score: 4 }, resources: {} }],
  ] as [string, StateReport][])('are none when the report %s: it only renews', (_, given) => {
    const current = streamWith({ state: stateWith({ quality: { score: 4 } }) })
    expect(decideState(current, given, LATER)).toStrictEqual({ kind: 'none', stream: current, renew: true })
  })

  it('name every field that changed', () => {
    const { events } = report({ currentState: 'buffering', health: 'healthy', error: 'x' })
    expect(events[0]?.changes).toEqual(['state.currentState', 'state.health', 'state.errorCount'])
  })
})

describe('what a report leaves behind', () => {
  it('is merged measure by measure', () => {
    const current = streamWith({ state: stateWith({ quality: { score: 4, jitterMs: 2 } }) })
    const { next } = report({ quality: { jitterMs: 3 }, resources: { cpuPercent: 10 } }, current)
    expect(next.state.quality).toEqual({ score: 4, jitterMs: 3 })
    expect(next.state.resources).toEqual({ cpuPercent: 10 })
    expect(current.state.quality).toEqual({ score: 4, jitterMs: 2 })
  })

  it('counts every error, also the same one again', () => {
    const once = report({ error: 'lost' }).next
    const twice = report({ error: { message: 'lost', code: 'E2' } }, once).next
    expect(twice.state.errorCount).toBe(2)
    expect(twice.state.lastError).toStrictEqual({ message: 'lost', code: 'E2', at: now })
  })

  it('is one revision on, and renews the lease', () => {
    const decision = report({ health: 'healthy' })
    expect(decision.next).toMatchObject({ revision: 2, updatedAt: now, status: 'pending' })
    expect(decision).toMatchObject({ renew: true, newFence: false, statistics: 'keep' })
  })
})
