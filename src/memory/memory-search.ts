import { isInRange } from '../core/query/ranges.js'
import type { Bound, Match, Place, Section, Slice, Stored, Term, Walk, WalkBranch } from '../core/store.js'
import type { MemoryIndexes, PlacedEntry } from './memory-indexes.js'
import { compareItems, type Item, type SortedItems } from './sorted-items.js'

/** What searching needs of a record. */
interface IndexedRecord {
  readonly deadline: number
  readonly entries: readonly PlacedEntry[]
}

/** What is searched: records, and the indexes that hold their entries. */
export interface Searched<R extends IndexedRecord = IndexedRecord> {
  readonly records: ReadonlyMap<string, R>
  readonly indexes: MemoryIndexes
}

/** How many members one slice of a walk looks at: a long search must let others run in between. */
const EXAMINE_LIMIT = 1_000
// No id is empty, none begins with U+FFFF.
const BEFORE_ALL_IDS = ''
/** Behind every id of a rank. */
export const AFTER_ALL_IDS = '\uffff'

/** How many members a section has. */
export function sectionSize({ indexes }: Searched, section: Section): number {
  const items = itemsOf(indexes, section)
  if (items === undefined) return 0
  const { low, high } = endsOf(section)
  return (high === undefined ? items.size : items.countBefore(high)) - (low ? items.countBefore(low) : 0)
}

/** The next matches of a walk: all branches at once, in their common order. */
export function walkMemory(searched: Searched<IndexedRecord & Stored>, walk: Walk, now: number): Slice {
  const { limit, read } = walk
  const matches: Match[] = []
  let matched = 0
  let looked = 0
  let last: Place | undefined
  for (const { item, record } of walkRecords(searched, walk)) {
    if (matched === limit || looked === EXAMINE_LIMIT) return { matches, matched, last, finished: false }
    looked += 1
    const key = keyOf(walk.branches[0]?.along, item)
    last = { key, id: item.id }
    if (record === undefined || record.deadline <= now) continue
    matched += 1
    if (read === 'documents') matches.push({ id: item.id, rec: record })
    else if (read === 'ids') matches.push({ id: item.id, key })
  }
  return { matches, matched, last, finished: true }
}

/** A place that a walk passes, and the record that it finds there, if the terms of a branch hold for it. */
interface Passed<R> {
  readonly item: Item
  readonly record: R | undefined
}

/** Passes all that a walk looks at, lapsed or not, each once, in its order. Nothing may change meanwhile. */
export function* walkRecords<R extends IndexedRecord>(
  { records, indexes }: Searched<R>,
  walk: Direction & Pick<Walk, 'branches'>,
): Generator<Passed<R>, void, undefined> {
  for (const { item, branches } of membersInOrder(indexes, walk)) {
    const found = records.get(item.id)
    const isMatch =
      found !== undefined && branches.some(({ where }) => where.every((term) => holds(term, found)))
    yield { item, record: isMatch ? found : undefined }
  }
}

type Direction = Pick<Walk, 'descending' | 'after'>

/** A member of the sections of a walk, and the branches in whose sections it is. */
interface Member {
  readonly item: Item
  readonly branches: readonly WalkBranch[]
}

/** The members of all branches in their order, each once. */
function* membersInOrder(
  indexes: MemoryIndexes,
  walk: Direction & Pick<Walk, 'branches'>,
): Generator<Member, void, undefined> {
  const { branches, descending } = walk
  const heads = branches.map((branch) => {
    const members = membersOf(indexes, branch.along, walk)
    return { branch, members, next: members.next() }
  })
  for (;;) {
    let least: Item | undefined
    for (const { next } of heads) {
      if (next.done) continue
      const order = least === undefined ? -1 : compareItems(next.value, least)
      if (least === undefined || (descending ? order > 0 : order < 0)) least = next.value
    }
    if (least === undefined) return
    const at: WalkBranch[] = []
    for (const head of heads) {
      if (head.next.done || compareItems(head.next.value, least) !== 0) continue
      at.push(head.branch)
      head.next = head.members.next()
    }
    yield { item: least, branches: at }
  }
}

/** Whether a term holds for a record: told from the record's own entries. */
export function holds({ section, negated }: Term, record: IndexedRecord): boolean {
  const value = section.kind === 'equality' ? section.value : ''
  const entry = record.entries.find(({ list }) => list.index === section.index && list.value === value)
  const isMember = entry !== undefined && isInRange(Number(entry.item.rank), section.range)
  return isMember !== negated
}

/** The members of a section from where a walk goes on, in its direction. */
function* membersOf(
  indexes: MemoryIndexes,
  along: Section,
  { descending, after }: Direction,
): Generator<Item, void, undefined> {
  const items = itemsOf(indexes, along)
  if (items === undefined) return
  const { low, high } = endsOf(along)
  const place = after && { rank: rankOf(along, after.key), id: after.id }
  if (descending) {
    for (const item of items.downFrom(
      place && high && compareItems(high, place) < 0 ? high : (place ?? high),
    )) {
      if (low !== undefined && compareItems(item, low) < 0) return
      yield item
    }
  } else {
    for (const item of items.from(place && low && compareItems(low, place) > 0 ? low : (place ?? low))) {
      if (high !== undefined && compareItems(item, high) > 0) return
      yield item
    }
  }
}

function itemsOf(indexes: MemoryIndexes, section: Section): SortedItems | undefined {
  return indexes.list(section.index, section.kind === 'equality' ? section.value : '')
}

/** Places just before the first and just behind the last member of a section. */
function endsOf(section: Section): { readonly low: Item | undefined; readonly high: Item | undefined } {
  const { min, max } = section.range
  if (section.kind === 'text' && (min !== undefined || max !== undefined)) {
    return {
      low: endOf(section, min ?? { value: '', exclusive: false }, 'low'),
      high: max === undefined ? { rank: 'w', id: BEFORE_ALL_IDS } : endOf(section, max, 'high'),
    }
  }
  return {
    low: min === undefined ? undefined : endOf(section, min, 'low'),
    high: max === undefined ? undefined : endOf(section, max, 'high'),
  }
}

function endOf(section: Section, { value, exclusive }: Bound<number | string>, end: 'low' | 'high'): Item {
  const isBehind = (end === 'low') === exclusive
  return { rank: rankOf(section, value), id: isBehind ? AFTER_ALL_IDS : BEFORE_ALL_IDS }
}

function rankOf({ kind }: Section, key: number | string | null): number | string {
  if (kind === 'text') return key === null ? '~' : `v${key}`
  return key === null ? Number.POSITIVE_INFINITY : Number(key)
}

function keyOf(section: Section | undefined, { rank }: Item): number | string | null {
  if (section?.kind === 'text') return rank === '~' ? null : String(rank).slice(1)
  return rank === Number.POSITIVE_INFINITY ? null : rank
}
