import { describe, expect, it } from 'vitest'
import type { Entry } from '../../../src/core/store.ts'
import { MemoryIndexes } from '../../../src/memory/memory-indexes.ts'

const RTT: Entry = { kind: 'side', index: 'statistics.rttMs', field: 'rtt_ms', missing: null }
const BITRATE: Entry = { kind: 'side', index: 'statistics.bitrate', field: 'bitrate', missing: 0 }

describe('the place of an entry over a statistic', () => {
  it.each([
    ['{"rtt_ms":2.5,"bitrate":900}', [2.5, 900]],
    ['{"rtt_ms":0,"bitrate":0}', [0, 0]],
    ['{"rtt_ms":2.5}', [2.5, 0]],
    ['{}', [Number.POSITIVE_INFINITY, 0]],
    [undefined, [Number.POSITIVE_INFINITY, 0]],
  ])('is by what was reported, %s: %j', (side, ranks) => {
    const placed = new MemoryIndexes().place([RTT, BITRATE], 'cam1', 17, side)
    expect(placed.map(({ item }) => item)).toEqual(ranks.map((rank) => ({ rank, id: 'cam1' })))
  })

  it('says nothing about the other entries', () => {
    const entries: Entry[] = [
      { kind: 'equality', index: 'status', value: 'active' },
      { kind: 'number', index: 'bitrate', value: 5 },
      { kind: 'text', index: 'name', value: 'bitrate' },
    ]
    const placed = new MemoryIndexes().place(entries, 'cam1', 17, '{"bitrate":900}')
    expect(placed.map(({ item }) => item.rank)).toEqual([17, 5, 'vbitrate'])
  })
})
