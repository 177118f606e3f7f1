import { BUILT_IN_INDEXES } from '../core/query/field-indexes.js'
import {
  type Call,
  IndexGoneError,
  type Match,
  type Section,
  type Slice,
  type Term,
  type Walk,
} from '../core/store.js'
import type { PartitionLayout } from './layout.js'
import type { Script } from './script.js'
import { scripts } from './scripts.js'
import { decodeKey, encodeSection, encodeTerm, encodeWalk } from './sections.js'

/** How many lapsed records a count subtracts at most before they are swept instead. */
export const BACKLOG_LIMIT = 2000
/** How many documents one call of a script reads at most: about 2 ms of Redis. */
export const READ_LIMIT = 500
/** How many members of an index one call of a script looks at at most: about 3 ms of Redis. */
const EXAMINE_LIMIT = 1_000
/** How many members it looks up, in all indexes together. */
const LOOKUP_LIMIT = 4_000
const MIN_BUDGET = 16
/** How large the smallest of several sets may be for Redis to intersect them in one call. */
const INTERSECT_LIMIT = 10_000
const BUILT_IN: ReadonlySet<string> = new Set(BUILT_IN_INDEXES)

type Reply = readonly [state: string, serverNow: string, ...rest: string[]]

/** What searching needs of its partition. */
export interface SearchHost {
  layout(call: Call): Promise<PartitionLayout>
  reloadLayout(call: Call): Promise<PartitionLayout>
  read(script: Script, call: Call, args: readonly string[]): Promise<Reply>
  /** Finishes up to `limit` lapsed records. */
  sweep(limit: number, call: Call): Promise<unknown>
}

/** Finds and counts records of one partition along its indexes. */
export class PartitionSearch {
  readonly #host: SearchHost

  constructor(host: SearchHost) {
    this.#host = host
  }

  async sizes(sections: readonly Section[], call: Call): Promise<number[]> {
    const [, , ...sizes] = await this.#run(scripts.sizes, sections, sections.flatMap(encodeSection), call)
    return sizes.map(Number)
  }

  async walk(walk: Walk, call: Call): Promise<Slice> {
    const { branches, limit, read } = walk
    const most = read === 'documents' ? READ_LIMIT : EXAMINE_LIMIT
    const [first] = branches
    if (first === undefined) return { matches: [], matched: 0, last: undefined, finished: true }
    const sections = branches.flatMap(({ along, where }) => [along, ...where.map(({ section }) => section)])
    const budget = Math.max(MIN_BUDGET, Math.min(EXAMINE_LIMIT, Math.floor(LOOKUP_LIMIT / sections.length)))
    const args = encodeWalk(walk, Math.min(limit, most, budget), budget)
    const [, , finished, matched, key = '', id = '', ...rows] = await this.#run(
      scripts.walk,
      sections,
      args,
      call,
    )
    const { along } = first
    return {
      matches: read === 'ids' ? decodeIds(along, rows) : decodeDocuments(rows),
      matched: Number(matched),
      last: id === '' ? undefined : { key: decodeKey(along, key), id },
      finished: finished === '1',
    }
  }

  /** `undefined`: too many to count in one call. Sweeps first while too many records have lapsed. */
  async count(branches: readonly (readonly Term[])[], call: Call): Promise<number | undefined> {
    const terms = branches.flatMap((branch) => [String(branch.length), ...branch.flatMap(encodeTerm)])
    const args = [String(BACKLOG_LIMIT), String(INTERSECT_LIMIT), ...terms]
    const sections = branches.flatMap((branch) => branch.map(({ section }) => section))
    for (;;) {
      const [state, , count] = await this.#run(scripts.count, sections, args, call)
      if (state === 'done') return Number(count)
      if (state === 'walk') return undefined
      await this.#host.sweep(BACKLOG_LIMIT, call)
    }
  }

  /** Runs a script over sections. @throws IndexGoneError when one of their indexes is not, or no longer, complete. */
  async #run(
    script: Script,
    sections: readonly Section[],
    args: readonly string[],
    call: Call,
  ): Promise<Reply> {
    for (;;) {
      const { version, indexes } = await this.#host.layout(call)
      const ready = new Set(indexes.flatMap(({ field, isReady }) => (isReady ? [field] : [])))
      const gone = sections.find(({ index }) => !BUILT_IN.has(index) && !ready.has(index))
      if (gone !== undefined) throw new IndexGoneError(`index ${gone.index} is not ready`)
      const reply = await this.#host.read(script, call, [version, ...args])
      if (reply[0] !== 'layout') return reply
      await this.#host.reloadLayout(call)
    }
  }
}

function decodeDocuments(rows: readonly string[]): Match[] {
  const matches: Match[] = []
  for (let i = 0; i < rows.length; i += 4) {
    const [deadline, side, doc] = [Number(rows[i + 1]), rows[i + 2], rows[i + 3] ?? '']
    matches.push({ id: rows[i] ?? '', rec: side ? { doc, deadline, side } : { doc, deadline } })
  }
  return matches
}

function decodeIds(along: Section, rows: readonly string[]): Match[] {
  const matches: Match[] = []
  for (let i = 0; i < rows.length; i += 2)
    matches.push({ id: rows[i] ?? '', key: decodeKey(along, rows[i + 1] ?? '') })
  return matches
}
