import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Item, SortedItems } from '../../../src/memory/sorted-items.ts'

/** By rank, then by id; texts by their UTF-8 bytes. */
function compare(a: Item, b: Item): number {
  const byRank =
    typeof a.rank === 'number' && typeof b.rank === 'number'
      ? Math.sign(a.rank === b.rank ? 0 : a.rank - b.rank)
      : Buffer.compare(Buffer.from(String(a.rank)), Buffer.from(String(b.rank)))
  return byRank !== 0 ? byRank : Buffer.compare(Buffer.from(a.id), Buffer.from(b.id))
}

/** The same, naively: an array that is sorted anew after every addition. */
class SortedArray {
  items: Item[] = []

  add(item: Item): void {
    this.items = [...this.items, item].sort(compare)
  }

  delete(item: Item): boolean {
    const at = this.items.findIndex((kept) => compare(kept, item) === 0)
    if (at >= 0) this.items.splice(at, 1)
    return at >= 0
  }

  has(item: Item): boolean {
    return this.items.some((kept) => compare(kept, item) === 0)
  }

  from(after: Item): Item[] {
    return this.items.filter((kept) => compare(kept, after) > 0)
  }
}

type Step = readonly [kind: 'add' | 'delete' | 'look', item: Item]

const ids = fc.constantFrom('a', 'b', 'B', '1', 'a.b', 'cam1', 'cam10')
const kinds = fc.constantFrom('add' as const, 'add' as const, 'delete' as const, 'look' as const)
const numberRanks = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(Number.POSITIVE_INFINITY))
const textRanks = fc.constantFrom('va', 'vb', 'v', '~', 'v😀', 'v\uffff', 'v\ue000')

function steps(ranks: fc.Arbitrary<number | string>): fc.Arbitrary<Step[]> {
  return fc.array(fc.tuple(kinds, fc.record({ rank: ranks, id: ids })), { maxLength: 80 })
}

function followsTheModel(script: readonly Step[]): void {
  const list = new SortedItems()
  const model = new SortedArray()
  for (const [kind, item] of script) {
    if (kind === 'delete') expect(list.delete(item)).toBe(model.delete(item))
    // Members of an index are unique: nothing is added twice.
    else if (kind === 'add' && !model.has(item)) {
      list.add(item)
      model.add(item)
    }
    expect(list.has(item)).toBe(model.has(item))
    expect([...list.from(item)]).toEqual(model.from(item))
    expect(list.size).toBe(model.items.length)
  }
  expect([...list.from()]).toEqual(model.items)
}

describe('a sorted list', () => {
  it('does what a sorted array does, ranked by numbers', () => {
    fc.assert(fc.property(steps(numberRanks), followsTheModel), { numRuns: 300 })
  })

  it('does what a sorted array does, ranked by text', () => {
    fc.assert(fc.property(steps(textRanks), followsTheModel), { numRuns: 300 })
  })

  it('sorts text by its UTF-8 bytes and puts what is missing last', () => {
    const list = new SortedItems()
    for (const rank of ['~', 'v😀', 'v\uffff', 'vz', 'v']) list.add({ rank, id: 'a' })
    expect([...list.from()].map(({ rank }) => rank)).toEqual(['v', 'vz', 'v\uffff', 'v😀', '~'])
  })

  it('sorts equal ranks by id', () => {
    const list = new SortedItems()
    for (const id of ['b', 'a', 'B', '1']) list.add({ rank: 1, id })
    expect([...list.from({ rank: 1, id: 'B' })].map(({ id }) => id)).toEqual(['a', 'b'])
  })

  it('is empty at first', () => {
    const list = new SortedItems()
    expect([list.size, [...list.from()], [...list.from({ rank: 1, id: 'a' })]]).toEqual([0, [], []])
    expect([list.has({ rank: 1, id: 'a' }), list.delete({ rank: 1, id: 'a' })]).toEqual([false, false])
  })
})

describe('a long sorted list', () => {
  const COUNT = 5_000
  const itemOf = (i: number): Item => ({ rank: Math.floor(i / 3), id: `id${String(i).padStart(5, '0')}` })
  const sorted = Array.from({ length: COUNT }, (_, i) => itemOf(i))
  /** 7,919 has no divisor in common with the count: every item comes once, far from the one before. */
  const scattered = sorted.map((_, i) => itemOf((i * 7_919) % COUNT))

  it.each([
    ['in order', sorted],
    ['backwards', [...sorted].reverse()],
    ['scattered', scattered],
  ])('is in order when filled %s', (_, items) => {
    const list = new SortedItems()
    for (const item of items) list.add(item)
    expect(list.size).toBe(COUNT)
    expect([...list.from()]).toEqual(sorted)
    for (const at of [0, 1, 511, 512, 513, 2_500, COUNT - 1]) {
      expect([...list.from(itemOf(at))]).toEqual(sorted.slice(at + 1))
      expect(list.has(itemOf(at))).toBe(true)
    }
  })

  it('forgets what is deleted, and can be filled again', () => {
    const list = new SortedItems()
    for (const item of scattered) list.add(item)
    const odd = sorted.filter((_, i) => i % 2 === 1)
    for (const [i, item] of sorted.entries()) if (i % 2 === 0) list.delete(item)
    expect([...list.from()]).toEqual(odd)
    for (const item of odd) expect(list.delete(item)).toBe(true)
    expect([list.size, [...list.from()]]).toEqual([0, []])
    for (const item of scattered) list.add(item)
    expect([...list.from()]).toEqual(sorted)
  })
})
