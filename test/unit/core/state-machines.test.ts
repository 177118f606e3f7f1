import {
  isActive,
  isTerminalStatus,
  PROCESSING_STATES,
  PROCESSING_TRANSITIONS,
  STATUS_TRANSITIONS,
  STREAM_STATUSES,
} from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'

const SPECIFIED = `pending → connecting active error; connecting → active error; active → connecting paused error;
  paused → active error; error → connecting active; terminating → error`
const ENDINGS = ['terminating', 'terminated', 'closed']

/** The specified moves, with the endings that every status but the terminal ones has. */
function specifiedMoves(): Map<string, Set<string>> {
  const moves = new Map<string, Set<string>>([
    ['terminated', new Set()],
    ['closed', new Set()],
  ])
  for (const rule of SPECIFIED.split(';')) {
    const [from = '', to = ''] = rule.trim().split(' → ')
    moves.set(from, new Set([...to.split(' '), ...ENDINGS.filter((ending) => ending !== from)]))
  }
  return moves
}

function reachable(table: Readonly<Record<string, readonly string[]>>, start: string): Set<string> {
  const seen = new Set([start])
  for (const state of seen) for (const next of table[state] ?? []) seen.add(next)
  return seen
}

describe('the status machine', () => {
  it('has the statuses of both seeds', () => {
    expect(STREAM_STATUSES).toEqual([
      'pending',
      'connecting',
      'active',
      'paused',
      'error',
      'terminating',
      'terminated',
      'closed',
    ])
  })

  it('has exactly the moves that are specified', () => {
    const table = new Map(Object.entries(STATUS_TRANSITIONS).map(([from, to]) => [from, new Set(to)]))
    expect(table).toEqual(specifiedMoves())
  })

  it('has no move to where it stands, and none twice', () => {
    for (const [from, to] of Object.entries(STATUS_TRANSITIONS)) {
      expect(to).not.toContain(from)
      expect(new Set(to).size).toBe(to.length)
    }
  })

  it('reaches every status from pending but pending itself', () => {
    expect(reachable(STATUS_TRANSITIONS, 'pending')).toEqual(new Set(STREAM_STATUSES))
    for (const to of Object.values(STATUS_TRANSITIONS)) expect(to).not.toContain('pending')
  })

  it('can end from everywhere, and goes on from no end', () => {
    for (const status of STREAM_STATUSES) {
      expect(isTerminalStatus(status)).toBe(STATUS_TRANSITIONS[status].length === 0)
      expect(reachable(STATUS_TRANSITIONS, status).has('closed')).toBe(status !== 'terminated')
    }
    expect(STREAM_STATUSES.filter(isTerminalStatus)).toEqual(['terminated', 'closed'])
  })

  it('counts active and connecting as active', () => {
    expect(STREAM_STATUSES.filter((status) => isActive({ status }))).toEqual(['connecting', 'active'])
  })
})

describe('the processing machine', () => {
  it('has the states of the seed', () => {
    expect(PROCESSING_STATES).toEqual([
      'initializing',
      'connecting',
      'buffering',
      'streaming',
      'recovering',
      'draining',
      'stopping',
    ])
    expect(Object.keys(PROCESSING_TRANSITIONS)).toEqual([...PROCESSING_STATES])
  })

  it('reaches every state from initializing', () => {
    expect(reachable(PROCESSING_TRANSITIONS, 'initializing')).toEqual(new Set(PROCESSING_STATES))
  })

  it('has no move to where it stands, none twice and none to an unknown state', () => {
    for (const [from, to] of Object.entries(PROCESSING_TRANSITIONS)) {
      expect(to).not.toContain(from)
      expect(new Set(to).size).toBe(to.length)
      expect(PROCESSING_STATES).toEqual(expect.arrayContaining([...to]))
    }
  })

  it('ends with stopping, which every state can reach', () => {
    expect(PROCESSING_TRANSITIONS.stopping).toEqual([])
    for (const state of PROCESSING_STATES) {
      expect(reachable(PROCESSING_TRANSITIONS, state)).toContain('stopping')
    }
  })
})
