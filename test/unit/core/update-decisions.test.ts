import { ConflictError, type StreamPatch } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { decideExtendTtl, decideUpdate, requireRevision } from '../../../src/core/commands/update.ts'
import { LATER, requirePut, streamWith, thrownBy } from '../support/streams.ts'

const now = new Date(LATER.now)
const full = streamWith({
  name: 'Camera 1',
  codec: 'h264',
  sourcePort: 9_000,
  videoCodec: 'h264',
  resolution: '1280x720',
  bitrate: 1,
  frameRate: 25,
  metadata: { region: 'eu', nested: { a: 1, b: [1, 2] } },
  tags: ['a', 'b'],
  config: { latencyMs: 120 },
})

function update(patch: StreamPatch, current = full) {
  return requirePut(decideUpdate(current, patch, LATER))
}

describe('update', () => {
  it.each([
    ['name', 'Camera 2'],
    ['codec', 'h265'],
    ['sourceAddr', '10.0.0.2:9000'],
    ['sourcePort', 9_001],
    ['videoCodec', 'av1'],
    ['resolution', '3840x2160'],
    ['bitrate', Number.MAX_SAFE_INTEGER],
    ['frameRate', 59.94],
    ['tags', ['c']],
  ])('replaces %s, names it as the change and leaves all else as it is', (field, value) => {
    const decision = update({ [field]: value })
    expect(decision.next).toStrictEqual({ ...full, [field]: value, updatedAt: now, revision: 2 })
    expect(decision.events).toEqual([{ type: 'stream.updated', shows: 'written', changes: [field] }])
  })

  it.each(['name', 'codec', 'sourcePort', 'videoCodec', 'resolution', 'bitrate', 'frameRate'])(
    'removes %s with null',
    (field) => {
      const { next, events } = update({ [field]: null })
      expect(next).not.toHaveProperty(field)
      expect(events[0]?.changes).toEqual([field])
    },
  )

  it('merges metadata and config key by key', () => {
    const patch = { metadata: { region: null, nested: { a: 2 } }, config: { mode: 'caller' } }
    const { next, events } = update(patch)
    expect(next.metadata).toEqual({ nested: { a: 2, b: [1, 2] } })
    expect(next.config).toEqual({ latencyMs: 120, mode: 'caller' })
    expect(events[0]?.changes).toEqual(['metadata', 'config'])
    expect(full.metadata).toEqual({ region: 'eu', nested: { a: 1, b: [1, 2] } })
  })

  it('drops repeated tags', () => {
    expect(update({ tags: ['x', 'y', 'x'] }).next.tags).toEqual(['x', 'y'])
  })

  it.each([
    ['is empty', {}],
    ['repeats what is there', { name: 'Camera 1', tags: ['a', 'b'], metadata: { nested: { b: [1, 2] } } }],
    ['removes what is not there', { metadata: { missing: null } }],
    ['says undefined', { name: undefined, metadata: undefined }],
  ] as [string, StreamPatch][])('does nothing, not even renew, when the patch %s', (_, patch) => {
    expect(decideUpdate(full, patch, LATER)).toStrictEqual({ kind: 'none', stream: full, renew: false })
  })

  it('tells the order of tags apart, not the order of keys', () => {
    expect(update({ tags: ['b', 'a'] }).next.tags).toEqual(['b', 'a'])
    const current = streamWith({ metadata: { a: 1, b: 2 } })
    expect(decideUpdate(current, { metadata: { b: 2, a: 1 } }, LATER).kind).toBe('none')
  })

  it('is an edit and no sign of life: neither the lease nor the fence moves', () => {
    expect(update({ name: 'x' })).toMatchObject({ renew: false, newFence: false, statistics: 'keep' })
  })
})

describe('a revision that the caller insists on', () => {
  it('passes when it is the current one, or none is given', () => {
    expect(() => requireRevision(streamWith({ revision: 7 }), 7)).not.toThrow()
    expect(() => requireRevision(streamWith({ revision: 7 }), undefined)).not.toThrow()
  })

  it('is a conflict when it is another', () => {
    const error = thrownBy(() => requireRevision(streamWith({ revision: 7 }), 6))
    expect(error).toBeInstanceOf(ConflictError)
    expect(error).toMatchObject({ expected: 6, actual: 7, streamId: 'cam1', code: 'CONFLICT' })
  })
})

describe('extendTtl', () => {
  it('sets the time to live, renews and emits updated', () => {
    const decision = requirePut(decideExtendTtl(full, 1_000, LATER))
    expect(decision.next).toStrictEqual({ ...full, ttlMs: 1_000, updatedAt: now, revision: 2 })
    expect(decision.events).toEqual([{ type: 'stream.updated', shows: 'written', changes: ['ttlMs'] }])
    expect(decision).toMatchObject({ renew: true, newFence: false, statistics: 'keep' })
  })

  it('only renews when it is the same', () => {
    expect(decideExtendTtl(full, full.ttlMs, LATER)).toStrictEqual({
      kind: 'none',
      stream: full,
      renew: true,
    })
  })
})
