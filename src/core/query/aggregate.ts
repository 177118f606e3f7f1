import { QueryError } from '../errors.js'
import { QUERY_LIMITS } from './check.js'
import { ExactSum } from './exact-sum.js'
import type { Aggregate, GroupedTree, Scalar } from './tree.js'
import { compareScalars, keysOf, scalarOf, valueAt } from './values.js'

/** What a field of a group holds as a result: times are times again. */
type ResultValue = Scalar | Date | null

/** One group, as it comes out. */
export interface GroupResult {
  readonly key: Record<string, ResultValue>
  readonly count?: number
  readonly sum?: Record<string, number>
  readonly avg?: Record<string, number | null>
  readonly min?: Record<string, number | Date | null>
  readonly max?: Record<string, number | Date | null>
}

interface GroupState {
  readonly values: readonly (Scalar | undefined)[]
  readonly key: Record<string, ResultValue>
  readonly figures: readonly Figure[]
  count: number
}

/** Groups documents and computes their figures, in whatever order they come. */
export class Grouping {
  readonly #tree: GroupedTree
  readonly #paths: readonly (readonly string[])[]
  readonly #groups = new Map<string, GroupState>()

  constructor(tree: GroupedTree) {
    this.#tree = tree
    this.#paths = tree.groups.map(({ field }) => keysOf(field))
    // Figures over everything are there even if there is nothing.
    if (tree.groups.length === 0) this.#groupOf({})
  }

  add(document: object): void {
    const group = this.#groupOf(document)
    group.count += 1
    for (const figure of group.figures) figure.add(document)
  }

  /** Adds documents of which only their number is known. */
  addCount(document: object, count: number): void {
    this.#groupOf(document).count += count
  }

  /** The groups, sorted by key. */
  results(): GroupResult[] {
    const { aggregates } = this.#tree
    return [...this.#groups.values()].sort(compareGroups).map(({ key, figures, count }) => {
      const result: Pick<GroupResult, 'key'> & Record<string, unknown> = { key }
      let next = 0
      for (const aggregate of aggregates) {
        if (aggregate.fn === 'count') result.count = count
        else {
          const named = (result[aggregate.fn] ?? {}) as Record<string, unknown>
          setOwn(named, aggregate.as, figures[next++]?.value)
          result[aggregate.fn] = named
        }
      }
      return result as GroupResult
    })
  }

  #groupOf(document: object): GroupState {
    const found = this.#paths.map((path) => valueAt(document, path))
    const values = found.map(scalarOf)
    const name = JSON.stringify(values.map((value) => value ?? null))
    let group = this.#groups.get(name)
    if (group === undefined) {
      if (this.#groups.size === QUERY_LIMITS.maxResultGroups)
        throw new QueryError(`a query makes at most ${QUERY_LIMITS.maxResultGroups} groups`)
      const key: Record<string, ResultValue> = {}
      for (const [i, { as }] of this.#tree.groups.entries()) setOwn(key, as, restored(found[i]))
      const figures = this.#tree.aggregates.flatMap((aggregate) =>
        aggregate.fn === 'count' ? [] : [new Figure(aggregate)],
      )
      group = { values, key, figures, count: 0 }
      this.#groups.set(name, group)
    }
    return group
  }
}

/** Names such as `__proto__` are members like any other. */
function setOwn(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
}

function restored(found: unknown): ResultValue {
  return found instanceof Date ? found : (scalarOf(found) ?? null)
}

function compareGroups(a: GroupState, b: GroupState): number {
  for (const [i, value] of a.values.entries()) {
    const order = compareScalars(value, b.values[i])
    if (order !== 0) return order
  }
  return 0
}

/** One figure of one group. Only numbers and times count. */
class Figure {
  readonly #fn: Exclude<Aggregate['fn'], 'count'>
  readonly #path: readonly string[]
  readonly #sum = new ExactSum()
  #count = 0
  #least: number | Date | undefined
  #most: number | Date | undefined

  constructor({ fn, field }: Extract<Aggregate, { field: string }>) {
    this.#fn = fn
    this.#path = keysOf(field)
  }

  add(document: object): void {
    const found = valueAt(document, this.#path)
    if (typeof found !== 'number' && !(found instanceof Date)) return
    this.#count += 1
    if (typeof found === 'number') this.#sum.add(found)
    if (this.#least === undefined || found < this.#least) this.#least = found
    if (this.#most === undefined || found > this.#most) this.#most = found
  }

  get value(): number | Date | null {
    switch (this.#fn) {
      case 'sum':
        return this.#sum.value
      case 'avg':
        return this.#count === 0 ? null : this.#sum.mean(this.#count)
      case 'min':
        return this.#least ?? null
      default:
        return this.#most ?? null
    }
  }
}
