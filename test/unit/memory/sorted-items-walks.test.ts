import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareItems, type Item, SortedItems } from '../../../src/memory/sorted-items.ts'

const ids = fc.constantFrom('a', 'b', 'B', '1', 'cam1', 'cam10', '', '\uffff')
const ranks = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(Number.POSITIVE_INFINITY))
const texts = fc.constantFrom('va', 'vb', 'v', '~', 'w', 'v😀', 'v\uffff')

function listOf(items: readonly Item[]): SortedItems {
  const list = new SortedItems()
  for (const item of items) list.add(item)
  return list
}

const itemsOf = (rank: fc.Arbitrary<number | string>): fc.Arbitrary<Item[]> =>
  fc.uniqueArray(fc.record({ rank, id: ids }), {
    maxLength: 40,
    comparator: (a, b) => compareItems(a, b) === 0,
  })

describe.each([
  ['numbers', ranks],
  ['text', texts],
] as const)('a sorted list ranked by %s', (_, rank) => {
  const place = fc.record({ rank: rank as fc.Arbitrary<number | string>, id: ids })

  it('is walked down as up, but backwards', () => {
    fc.assert(
      fc.property(itemsOf(rank), (items) => {
        const list = listOf(items)
        expect([...list.downFrom()]).toEqual([...list.from()].reverse())
      }),
    )
  })

  it('is walked down from what lies before a place, whether that is taken or not', () => {
    fc.assert(
      fc.property(itemsOf(rank), place, (items, before) => {
        const expected = items.filter((item) => compareItems(item, before) < 0).sort(compareItems)
        expect([...listOf(items).downFrom(before)]).toEqual(expected.reverse())
      }),
    )
  })

  it('knows how many items lie before a place', () => {
    fc.assert(
      fc.property(itemsOf(rank), place, (items, before) => {
        const expected = items.filter((item) => compareItems(item, before) < 0).length
        expect(listOf(items).countBefore(before)).toBe(expected)
      }),
    )
  })
})

describe('an empty sorted list', () => {
  it('has nothing to walk down, and nothing before any place', () => {
    const list = new SortedItems()
    const place = { rank: 1, id: 'a' }
    expect([[...list.downFrom()], [...list.downFrom(place)], list.countBefore(place)]).toEqual([[], [], 0])
  })
})

describe('a sorted list of many chunks', () => {
  const COUNT = 3_000
  const itemOf = (i: number): Item => ({ rank: Math.floor(i / 3), id: `id${String(i).padStart(4, '0')}` })
  const sorted = Array.from({ length: COUNT }, (_, i) => itemOf(i))
  /** 1,009 has no divisor in common with the count: every item comes once. */
  const list = listOf(sorted.map((_, i) => itemOf((i * 1_009) % COUNT)))

  it.each([0, 1, 255, 256, 257, 511, 512, 513, 1_024, 2_998, 2_999])('is walked down from item %i', (i) => {
    expect([...list.downFrom(itemOf(i))]).toEqual(sorted.slice(0, i).reverse())
    expect(list.countBefore(itemOf(i))).toBe(i)
  })

  it('has every item before a place beyond the end, and none before the first', () => {
    const [end, begin] = [
      { rank: COUNT, id: '' },
      { rank: -1, id: '' },
    ]
    expect([list.countBefore(end), list.countBefore(begin)]).toEqual([COUNT, 0])
    expect([...list.downFrom(end)]).toHaveLength(COUNT)
    expect([...list.downFrom(begin)]).toEqual([])
  })

  it('is walked no further than it is asked for', () => {
    const walk = list.downFrom()
    expect([walk.next().value, walk.next().value]).toEqual([itemOf(COUNT - 1), itemOf(COUNT - 2)])
  })

  it('counts on after items went', () => {
    const fewer = listOf(sorted)
    for (const item of sorted.slice(0, 700)) fewer.delete(item)
    expect(fewer.countBefore(itemOf(1_000))).toBe(300)
    expect([...fewer.downFrom(itemOf(702))]).toEqual([itemOf(701), itemOf(700)])
  })
})
