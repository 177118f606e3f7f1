import type { Branch } from '../../core/query/branches.js'
import { matcherOf } from '../../core/query/evaluate.js'
import { CREATED_AT } from '../../core/query/field-indexes.js'
import type { Draft, QueryPlan } from '../../core/query/plan.js'
import type { Condition } from '../../core/query/tree.js'
import type { Call, Match, Slice, Store, Term } from '../../core/store.js'
import { decodeMatch } from '../decode.js'
import { drain } from './drain.js'

/** What is counted, and over what. */
export interface CountRequest {
  readonly where: readonly Condition[]
  readonly plan: QueryPlan
  readonly draft: Draft
  readonly store: Store
  readonly batchSize: number
}

/**
 * How many streams match: from counters or the sizes of indexes where these can tell, else by passing all candidates.
 * Branches that may share a stream are walked together, so that each stream counts once.
 */
export async function countMatches(request: CountRequest, call: Call): Promise<number> {
  const { plan, draft, store } = request
  if (!plan.covered) return countDocuments(request, call)
  const { branches } = draft
  if (disjoint(branches) && branches.every(({ texts }) => texts.length === 0)) {
    const count = await store.count(
      branches.map(({ terms }) => necessary(terms)),
      call,
    )
    if (count !== undefined) return count
  }
  return isStill(plan) ? countWalked(request, call) : countIds(request, call)
}

/** Whether a walk meets each record once: it goes by the creation, which never changes. */
function isStill({ walks: [walk, ...others] }: QueryPlan): boolean {
  if (walk === undefined || others.length > 0) return walk === undefined
  return walk.branches.every(({ along: { kind, index } }) => kind === 'equality' || index === CREATED_AT.name)
}

/** Equality indexes are bounded by creation themselves. */
function necessary(terms: readonly Term[]): readonly Term[] {
  const isBounded = terms.some(({ section, negated }) => section.kind === 'equality' && !negated)
  if (!isBounded) return terms
  return terms.filter(({ section }) => section.kind === 'equality' || section.index !== CREATED_AT.name)
}

/** Whether no stream can be in two of the branches: each asks for another value of one and the same field. */
function disjoint(branches: readonly Branch[]): boolean {
  const [first, ...others] = branches
  if (first === undefined || others.length === 0) return true
  return first.terms.some(({ section: { index, kind } }) => {
    // A stream has many tags.
    if (kind !== 'equality' || index === 'tag') return false
    const values = branches.map((branch) => valueIn(branch, index))
    return !values.includes(undefined) && new Set(values).size === values.length
  })
}

function valueIn({ terms }: Branch, index: string): string | undefined {
  for (const { section, negated } of terms)
    if (!negated && section.kind === 'equality' && section.index === index) return section.value
  return undefined
}

async function countWalked({ plan, store, batchSize }: CountRequest, call: Call): Promise<number> {
  let count = 0
  const takeSlice = ({ matched }: Slice): void => {
    count += matched
  }
  await drain(store, plan, { read: 'count', batchSize, takeSlice }, call)
  return count
}

async function countIds({ plan, store, batchSize }: CountRequest, call: Call): Promise<number> {
  const ids = new Set<string>()
  await drain(store, plan, { read: 'ids', batchSize, take: ({ id }) => void ids.add(id) }, call)
  return ids.size
}

async function countDocuments({ where, plan, store, batchSize }: CountRequest, call: Call): Promise<number> {
  const matches = matcherOf(where)
  const ids = new Set<string>()
  const take = (match: Match): void => {
    const stream = ids.has(match.id) ? undefined : decodeMatch(match)
    if (stream !== undefined && matches(stream)) ids.add(match.id)
  }
  await drain(store, plan, { read: 'documents', batchSize, take }, call)
  return ids.size
}
