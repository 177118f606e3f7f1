import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareText, textProblem, utf8Length } from '../../../src/core/model/text.ts'

/** Characters around the seams of UTF-8 and UTF-16. */
const seam = fc.constantFrom(
  '\u007f',
  '\u0080',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
)
const wellFormed = fc
  .array(fc.oneof(seam, fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })), { maxLength: 12 })
  .map((characters) => characters.join(''))

describe('the UTF-8 length of a text', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['é', 2],
    ['€', 3],
    ['\uffff', 3],
    ['😀', 4],
    ['a😀é€', 10],
  ])('of %j is %d', (text, bytes) => {
    expect(utf8Length(text)).toBe(bytes)
  })

  it('is what an encoder counts', () => {
    fc.assert(fc.property(wellFormed, (text) => utf8Length(text) === Buffer.byteLength(text)))
  })
})

describe('the order of texts', () => {
  it('is that of their UTF-8 bytes', () => {
    fc.assert(
      fc.property(wellFormed, wellFormed, (a, b) => {
        expect(Math.sign(compareText(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
      { numRuns: 1_000 },
    )
  })

  it('is that of their UTF-8 bytes, also where they begin alike', () => {
    fc.assert(
      fc.property(wellFormed, wellFormed, wellFormed, (head, a, b) => {
        const [left, right] = [head + a, head + b]
        expect(Math.sign(compareText(left, right))).toBe(
          Buffer.compare(Buffer.from(left), Buffer.from(right)),
        )
      }),
    )
  })

  it('puts what JavaScript puts first last: a surrogate pair after U+FFFF', () => {
    expect('😀' < '\uffff').toBe(true)
    expect(compareText('😀', '\uffff')).toBeGreaterThan(0)
    expect(compareText('\ue000', '\u{10000}')).toBeLessThan(0)
    expect(compareText('\ud7ff', '\ue000')).toBeLessThan(0)
  })

  it('finds only equal texts equal', () => {
    expect(compareText('abc', 'abc')).toBe(0)
    expect(compareText('', 'a')).toBeLessThan(0)
    expect(compareText('e\u0301', 'é')).not.toBe(0)
  })
})

describe('a text', () => {
  it('may hold anything well-formed but NUL', () => {
    fc.assert(
      fc.property(wellFormed, (text) => {
        expect(textProblem(text)).toBe(text.includes('\0') ? 'must not contain a NUL character' : undefined)
      }),
    )
  })

  it.each(['\ud800', '\udc00', 'a\ud83d', '\ude00a', '\ud83d\ud83d\ude00', '😀\ude00', '\udc00\ud800'])(
    'must not hold a lone surrogate: %j',
    (text) => {
      expect(textProblem(text)).toBe('must not contain a lone surrogate')
    },
  )

  it('is well-formed or not as the platform says', () => {
    const units = fc.array(fc.integer({ min: 0xd700, max: 0xe0ff }), { maxLength: 6 })
    fc.assert(
      fc.property(units, (codes) => {
        const text = String.fromCharCode(...codes)
        const isWellFormed = Buffer.from(text).toString() === text
        expect(textProblem(text) === undefined).toBe(isWellFormed)
      }),
    )
  })
})
