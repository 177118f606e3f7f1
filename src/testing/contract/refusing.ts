import assert from 'node:assert/strict'
import { queryFromJSON } from '../../core/query/from-json.js'
import type { Chapter } from './driver.js'
import { assertRefused, rejectsWith } from './expectations.js'

/** A builder that takes whatever it is given, as JavaScript calls it. */
type Untyped = Record<'filter' | 'where' | 'or' | 'sortBy' | 'limit' | 'offset' | 'after', Loose>
type Loose = (...args: unknown[]) => unknown

/** What no builder takes. */
const REFUSED: Readonly<Record<string, (query: Untyped) => unknown>> = {
  'an unknown field': (query) => query.where('statuss', 'eq', 'active'),
  'a field of the prototype': (query) => query.where('__proto__', 'eq', 'x'),
  'no field': (query) => query.where(undefined, 'eq', 'x'),
  'an unknown operator': (query) => query.where('name', 'matches', 'x'),
  'an operator that the field does not take': (query) => query.where('sourcePort', 'like', '9*'),
  'an unknown filter field': (query) => query.filter({ statuss: 'active' }),
  'an unknown filter field, undefined': (query) => query.filter({ statuss: undefined }),
  'an unknown status': (query) => query.filter({ status: 'running' }),
  'a filter that is none': (query) => query.filter('active'),
  'tags that are no list': (query) => query.filter({ tags: 'live' }),
  'tags of another type': (query) => query.filter({ tags: ['live', undefined] }),
  'text for a number': (query) => query.where('errorCount', 'gt', '10'),
  'a number for text': (query) => query.where('name', 'eq', 5),
  'a number for a date': (query) => query.where('createdAt', 'gt', 5),
  'text for a date': (query) => query.filter({ createdAfter: '2024-01-01T00:00:00Z' }),
  'an invalid date': (query) => query.where('createdAt', 'gt', new Date(Number.NaN)),
  undefined: (query) => query.where('name', 'eq', undefined),
  'undefined of metadata': (query) => query.where('metadata.a', 'ne', undefined),
  null: (query) => query.where('metadata.a', 'eq', null),
  'an object': (query) => query.where('metadata.a', 'eq', { b: 1 }),
  NaN: (query) => query.where('errorCount', 'gt', Number.NaN),
  infinity: (query) => query.where('metadata.a', 'lt', Number.POSITIVE_INFINITY),
  'an order of booleans': (query) => query.where('metadata.a', 'gt', true),
  'one value for in': (query) => query.where('name', 'in', 'x'),
  'undefined among the values of in': (query) => query.where('name', 'in', ['x', undefined]),
  'a word for exists': (query) => query.where('name', 'exists', 'yes'),
  'a number for like': (query) => query.where('name', 'like', 5),
  'a NUL': (query) => query.where('name', 'eq', 'a\0'),
  'a lone surrogate': (query) => query.where('name', 'eq', 'a\uD800'),
  'a limit of 0': (query) => query.limit(0),
  'a limit of -1': (query) => query.limit(-1),
  'a limit of 1.5': (query) => query.limit(1.5),
  'a limit of NaN': (query) => query.limit(Number.NaN),
  'a negative offset': (query) => query.offset(-1),
  'half an offset': (query) => query.offset(0.5),
  'a sort by an unknown field': (query) => query.sortBy('created'),
  'a sort by a list': (query) => query.sortBy('tags'),
  'an unknown direction': (query) => query.sortBy('name', 'down'),
  'an empty cursor': (query) => query.after(''),
  'or of nothing': (query) => query.or(),
  'a wrong value in an alternative': (query) => query.or((q: Untyped) => q.where('name', 'eq', 5)),
}

export const refusing: Chapter = (test) => {
  test('refuses at once what no query takes', async (space) => {
    const query = space.registry().query() as unknown as Untyped
    for (const [what, build] of Object.entries(REFUSED)) assertRefused(what, () => build(query))
  })

  test('rejects a count and a tree that ask for what there is not', async (space) => {
    const registry = space.registry()
    await rejectsWith('QUERY', registry.count({ statuss: 'active' } as object))
    await rejectsWith('QUERY', registry.count({ status: 'running' as 'active' }))
    await rejectsWith('QUERY', registry.count({ createdAfter: new Date(Number.NaN) }))
    const trees = [
      { where: [{ field: 'x', op: 'eq', value: 1 }], sort: [] },
      { where: 'all' },
      { limit: 0 },
      5,
    ]
    for (const tree of trees) {
      const run = Promise.resolve().then(() => registry.query(tree as unknown as object as never).execute())
      await rejectsWith('QUERY', run)
      assert.throws(() => queryFromJSON(tree), { code: 'QUERY' })
    }
  })
}
