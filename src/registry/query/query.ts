import type { Metadata, Stream } from '../../core/model/stream.js'
import type {
  FieldName,
  FieldValue,
  MeasureField,
  NumberField,
  OperandOf,
  OperatorOf,
  SortField,
} from '../../core/query/field-types.js'
import type { StreamFilter } from '../../core/query/filter.js'
import type { QueryTree, Scalar, SortDirection } from '../../core/query/tree.js'
import type { CallOptions } from '../call.js'
import type { StreamPage } from '../registry.js'
import type { Explanation } from './explanation.js'

/** Conditions that must all hold. Immutable: every call returns a new object. */
export interface Conditions<M = Metadata> {
  /**
   * Adds what streams must have. A field left `undefined` does not filter; `createdAfter` and `createdBefore` are
   * exclusive; `tags` asks for all of them, with `tagsAny` for any.
   *
   * @throws `QUERY` for an unknown field or a wrong value.
   */
  filter(filter: StreamFilter): this

  /**
   * Adds a comparison of one field: a dotted path of the stream, or a short name such as `errorCount`.
   *
   * - `eq` `ne` `in` `nin`: equal to the value, or to any of the values. `ne` and `nin` hold for a missing field,
   *   all other operators do not. `null` in metadata counts as missing.
   * - `gt` `gte` `lt` `lte`: numbers, times (`Date`), or text by its UTF-8 bytes; a value of another type never
   *   compares.
   * - `like`: the whole text, case-sensitive; `*` stands for any characters, `?` for one. Linear time.
   * - `contains`: a member of an array, or a part of a text.
   * - `exists`: `true` or `false`.
   *
   * @throws `QUERY` for an unknown field or operator, or a value of the wrong type, `undefined` included.
   * @example
   * query.where('state.errorCount', 'gt', 10).where('metadata.region', 'in', ['eu', 'us'])
   */
  where<F extends FieldName<M>, O extends OperatorOf<FieldValue<M, F>>>(
    field: F,
    operator: O,
    value: OperandOf<FieldValue<M, F>, O>,
  ): this

  /**
   * Adds alternatives of which at least one must hold.
   *
   * @example
   * query.or((q) => q.filter({ health: 'unhealthy' }), (q) => q.where('errorCount', 'gt', 10))
   */
  or(...alternatives: readonly ((conditions: Conditions<M>) => Conditions<M>)[]): this
}

/** What is asked for: conditions, order and part. Immutable: every call returns a new query. */
export interface QueryShape<M = Metadata> extends Conditions<M> {
  /**
   * Sorts by a field, after those named before. Without any: by `createdAt`, ascending. Ties go by id, in the last
   * direction. A missing value comes last ascending, first descending; numbers and times come before text, text
   * before booleans.
   */
  sortBy(field: SortField<M>, direction?: SortDirection): this

  /** At most so many. @throws `QUERY` for less than 1. */
  limit(limit: number): this

  /** Leaves the first ones out. They cost as much as those that are given: page with {@link after} instead. */
  offset(offset: number): this

  /**
   * Only what comes after a page of the same query. The offset was counted before the first page, not again.
   *
   * A cursor of another query is refused when the query runs.
   */
  after(cursor: string): this

  /** The query as plain data, for `registry.query(tree)` or `evaluate`. */
  toJSON(): QueryTree
}

/**
 * A query of the live streams.
 *
 * Every call that runs one takes `timeoutMs` (default: the registry's `queryTimeoutMs`) and `signal`, and rejects
 * with `TIMEOUT` when the time is up. What it costs depends on what is indexed, see {@link explain} and
 * docs/queries.md; no single call to the store looks at more than 1,000 records of a walk. Each record is right when
 * it is read; an answer that takes several calls is not of one instant.
 *
 * @example
 * const newest = await registry
 *   .query()
 *   .filter({ status: 'active', type: 'srt' })
 *   .sortBy('createdAt', 'desc')
 *   .limit(10)
 *   .execute()
 */
export interface Query<M = Metadata> extends QueryShape<M> {
  /** The streams, all of them unless limited. */
  execute(options?: CallOptions): Promise<Stream<M>[]>

  /**
   * A page of `limit` streams (default 100), and the cursor of the next one. A stream that matches with an unchanged
   * sort key throughout comes exactly once over all pages, whatever others do meanwhile. A page may hold fewer than
   * asked for, even none, while `nextCursor` goes on.
   *
   * @throws `QUERY` for a cursor that is not of this query.
   */
  page(options?: CallOptions): Promise<StreamPage<M>>

  /** The first stream, or `undefined`. */
  first(options?: CallOptions): Promise<Stream<M> | undefined>

  /** The ids alone. Reads no document where indexes answer the whole query. */
  ids(options?: CallOptions): Promise<string[]>

  /** How many streams match, whatever `limit`, `offset` and `after` say. */
  count(options?: CallOptions): Promise<number>

  /** The streams one by one, read in batches as they are taken. `timeoutMs` bounds each batch. */
  iterate(options?: CallOptions): AsyncGenerator<Stream<M>, void, undefined>

  /** How the query would run: what drives it, what is left to filter, how many candidates there are. */
  explain(options?: CallOptions): Promise<Explanation>

  /** Groups the matches by fields; a missing value makes a group of its own, `null`. */
  groupBy<F extends SortField<M>>(...fields: readonly F[]): GroupedQuery<M>

  /** One figure over all matches, as one group without key. */
  aggregate: GroupedQuery<M>['aggregate']
}

/** One group of a grouped query, with the figures that were asked for. */
export interface Group {
  /** The values grouped by, under the names that the query gave. */
  readonly key: Readonly<Record<string, Scalar | Date | null>>
  readonly count?: number
  /** 0 of none. */
  readonly sum?: Readonly<Record<string, number>>
  /** `null` of none. */
  readonly avg?: Readonly<Record<string, number | null>>
  /** `null` of none. */
  readonly min?: Readonly<Record<string, number | Date | null>>
  /** `null` of none. */
  readonly max?: Readonly<Record<string, number | Date | null>>
}

/**
 * A grouped query. Immutable: every call returns a new one.
 *
 * @example
 * await registry.query().groupBy('type').aggregate('count', '*').aggregate('avg', 'errorCount').execute()
 * // [{ key: { type: 'rtp' }, count: 3, avg: { errorCount: 0 } }, { key: { type: 'srt' }, count: 12, ... }]
 */
export interface GroupedQuery<M = Metadata> {
  /** Groups further. */
  groupBy<F extends SortField<M>>(...fields: readonly F[]): GroupedQuery<M>

  /** `count` of all; `sum` and `avg` of the numbers in a field, `min` and `max` of its numbers or times. */
  aggregate(fn: 'count', field: '*'): GroupedQuery<M>
  aggregate(fn: 'sum' | 'avg', field: NumberField<M>): GroupedQuery<M>
  aggregate(fn: 'min' | 'max', field: MeasureField<M>): GroupedQuery<M>

  /**
   * The groups, sorted by key, `null` last. Without groups: one. Counts by `status` and `type` come from counters;
   * everything else reads all matches.
   */
  execute(options?: CallOptions): Promise<Group[]>
}
