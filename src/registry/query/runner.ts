import type { Stream } from '../../core/model/stream.js'
import { Grouping } from '../../core/query/aggregate.js'
import { matcherOf } from '../../core/query/evaluate.js'
import {
  type Draft,
  draftQuery,
  isSettled,
  planQuery,
  type QueryPlan,
  unsettled,
} from '../../core/query/plan.js'
import { type Order, orderOf, type SortPosition } from '../../core/query/sort.js'
import type { Condition, GroupedTree, QueryTree, SortKey } from '../../core/query/tree.js'
import { type Call, type IndexDeclaration, IndexGoneError, type Match, type Store } from '../../core/store.js'
import { decodeMatch } from '../decode.js'
import type { StreamPage } from '../registry.js'
import { countMatches } from './count.js'
import { countByCounters, groupByCounters } from './counters.js'
import { encodeCursor } from './cursor.js'
import { drain } from './drain.js'
import { type Explanation, explain } from './explanation.js'
import { Row } from './lane.js'
import { type Part, partOf } from './part.js'
import type { Group } from './query.js'
import { Search, type SearchOptions } from './search.js'
import { SizeCache } from './size-cache.js'

const DEFAULT_PAGE_SIZE = 100
/** After so many matches read a page that is not full yet ends, if its place can be told: the next one goes on. */
const PAGE_BUDGET = 10_000
/** How often a query is planned anew because an index went; then it is planned without declared ones. */
const PLAN_ATTEMPTS = 3

const ALL = Number.POSITIVE_INFINITY

/** Runs queries over a store: plans, walks, merges, and checks documents where indexes cannot tell. */
export class QueryRunner<M> {
  readonly #store: Store
  readonly #sizes: SizeCache
  readonly #batchSize: number

  constructor(store: Store, batchSize: number) {
    this.#store = store
    this.#sizes = new SizeCache(store)
    this.#batchSize = batchSize
  }

  async execute(tree: QueryTree, call: Call): Promise<Stream<M>[]> {
    const rows = await this.#collect(tree, call, () => this.#reading(tree.where, orderOf(tree.sort)))
    return rows.map(({ item }) => item)
  }

  async ids(tree: QueryTree, call: Call): Promise<string[]> {
    const rows = await this.#collect<unknown>(tree, call, (plan) =>
      plan.covered && plan.walks.every(({ order }) => order === 'sorted')
        ? READING_IDS
        : this.#reading(tree.where, orderOf(tree.sort)),
    )
    return rows.map(({ id }) => id)
  }

  async page(tree: QueryTree, call: Call): Promise<StreamPage<M>> {
    const { limit, ...part } = partOf(tree, DEFAULT_PAGE_SIZE)
    const order = orderOf(tree.sort)
    return this.#planned(tree, part.skip + limit + 1, call, async (plan) => {
      // One more than asked for tells whether there is a next page.
      const wanted = { ...part, limit: limit + 1 }
      const search = this.#search(tree.sort, wanted, plan, this.#reading(tree.where, order))
      const found = new Map<string, Row<Stream<M>>>()
      let frontier: SortPosition | undefined
      while (!search.isFinished && found.size <= part.skip + limit && frontier === undefined) {
        keepLast(found, await search.next(call))
        if (search.read >= PAGE_BUDGET && found.size >= part.skip) frontier = search.frontier
        // A page must lead on.
        if (part.after && frontier && order.compare(frontier, part.after) <= 0) frontier = undefined
      }
      const rows = [...found.values()].slice(part.skip)
      const last = rows.length > limit ? rows[limit - 1]?.position : search.isFinished ? undefined : frontier
      const streams = rows.slice(0, limit).map(({ item }) => item)
      return last === undefined ? { streams } : { streams, nextCursor: encodeCursor(tree, last) }
    })
  }

  async *iterate(tree: QueryTree, startCall: () => Call): AsyncGenerator<Stream<M>, void, undefined> {
    let { after, skip, limit } = partOf(tree, ALL)
    while (limit > 0) {
      const part = { after, skip, limit }
      try {
        const search = await this.#planned(tree, skip + limit, startCall(), async (plan) =>
          this.#search(tree.sort, part, plan, this.#reading(tree.where, orderOf(tree.sort)), false),
        )
        let call: Call | undefined
        while (!search.isFinished && limit > 0) {
          call ??= startCall()
          for (const row of await search.next(call)) {
            // The time that the taker takes does not count.
            call = undefined
            after = row.position
            if (skip > 0) skip -= 1
            else if (limit > 0) {
              limit -= 1
              yield row.item
            }
          }
        }
        return
      } catch (error) {
        // Planned anew, it goes on behind the last stream.
        if (!(error instanceof IndexGoneError)) throw error
      }
    }
  }

  async count(where: readonly Condition[], call: Call): Promise<number> {
    if (where.length === 0) return (await this.#store.count([[]], call)) ?? 0
    const told = await countByCounters(where, this.#store, call)
    if (told !== undefined) return told
    const count = (plan: QueryPlan, draft: Draft): Promise<number> =>
      countMatches({ where, plan, draft, store: this.#store, batchSize: this.#batchSize }, call)
    return this.#planned({ where, sort: [] }, ALL, call, count, true)
  }

  async group(tree: GroupedTree, call: Call): Promise<Group[]> {
    const told = await groupByCounters(tree, this.#store, call)
    if (told !== undefined) return told
    return this.#planned({ where: tree.where, sort: [] }, ALL, call, async (plan) => {
      const grouping = new Grouping(tree)
      const matches = matcherOf(tree.where)
      // A stream that moves while it is walked is met again.
      const seen = new Set<string>()
      const take = (match: Match): void => {
        if (seen.has(match.id)) return
        seen.add(match.id)
        const stream = decodeMatch<M>(match)
        if (stream !== undefined && matches(stream)) grouping.add(stream)
      }
      const options = { read: 'documents', batchSize: this.#batchSize } as const
      await drain(this.#store, plan, { ...options, take }, call)
      return grouping.results()
    })
  }

  explain({ where, sort, limit = ALL, offset = 0 }: QueryTree, call: Call): Promise<Explanation> {
    const { partitions } = this.#store
    return this.#planned({ where, sort }, offset + limit, call, async (_, draft, declared) => {
      const plan = planQuery(draft, await this.#store.sizes(draft.sections, call), offset + limit)
      return explain(plan, unsettled(where, plan, declared), partitions)
    })
  }

  /** The rows of a part, in order. What changed its place while the query ran stands at the last one. */
  #collect<T>(tree: QueryTree, call: Call, reading: (plan: QueryPlan) => Reading<T>): Promise<Row<T>[]> {
    const part = partOf(tree, ALL)
    const want = part.skip + part.limit
    return this.#planned(tree, want, call, async (plan) => {
      const search = this.#search(tree.sort, part, plan, reading(plan))
      const found = new Map<string, Row<T>>()
      while (!search.isFinished && found.size < want) keepLast(found, await search.next(call))
      return [...found.values()].slice(part.skip, want)
    })
  }

  /** Plans a query and runs it; again when an index that the plan counts on has gone meanwhile. */
  async #planned<T>(
    { where, sort }: Pick<QueryTree, 'where' | 'sort'>,
    want: number,
    call: Call,
    run: (plan: QueryPlan, draft: Draft, declared: readonly IndexDeclaration[]) => Promise<T>,
    onlyCounts = false,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const declared = attempt < PLAN_ATTEMPTS ? await this.#store.indexes(call) : []
      try {
        const draft = draftQuery(where, sort, declared)
        const sizes = isSettled(draft) ? [] : await this.#sizes.sizes(draft.sections, call)
        return await run(planQuery(draft, sizes, want, onlyCounts), draft, declared)
      } catch (error) {
        if (!(error instanceof IndexGoneError)) throw error
      }
    }
  }

  #search<T>(
    sort: readonly SortKey[],
    { after, skip, limit }: Part,
    plan: QueryPlan,
    reading: Reading<T>,
    mayReadAhead = true,
  ): Search<T> {
    const want = skip + limit
    const readAhead = mayReadAhead && want === ALL
    const options = { plan, after, want, order: orderOf(sort), batchSize: this.#batchSize, readAhead }
    return new Search<T>(this.#store, { ...options, ...reading })
  }

  /** Reads documents, and leaves out what does not match: a record may have changed since it was indexed. */
  #reading(where: readonly Condition[], order: Order): Reading<Stream<M>> {
    const matches = matcherOf(where)
    const positionOf = (stream: Stream<M>): SortPosition => order.positionOf(stream)
    return {
      read: 'documents',
      decode(match) {
        const stream = decodeMatch<M>(match)
        if (stream === undefined || !matches(stream)) return undefined
        return new Row(stream.id, stream, positionOf)
      },
    }
  }
}

type Reading<T> = Pick<SearchOptions<T>, 'read' | 'decode'>

/** Where the indexes say everything, a place in them is the place in the query's order. */
const READING_IDS: Reading<Match> = {
  read: 'ids',
  decode: (match) => new Row(match.id, match, ({ id, key }) => ({ id, values: [key ?? undefined] })),
}

/** A stream that moved while the query ran is found twice: where it stands now counts. */
function keepLast<T>(found: Map<string, Row<T>>, rows: readonly Row<T>[]): void {
  for (const row of rows) {
    const before = found.size
    found.set(row.id, row)
    if (found.size > before) continue
    found.delete(row.id)
    found.set(row.id, row)
  }
}
