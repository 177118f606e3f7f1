import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareText } from '../../../../src/core/model/text.ts'
import { intersect, isEmptyRange, isInRange, nextText } from '../../../../src/core/query/ranges.ts'
import type { Range } from '../../../../src/core/store.ts'

const bound = fc.record({ value: fc.integer({ min: 0, max: 4 }), exclusive: fc.boolean() })
const range: fc.Arbitrary<Range<number>> = fc.record({ min: bound, max: bound }, { requiredKeys: [] })
const PROBES = [-1, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5]

const at = (value: number): { value: number; exclusive: boolean } => ({ value, exclusive: false })
const beyond = (value: number): { value: number; exclusive: boolean } => ({ value, exclusive: true })

describe('a range', () => {
  it.each([
    [{}, [-1, 0, 1, 2, 3]],
    [{ min: at(1) }, [1, 2, 3]],
    [{ min: beyond(1) }, [2, 3]],
    [{ max: at(1) }, [-1, 0, 1]],
    [{ max: beyond(1) }, [-1, 0]],
    [{ min: at(1), max: beyond(3) }, [1, 2]],
    [{ min: at(2), max: at(2) }, [2]],
  ] as const)('%j holds %j', (given, members) => {
    expect([-1, 0, 1, 2, 3].filter((value) => isInRange(value, given))).toEqual(members)
  })

  it.each([
    [{}, false],
    [{ min: at(1) }, false],
    [{ max: beyond(1) }, false],
    [{ min: at(1), max: at(1) }, false],
    [{ min: beyond(1), max: at(1) }, true],
    [{ min: at(1), max: beyond(1) }, true],
    [{ min: at(2), max: at(1) }, true],
  ] as const)('%j is empty: %j', (given, expected) => {
    expect(isEmptyRange(given)).toBe(expected)
  })

  it('that is empty holds nothing, and one that is not holds something', () => {
    fc.assert(
      fc.property(range, (given) => {
        expect(isEmptyRange(given)).toBe(!PROBES.some((value) => isInRange(value, given)))
      }),
    )
  })
})

describe('the intersection of two ranges', () => {
  it('holds what both hold', () => {
    fc.assert(
      fc.property(range, range, (a, b) => {
        for (const value of PROBES)
          expect(isInRange(value, intersect(a, b))).toBe(isInRange(value, a) && isInRange(value, b))
      }),
      { numRuns: 1_000 },
    )
  })

  it('has no bounds that neither has', () => {
    expect(intersect({}, {})).toEqual({})
    expect(intersect({ min: at(1) }, {})).toEqual({ min: at(1) })
    expect(intersect({}, { max: at(1) })).toEqual({ max: at(1) })
  })
})

describe('the text after all that begin with a prefix', () => {
  it.each([
    ['a', 'b'],
    ['cam', 'can'],
    ['\u007f', '\u0080'],
    ['\ud7ff', '\ue000'],
    ['\uffff', '\u{10000}'],
    ['😀', '😁'],
    ['a\u{10ffff}', 'b'],
    ['a\u{10ffff}\u{10ffff}', 'b'],
  ])('of %j is %j', (prefix, next) => {
    expect(nextText(prefix)).toBe(next)
  })

  it('does not exist where nothing comes after', () => {
    expect([nextText(''), nextText('\u{10ffff}')]).toEqual([undefined, undefined])
  })

  it('comes after them, and before everything else that does', () => {
    const text = fc.string({ unit: 'binary', maxLength: 4 })
    fc.assert(
      fc.property(text, text, text, (prefix, rest, other) => {
        const next = nextText(prefix)
        fc.pre(next !== undefined)
        expect(compareText(prefix + rest, next)).toBeLessThan(0)
        const isBefore = compareText(other, next) < 0
        if (!other.startsWith(prefix)) expect(isBefore).toBe(compareText(other, prefix) < 0)
      }),
      { numRuns: 400 },
    )
  })
})
