import { EVENT_VERSION } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { decodeEvent, type EventUpcasters } from '../../../../src/core/event-codec.ts'
import { documentToJSON } from '../../../../src/core/model/wire.ts'
import type { LogRecord } from '../../../../src/core/store.ts'
import { CREATED_MS, streamWith } from '../../support/streams.ts'

const { name: _, ...JSON_NOW } = documentToJSON(streamWith({ name: 'Camera 3' }))
const OLD: LogRecord = {
  logId: `${CREATED_MS}-1`,
  type: 'stream.updated',
  id: 'cam1',
  doc: JSON.stringify({ ...JSON_NOW, title: 'Camera 3' }),
  deadline: CREATED_MS + 300_000,
  source: 'a',
  changes: ['name'],
  version: 0,
}

/** What was called `title` is called `name` now. */
const UPCASTERS: EventUpcasters = {
  0: ({ type, data }) => {
    const { title, ...rest } = data as { title: string }
    return { type, data: { ...rest, name: title } }
  },
}

describe('an event of an older schema', () => {
  it('is lifted to today’s, and says so', () => {
    expect(decodeEvent(OLD, 'c', UPCASTERS)).toEqual({
      type: 'stream.updated',
      streamId: 'cam1',
      timestamp: new Date(CREATED_MS),
      data: streamWith({ name: 'Camera 3' }),
      source: 'a',
      version: EVENT_VERSION,
      cursor: 'c',
      changes: ['name'],
    })
  })

  it('is unknown, with what was logged, where nothing lifts it', () => {
    const data = JSON.parse(OLD.doc)
    const unknown = { type: 'unknown', originalType: 'stream.updated', version: 0, cursor: 'c', data }
    expect(decodeEvent(OLD, 'c')).toMatchObject(unknown)
    expect(decodeEvent(OLD, 'c', { 1: ({ type, data }) => ({ type, data }) })).toMatchObject(unknown)
  })

  it('is unknown where the lift leads to no stream, or to a type that nobody knows', () => {
    const toNothing: EventUpcasters = { 0: ({ type }) => ({ type, data: {} }) }
    expect(decodeEvent(OLD, 'c', toNothing)).toMatchObject({ type: 'unknown', version: 0 })
    const toOther: EventUpcasters = { 0: ({ data }) => ({ type: 'stream.cloned', data }) }
    expect(decodeEvent(OLD, 'c', toOther)).toMatchObject({ originalType: 'stream.updated' })
  })

  it('is unknown where what was logged cannot be read', () => {
    expect(decodeEvent({ ...OLD, doc: '{' }, 'c', UPCASTERS)).toMatchObject({
      type: 'unknown',
      data: undefined,
    })
  })
})

describe('an event of today', () => {
  it('is not lifted', () => {
    const { version: _, ...record } = OLD
    const refuses: EventUpcasters = {
      1: () => {
        throw new Error('not of this one')
      },
    }
    expect(decodeEvent(record, 'c', refuses).type).toBe('stream.updated')
  })
})
