import type { Bound, Range } from '../store.js'

/** What is in both ranges. */
export function intersect(a: Range<number>, b: Range<number>): Range<number> {
  const min = tighter(a.min, b.min, 1)
  const max = tighter(a.max, b.max, -1)
  return { ...(min && { min }), ...(max && { max }) }
}

function tighter(
  a: Bound<number> | undefined,
  b: Bound<number> | undefined,
  sign: 1 | -1,
): Bound<number> | undefined {
  if (a === undefined || b === undefined) return a ?? b
  if (a.value === b.value) return a.exclusive ? a : b
  return (a.value > b.value ? sign : -sign) === 1 ? a : b
}

/** Whether nothing can be in the range. */
export function isEmptyRange({ min, max }: Range<number>): boolean {
  if (min === undefined || max === undefined) return false
  return min.value > max.value || (min.value === max.value && (min.exclusive || max.exclusive))
}

/** Whether a number is in the range. */
export function isInRange(value: number, { min, max }: Range<number>): boolean {
  if (min !== undefined && (min.exclusive ? value <= min.value : value < min.value)) return false
  return max === undefined || (max.exclusive ? value < max.value : value <= max.value)
}

/** The least text after all texts that begin with `prefix`, by UTF-8 bytes; `undefined` when there is none. */
export function nextText(prefix: string): string | undefined {
  const characters = Array.from(prefix)
  while (characters.length > 0) {
    const last = characters.pop()?.codePointAt(0) ?? 0
    // U+D800 to U+DFFF are no characters.
    const next = last === 0xd7ff ? 0xe000 : last + 1
    if (next <= 0x10ffff) return characters.join('') + String.fromCodePoint(next)
  }
  return undefined
}
