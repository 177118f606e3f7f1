import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExactSum } from '../../../../src/core/query/exact-sum.ts'

function sumOf(values: readonly number[]): number {
  const sum = new ExactSum()
  for (const value of values) sum.add(value)
  return sum.value
}

/** Every finite number is a whole multiple of 2^-1074. */
function inUnits(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const exponent = (bits >> 52n) & 0x7ffn
  const fraction = bits & 0xfffffffffffffn
  const size = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n)
  return value < 0 ? -size : size
}

/** The number nearest to so many units of 2^-1074, ties to even. */
function nearest(units: bigint): number {
  const size = units < 0n ? -units : units
  const extra = size.toString(2).length - 53
  if (extra <= 0) return fromUnits(units)
  const dropped = BigInt(extra)
  const kept = size >> dropped
  const rest = size - (kept << dropped)
  const half = 1n << (dropped - 1n)
  const isUp = rest > half || (rest === half && (kept & 1n) === 1n)
  const rounded = (isUp ? kept + 1n : kept) << dropped
  return fromUnits(units < 0n ? -rounded : rounded)
}

/** Exact where the units fit into 53 bits, as many zeros as there may be behind them. */
function fromUnits(units: bigint): number {
  let size = units < 0n ? -units : units
  let exponent = -1_074
  while (size > 0n && size % 2n === 0n && exponent < 971) {
    size /= 2n
    exponent += 1
  }
  // In two steps: 2 ** -1074 has no reciprocal.
  const value = Number(size) * 2 ** Math.max(exponent, -1_000) * 2 ** Math.min(exponent + 1_000, 0)
  return units < 0n ? -value : value
}

const expectedSum = (values: readonly number[]): number =>
  nearest(values.reduce((sum, value) => sum + inUnits(value), 0n))

/** `0` and `-0` are one sum. */
const same = (a: number, b: number): boolean => a === b

const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true })
const ordinary = fc.double({ noNaN: true, min: -1e15, max: 1e15 })
/** Powers of two far apart: sums that lie halfway between two numbers, and what tips them. */
const spread = (...exponents: number[]): fc.Arbitrary<number> =>
  fc
    .tuple(fc.constantFrom(...exponents), fc.constantFrom(1, -1, 1.5, 3))
    .map(([exponent, factor]) => 2 ** exponent * factor)

function isRounded(values: readonly number[]): void {
  const sum = sumOf(values)
  const expected = expectedSum(values)
  expect(same(sum, expected), `${sum}, and not ${expected}`).toBe(true)
}

describe('the expectation', () => {
  it('is right about single numbers', () => {
    fc.assert(fc.property(anyNumber, (value) => same(nearest(inUnits(value)), value)))
  })

  it('is right about sums of two, which the machine rounds correctly itself', () => {
    fc.assert(fc.property(anyNumber, anyNumber, (a, b) => same(expectedSum([a, b]), a + b)))
  })
})

describe('an exact sum', () => {
  it('of nothing is 0', () => {
    expect(new ExactSum().value).toBe(0)
  })

  it('loses nothing to rounding on the way', () => {
    expect(sumOf(Array.from({ length: 10 }, () => 0.1))).toBe(1)
    expect(sumOf([1e16, 1, -1e16])).toBe(1)
    expect(sumOf([1, 1e100, 1, -1e100])).toBe(2)
  })

  it('rounds halfway to even, unless what lies below tips it', () => {
    expect(sumOf([2 ** 53, 1])).toBe(2 ** 53)
    expect(sumOf([2 ** 53, 1, 2 ** -60])).toBe(2 ** 53 + 2)
    expect(sumOf([2 ** 53, 2, 1, -(2 ** -60)])).toBe(2 ** 53 + 2)
  })

  it('can be asked for at any time', () => {
    const sum = new ExactSum()
    sum.add(1)
    expect(sum.value).toBe(1)
    sum.add(1e308)
    sum.add(2)
    expect(sum.value).toBe(1e308)
    sum.add(-1e308)
    expect(sum.value).toBe(3)
  })

  it('does not overflow on its way to what a number can hold', () => {
    expect(sumOf([1e308, 1e308, -1e308])).toBe(1e308)
    expect(sumOf([1e308, 1e308, -1e308, -1e308, 7])).toBe(7)
    expect(sumOf([-1e308, -1e308, 1e308])).toBe(-1e308)
    expect(sumOf([Number.MAX_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE])).toBe(Number.MAX_VALUE)
  })

  it('is infinite where no number can hold it', () => {
    expect(sumOf([1e308, 1e308])).toBe(Number.POSITIVE_INFINITY)
    expect(sumOf([-1e308, -1e308])).toBe(Number.NEGATIVE_INFINITY)
    expect(sumOf([Number.MAX_VALUE, 2 ** 970])).toBe(Number.POSITIVE_INFINITY)
    expect(sumOf([Number.MAX_VALUE, 2 ** 969])).toBe(Number.MAX_VALUE)
  })

  it('keeps the least numbers beside the largest', () => {
    expect(sumOf([2 ** 1000, 2 ** 947, 5e-324])).toBe(2 ** 1000 + 2 ** 948)
    const quarter = -(2 ** 899)
    expect(sumOf([2 ** 901, quarter, quarter, quarter, quarter, 5e-324])).toBe(5e-324)
  })

  it('is correctly rounded', () => {
    fc.assert(fc.property(fc.array(ordinary, { maxLength: 30 }), isRounded), { numRuns: 500 })
    fc.assert(fc.property(fc.array(spread(0, 40, 52, 53, 54, 80, 106, 107), { maxLength: 12 }), isRounded), {
      numRuns: 1_000,
    })
  })

  it('is correctly rounded, also of the largest and the least numbers', () => {
    fc.assert(fc.property(fc.array(anyNumber, { maxLength: 12 }), isRounded), { numRuns: 500 })
    fc.assert(
      fc.property(fc.array(spread(1_020, 967, 900, 899, 847, 846, 800, 0), { maxLength: 12 }), isRounded),
      { numRuns: 1_000 },
    )
  })

  it('does not depend on the order', () => {
    const both = fc
      .array(fc.oneof(ordinary, anyNumber), { maxLength: 20 })
      .chain((values) =>
        fc.tuple(
          fc.constant(values),
          fc.shuffledSubarray(values, { minLength: values.length, maxLength: values.length }),
        ),
      )
    fc.assert(
      fc.property(both, ([values, shuffled]) => same(sumOf(values), sumOf(shuffled))),
      { numRuns: 500 },
    )
  })
})
