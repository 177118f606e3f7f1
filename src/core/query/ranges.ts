import { compareText } from '../model/text.js'
import type { Bound, Range } from '../store.js'

type Compare<T> = (a: T, b: T) => number

const compareNumbers: Compare<number> = (a, b) => a - b || 0

/** What is in both ranges of numbers. */
export function intersect(a: Range<number>, b: Range<number>): Range<number> {
  return intersectBy(compareNumbers, a, b)
}

/** What is in both ranges of text. */
export function intersectTexts(a: Range<string>, b: Range<string>): Range<string> {
  return intersectBy(compareText, a, b)
}

function intersectBy<T>(compare: Compare<T>, a: Range<T>, b: Range<T>): Range<T> {
  const min = tighter(a.min, b.min, compare)
  const max = tighter(a.max, b.max, (x, y) => compare(y, x))
  return { ...(min && { min }), ...(max && { max }) }
}

function tighter<T>(
  a: Bound<T> | undefined,
  b: Bound<T> | undefined,
  compare: Compare<T>,
): Bound<T> | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const order = compare(a.value, b.value)
  if (order === 0) return a.exclusive ? a : b
  return order > 0 ? a : b
}

/** Whether no number can be in the range. */
export function isEmptyRange(range: Range<number>): boolean {
  return isEmptyBy(compareNumbers, range)
}

/** Whether no text can be in the range. */
export function isEmptyTextRange(range: Range<string>): boolean {
  return isEmptyBy(compareText, range)
}

function isEmptyBy<T>(compare: Compare<T>, { min, max }: Range<T>): boolean {
  if (min === undefined || max === undefined) return false
  const order = compare(min.value, max.value)
  return order > 0 || (order === 0 && (min.exclusive || max.exclusive))
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
