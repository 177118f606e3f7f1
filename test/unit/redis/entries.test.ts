import { describe, expect, it } from 'vitest'
import type { Entry } from '../../../src/core/store.ts'
import { bookkeptEntries, decodeBookkeeping, encodeEntry } from '../../../src/redis/entries.ts'

describe('an index entry as the scripts take it', () => {
  const rows: [Entry, string][] = [
    [{ kind: 'equality', index: 'status', value: 'active' }, 'estatus:active'],
    [{ kind: 'equality', index: 'metadata.region', value: 's' }, 'emetadata.region:s'],
    [{ kind: 'counter', index: 'status|type', value: 'active|srt' }, 'cstatus|type:active|srt'],
    [{ kind: 'number', index: 'created_at', value: 1_705_329_052_000 }, 'ncreated_at=1705329052000'],
    [{ kind: 'number', index: 'bitrate', value: null }, 'nbitrate=+inf'],
    [{ kind: 'number', index: 'frameRate', value: 29.97 }, 'nframeRate=29.97'],
    [
      { kind: 'side', index: 'statistics.bitrate', field: 'bitrate', missing: 0 },
      'sstatistics.bitrate=bitrate|0',
    ],
    [
      { kind: 'side', index: 'statistics.rttMs', field: 'rtt_ms', missing: null },
      'sstatistics.rttMs=rtt_ms|+inf',
    ],
    [{ kind: 'text', index: 'source_addr', value: 'a=b:c' }, 'tsource_addr=va=b:c'],
    [{ kind: 'text', index: 'name', value: '' }, 'tname=v'],
    [{ kind: 'text', index: 'name', value: null }, 'tname=~'],
  ]

  it.each(rows)('is for %j: %s', (entry, encoded) => {
    expect(encodeEntry(entry)).toBe(encoded)
  })

  it('sorts missing text after any other', () => {
    expect('~' > 'v\u{10ffff}').toBe(true)
  })
})

describe('a score', () => {
  it.each([0, -1, 1.5, 1e21, 5e-324, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE])(
    'of %d is exact',
    (value) => {
      const encoded = encodeEntry({ kind: 'number', index: 'x', value })
      expect(encoded).toMatch(/^nx=/)
      expect(Number(encoded.slice('nx='.length))).toBe(value)
    },
  )
})

describe('the bookkeeping of a record', () => {
  const text = [
    '1-2',
    '1-1',
    '5000',
    '1705329052000',
    'stream.expired',
    'estatus:active',
    'tname=vx',
    '',
  ].join('\0')

  it('is read as far as clients need it', () => {
    expect(decodeBookkeeping(text)).toEqual({ token: '1-2', fence: '1-1', ttlMs: 5_000 })
    expect(bookkeptEntries(text)).toEqual(['estatus:active', 'tname=vx'])
  })

  it.each(['', 'x', '1-2\0', '1-2\x001-1\x005000', '\x001-1\x005000\x0017\x00stream.expired\0'])(
    'is none of ours: %j',
    (other) => {
      expect(decodeBookkeeping(other)).toBeUndefined()
    },
  )
})
