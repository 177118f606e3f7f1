import { STREAM_STATUSES, STREAM_TYPES, StreamExistsError } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { decideCreate } from '../../../src/core/commands/create.ts'
import { toWrite } from '../../../src/core/commands/decision.ts'
import { commandWith, eventsOf, LATER, requirePut, streamWith, thrownBy } from '../support/streams.ts'

const now = new Date(LATER.now)

describe('create', () => {
  it('makes the first revision of the first epoch, stamped with the store’s time', () => {
    const { next } = requirePut(decideCreate(undefined, commandWith(), LATER))
    expect(next).toStrictEqual(streamWith({ createdAt: now, updatedAt: now, lastHeartbeat: now }))
  })

  it('takes every field of the input over', () => {
    const given = {
      name: 'Camera 1',
      protocol: 'srt-live',
      codec: 'h264',
      sourcePort: 9_000,
      videoCodec: 'h265',
      resolution: '1920x1080',
      bitrate: 5_000_000,
      frameRate: 29.97,
      metadata: { region: 'eu' },
      tags: ['live', 'hd'],
      config: { latencyMs: 120 },
    }
    const { next } = requirePut(decideCreate(undefined, commandWith(given), LATER))
    expect(next).toMatchObject(given)
  })

  it('begins with the reported state and statistics, and nothing reported where there is none', () => {
    const command = commandWith({
      state: { currentState: 'buffering', health: 'degraded', quality: { score: 3 } },
      statistics: { bytesReceived: 7, rttMs: 1.5 },
    })
    const { next, statistics } = requirePut(decideCreate(undefined, command, LATER))
    expect(next.state).toStrictEqual({
      currentState: 'buffering',
      stateTransitions: [],
      statusTransitions: [],
      errorCount: 0,
      health: 'degraded',
      quality: { score: 3 },
      resources: {},
    })
    expect(next.statistics).toStrictEqual({
      bytesReceived: 7,
      packetsReceived: 0,
      packetsLost: 0,
      bitrate: 0,
      rttMs: 1.5,
    })
    expect(statistics).toBe('replace')
  })

  it.each(STREAM_TYPES)('defaults the protocol of %s to its type', (type) => {
    expect(requirePut(decideCreate(undefined, commandWith({ type }), LATER)).next.protocol).toBe(type)
  })

  it('drops repeated tags and keeps their order', () => {
    const { next } = requirePut(decideCreate(undefined, commandWith({ tags: ['b', 'a', 'b'] }), LATER))
    expect(next.tags).toEqual(['b', 'a'])
  })

  it('shares nothing with the input', () => {
    const metadata = { nested: { region: 'eu' } }
    const { next } = requirePut(decideCreate(undefined, commandWith({ metadata }), LATER))
    metadata.nested.region = 'us'
    expect(next.metadata).toEqual({ nested: { region: 'eu' } })
  })

  it('emits created, and started after it when the stream is active from the start', () => {
    for (const status of STREAM_STATUSES) {
      const decision = decideCreate(undefined, commandWith({ status }), LATER)
      expect(eventsOf(decision)).toEqual(status === 'active' ? ['created', 'started'] : ['created'])
    }
  })

  it('notes when the stream started, or ended, if it begins that way', () => {
    const begun = (status: (typeof STREAM_STATUSES)[number]) =>
      requirePut(decideCreate(undefined, commandWith({ status }), LATER)).next
    expect(begun('active')).toMatchObject({ startedAt: now })
    expect(begun('active')).not.toHaveProperty('endedAt')
    expect(begun('closed')).toMatchObject({ endedAt: now })
    expect(begun('terminated')).toMatchObject({ endedAt: now })
    expect(begun('pending')).not.toHaveProperty('startedAt')
  })

  it('begins a lease, and makes older fences stale', () => {
    expect(decideCreate(undefined, commandWith(), LATER)).toMatchObject({ renew: true, newFence: true })
  })

  it('is refused when the id is live, whoever holds it and whatever its status', () => {
    for (const status of STREAM_STATUSES) {
      for (const owner of ['ingest-1', 'ingest-2']) {
        const error = thrownBy(() => decideCreate(streamWith({ status, owner }), commandWith(), LATER))
        expect(error).toBeInstanceOf(StreamExistsError)
        expect(error).toMatchObject({
          streamId: 'cam1',
          message: `stream already exists: cam1 (held by ${owner})`,
        })
      }
    }
  })

  it('stores only those statistics that say something', () => {
    const side = (statistics: object) => {
      const write = toWrite(decideCreate(undefined, commandWith({ statistics }), LATER))
      return write.kind === 'put' ? write.side : undefined
    }
    expect(side({})).toBe('{}')
    expect(side({ bytesReceived: 0 })).toBe('{}')
    expect(side({ bytesReceived: 5, frameRate: 0 })).toBe('{"bytes_received":5,"frame_rate":0}')
  })
})
