import { type QueryTree, queryFromJSON } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { checkedTree } from '../../../../src/core/query/from-json.ts'
import { thrownBy } from '../../support/streams.ts'

const QUERY = expect.objectContaining({ code: 'QUERY' })
const where = (...conditions: unknown[]): { where: unknown[] } => ({ where: conditions })
const one = { field: 'name', op: 'eq', value: 'x' }

function nestedOr(depth: number): unknown {
  return depth === 0 ? one : { or: [[nestedOr(depth - 1)]] }
}

describe('a query from JSON', () => {
  const json = {
    where: [
      { field: 'status', op: 'eq', value: 'active' },
      {
        or: [
          [{ field: 'error_count', op: 'gt', value: 10 }],
          [{ field: 'tags', op: 'contains', value: 'vip' }],
        ],
      },
    ],
    sort: [{ field: 'created_at', direction: 'desc' }],
    limit: 10,
    offset: 20,
    after: 'abc',
  }
  const tree: QueryTree = {
    where: [
      { field: 'status', op: 'eq', value: 'active' },
      {
        or: [
          [{ field: 'state.errorCount', op: 'gt', value: 10 }],
          [{ field: 'tags', op: 'contains', value: 'vip' }],
        ],
      },
    ],
    sort: [{ field: 'createdAt', direction: 'desc' }],
    limit: 10,
    offset: 20,
    after: 'abc',
  }

  it('is a tree with the fields’ own names, from an object or from text', () => {
    expect(queryFromJSON(json)).toEqual(tree)
    expect(queryFromJSON(JSON.stringify(json))).toEqual(tree)
  })

  it('is the same again when it goes through JSON', () => {
    expect(queryFromJSON(JSON.parse(JSON.stringify(tree)))).toEqual(tree)
    expect(checkedTree(checkedTree(tree))).toEqual(tree)
  })

  it('is of everything, up to the largest limit, when nothing is said', () => {
    expect(queryFromJSON({})).toEqual({ where: [], sort: [], limit: 1_000 })
    expect(queryFromJSON({ where: null, sort: null, limit: null, offset: null, after: null })).toEqual({
      where: [],
      sort: [],
      limit: 1_000,
    })
    expect(checkedTree({})).toEqual({ where: [], sort: [] })
  })

  it('sorts upwards unless told otherwise', () => {
    expect(queryFromJSON({ sort: [{ field: 'name' }] }).sort).toEqual([{ field: 'name', direction: 'asc' }])
  })

  it.each([
    ['2024-01-15T14:30:52Z', '2024-01-15T14:30:52.000Z'],
    ['2024-01-15T15:30:52.5+01:00', '2024-01-15T14:30:52.500Z'],
  ])('reads the time %s', (text, time) => {
    expect(queryFromJSON(where({ field: 'createdAt', op: 'gt', value: text })).where).toEqual([
      { field: 'createdAt', op: 'gt', value: time },
    ])
    expect(queryFromJSON(where({ field: 'created_at', op: 'in', value: [text] })).where).toEqual([
      { field: 'createdAt', op: 'in', value: [time] },
    ])
  })

  it('asks whether a time is there with true or false', () => {
    expect(queryFromJSON(where({ field: 'startedAt', op: 'exists', value: false })).where).toEqual([
      { field: 'startedAt', op: 'exists', value: false },
    ])
  })

  it('cannot be changed afterwards', () => {
    expect(Object.isFrozen(queryFromJSON(json))).toBe(true)
  })
})

describe('JSON that is no query', () => {
  it.each([
    ['no JSON', '{"where":', 'a query must be JSON'],
    ['a number', 5, 'a query must be an object'],
    ['null', null, 'a query must be an object'],
    ['null as text', 'null', 'a query must be an object'],
    ['a list', [], 'a query must be an object'],
    ['an unknown part', { wehre: [] }, 'a query has no wehre'],
    ['an inherited name', JSON.parse('{"__proto__":{"limit":1}}'), 'a query has no __proto__'],
    ['conditions that are no list', { where: one }, 'where takes an array'],
    ['a condition that is none', where(5), 'a condition must be an object'],
    ['a condition of a class', where(new Date()), 'a condition must be an object'],
    ['a condition with more', where({ ...one, not: true }), 'a condition has no not'],
    ['an or with more', where({ or: [[one]], field: 'name' }), 'a condition has no field'],
    ['an or that is no list', where({ or: one }), 'or takes an array'],
    ['an or of nothing', where({ or: [] }), 'or takes at least one alternative'],
    ['an alternative that is no list', where({ or: [one] }), 'where takes an array'],
    ['an unknown field', where({ ...one, field: 'nope' }), 'unknown field: nope'],
    ['an unknown operator', where({ ...one, op: 'is' }), 'unknown operator: "is"'],
    ['a condition without value', where({ field: 'name', op: 'eq' }), 'name eq takes text'],
    ['a value of the wrong type', where({ ...one, value: 5 }), 'name eq takes text'],
    [
      'a time without zone',
      where({ field: 'createdAt', op: 'gt', value: '2024-01-15T14:30:52' }),
      'RFC 3339',
    ],
    ['a time that is a number', where({ field: 'createdAt', op: 'gt', value: 5 }), 'RFC 3339'],
    [
      'a day that is none',
      where({ field: 'createdAt', op: 'gt', value: '2024-13-45T00:00:00Z' }),
      'RFC 3339',
    ],
    [
      'one time where several are asked for',
      where({ field: 'createdAt', op: 'in', value: '2024-01-15T14:30:52Z' }),
      'takes an array',
    ],
    ['an order that is no list', { sort: 'name' }, 'sort takes an array'],
    ['a sort key that is none', { sort: ['name'] }, 'a sort key must be an object'],
    ['a sort key with more', { sort: [{ field: 'name', nulls: 'first' }] }, 'a sort key has no nulls'],
    ['a direction that is none', { sort: [{ field: 'name', direction: 'up' }] }, 'asc or desc'],
    ['an order by tags', { sort: [{ field: 'tags' }] }, 'cannot sort by tags'],
    ['a limit of 0', { limit: 0 }, 'limit takes a whole number'],
    ['a limit in words', { limit: '10' }, 'limit takes a whole number'],
    ['a limit too large', { limit: 1_001 }, 'limit is at most 1000'],
    ['an offset too large', { offset: 10_001 }, 'offset is at most 10000'],
    ['an offset below 0', { offset: -1 }, 'offset takes a whole number'],
    ['a cursor that is none', { after: 5 }, 'after takes the cursor of a page'],
    ['too many sort keys', { sort: Array(9).fill({ field: 'name' }) }, 'at most 8 fields'],
    ['too many comparisons', where(...Array(129).fill(one)), 'at most 128 comparisons'],
    ['too many conditions', where(...Array(1_001).fill(one)), 'where is too long'],
    ['too many alternatives', where({ or: Array(1_001).fill([one]) }), 'or is too long'],
    ['too many empty alternatives', where({ or: Array(129).fill([]) }), 'at most 128 comparisons'],
    ['too much text', ' '.repeat(65_537), 'at most 65536 characters'],
  ])('is refused: %s', (_, json, message) => {
    const error = thrownBy(() => queryFromJSON(json))
    expect(error).toEqual(QUERY)
    expect((error as Error).message).toContain(message)
  })

  it('nests as deep as a builder’s query, and no deeper', () => {
    expect(() => queryFromJSON(where(nestedOr(8)))).not.toThrow()
    expect(() => queryFromJSON(where(nestedOr(9)))).toThrow('or nests 8 deep at most')
  })

  it.each([
    ['alternatives', `{"where":[${'{"or":[['.repeat(5_500)}${']]}'.repeat(5_500)}]}`],
    [
      'times',
      `{"where":[{"field":"createdAt","op":"in","value":${'['.repeat(30_000)}${']'.repeat(30_000)}}]}`,
    ],
  ])('exhausts no stack, however deep its %s nest', (_, json) => {
    expect(() => queryFromJSON(json)).toThrow(QUERY)
  })

  it('goes as far as the host allows', () => {
    const options = { maxLimit: 5, maxOffset: 2 }
    expect(queryFromJSON({}, options).limit).toBe(5)
    expect(queryFromJSON({ limit: 5, offset: 2 }, options)).toMatchObject({ limit: 5, offset: 2 })
    expect(() => queryFromJSON({ limit: 6 }, options)).toThrow('limit is at most 5')
    expect(() => queryFromJSON({ offset: 3 }, options)).toThrow('offset is at most 2')
  })
})
