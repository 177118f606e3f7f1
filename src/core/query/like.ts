/**
 * Whether the whole text is like the pattern: `*` stands for any characters, `?` for exactly one.
 *
 * O(text) for a pattern of bounded length, whatever the pattern: all states of the matcher are kept as bits.
 */
export function compileLike(pattern: string): (text: string) => boolean {
  const parts = pattern.split(/\*+/)
  const [head = '', tail] = parts
  if (!pattern.includes('?') && parts.length <= 2) return literalMatcher(head, tail)
  return automaton(pattern)
}

/** The characters before the first wildcard: all texts that match begin with them. */
export function literalPrefix(pattern: string): string {
  return /^[^*?]*/.exec(pattern)?.[0] ?? ''
}

/** The pattern's length with stars in a row counted once. */
export function patternLength(pattern: string): number {
  return Array.from(pattern.replace(/\*+/g, '*')).length
}

/** At most one star and no `?`. */
function literalMatcher(head: string, tail: string | undefined): (text: string) => boolean {
  if (tail === undefined) return (text) => text === head
  const least = head.length + tail.length
  return (text) => text.length >= least && text.startsWith(head) && text.endsWith(tail)
}

/**
 * State i: the first i characters of the pattern have matched. A step moves each state on whose next character
 * fits, and keeps those that stand at a star.
 */
function automaton(pattern: string): (text: string) => boolean {
  const characters: string[] = []
  const starred: number[] = []
  for (const character of pattern) {
    if (character === '*') starred.push(characters.length)
    else characters.push(character)
  }
  const words = (characters.length >>> 5) + 1
  const stars = bits(words, starred)
  const anyOf = (wanted: string): Uint32Array =>
    bits(
      words,
      characters.flatMap((character, i) => (character === wanted || character === '?' ? [i] : [])),
    )
  const others = anyOf('?')
  const fits = new Map([...new Set(characters)].map((character) => [character, anyOf(character)]))
  return (text) => {
    let states = bits(words, [0])
    for (const character of text) states = step(states, fits.get(character) ?? others, stars)
    return has(states, characters.length)
  }
}

function step(states: Uint32Array, fits: Uint32Array, stars: Uint32Array): Uint32Array {
  const next = new Uint32Array(states.length)
  let carry = 0
  for (let i = 0; i < states.length; i++) {
    const state = states[i] ?? 0
    const moved = state & (fits[i] ?? 0)
    next[i] = (moved << 1) | carry | (state & (stars[i] ?? 0))
    carry = moved >>> 31
  }
  return next
}

function bits(words: number, set: readonly number[]): Uint32Array {
  const result = new Uint32Array(words)
  for (const bit of set) result[bit >>> 5] = (result[bit >>> 5] ?? 0) | (1 << (bit & 31))
  return result
}

function has(states: Uint32Array, bit: number): boolean {
  return ((states[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0
}
