import type { Bound, Range, ScoredSection, Section, Term } from '../store.js'
import { operandOf } from './evaluate.js'
import { CREATED_AT, type FieldIndex } from './field-indexes.js'
import { literalPrefix } from './like.js'
import { intersect, intersectTexts, isEmptyRange, isEmptyTextRange, nextText } from './ranges.js'
import { type Comparison, type Condition, isComparison, type Scalar } from './tree.js'

/** How many branches a query is taken apart into at most. */
const MAX_BRANCHES = 16
/** How many values an exclusion may name to be looked up in indexes. */
const MAX_EXCLUDED = 16
/** How many terms a branch looks up at most; the documents know the rest. */
const MAX_TERMS = 16

/** Terms that must all hold: every match of the query is in one branch at least. */
export interface Branch {
  readonly terms: readonly Term[]
  /** Stretches of text indexes; only a walk along one can use it. */
  readonly texts: readonly Extract<Section, { kind: 'text' }>[]
  /** Whether the terms and texts say all that the conditions do, so that no document needs to be looked at. */
  readonly covered: boolean
}

type IndexOf = (field: string) => FieldIndex | undefined

const EVERYTHING: Branch = { terms: [], texts: [], covered: true }
const UNKNOWN: readonly Branch[] = [{ ...EVERYTHING, covered: false }]

/** Takes conditions apart into branches of indexed terms. No branch: nothing can match. */
export function branchesOf(where: readonly Condition[], indexOf: IndexOf): readonly Branch[] {
  return allOf(where, indexOf).flatMap((branch) => tidy(branch) ?? [])
}

function allOf(where: readonly Condition[], indexOf: IndexOf): readonly Branch[] {
  let branches: readonly Branch[] = [EVERYTHING]
  // The few first: what no longer fits is left to the documents.
  const alternatives = where.map((condition) => alternativesOf(condition, indexOf))
  for (const options of alternatives.toSorted((a, b) => a.length - b.length)) {
    const fits = branches.length * options.length <= MAX_BRANCHES
    branches = fits
      ? branches.flatMap((branch) => options.map((option) => join(branch, option)))
      : branches.map((branch) => ({ ...branch, covered: false }))
  }
  return branches
}

function alternativesOf(condition: Condition, indexOf: IndexOf): readonly Branch[] {
  if (isComparison(condition)) return termsOf(condition, indexOf(condition.field))
  const branches = condition.or.flatMap((conditions) => allOf(conditions, indexOf))
  // A branch that no index bounds walks over everything, and so finds what the others would.
  return branches.length > MAX_BRANCHES || (branches.length > 1 && branches.some(isUnbounded))
    ? UNKNOWN
    : branches
}

function isUnbounded({ terms, texts }: Branch): boolean {
  return texts.length === 0 && terms.every(({ negated }) => negated)
}

function join(a: Branch, b: Branch): Branch {
  return {
    terms: [...a.terms, ...b.terms],
    texts: [...a.texts, ...b.texts],
    covered: a.covered && b.covered,
  }
}

/** What a comparison means in the field's index; {@link UNKNOWN} where the index cannot tell. */
function termsOf(comparison: Comparison, index: FieldIndex | undefined): readonly Branch[] {
  switch (index?.kind) {
    case 'equality':
      return equalityTerms(comparison, index)
    case 'number':
      return numberTerms(comparison, index)
    case 'text':
      return textTerms(comparison, index)
    default:
      return UNKNOWN
  }
}

function equalityTerms({ op, value }: Comparison, index: FieldIndex): readonly Branch[] {
  switch (op) {
    case 'eq':
    case 'contains':
      return op === 'contains' && index.name !== 'tag' ? UNKNOWN : [membership(value as Scalar, index)]
    case 'in': {
      const members = [...new Set(value as readonly Scalar[])]
      return members.length > MAX_BRANCHES ? UNKNOWN : members.map((member) => membership(member, index))
    }
    case 'ne':
      return exclusion([value as Scalar], index)
    case 'nin':
      return exclusion([...new Set(value as readonly Scalar[])], index)
    default:
      return UNKNOWN
  }
}

function membership(value: Scalar, index: FieldIndex): Branch {
  const found = index.keyOf(value)
  if (found === undefined) return { ...EVERYTHING, covered: false }
  return {
    terms: [{ section: equalitySection(index, found.key), negated: false }],
    texts: [],
    covered: found.isWhole,
  }
}

/** A key that stands for several values must not exclude them all. */
function exclusion(values: readonly Scalar[], index: FieldIndex): readonly Branch[] {
  if (values.length > MAX_EXCLUDED) return UNKNOWN
  const keys = values.map((value) => index.keyOf(value))
  const whole = keys.flatMap((found) => (found?.isWhole ? [found.key] : []))
  const terms = whole.map((key): Term => ({ section: equalitySection(index, key), negated: true }))
  return [{ terms, texts: [], covered: whole.length === values.length }]
}

function equalitySection({ name }: FieldIndex, value: string): ScoredSection {
  return { kind: 'equality', index: name, value, range: {} }
}

function numberTerms(comparison: Comparison, { name, isPure }: FieldIndex): readonly Branch[] {
  const { field, op, value } = comparison
  const within = (range: Range<number>): Branch => ({
    terms: [{ section: { kind: 'number', index: name, range }, negated: false }],
    texts: [],
    covered: true,
  })
  const numberOf = (operand: Scalar): number | undefined => {
    const number = operandOf(field, operand)
    return typeof number === 'number' ? number : undefined
  }
  if (op === 'exists') {
    // Values of another type lie at infinity, too.
    if (!isPure) return UNKNOWN
    return [
      within(
        value ? { max: excluding(Number.POSITIVE_INFINITY) } : { min: including(Number.POSITIVE_INFINITY) },
      ),
    ]
  }
  if (op === 'in') {
    // Values of another type are in no number index: the documents know.
    const numbers = (value as readonly Scalar[]).map(numberOf)
    if (numbers.includes(undefined)) return UNKNOWN
    return [...new Set(numbers as number[])].map((number) =>
      within({ min: including(number), max: including(number) }),
    )
  }
  const number = typeof value === 'object' ? undefined : numberOf(value)
  if (number === undefined) return UNKNOWN
  switch (op) {
    case 'eq':
      return [within({ min: including(number), max: including(number) })]
    case 'gt':
      return [within({ min: excluding(number), max: excluding(Number.POSITIVE_INFINITY) })]
    case 'gte':
      return [within({ min: including(number), max: excluding(Number.POSITIVE_INFINITY) })]
    case 'lt':
      return [within({ max: excluding(number) })]
    case 'lte':
      return [within({ max: including(number) })]
    default:
      return UNKNOWN
  }
}

function textTerms({ op, value }: Comparison, { name }: FieldIndex): readonly Branch[] {
  const within = (range: Range<string>, covered = true): Branch => ({
    terms: [],
    texts: [{ kind: 'text', index: name, range }],
    covered,
  })
  if (op === 'in') {
    const texts = value as readonly Scalar[]
    if (texts.some((text) => typeof text !== 'string')) return UNKNOWN
    return [...new Set(texts as readonly string[])].map((text) =>
      within({ min: including(text), max: including(text) }),
    )
  }
  if (typeof value !== 'string') return UNKNOWN
  switch (op) {
    case 'eq':
      return [within({ min: including(value), max: including(value) })]
    case 'gt':
      return [within({ min: excluding(value) })]
    case 'gte':
      return [within({ min: including(value) })]
    case 'lt':
      return [within({ min: including(''), max: excluding(value) })]
    case 'lte':
      return [within({ min: including(''), max: including(value) })]
    case 'like':
      return likeTerms(value, within)
    default:
      return UNKNOWN
  }
}

function likeTerms(
  pattern: string,
  within: (range: Range<string>, covered: boolean) => Branch,
): readonly Branch[] {
  const prefix = literalPrefix(pattern)
  if (prefix === pattern) return [within({ min: including(pattern), max: including(pattern) }, true)]
  const next = nextText(prefix)
  const isPrefixOnly = /^\*+$/.test(pattern.slice(prefix.length))
  return [
    within({ min: including(prefix), ...(next !== undefined && { max: excluding(next) }) }, isPrefixOnly),
  ]
}

function including<T>(value: T): Bound<T> {
  return { value, exclusive: false }
}

function excluding<T>(value: T): Bound<T> {
  return { value, exclusive: true }
}

/** One term for each section, ranges of one index drawn together; `undefined` where nothing can match. */
function tidy(branch: Branch): Branch | undefined {
  const numbers = new Map<string, Range<number>>()
  const others = new Map<string, Term>()
  for (const term of branch.terms) {
    const { section, negated } = term
    if (section.kind === 'equality') others.set(`${negated}|${section.index}|${section.value}`, term)
    else numbers.set(section.index, intersect(numbers.get(section.index) ?? {}, section.range))
  }
  const texts = new Map<string, Range<string>>()
  for (const { index, range } of branch.texts) texts.set(index, intersectTexts(texts.get(index) ?? {}, range))
  const equalities = [...others.values()]
  const isImpossible =
    [...numbers.values()].some(isEmptyRange) ||
    [...texts.values()].some(isEmptyTextRange) ||
    contradict(equalities)
  if (isImpossible) return undefined
  const order = numbers.get(CREATED_AT.name)
  // What bounds the branch first, so that what is left out only excludes, if possible.
  const terms = [
    ...equalities.filter(({ negated }) => !negated).map((term) => withOrder(term, order)),
    ...[...numbers].map(
      ([index, range]): Term => ({ section: { kind: 'number', index, range }, negated: false }),
    ),
    ...equalities.filter(({ negated }) => negated),
  ]
  return {
    terms: terms.slice(0, MAX_TERMS),
    texts: [...texts].map(([index, range]) => ({ kind: 'text', index, range })),
    covered: branch.covered && terms.length <= MAX_TERMS,
  }
}

/** Whether a value is asked for and excluded, or two values of a field that has one. */
function contradict(terms: readonly Term[]): boolean {
  const wanted = new Map<string, string>()
  for (const { section, negated } of terms) {
    if (negated || section.kind !== 'equality' || section.index === 'tag') continue
    const other = wanted.get(section.index)
    if (other !== undefined && other !== section.value) return true
    wanted.set(section.index, section.value)
  }
  return terms.some(
    ({ section, negated }) =>
      negated && section.kind === 'equality' && wanted.get(section.index) === section.value,
  )
}

/** Equality indexes are scored by creation: a range of that bounds them, too. */
function withOrder(term: Term, order: Range<number> | undefined): Term {
  return order === undefined ? term : { ...term, section: { ...term.section, range: order } }
}
