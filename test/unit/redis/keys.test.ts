import { generateStreamId } from '@mirror/stream-registry'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LAYOUT_FORMAT, layoutKey, partitionKeys, partitionOf } from '../../../src/redis/keys.ts'
import { word } from '../support/arbitraries.ts'

/** FNV-1a, 32 bit, as its authors define it, in whole numbers. */
function fnv1a(text: string): number {
  let hash = 2_166_136_261n
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 16_777_619n) % 2n ** 32n
  return Number(hash)
}

// From the test suite of the authors of FNV (Fowler, Noll, Vo).
const VECTORS: [string, number][] = [
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['b', 0xe70c2de5],
  ['c', 0xe60c2c52],
  ['d', 0xe10c2473],
  ['e', 0xe00c22e0],
  ['f', 0xe30c2799],
  ['fo', 0x6222e842],
  ['foo', 0xa9f37ed7],
  ['foob', 0x3f5076ef],
  ['fooba', 0x39aaa18a],
  ['foobar', 0xbf9cf968],
]

describe('the partition of an id', () => {
  it.each(VECTORS)('follows FNV-1a of %j', (id, hash) => {
    expect(partitionOf(id, 2 ** 32)).toBe(hash)
    for (const partitions of [2, 3, 16, 1_024]) expect(partitionOf(id, partitions)).toBe(hash % partitions)
  })

  it.each([
    ['srt_20240115_143052_001', 16, 8],
    ['rtp_20240115_143052_1000', 16, 3],
    ['cam1', 16, 7],
    ['cam1', 3, 0],
    ['cam1', 1_024, 807],
    ['a.b_c~d-e', 16, 2],
  ])('is part of the wire format: that of %s among %d is %d', (id, partitions, partition) => {
    expect(partitionOf(id, partitions)).toBe(partition)
  })

  it('is the only one where there is one', () => {
    fc.assert(fc.property(word, (id) => partitionOf(id, 1) === 0))
  })

  it('is FNV-1a modulo their number, for any id', () => {
    fc.assert(
      fc.property(word, fc.integer({ min: 1, max: 1_024 }), (id, partitions) => {
        expect(partitionOf(id, partitions)).toBe(fnv1a(id) % partitions)
      }),
    )
  })

  it('is the same for one in sixteen of 100,000 minted ids, give or take a tenth', () => {
    const now = new Date('2024-01-15T14:30:52Z')
    const sizes = new Array<number>(16).fill(0)
    for (let counter = 1; counter <= 100_000; counter++) {
      const partition = partitionOf(generateStreamId('srt', 'a', { now, counter }), 16)
      sizes[partition] = (sizes[partition] ?? 0) + 1
    }
    for (const size of sizes) {
      expect(size).toBeGreaterThan(6_250 * 0.9)
      expect(size).toBeLessThan(6_250 * 1.1)
    }
  })
})

describe('the key names', () => {
  it('are the seed’s on one standalone Redis', () => {
    expect(partitionKeys('mirror:streams', 0, false)).toEqual({
      base: 'mirror:streams:',
      active: 'mirror:streams:active',
      records: 'mirror:streams:idx:rec',
      statistics: 'mirror:streams:idx:stats',
      counts: 'mirror:streams:idx:counts',
      log: 'mirror:streams:log:events',
    })
  })

  it('carry a hash tag for their partition where there are several, or a cluster', () => {
    expect(partitionKeys('mirror:streams', 3, true)).toEqual({
      base: '{mirror:streams:3}:',
      active: '{mirror:streams:3}:active',
      records: '{mirror:streams:3}:idx:rec',
      statistics: '{mirror:streams:3}:idx:stats',
      counts: '{mirror:streams:3}:idx:counts',
      log: '{mirror:streams:3}:log:events',
    })
  })

  it('of the layout is in no partition', () => {
    expect(layoutKey('mirror:streams')).toBe('mirror:streams:idx:layout')
    expect(LAYOUT_FORMAT).toBe('1')
  })

  it('are never those of a document', () => {
    fc.assert(
      fc.property(word, fc.boolean(), (id, tagged) => {
        fc.pre(id !== 'active')
        const { base, ...keys } = partitionKeys('p', 0, tagged)
        expect([...Object.values(keys), layoutKey('p')]).not.toContain(base + id)
      }),
    )
  })
})
