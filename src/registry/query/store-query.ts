import { QueryError } from '../../core/errors.js'
import type { Stream } from '../../core/model/stream.js'
import { aggregate, aggregates, groupKey, groupKeys } from '../../core/query/check.js'
import type { GroupedTree, QueryTree } from '../../core/query/tree.js'
import type { Call } from '../../core/store.js'
import type { CallOptions } from '../call.js'
import type { StreamPage } from '../registry.js'
import { QueryBuilder } from './builder.js'
import type { Explanation } from './explanation.js'
import type { Group, GroupedQuery, Query } from './query.js'
import type { QueryRunner } from './runner.js'

/** What runs the queries of a registry. */
export interface QuerySource<M> {
  readonly runner: QueryRunner<M>
  /** Begins a call: within the time that queries have, if the registry is open. */
  start(options: CallOptions): Call
}

/** A query over a registry. */
export class StoreQuery<M> extends QueryBuilder<M> implements Query<M> {
  readonly #source: QuerySource<M>

  constructor(source: QuerySource<M>, tree: QueryTree) {
    super(tree)
    this.#source = source
  }

  protected override derive(tree: QueryTree): this {
    return new StoreQuery(this.#source, tree) as this
  }

  async execute(options: CallOptions = {}): Promise<Stream<M>[]> {
    return this.#source.runner.execute(this.toJSON(), this.#source.start(options))
  }

  async page(options: CallOptions = {}): Promise<StreamPage<M>> {
    return this.#source.runner.page(this.toJSON(), this.#source.start(options))
  }

  async first(options: CallOptions = {}): Promise<Stream<M> | undefined> {
    const [stream] = await this.limit(1).execute(options)
    return stream
  }

  async ids(options: CallOptions = {}): Promise<string[]> {
    return this.#source.runner.ids(this.toJSON(), this.#source.start(options))
  }

  async count(options: CallOptions = {}): Promise<number> {
    return this.#source.runner.count(this.toJSON().where, this.#source.start(options))
  }

  iterate(options: CallOptions = {}): AsyncGenerator<Stream<M>, void, undefined> {
    return this.#source.runner.iterate(this.toJSON(), () => this.#source.start(options))
  }

  async explain(options: CallOptions = {}): Promise<Explanation> {
    return this.#source.runner.explain(this.toJSON(), this.#source.start(options))
  }

  groupBy(...fields: readonly string[]): GroupedQuery<M> {
    return this.#grouped().groupBy(...(fields as never[]))
  }

  aggregate(fn: string, field: string): GroupedQuery<M> {
    return this.#grouped().aggregate(fn as never, field as never)
  }

  #grouped(): GroupedQuery<M> {
    const { where, sort, limit, offset, after } = this.toJSON()
    if (sort.length > 0 || limit !== undefined || offset !== undefined || after !== undefined)
      throw new QueryError('groups take filters only: no sortBy, limit, offset or after before groupBy')
    return new StoreGroupedQuery<M>(this.#source, { where, groups: [], aggregates: [] })
  }
}

class StoreGroupedQuery<M> implements GroupedQuery<M> {
  readonly #source: QuerySource<M>
  readonly #tree: GroupedTree

  constructor(source: QuerySource<M>, tree: GroupedTree) {
    this.#source = source
    this.#tree = tree
  }

  groupBy(...fields: readonly string[]): GroupedQuery<M> {
    if (fields.length === 0) throw new QueryError('groupBy takes at least one field')
    const groups = groupKeys([...this.#tree.groups, ...fields.map(groupKey)])
    return new StoreGroupedQuery<M>(this.#source, { ...this.#tree, groups })
  }

  aggregate(fn: string, field: string): GroupedQuery<M> {
    const list = aggregates([...this.#tree.aggregates, aggregate(fn, field)])
    return new StoreGroupedQuery<M>(this.#source, { ...this.#tree, aggregates: list })
  }

  async execute(options: CallOptions = {}): Promise<Group[]> {
    return this.#source.runner.group(this.#tree, this.#source.start(options))
  }
}
