import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileLike, literalPrefix, patternLength } from '../../../../src/core/query/like.ts'

/** The meaning of a pattern, slowly: a table over all prefixes of the pattern and of the text. */
function isLike(pattern: string, text: string): boolean {
  const wanted = Array.from(pattern)
  const given = Array.from(text)
  let row = given.map(() => false)
  row.unshift(true)
  for (const character of wanted) {
    const next = [character === '*' && row[0] === true]
    for (const [i, one] of given.entries()) {
      if (character === '*') next.push(row[i + 1] === true || next[i] === true)
      else next.push(row[i] === true && (character === '?' || character === one))
    }
    row = next
  }
  return row.at(-1) === true
}

/** How many characters a matcher takes out of a text. */
function charactersRead(matches: (text: string) => boolean, text: string): number {
  let read = 0
  const counted = Object.assign(Object(text) as string, {
    *[Symbol.iterator]() {
      for (const character of text) {
        read += 1
        yield character
      }
    },
  })
  matches(counted)
  return read
}

const textOf = (...characters: string[]): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...characters), { maxLength: 12 }).map((parts) => parts.join(''))

describe('like', () => {
  it.each([
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['?', '', false],
    ['?', 'a', true],
    ['?', 'ab', false],
    ['cam', 'cam', true],
    ['cam', 'Cam', false],
    ['cam', 'cam1', false],
    ['cam*', 'cam', true],
    ['cam*', 'camera', true],
    ['*era', 'camera', true],
    ['c*a', 'camera', true],
    ['ab*ba', 'aba', false],
    ['ab*ba', 'abba', true],
    ['c?m*', 'camera', true],
    ['*m?r*', 'camera', true],
    ['*a*a*a*', 'abab', false],
    ['a.c', 'abc', false],
    ['[ab]+', 'a', false],
    ['\\*', 'a', false],
    ['a\nb', 'a\nb', true],
    ['a?b', 'a\nb', true],
  ])('of %j takes %j: %j', (pattern, text, expected) => {
    expect(compileLike(pattern)(text)).toBe(expected)
  })

  it('takes a character beyond U+FFFF for one', () => {
    expect(['?', '??', '😀', '*😀', '😀?'].map((pattern) => compileLike(pattern)('😀'))).toEqual([
      true,
      false,
      true,
      true,
      false,
    ])
    // Both share their first half.
    expect(compileLike('?😁')('x😀')).toBe(false)
  })

  it('has the meaning of a table over all prefixes', () => {
    fc.assert(
      fc.property(textOf('a', 'b', '*', '?', '😀', '😁'), textOf('a', 'b', '😀', '😁'), (pattern, text) => {
        expect(compileLike(pattern)(text)).toBe(isLike(pattern, text))
      }),
      { numRuns: 3_000 },
    )
  })

  it('takes stars and marks in the text for what they are', () => {
    fc.assert(
      fc.property(textOf('a', '*', '?'), textOf('a', '*', '?'), (pattern, text) => {
        expect(compileLike(pattern)(text)).toBe(isLike(pattern, text))
      }),
    )
  })

  it('keeps its states apart where the pattern is longer than a machine word', () => {
    const lengths = fc.integer({ min: 28, max: 100 })
    fc.assert(
      fc.property(lengths, lengths, textOf('a', 'b', '*', '?'), (before, more, middle) => {
        const pattern = `${'a'.repeat(before)}${middle}?*${'b'.repeat(40)}`
        for (const text of [
          `${'a'.repeat(more)}${'b'.repeat(41)}`,
          `${'a'.repeat(before)}ab${'b'.repeat(41)}`,
        ])
          expect(compileLike(pattern)(text)).toBe(isLike(pattern, text))
      }),
    )
  })

  it('can be asked again: a matcher remembers nothing', () => {
    const matches = compileLike('a*?b')
    expect([matches('axb'), matches('ab'), matches('axb')]).toEqual([true, false, true])
  })
})

describe('the work of like', () => {
  const TEXT = 'a'.repeat(16_000)
  /** Each of at most 256 characters, and the worst for a matcher that tries again from every star. */
  const adversarial: readonly (readonly [pattern: string, expected: boolean])[] = [
    [`${'a*'.repeat(127)}b`, false],
    [`${'*a'.repeat(127)}*`, true],
    [`${'*a?'.repeat(84)}*b`, false],
    [`${'?'.repeat(255)}*`, true],
    [`*${'?'.repeat(254)}b`, false],
    [`${'*?'.repeat(128)}`, true],
  ]

  it.each(adversarial)('is one look at each character, for %s', (pattern, expected) => {
    const matches = compileLike(pattern)
    expect(matches(TEXT)).toBe(expected)
    expect(charactersRead(matches, TEXT)).toBe(TEXT.length)
  })

  it('grows no faster than the text, for every one of them', () => {
    const millisecondsOf = (run: () => void): number => {
      const samples = Array.from({ length: 3 }, () => {
        const start = performance.now()
        run()
        return performance.now() - start
      })
      return Math.min(...samples)
    }
    const matchers = adversarial.map(([pattern]) => compileLike(pattern))
    const short = TEXT.slice(0, 1_000)
    const one = millisecondsOf(() => void matchers.map((matches) => matches(short)))
    const all = millisecondsOf(() => void matchers.map((matches) => matches(TEXT)))
    // 16 times as long takes about 16 times as much; a matcher that goes back would take 256 times and more.
    expect(all).toBeLessThan(Math.max(one, 1) * 160)
  })

  it('does not grow with stars in a row', () => {
    const many = compileLike(`a${'*'.repeat(10_000)}?${'*'.repeat(10_000)}b`)
    expect([many('a'.repeat(15_999).concat('b')), many(TEXT)]).toEqual([true, false])
    expect(charactersRead(many, TEXT)).toBe(TEXT.length)
    expect(compileLike('*'.repeat(10_000))(TEXT)).toBe(true)
  })
})

describe('the literal prefix of a pattern', () => {
  it.each([
    ['', ''],
    ['cam', 'cam'],
    ['cam*', 'cam'],
    ['c?m', 'c'],
    ['*cam', ''],
    ['😀*', '😀'],
  ])('of %j is %j', (pattern, prefix) => {
    expect(literalPrefix(pattern)).toBe(prefix)
  })

  it('begins every text that is like the pattern', () => {
    fc.assert(
      fc.property(textOf('a', 'b', '*', '?', '😀'), textOf('a', 'b', '😀'), (pattern, text) => {
        fc.pre(compileLike(pattern)(text))
        expect(text.startsWith(literalPrefix(pattern))).toBe(true)
      }),
    )
  })
})

describe('the length of a pattern', () => {
  it.each([
    ['', 0],
    ['cam?', 4],
    ['a***b', 3],
    ['*'.repeat(10_000), 1],
    ['*?*?', 4],
    ['😀😀', 2],
  ])('counts stars in a row once, and characters: %#', (pattern, length) => {
    expect(patternLength(pattern)).toBe(length)
  })
})
