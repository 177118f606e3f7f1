import { describe, expect, it } from 'vitest'
import { filterConditions } from '../../../../src/core/query/filter.ts'

const QUERY = expect.objectContaining({ code: 'QUERY' })

describe('a filter', () => {
  it.each([
    [{}, []],
    [{ status: 'active' }, [{ field: 'status', op: 'eq', value: 'active' }]],
    [{ status: ['active', 'paused'] }, [{ field: 'status', op: 'in', value: ['active', 'paused'] }]],
    [{ type: 'srt' }, [{ field: 'type', op: 'eq', value: 'srt' }]],
    [{ protocol: 'hls' }, [{ field: 'protocol', op: 'eq', value: 'hls' }]],
    [{ sourceAddr: '10.0.0.1:9000' }, [{ field: 'sourceAddr', op: 'eq', value: '10.0.0.1:9000' }]],
    [{ sourcePort: 9_000 }, [{ field: 'sourcePort', op: 'eq', value: 9_000 }]],
    [{ health: ['degraded'] }, [{ field: 'state.health', op: 'in', value: ['degraded'] }]],
    [{ owner: 'ingest-1' }, [{ field: 'owner', op: 'eq', value: 'ingest-1' }]],
    [
      { createdAfter: new Date(1_000), createdBefore: new Date(2_000) },
      [
        { field: 'createdAt', op: 'gt', value: '1970-01-01T00:00:01.000Z' },
        { field: 'createdAt', op: 'lt', value: '1970-01-01T00:00:02.000Z' },
      ],
    ],
    [
      { tags: ['a', 'b'] },
      [
        { field: 'tags', op: 'contains', value: 'a' },
        { field: 'tags', op: 'contains', value: 'b' },
      ],
    ],
    [
      { tags: ['a', 'b'], tagsAny: true },
      [
        {
          or: [
            [{ field: 'tags', op: 'contains', value: 'a' }],
            [{ field: 'tags', op: 'contains', value: 'b' }],
          ],
        },
      ],
    ],
    [{ tags: ['a'], tagsAny: false }, [{ field: 'tags', op: 'contains', value: 'a' }]],
    [{ tags: [] }, []],
    [{ tags: [], tagsAny: true }, []],
    [{ tagsAny: true }, []],
    [{ status: [] }, [{ field: 'status', op: 'in', value: [] }]],
  ])('%j asks for %j', (filter, conditions) => {
    expect(filterConditions(filter)).toEqual(conditions)
  })

  it('does not filter by what is left undefined', () => {
    const names = [
      'status',
      'type',
      'protocol',
      'sourceAddr',
      'sourcePort',
      'createdAfter',
      'createdBefore',
      'tags',
      'tagsAny',
      'health',
      'owner',
    ]
    expect(filterConditions(Object.fromEntries(names.map((name) => [name, undefined])))).toEqual([])
  })

  it.each([
    ['an unknown field', { stauts: 'active' }, 'unknown filter: stauts'],
    ['an unknown field left undefined', { stauts: undefined }, 'unknown filter: stauts'],
    ['a name that objects inherit', { toString: 'x' }, 'unknown filter: toString'],
    ['a status that is none', { status: 'running' }, 'status is never "running"'],
    ['one of several', { status: ['active', 'running'] }, 'status is never "running"'],
    ['null', { owner: null }, 'owner eq takes text'],
    ['a port in words', { sourcePort: '9000' }, 'a finite number'],
    ['a time in words', { createdAfter: '2024-01-15T14:30:52Z' }, 'a valid Date'],
    ['no time', { createdBefore: new Date(Number.NaN) }, 'a valid Date'],
    ['one tag', { tags: 'live' }, 'tags takes an array'],
    ['a tag that is no text', { tags: [5] }, 'tags contains takes text'],
    ['a hole in the tags', { tags: new Array(1) }, 'tags contains takes text'],
    ['a tagsAny that is no boolean', { tags: ['a'], tagsAny: 'yes' }, 'tagsAny takes true or false'],
  ])('is refused for %s', (_, filter, message) => {
    expect(() => filterConditions(filter)).toThrow(QUERY)
    expect(() => filterConditions(filter)).toThrow(message)
  })

  it.each([undefined, null, 'active', ['active'], new Date(), new Map()])('is no %s', (filter) => {
    expect(() => filterConditions(filter)).toThrow('filter takes an object')
  })
})
