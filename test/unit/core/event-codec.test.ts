import { EVENT_TYPES, EVENT_VERSION } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { decodeEvent } from '../../../src/core/event-codec.ts'
import { documentToJSON } from '../../../src/core/model/wire.ts'
import type { LogRecord } from '../../../src/core/store.ts'
import { CREATED_MS, streamWith } from '../support/streams.ts'

const RECORD: LogRecord = {
  logId: `${CREATED_MS + 5}-17`,
  type: 'stream.updated',
  id: 'cam1',
  doc: JSON.stringify(documentToJSON(streamWith())),
  side: '{"bytes_received":7}',
  deadline: CREATED_MS + 301_000,
  source: 'ingest-2',
  changes: ['name'],
  opId: 'op-1',
}

describe('the event of a log entry', () => {
  it('tells what happened to which stream, when, by whom, and where it stands in the log', () => {
    expect(decodeEvent(RECORD)).toStrictEqual({
      type: 'stream.updated',
      streamId: 'cam1',
      timestamp: new Date(CREATED_MS + 5),
      data: streamWith({
        lastHeartbeat: new Date(CREATED_MS + 1_000),
        statistics: { bytesReceived: 7, packetsReceived: 0, packetsLost: 0, bitrate: 0 },
      }),
      source: 'ingest-2',
      version: 1,
      cursor: `${CREATED_MS + 5}-17`,
      changes: ['name'],
    })
  })

  it('has no changes where none were logged', () => {
    const { changes: _, ...record } = RECORD
    expect(decodeEvent({ ...record, type: 'stream.created' })).not.toHaveProperty('changes')
  })

  it('is marked, and not dropped, when the logged document is no stream', () => {
    const { id: streamId, type: originalType, source, logId: cursor } = RECORD
    const unknown = { type: 'unknown', originalType, streamId, source, version: 1, cursor }
    expect(decodeEvent({ ...RECORD, doc: '{}' })).toMatchObject({ ...unknown, data: {} })
    expect(decodeEvent({ ...RECORD, doc: 'x' })).toMatchObject({ ...unknown, data: undefined })
  })

  it('is marked when it is of a newer schema or a type that nobody knows', () => {
    expect(decodeEvent({ ...RECORD, version: 2 })).toMatchObject({ type: 'unknown', version: 2 })
    expect(decodeEvent({ ...RECORD, type: 'stream.cloned' })).toMatchObject({
      type: 'unknown',
      originalType: 'stream.cloned',
    })
  })

  it('is lifted from an older schema, step by step', () => {
    const upcasters = {
      [-1]: ({ data }: { data: unknown }) => ({ type: 'created', data: data as never }),
      0: ({ type, data }: { type: string; data: unknown }) => ({
        type: `stream.${type}`,
        data: data as never,
      }),
    }
    const old = { ...RECORD, type: 'began', version: -1 }
    expect(decodeEvent(old, 'c', upcasters)).toMatchObject({
      type: 'stream.created',
      version: 1,
      cursor: 'c',
    })
    expect(decodeEvent(old, 'c', { 0: upcasters[0] })).toMatchObject({ type: 'unknown', version: -1 })
  })
})

describe('the event types', () => {
  it('are those of the seed, and three of our own', () => {
    expect([...EVENT_TYPES].sort()).toEqual([
      'stream.created',
      'stream.deleted',
      'stream.error',
      'stream.expired',
      'stream.health.changed',
      'stream.owner.changed',
      'stream.paused',
      'stream.resumed',
      'stream.started',
      'stream.terminated',
      'stream.updated',
    ])
    expect(EVENT_VERSION).toBe(1)
  })
})
