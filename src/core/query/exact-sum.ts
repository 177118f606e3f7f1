// Beyond it, partial sums are kept scaled down, so that they cannot overflow while the sum itself does not.
const LARGE = 2 ** 900
const SCALE = 2 ** -200

/**
 * A sum that does not depend on the order of its terms: kept without rounding, as partial sums that do not overlap,
 * and rounded once at the end (J. R. Shewchuk, Adaptive Precision Floating-Point Arithmetic, 1997).
 */
export class ExactSum {
  #small: number[] = []
  #large: number[] = []

  add(value: number): void {
    if (Math.abs(value) < LARGE) this.#small = grown(this.#small, value)
    else this.#large = grown(this.#large, value * SCALE)
  }

  get value(): number {
    if (this.#large.every((partial) => partial === 0)) return rounded(this.#small)
    const all = this.#small.reduce((partials, partial) => grown(partials, partial * SCALE), this.#large)
    return rounded(all) / SCALE
  }
}

/** The partial sums with one value more, smallest first. */
function grown(partials: readonly number[], value: number): number[] {
  const result: number[] = []
  let rest = value
  for (const partial of partials) {
    const [high, low] = twoSum(rest, partial)
    if (low !== 0) result.push(low)
    rest = high
  }
  result.push(rest)
  return result
}

/** The sum, and what rounding took from it. */
function twoSum(a: number, b: number): [sum: number, error: number] {
  const sum = a + b
  const other = sum - a
  return [sum, a - (sum - other) + (b - other)]
}

/** The partial sums as one number, correctly rounded. */
function rounded(partials: readonly number[]): number {
  let at = partials.length - 1
  let sum = partials[at] ?? 0
  let low = 0
  while (at > 0 && low === 0) {
    at -= 1
    ;[sum, low] = twoSum(sum, partials[at] ?? 0)
  }
  // Halfway between two numbers, what lies below decides.
  const below = partials[at - 1] ?? 0
  if (at > 0 && low !== 0 && low < 0 === below < 0 && below !== 0) {
    const doubled = sum + low * 2
    if (doubled - sum === low * 2) return doubled
  }
  return sum
}
