import { OTHER_TYPE } from '../indexes.js'
import type { IndexDeclaration, ScoredSection, Section, Term, WalkBranch } from '../store.js'
import { type Branch, branchesOf } from './branches.js'
import { CREATED_AT, type FieldIndex, fieldIndexes } from './field-indexes.js'
import { decisiveKeys } from './sort.js'
import type { Condition, SortKey } from './tree.js'

/** How the matches of a walk come: sorted, sorted by the first key only, or not in the query's order. */
type WalkOrder = 'sorted' | 'grouped' | 'unsorted'

/** How one branch of a query is walked. */
interface BranchPlan extends WalkBranch {
  /** What else must hold, the rarest first. */
  readonly where: readonly Term[]
  /** Whether a match is one of the query: else its document has to be looked at. */
  readonly covered: boolean
  /** How many members there are to pass if nothing stops it. */
  readonly size: number
}

/** Branches that are walked together, as their sections have one order. */
export interface WalkPlan {
  readonly branches: readonly BranchPlan[]
  readonly descending: boolean
  readonly order: WalkOrder
}

/** How a query is answered. */
export interface QueryPlan {
  /** None: nothing can match. */
  readonly walks: readonly WalkPlan[]
  /** Whether no document needs to be looked at. */
  readonly covered: boolean
}

/** What a query looks like before sizes are known. */
export interface Draft {
  readonly branches: readonly Branch[]
  /** The sections whose sizes decide, without repeats; the first is everything. */
  readonly sections: readonly Section[]
  readonly sort: readonly SortKey[]
  readonly sortIndex: FieldIndex | undefined
}

/** Every record. */
const EVERYTHING: ScoredSection = { kind: 'number', index: CREATED_AT.name, range: {} }

// What looking at a member, and reading a document, cost; only their ratio matters. Measured: 2 and 12 µs.
const MEMBER_COST = 1
const DOCUMENT_COST = 6
/** How many of the candidates pass conditions that no index knows, if nothing better is known. */
const RESIDUAL_SHARE = 0.3

/** Takes a query apart, and says which sizes its plan depends on. */
export function draftQuery(
  where: readonly Condition[],
  sort: readonly SortKey[],
  declared: readonly IndexDeclaration[],
): Draft {
  const indexOf = fieldIndexes(declared)
  const branches = branchesOf(where, indexOf)
  const keys = decisiveKeys(sort)
  const candidate = indexOf(keys[0]?.field ?? '')
  const sortIndex = candidate?.kind === 'equality' ? undefined : candidate
  const sections = new Map<string, Section>([[nameOf(EVERYTHING), EVERYTHING]])
  for (const branch of branches) {
    for (const section of sectionsOf(branch)) sections.set(nameOf(section), section)
    if (sortIndex !== undefined) {
      const along = sortSection(sortIndex, branch)
      sections.set(nameOf(along), along)
    }
  }
  if (sortIndex?.isPure === false) sections.set(nameOf(othersOf(sortIndex)), othersOf(sortIndex))
  return { branches, sections: [...sections.values()], sort: keys, sortIndex }
}

/** The conditions that the indexes of a plan do not settle: they are checked on documents. */
export function unsettled(
  where: readonly Condition[],
  plan: QueryPlan,
  declared: readonly IndexDeclaration[],
): readonly Condition[] {
  if (plan.covered) return []
  const indexOf = fieldIndexes(declared)
  const walked = new Set(plan.walks.flatMap(({ branches }) => branches.map(({ along }) => nameOf(along))))
  const isSettledBy = ({ covered, texts }: Branch): boolean =>
    covered && texts.every((text) => walked.size === 1 && walked.has(nameOf(text)))
  const left = where.filter((condition) => !branchesOf([condition], indexOf).every(isSettledBy))
  return left.length > 0 ? left : where
}

/** Whether there is only one way to go, so that no sizes are needed. */
export function isSettled({ branches, sections }: Draft): boolean {
  return (
    sections.length === 1 || (branches.length > 0 && branches.every(isOneSection) && sections.length === 2)
  )
}

function isOneSection({ terms, texts }: Branch): boolean {
  return (
    terms.length === 1 && texts.length === 0 && terms[0]?.section.kind === 'equality' && !terms[0].negated
  )
}

/**
 * Chooses how to walk each branch.
 *
 * @param want - how many matches are wanted: `Infinity` for all.
 * @param onlyCounts - whether documents are read only where the indexes do not say everything.
 */
export function planQuery(
  draft: Draft,
  sizes: readonly number[],
  want: number,
  onlyCounts = false,
): QueryPlan {
  const sizeOf = new Map(draft.sections.map((section, i) => [nameOf(section), sizes[i] ?? 0]))
  const planned = draft.branches.flatMap((branch) =>
    planBranch(branch, draft, (section) => sizeOf.get(nameOf(section)) ?? 0, want, onlyCounts),
  )
  return { walks: together(planned, draft), covered: planned.every(({ plan }) => plan.covered) }
}

interface PlannedBranch {
  readonly order: WalkOrder
  readonly plan: BranchPlan
}

/** One walk for all branches that share an order: a record that moves from one to another is then not missed. */
function together(planned: readonly PlannedBranch[], { sort }: Draft): WalkPlan[] {
  const walks = new Map<string, { readonly order: WalkOrder; readonly branches: BranchPlan[] }>()
  for (const { order, plan } of planned) {
    const { kind, index } = plan.along
    const name = `${order} ${kind === 'equality' ? CREATED_AT.name : index}`
    const walk = walks.get(name) ?? { order, branches: [] }
    walk.branches.push(plan)
    walks.set(name, walk)
  }
  return [...walks.values()].map(({ order, branches }) => ({
    order,
    branches,
    descending: order !== 'unsorted' && sort[0]?.direction === 'desc',
  }))
}

type SizeOf = (section: Section) => number

interface Candidate {
  readonly along: Section
  readonly order: WalkOrder
  readonly cost: number
}

function planBranch(
  branch: Branch,
  draft: Draft,
  sizeOf: SizeOf,
  want: number,
  onlyCounts: boolean,
): PlannedBranch[] {
  const total = Math.max(1, sizeOf(EVERYTHING))
  const matches = branch.terms.reduce(
    (rest, { section, negated }) => rest * share(sizeOf(section) / total, negated),
    branch.texts.reduce((rest, section) => rest * Math.min(1, sizeOf(section) / total), total),
  )
  const wanted = Math.min(matches, branch.covered ? want : want / RESIDUAL_SHARE)
  const candidates = alongs(branch, draft).map(({ along, order }): Candidate => {
    const size = sizeOf(along)
    const isStopped = order !== 'unsorted' && wanted < matches
    const passed = isStopped ? Math.min(size, (wanted * size) / matches) : size
    const read = onlyCounts && isCovered(branch, along) ? 0 : isStopped ? wanted : matches
    return { along, order, cost: passed * MEMBER_COST + Math.min(read, size) * DOCUMENT_COST }
  })
  const best = candidates.reduce((least, candidate) => (candidate.cost < least.cost ? candidate : least))
  const others = othersBeside(best, branch, draft)
  const chosen = others === undefined ? [best] : [best, others]
  return chosen.map(({ along, order }) => ({ order, plan: planAlong(along, branch, sizeOf, matches) }))
}

/**
 * Beside the whole index of the sort: the values of other types, which it does not hold. There are rarely any, but
 * a size may be outdated: it is looked at in any case.
 */
function othersBeside({ along }: Candidate, branch: Branch, { sortIndex }: Draft): Candidate | undefined {
  if (sortIndex === undefined || sortIndex.isPure || along.index !== sortIndex.name) return undefined
  const others = othersOf(sortIndex)
  const isWhole = nameOf(along) === nameOf(sortSection(sortIndex, { ...branch, terms: [], texts: [] }))
  return isWhole ? { along: others, order: 'unsorted', cost: 0 } : undefined
}

function othersOf({ name }: FieldIndex): ScoredSection {
  return { kind: 'equality', index: name, value: OTHER_TYPE, range: {} }
}

function share(part: number, negated: boolean): number {
  const bounded = Math.min(1, part)
  return negated ? 1 - bounded : bounded
}

/** The sections that a branch can be walked along; the ordered ones first, as they win a draw. */
function alongs(branch: Branch, { sort, sortIndex }: Draft): Omit<Candidate, 'cost'>[] {
  const order: WalkOrder = sort.length === 1 ? 'sorted' : 'grouped'
  const positive = branch.terms.flatMap(({ section, negated }) => (negated ? [] : [section]))
  const byCreation = sortIndex?.name === CREATED_AT.name
  const ordered = (section: Section): boolean =>
    sortIndex !== undefined &&
    (byCreation && section.kind === 'equality' ? true : section.index === sortIndex.name)
  const sections: Section[] = [...positive, ...branch.texts]
  if (sortIndex !== undefined) sections.push(sortSection(sortIndex, branch))
  if (sections.length === 0) sections.push(EVERYTHING)
  return sections
    .map((along) => ({ along, order: ordered(along) ? order : ('unsorted' as const) }))
    .sort((a, b) => Number(a.order === 'unsorted') - Number(b.order === 'unsorted'))
}

/** The index of the sort, as far as the branch goes along it. */
function sortSection({ name, kind }: FieldIndex, { terms, texts }: Branch): Section {
  if (kind === 'text') {
    return texts.find(({ index }) => index === name) ?? { kind: 'text', index: name, range: {} }
  }
  const range = terms.find(({ section }) => section.kind === 'number' && section.index === name)?.section
    .range
  return { kind: 'number', index: name, range: (range ?? {}) as ScoredSection['range'] }
}

/** @param matches - how many matches the branch has, as far as sizes tell. */
function planAlong(along: Section, branch: Branch, sizeOf: SizeOf, matches: number): BranchPlan {
  const name = nameOf(along)
  const size = sizeOf(along)
  const where = branch.terms
    .filter(({ section, negated }) => negated || (nameOf(section) !== name && !isImplied(section, along)))
    .map((term) => ({ term, size: term.negated ? Number.POSITIVE_INFINITY : sizeOf(term.section) }))
    .sort((a, b) => a.size - b.size)
    .map(({ term }) => term)
  return {
    along,
    where,
    covered: isCovered(branch, along),
    size,
    share: where.length === 0 ? 1 : Math.min(1, matches / Math.max(1, size)),
  }
}

/** Whether a walk along a section finds what the branch asks for, and nothing else: no term knows of texts. */
function isCovered({ covered, texts }: Branch, along: Section): boolean {
  return covered && texts.every((text) => nameOf(text) === nameOf(along))
}

/**
 * An equality section is bounded by creation itself; but that beside a number or text index, for values of other
 * types, was not given bounds.
 */
function isImplied(section: ScoredSection, along: Section): boolean {
  if (along.kind !== 'equality' || section.kind !== 'number' || section.index !== CREATED_AT.name)
    return false
  return along.value !== OTHER_TYPE
}

function sectionsOf({ terms, texts }: Branch): Section[] {
  return [...terms.map(({ section }) => section), ...texts]
}

/** A section's name: the same for the same section, readable in an explanation. */
export function nameOf(section: Section): string {
  const { min, max } = section.range
  const place = section.kind === 'equality' ? `${section.index}:${quoted(section.value)}` : section.index
  if (min === undefined && max === undefined) return place
  const from = min === undefined ? '(' : `${min.exclusive ? '(' : '['}${show(min.value)}`
  const to = max === undefined ? ')' : `${show(max.value)}${max.exclusive ? ')' : ']'}`
  return `${place} ${from}, ${to}`
}

/** Only where the value could be taken for a range, or for more than one word. */
function quoted(value: string): string {
  return /[\s"([]/.test(value) ? JSON.stringify(value) : value
}

function show(value: number | string): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
