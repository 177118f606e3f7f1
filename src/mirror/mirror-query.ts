import type { Metadata, Stream } from '../core/model/stream.js'
import type { QueryTree } from '../core/query/tree.js'
import { QueryBuilder } from '../registry/query/builder.js'
import { partOf } from '../registry/query/part.js'
import type { QueryShape } from '../registry/query/query.js'
import { countStreams, findStreams } from './find.js'
import type { StreamTable } from './stream-table.js'

/**
 * A query of a mirror: built as one of the registry, answered at once, from memory.
 *
 * @example
 * mirror.query().filter({ status: 'active' }).sortBy('createdAt', 'desc').limit(10).all()
 */
export interface MirrorQuery<M = Metadata> extends QueryShape<M> {
  /** The streams, all of them unless limited. @throws `QUERY` for a cursor that is not of this query. */
  all(): Stream<M>[]
  /** The first stream, or `undefined`. */
  first(): Stream<M> | undefined
  /** The ids alone. */
  ids(): string[]
  /** How many streams match, whatever `limit`, `offset` and `after` say. */
  count(): number
}

/** A query over a table. */
export class TableQuery<M> extends QueryBuilder<M> implements MirrorQuery<M> {
  readonly #table: StreamTable<M>

  constructor(table: StreamTable<M>, tree: QueryTree) {
    super(tree)
    this.#table = table
  }

  protected override derive(tree: QueryTree): this {
    return new TableQuery(this.#table, tree) as this
  }

  all(): Stream<M>[] {
    const tree = this.toJSON()
    const { after, skip, limit } = partOf(tree)
    const found = findStreams(this.#table, tree, { after, want: skip + limit })
    return skip === 0 ? found : found.slice(skip)
  }

  first(): Stream<M> | undefined {
    return this.limit(1).all()[0]
  }

  ids(): string[] {
    return this.all().map(({ id }) => id)
  }

  count(): number {
    return countStreams(this.#table, this.toJSON().where)
  }
}
