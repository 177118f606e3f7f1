import { MockRegistry, type Query, type QueryTree, queryFromJSON } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'

const query = (): Query => new MockRegistry().query()

const NOTHING: QueryTree = { where: [], sort: [] }

describe('a query builder', () => {
  it.each<[string, (q: Query) => Query, Partial<QueryTree>]>([
    ['filter', (q) => q.filter({ type: 'srt' }), { where: [{ field: 'type', op: 'eq', value: 'srt' }] }],
    [
      'where',
      (q) => q.where('errorCount', 'gt', 1),
      { where: [{ field: 'state.errorCount', op: 'gt', value: 1 }] },
    ],
    [
      'or',
      (q) => q.or((o) => o.filter({ type: 'srt' }).where('name', 'exists', true)),
      {
        where: [
          {
            or: [
              [
                { field: 'type', op: 'eq', value: 'srt' },
                { field: 'name', op: 'exists', value: true },
              ],
            ],
          },
        ],
      },
    ],
    ['sortBy', (q) => q.sortBy('health'), { sort: [{ field: 'state.health', direction: 'asc' }] }],
    ['limit', (q) => q.limit(5), { limit: 5 }],
    ['offset', (q) => q.offset(5), { offset: 5 }],
    ['after', (q) => q.after('abc'), { after: 'abc' }],
  ])('gives a new query from %s, and stays as it is', (_, derive, change) => {
    const before = query()
    const after = derive(before)
    expect(after).not.toBe(before)
    expect(before.toJSON()).toEqual(NOTHING)
    expect(after.toJSON()).toEqual({ ...NOTHING, ...change })
  })

  it('can be gone on with in several ways', () => {
    const base = query().filter({ status: 'active' })
    const [srt, rtp] = [base.filter({ type: 'srt' }), base.filter({ type: 'rtp' })]
    expect(srt.toJSON().where).toHaveLength(2)
    expect(rtp.toJSON().where[1]).toEqual({ field: 'type', op: 'eq', value: 'rtp' })
    expect(base.toJSON().where).toHaveLength(1)
  })

  it('adds conditions and sort keys, and replaces the rest', () => {
    const built = query()
      .where('name', 'eq', 'a')
      .where('name', 'ne', 'b')
      .sortBy('type', 'desc')
      .sortBy('name')
      .limit(5)
      .limit(6)
      .offset(1)
      .offset(2)
      .after('a')
      .after('b')
    expect(built.toJSON()).toEqual({
      where: [
        { field: 'name', op: 'eq', value: 'a' },
        { field: 'name', op: 'ne', value: 'b' },
      ],
      sort: [
        { field: 'type', direction: 'desc' },
        { field: 'name', direction: 'asc' },
      ],
      limit: 6,
      offset: 2,
      after: 'b',
    })
  })

  it('nests alternatives', () => {
    const built = query().or(
      (q) => q.filter({ type: 'srt' }),
      (q) =>
        q.or(
          (o) => o.where('bitrate', 'gt', 5),
          (o) => o,
        ),
    )
    expect(built.toJSON().where).toEqual([
      {
        or: [
          [{ field: 'type', op: 'eq', value: 'srt' }],
          [{ or: [[{ field: 'bitrate', op: 'gt', value: 5 }], []] }],
        ],
      },
    ])
  })

  it('keeps the alternatives of one or, and not what is built on them later', () => {
    let kept: Query | undefined
    const built = query().or((q) => {
      const alternative = q.filter({ type: 'srt' })
      kept = alternative as Query
      return alternative
    })
    kept?.where('name', 'eq', 'x')
    expect(built.toJSON().where).toEqual([{ or: [[{ field: 'type', op: 'eq', value: 'srt' }]] }])
  })

  it('does not follow what the caller does with a list or a filter afterwards', () => {
    const types: ('srt' | 'rtp')[] = ['srt']
    const filter = { type: types }
    const built = query().filter(filter).where('type', 'in', types)
    types.push('rtp')
    filter.type = []
    const asked = { field: 'type', op: 'in', value: ['srt'] }
    expect(built.toJSON().where).toEqual([asked, asked])
  })

  it('gives a tree that nobody can change, and that a registry takes', () => {
    const built = query().filter({ type: 'srt' }).sortBy('name').limit(5)
    const tree = built.toJSON()
    expect([tree, tree.where, tree.sort].every(Object.isFrozen)).toBe(true)
    expect(new MockRegistry().query(tree).toJSON()).toEqual(tree)
    expect(queryFromJSON(JSON.stringify(built))).toEqual(tree)
  })

  it('is a tree that is checked when a registry takes it', () => {
    const wrong = { where: [{ field: 'nope', op: 'eq', value: 'x' }], sort: [] } as const
    expect(() => new MockRegistry().query(wrong)).toThrow('unknown field: nope')
  })
})
