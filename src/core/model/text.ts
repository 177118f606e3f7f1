const SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

const HIGH_UNITS = /[\uD800-\uFFFF]/

/** What is wrong with a text, or `undefined`: it may hold no NUL and no lone surrogate. */
export function textProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'must not contain a NUL character'
  if (SURROGATE.test(text)) return 'must not contain a lone surrogate'
  return undefined
}

/** The text with U+FFFD in place of everything that {@link textProblem} would find. */
export function mendText(text: string): string {
  return text.replaceAll('\0', '\uFFFD').replaceAll(new RegExp(SURROGATE, 'g'), '\uFFFD')
}

/** The length in UTF-8 bytes of a well-formed text. O(n), allocates nothing. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    // A surrogate pair is two units and four bytes: one extra for each half.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return bytes
}

/** Orders text by its UTF-8 bytes, which is the order of Redis and not that of JavaScript's `<`. */
export function compareText(a: string, b: string): number {
  // Below the surrogates both orders are the same, and JavaScript's own is quick.
  if (!HIGH_UNITS.test(a) && !HIGH_UNITS.test(b)) return a === b ? 0 : a < b ? -1 : 1
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return codePointRank(x) - codePointRank(y)
  }
  return a.length - b.length
}

/** UTF-16 sorts surrogates below U+E000..U+FFFF, UTF-8 above: shift them. */
function codePointRank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800
  return unit >= 0xd800 ? unit + 0x2000 : unit
}
