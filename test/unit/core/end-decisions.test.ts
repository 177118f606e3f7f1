import { STREAM_STATUSES, streamFromJSON } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { lapsedEvent, toWrite } from '../../../src/core/commands/decision.ts'
import { decideUnregister } from '../../../src/core/commands/end.ts'
import { CREATED_MS, eventsOf, LATER, streamWith } from '../support/streams.ts'

const TERMINAL = ['terminated', 'closed'] as const
const LIVE = STREAM_STATUSES.filter((status) => !(TERMINAL as readonly string[]).includes(status))

describe('unregister', () => {
  it.each(LIVE)('ends a stream that is %s: terminated, then deleted', (status) => {
    const decision = decideUnregister(streamWith({ status }), LATER)
    expect(decision.kind).toBe('remove')
    expect(eventsOf(decision)).toEqual(['terminated', 'deleted'])
    expect(decision).toMatchObject({
      last: { status: 'terminated', endedAt: new Date(LATER.now), revision: 2 },
    })
  })

  it.each(TERMINAL)('only deletes a stream that is %s, as it is', (status) => {
    const current = streamWith({ status, endedAt: new Date(CREATED_MS) })
    expect(decideUnregister(current, LATER)).toStrictEqual({
      kind: 'remove',
      last: current,
      events: [{ type: 'stream.deleted', shows: 'written' }],
    })
  })

  it('removes the record and gives the events its last document', () => {
    const write = toWrite(decideUnregister(streamWith(), LATER))
    if (write.kind !== 'remove' || write.lastDoc === undefined) throw new Error('expected a last document')
    const shown = { ...JSON.parse(write.lastDoc), last_heartbeat: new Date(0).toISOString() }
    expect(streamFromJSON(shown)).toMatchObject({ id: 'cam1', status: 'terminated' })
  })
})

describe('the end of a lease', () => {
  it.each(LIVE)('of a stream that is %s is told as expired', (status) => {
    expect(lapsedEvent({ status })).toBe('stream.expired')
  })

  it.each(TERMINAL)('of a stream that is %s is told as deleted', (status) => {
    expect(lapsedEvent({ status })).toBe('stream.deleted')
  })
})

describe('a decision for the store', () => {
  it('writes nothing when there is nothing to write', () => {
    const stream = streamWith()
    expect(toWrite({ kind: 'none', stream, renew: true })).toEqual({ kind: 'none', renew: true })
    expect(toWrite({ kind: 'none', stream, renew: false })).toEqual({ kind: 'none', renew: false })
  })

  it('puts the document without lease and statistics, which are kept beside it', () => {
    const write = toWrite({
      kind: 'put',
      next: streamWith({ status: 'closed' }),
      events: [],
      renew: true,
      newFence: false,
      statistics: 'keep',
    })
    expect(write).toMatchObject({
      kind: 'put',
      order: CREATED_MS,
      ttlMs: 300_000,
      onLapsed: 'stream.deleted',
      renew: true,
      newFence: false,
    })
    expect(write).not.toHaveProperty('side')
    const document = JSON.parse((write as { doc: string }).doc)
    expect(document).not.toHaveProperty('statistics')
    expect(document).not.toHaveProperty('last_heartbeat')
  })
})
