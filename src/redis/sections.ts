import type { Bound, Place, Range, Section, Term, Walk, WalkBranch } from '../core/store.js'

/** A section as the scripts take it, see lua/lib/section.lua. */
export function encodeSection(section: Section): string[] {
  switch (section.kind) {
    case 'equality':
      return [`${section.index}:${section.value}`, ...encodeRange(section.range)]
    case 'number':
      return [section.index, ...encodeRange(section.range)]
    case 'text':
      return [section.index, ...encodeTextRange(section.range)]
  }
}

/** A term as the scripts take it. */
export function encodeTerm({ section, negated }: Term): string[] {
  return [negated ? '-' : '+', ...encodeSection(section)]
}

/** Members looked at at once, at least: fewer save nothing. */
const MIN_CHUNK = 16
/** More than the expected share is looked at, so that chance rarely asks for a second chunk. */
const SPARE = 1.3

/** A walk as the script takes it, which looks at `budget` members of each branch at most. */
export function encodeWalk(walk: Walk, limit: number, budget: number): string[] {
  const { branches, descending, after, read } = walk
  const [first] = branches
  return [
    descending ? '1' : '0',
    ...(first === undefined ? ['', ''] : encodePlace(first.along, after)),
    String(limit),
    String(budget),
    read,
    ...branches.flatMap((branch) => encodeBranch(branch, limit, budget)),
  ]
}

function encodeBranch({ along, where, share }: WalkBranch, limit: number, budget: number): string[] {
  const chunk = where.length === 0 ? limit : Math.max(MIN_CHUNK, Math.ceil((limit * SPARE) / share))
  return [
    ...encodeSection(along),
    String(Math.min(chunk, budget)),
    String(where.length),
    ...where.flatMap(encodeTerm),
  ]
}

function encodeRange({ min, max }: Range<number>): string[] {
  return [encodeBound(min, '-inf'), encodeBound(max, '+inf')]
}

function encodeBound(bound: Bound<number> | undefined, open: string): string {
  if (bound === undefined) return open
  return `${bound.exclusive ? '(' : ''}${encodeNumber(bound.value)}`
}

function encodeNumber(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return value > 0 ? '+inf' : '-inf'
}

/** Members are `v`, the value, NUL and the id: a value's members lie between the value with NUL and with U+0001. */
function encodeTextRange({ min, max }: Range<string>): string[] {
  if (min === undefined && max === undefined) return ['-', '+']
  return [
    min === undefined ? '[v' : `[v${min.value}${min.exclusive ? '\x01' : '\0'}`,
    max === undefined ? '(w' : `(v${max.value}${max.exclusive ? '\0' : '\x01'}`,
  ]
}

function encodePlace({ kind }: Section, after: Place | undefined): string[] {
  if (after === undefined) return ['', '']
  if (kind === 'text') return [after.key === null ? '~' : `v${after.key}`, after.id]
  return [after.key === null ? '+inf' : encodeNumber(Number(after.key)), after.id]
}

/** The value at a place of a section: `null` where the document has none. */
export function decodeKey({ kind }: Section, value: string): number | string | null {
  if (kind === 'text') return value === '~' ? null : value.slice(1)
  // Missing numbers lie at infinity, which Redis writes as inf.
  return value.endsWith('inf') ? null : Number(value)
}
