import { MockRegistry, QUERY_LIMITS, type Query } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { aggregate, comparison, sortKey, wholeNumber } from '../../../../src/core/query/check.ts'
import { thrownBy } from '../../support/streams.ts'

const QUERY = expect.objectContaining({ code: 'QUERY' })

/** A query as a caller without types has it. */
interface Untyped {
  filter(filter: unknown): Untyped
  where(field: unknown, operator: unknown, value?: unknown): Untyped
  or(...alternatives: unknown[]): Untyped
  sortBy(field: unknown, direction?: unknown): Untyped
  limit(limit?: unknown): Untyped
  offset(offset?: unknown): Untyped
  after(cursor?: unknown): Untyped
  groupBy(...fields: unknown[]): Untyped
  aggregate(fn: unknown, field?: unknown): Untyped
}

const query = new MockRegistry().query() satisfies Query as unknown as Untyped

describe('a comparison', () => {
  it('names the field by its path, and holds times as text', () => {
    expect(comparison('error_count', 'gt', 10)).toEqual({ field: 'state.errorCount', op: 'gt', value: 10 })
    expect(comparison('createdAt', 'gt', new Date(0)).value).toBe('1970-01-01T00:00:00.000Z')
    expect(comparison('createdAt', 'in', [new Date(0)]).value).toEqual(['1970-01-01T00:00:00.000Z'])
  })

  it('keeps no list of the caller’s', () => {
    const values = ['a', 'b']
    const made = comparison('name', 'in', values)
    values.push('c')
    expect(made.value).toEqual(['a', 'b'])
    expect(Object.isFrozen(made.value)).toBe(true)
  })

  it.each([
    ['nope', 'eq', 'x', 'unknown field: nope'],
    [undefined, 'eq', 'x', 'unknown field: undefined'],
    ['name', 'is', 'x', 'unknown operator: "is"'],
    ['name', undefined, 'x', 'unknown operator: undefined'],
    ['name', 'toString', 'x', 'unknown operator: "toString"'],
    ['bitrate', 'like', '5*', 'bitrate is a number: it does not take like'],
    ['bitrate', 'contains', 5, 'bitrate is a number: it does not take contains'],
    ['createdAt', 'like', '2024*', 'createdAt is a date: it does not take like'],
    ['tags', 'eq', 'live', 'tags is a list: it does not take eq'],
    ['tags', 'in', ['live'], 'tags is a list: it does not take in'],
    ['tags', 'gt', 'live', 'tags is a list: it does not take gt'],
    ['name', 'eq', undefined, 'name eq takes text, not undefined'],
    ['name', 'eq', null, 'name eq takes text, not null'],
    ['name', 'eq', 5, 'name eq takes text, not 5'],
    ['name', 'eq', {}, 'name eq takes text, not an object'],
    ['name', 'eq', ['x'], 'name eq takes text, not an object'],
    ['bitrate', 'eq', '5', 'bitrate eq takes a finite number, not "5"'],
    ['bitrate', 'gt', Number.NaN, 'bitrate gt takes a finite number, not NaN'],
    ['bitrate', 'lt', Number.POSITIVE_INFINITY, 'bitrate lt takes a finite number, not Infinity'],
    ['bitrate', 'gt', 5n, 'bitrate gt takes a finite number, not 5'],
    ['createdAt', 'gt', 5, 'createdAt gt takes a valid Date, not 5'],
    ['createdAt', 'gt', new Date(Number.NaN), 'createdAt gt takes a valid Date'],
    ['status', 'eq', 'running', 'status is never "running": it is one of pending,'],
    ['status', 'ne', 'running', 'status is never "running"'],
    ['status', 'in', ['active', 'running'], 'status is never "running"'],
    ['status', 'nin', ['running'], 'status is never "running"'],
    ['health', 'eq', 'fine', 'state.health is never "fine"'],
    ['name', 'in', 'x', 'name in takes an array, not "x"'],
    ['name', 'nin', undefined, 'name nin takes an array, not undefined'],
    ['name', 'in', [5], 'name in takes text, not 5'],
    ['name', 'in', new Array(1), 'name in takes text, not undefined'],
    ['name', 'in', new Set(['x']), 'name in takes an array, not an object'],
    ['bitrate', 'in', Array(1_001).fill(1), 'in takes at most 1000 values'],
    ['name', 'like', 5, 'name like takes text, not 5'],
    ['metadata.a', 'like', 5, 'metadata.a like takes text, not 5'],
    ['name', 'like', 'a'.repeat(257), 'like takes a pattern of at most 256 characters'],
    ['name', 'like', '*a'.repeat(129), 'like takes a pattern of at most 256 characters'],
    ['tags', 'contains', 5, 'tags contains takes text, not 5'],
    ['name', 'contains', undefined, 'name contains takes text, not undefined'],
    ['name', 'exists', undefined, 'name exists takes true or false, not undefined'],
    ['name', 'exists', 'true', 'name exists takes true or false, not "true"'],
    ['tags', 'exists', 1, 'tags exists takes true or false, not 1'],
    ['metadata.a', 'eq', undefined, 'metadata.a eq takes text, not undefined'],
    ['metadata.a', 'eq', null, 'metadata.a eq takes text, not null'],
    ['metadata.a', 'eq', new Date(), 'metadata.a eq takes text, not an object'],
    ['metadata.a', 'gt', true, 'metadata.a gt takes a number or text, not true'],
    ['metadata.a', 'lte', false, 'metadata.a lte takes a number or text, not false'],
    ['metadata.a', 'eq', Number.NaN, 'metadata.a eq takes a finite number, not NaN'],
    ['name', 'eq', 'a\0', 'the value of name eq must not contain a NUL character'],
    ['name', 'eq', '\ud800', 'the value of name eq must not contain a lone surrogate'],
    ['name', 'contains', '\udc00a', 'the value of name contains must not contain a lone surrogate'],
    ['name', 'gt', 'x'.repeat(1_025), 'name gt takes at most 1024 characters'],
  ])('%s %s … is refused: %#', (field, op, value, message) => {
    const error = thrownBy(() => query.where(field, op, value))
    expect(error).toEqual(QUERY)
    expect((error as Error).message).toContain(message)
  })

  it.each([
    ['status', 'like', 'act*'],
    ['status', 'gt', 'b'],
    ['status', 'contains', 'act'],
    ['name', 'eq', 'x'.repeat(1_024)],
    ['name', 'like', 'a'.repeat(256)],
    ['name', 'like', `a${'*'.repeat(10_000)}`],
    ['name', 'in', []],
    ['name', 'eq', ''],
    ['bitrate', 'in', Array(1_000).fill(1)],
    ['metadata.a', 'eq', true],
    ['metadata.a', 'contains', true],
    ['metadata.a', 'in', ['x', 1, true]],
  ])('%s %s … is none of these: %#', (field, op, value) => {
    expect(() => query.where(field, op, value)).not.toThrow()
  })

  it.each([
    ['a NUL character', 'a\0*'],
    ['a lone surrogate', '\ud800*'],
  ])('of a pattern with %s is refused, as no text has one', (_, pattern) => {
    expect(() => query.where('name', 'like', pattern)).toThrow(QUERY)
  })
})

describe('the conditions of a query', () => {
  const some = (count: number): Untyped =>
    Array.from({ length: count }).reduce<Untyped>((built) => built.where('name', 'eq', 'x'), query)
  type Build = (built: Untyped) => Untyped
  const nested = (depth: number): Build =>
    depth === 0 ? (q) => q.where('name', 'eq', 'x') : (q) => q.or(nested(depth - 1))

  it(`are at most ${QUERY_LIMITS.maxComparisons}, those of alternatives included`, () => {
    const full = some(QUERY_LIMITS.maxComparisons)
    expect(() => full.where('name', 'eq', 'x')).toThrow('a query takes at most 128 comparisons')
    expect(() => full.filter({ status: 'active' })).toThrow(QUERY)
    expect(() => full.or((q: Untyped) => q.where('name', 'eq', 'x'))).toThrow(QUERY)
    const almost = some(QUERY_LIMITS.maxComparisons - 2)
    const one: Build = (q) => q.where('name', 'eq', 'x')
    expect(() => almost.or(one, one)).not.toThrow()
    expect(() => almost.or(one, one, one)).toThrow(QUERY)
    // One without conditions counts, too.
    expect(() => almost.or(...Array(3).fill((q: Untyped) => q))).toThrow(QUERY)
  })

  it(`nest ${QUERY_LIMITS.maxDepth} deep at most`, () => {
    expect(() => nested(QUERY_LIMITS.maxDepth)(query)).not.toThrow()
    expect(() => nested(QUERY_LIMITS.maxDepth + 1)(query)).toThrow('or nests 8 deep at most')
  })

  it.each([
    ['no alternatives', [], 'or takes at least one alternative'],
    ['what is no function', [{ status: 'active' }], 'or takes functions'],
    ['a function that answers nothing', [() => undefined], 'returns its conditions'],
    ['a function that answers a query', [() => query], 'returns its conditions'],
    [
      'alternatives with a mistake in one',
      [(q: Untyped) => q.where('nope', 'eq', 'x')],
      'unknown field: nope',
    ],
    ['a nested or without alternatives', [(q: Untyped) => q.or()], 'or takes at least one alternative'],
  ])('refuse an or of %s', (_, alternatives, message) => {
    expect(() => query.or(...alternatives)).toThrow(QUERY)
    expect(() => query.or(...alternatives)).toThrow(message)
  })
})

describe('an order', () => {
  it.each([
    ['nope', 'asc', 'unknown field: nope'],
    ['tags', 'asc', 'cannot sort by tags: it holds several values'],
    ['name', 'up', 'a sort direction is asc or desc, not "up"'],
    ['name', null, 'a sort direction is asc or desc, not null'],
    ['name', 'ASC', 'a sort direction is asc or desc, not "ASC"'],
  ])('by %s %s is refused', (field, direction, message) => {
    expect(() => query.sortBy(field, direction)).toThrow(QUERY)
    expect(() => query.sortBy(field, direction)).toThrow(message)
  })

  it('names its field by the path', () => {
    expect(sortKey('health', 'desc')).toEqual({ field: 'state.health', direction: 'desc' })
  })

  it(`is by ${QUERY_LIMITS.maxSortKeys} fields at most`, () => {
    const full = Array.from({ length: 8 }).reduce<Untyped>((built) => built.sortBy('name'), query)
    expect(() => full.sortBy('name')).toThrow('a query sorts by at most 8 fields')
  })
})

describe('a part of the result', () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '10', null, undefined])(
    'is not limited to %s',
    (limit) => {
      expect(() => query.limit(limit)).toThrow(QUERY)
      expect(() => query.limit(limit)).toThrow('limit takes a whole number from 1 on')
    },
  )

  it.each([-1, 0.5, '1', undefined, Number.NaN])('has no offset of %s', (offset) => {
    expect(() => query.offset(offset)).toThrow(QUERY)
    expect(() => query.offset(offset)).toThrow('offset takes a whole number from 0 on')
  })

  it('may begin at once', () => {
    expect(wholeNumber('offset', 0, 0)).toBe(0)
    expect(() => query.offset(0).limit(1)).not.toThrow()
  })

  it.each(['', undefined, null, 5, {}])('does not come after %j', (cursor) => {
    expect(() => query.after(cursor)).toThrow('after takes the cursor of a page')
  })
})

describe('a grouped query', () => {
  it.each([
    ['nope', 'unknown field: nope'],
    ['tags', 'cannot group by tags: it holds several values'],
    [undefined, 'unknown field: undefined'],
  ])('by %s is refused', (field, message) => {
    expect(() => query.groupBy(field)).toThrow(QUERY)
    expect(() => query.groupBy('type', field)).toThrow(message)
  })

  it('takes fields, at most 8', () => {
    expect(() => query.groupBy()).toThrow('groupBy takes at least one field')
    expect(() => query.groupBy('type').groupBy()).toThrow('groupBy takes at least one field')
    const full = query.groupBy(...Array(8).fill('type'))
    expect(() => full.groupBy('type')).toThrow('a query groups by at most 8 fields')
  })

  it.each([
    ['median', 'bitrate', 'unknown aggregate: "median"'],
    [undefined, 'bitrate', 'unknown aggregate: undefined'],
    ['count', 'bitrate', "count takes '*'"],
    ['count', undefined, "count takes '*'"],
    ['sum', '*', 'unknown field: *'],
    ['sum', 'nope', 'unknown field: nope'],
    ['sum', 'name', 'sum takes a number: name is a text'],
    ['avg', 'createdAt', 'avg takes a number: createdAt is a date'],
    ['avg', 'tags', 'avg takes a number: tags is a list'],
    ['min', 'name', 'min takes a number or a date: name is a text'],
    ['max', 'tags', 'max takes a number or a date: tags is a list'],
  ])('does not aggregate %s of %s', (fn, field, message) => {
    expect(() => query.aggregate(fn, field)).toThrow(QUERY)
    expect(() => query.groupBy('type').aggregate(fn, field)).toThrow(message)
  })

  it('keeps the name that a figure was asked for by', () => {
    expect(aggregate('sum', 'error_count')).toEqual({
      fn: 'sum',
      field: 'state.errorCount',
      as: 'error_count',
    })
    expect(aggregate('max', 'createdAt')).toEqual({ fn: 'max', field: 'createdAt', as: 'createdAt' })
    expect(aggregate('count', '*')).toEqual({ fn: 'count' })
  })

  it('has 32 figures at most', () => {
    const full = Array.from({ length: 32 }).reduce<Untyped>((built) => built.aggregate('count', '*'), query)
    expect(() => full.aggregate('count', '*')).toThrow('a query takes at most 32 aggregates')
  })

  it.each([
    ['an order', query.sortBy('name')],
    ['a limit', query.limit(1)],
    ['an offset', query.offset(0)],
    ['a cursor', query.after('x')],
  ])('is refused after %s', (_, shaped) => {
    expect(() => shaped.groupBy('type')).toThrow('groups take filters only')
    expect(() => shaped.aggregate('count', '*')).toThrow(QUERY)
  })
})
