import { STREAM_STATUSES, type Stream, StreamExistsError, ValidationError } from '@mirror/stream-registry'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type CreateCommand, decideCreate, decideRegister } from '../../../src/core/commands/create.ts'
import type { Decision } from '../../../src/core/commands/decision.ts'
import {
  commandWith,
  eventsOf,
  LATER,
  requirePut,
  stateWith,
  streamWith,
  thrownBy,
} from '../support/streams.ts'

const ELSEWHERE = { ...LATER, instanceId: 'ingest-2' }
const LIVE_STATUSES = STREAM_STATUSES.filter((status) => status !== 'terminated' && status !== 'closed')

function register(
  current: Stream | undefined,
  command: CreateCommand<Stream['metadata']>,
  { takeover = false, ttlGiven = false, context = LATER, initial = () => command } = {},
): Decision {
  return decideRegister(current, { command, takeover, ttlGiven, initial }, context)
}

describe('register without a live record', () => {
  it('does what create does', () => {
    for (const status of STREAM_STATUSES) {
      const command = commandWith({ status })
      expect(register(undefined, command)).toStrictEqual(decideCreate(undefined, command, LATER))
    }
  })
})

describe('register of a stream that this instance holds', () => {
  it('only renews when nothing is new', () => {
    const current = streamWith({ metadata: { a: [] }, tags: ['x'] })
    const decision = register(current, commandWith({ metadata: { a: [] }, tags: ['x', 'x'] }))
    expect(decision).toStrictEqual({ kind: 'none', stream: current, renew: true })
  })

  it('replaces the fields that are given, emits updated with their names, and keeps createdAt', () => {
    const current = streamWith({ name: 'old', codec: 'h264', metadata: { a: 1, b: 2 } })
    const decision = requirePut(register(current, commandWith({ name: 'new', metadata: { a: 1 } })))
    expect(decision.next).toStrictEqual({
      ...current,
      name: 'new',
      metadata: { a: 1 },
      updatedAt: new Date(LATER.now),
      revision: 2,
    })
    expect(decision.events).toEqual([
      { type: 'stream.updated', shows: 'written', changes: ['name', 'metadata'] },
    ])
    expect(decision).toMatchObject({ renew: true, newFence: false, statistics: 'keep' })
  })

  it('leaves status, state and statistics to those who report them', () => {
    const current = streamWith({ status: 'active', state: stateWith({ health: 'healthy', errorCount: 3 }) })
    const command = commandWith({
      status: 'pending',
      state: { health: 'unhealthy' },
      statistics: { bytesReceived: 9 },
    })
    expect(register(current, command)).toStrictEqual({ kind: 'none', stream: current, renew: true })
  })

  it('changes the time to live only when one was given', () => {
    const command = commandWith({ ttlMs: 1_000 })
    expect(register(streamWith(), command)).toMatchObject({ kind: 'none' })
    const decision = requirePut(register(streamWith(), command, { ttlGiven: true }))
    expect(decision.next.ttlMs).toBe(1_000)
    expect(decision.events[0]?.changes).toEqual(['ttlMs'])
  })
})

describe('register of a stream that ended', () => {
  it('starts a new incarnation, whoever held it', () => {
    for (const status of ['terminated', 'closed'] as const) {
      for (const owner of ['ingest-1', 'ingest-2']) {
        const old = streamWith({ status, owner, epoch: 4, revision: 9, name: 'old', endedAt: new Date(0) })
        const decision = requirePut(register(old, commandWith()))
        const fresh = requirePut(decideCreate(undefined, commandWith(), LATER)).next
        expect(decision.next).toStrictEqual({ ...fresh, epoch: 5 })
        expect(decision).toMatchObject({ renew: true, newFence: true, statistics: 'replace' })
      }
    }
  })

  it('emits deleted, which shows the old record, and then what a creation emits', () => {
    const old = streamWith({ status: 'closed' })
    expect(eventsOf(register(old, commandWith()))).toEqual(['deleted', 'created'])
    const decision = requirePut(register(old, commandWith({ status: 'active' })))
    expect(decision.events).toEqual([
      { type: 'stream.deleted', shows: 'stored' },
      { type: 'stream.created', shows: 'written' },
      { type: 'stream.started', shows: 'written' },
    ])
  })
})

describe('the command for a stream that begins', () => {
  const refusal = new ValidationError([{ path: ['metadata'], message: 'is not complete' }])
  const refuse = vi.fn((): CreateCommand<Stream['metadata']> => {
    throw refusal
  })
  beforeEach(() => {
    refuse.mockClear()
  })

  it.each([
    ['new', undefined],
    ['a new incarnation', streamWith({ status: 'closed', epoch: 4 })],
  ])('is what is stored when the stream is %s', (_, current) => {
    const initial = vi.fn(() => commandWith({ metadata: { region: 'eu' }, tags: ['live'] }))
    const decision = requirePut(register(current, commandWith({ metadata: {} }), { initial }))
    expect(decision.next).toMatchObject({ metadata: { region: 'eu' }, tags: ['live'] })
    expect(initial).toHaveBeenCalledOnce()
  })

  it.each([
    ['new', undefined],
    ['a new incarnation of one that was terminated', streamWith({ status: 'terminated' })],
    ['a new incarnation of one that was closed', streamWith({ status: 'closed', owner: 'ingest-2' })],
  ])('may be refused when the stream is %s', (_, current) => {
    expect(thrownBy(() => register(current, commandWith(), { initial: refuse }))).toBe(refusal)
    expect(refuse).toHaveBeenCalledOnce()
  })

  it('is not asked for by a refresh, a takeover or a refusal', () => {
    for (const status of LIVE_STATUSES) {
      const current = streamWith({ status })
      expect(register(current, commandWith(), { initial: refuse })).toMatchObject({ kind: 'none' })
      const renamed = requirePut(register(current, commandWith({ name: 'new' }), { initial: refuse }))
      expect(renamed.next.name).toBe('new')
      const elsewhere = { initial: refuse, context: ELSEWHERE }
      const taken = register(current, commandWith(), { ...elsewhere, takeover: true })
      expect(eventsOf(taken)).toEqual(['owner.changed'])
      const error = thrownBy(() => register(current, commandWith(), elsewhere))
      expect(error).toBeInstanceOf(StreamExistsError)
    }
    expect(refuse).not.toHaveBeenCalled()
  })
})

describe('register of a stream that another instance holds', () => {
  it('is refused', () => {
    for (const status of LIVE_STATUSES) {
      const error = thrownBy(() => register(streamWith({ status }), commandWith(), { context: ELSEWHERE }))
      expect(error).toBeInstanceOf(StreamExistsError)
      expect(error).toMatchObject({ message: 'stream already exists: cam1 (held by ingest-1)' })
    }
  })

  it('with takeover passes the same record to a new owner, one epoch on', () => {
    for (const status of LIVE_STATUSES) {
      const current = streamWith({ status, name: 'kept', epoch: 2, revision: 5 })
      const takeover = register(current, commandWith({ name: 'ignored' }), {
        takeover: true,
        context: ELSEWHERE,
      })
      const decision = requirePut(takeover)
      expect(decision.next).toStrictEqual({
        ...current,
        owner: 'ingest-2',
        epoch: 3,
        revision: 6,
        updatedAt: new Date(LATER.now),
      })
      expect(eventsOf(decision)).toEqual(['owner.changed'])
      expect(decision).toMatchObject({ renew: true, newFence: true, statistics: 'keep' })
    }
  })

  it('with takeover of what this instance holds itself is a refresh', () => {
    expect(register(streamWith(), commandWith(), { takeover: true })).toMatchObject({ kind: 'none' })
  })
})
