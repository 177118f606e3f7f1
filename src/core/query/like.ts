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
  const { fits, others } = charactersThatFit(characters, words)
  const states = new Uint32Array(words)
  return (text) => {
    states.fill(0)
    states[0] = 1
    for (const character of text) {
      if (!step(states, fits.get(character) ?? others, stars)) return false
    }
    return has(states, characters.length)
  }
}

/** For each character of the pattern the places that it fits, those of `?` included; `others` are these alone. */
function charactersThatFit(
  characters: readonly string[],
  words: number,
): { fits: ReadonlyMap<string, Uint32Array>; others: Uint32Array } {
  const anywhere = characters.flatMap((character, i) => (character === '?' ? [i] : []))
  const others = bits(words, anywhere)
  const fits = new Map<string, Uint32Array>()
  for (const [i, character] of characters.entries()) {
    let places = fits.get(character)
    if (places === undefined) {
      places = others.slice()
      fits.set(character, places)
    }
    setBit(places, i)
  }
  return { fits, others }
}

/** One character on, in place. Answers whether any state is left. */
function step(states: Uint32Array, fits: Uint32Array, stars: Uint32Array): boolean {
  let carry = 0
  let left = 0
  for (let i = 0; i < states.length; i++) {
    const state = states[i] ?? 0
    const moved = state & (fits[i] ?? 0)
    const next = (moved << 1) | carry | (state & (stars[i] ?? 0))
    states[i] = next
    left |= next
    carry = moved >>> 31
  }
  return left !== 0
}

function bits(words: number, set: readonly number[]): Uint32Array {
  const result = new Uint32Array(words)
  for (const bit of set) setBit(result, bit)
  return result
}

function setBit(words: Uint32Array, bit: number): void {
  words[bit >>> 5] = (words[bit >>> 5] ?? 0) | (1 << (bit & 31))
}

function has(words: Uint32Array, bit: number): boolean {
  return ((words[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0
}
