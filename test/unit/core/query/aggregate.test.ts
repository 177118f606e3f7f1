import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Grouping } from '../../../../src/core/query/aggregate.ts'
import { aggregate, groupKey } from '../../../../src/core/query/check.ts'
import type { GroupedTree } from '../../../../src/core/query/tree.ts'
import type { Stream } from '../../../../src/index.ts'
import { stateWith, streamWith } from '../../support/streams.ts'

function treeOf(groups: string[], aggregates: [fn: string, field: string][]): GroupedTree {
  return {
    where: [],
    groups: groups.map(groupKey),
    aggregates: aggregates.map(([fn, field]) => aggregate(fn, field)),
  }
}

function grouped(streams: readonly Stream[], groups: string[], ...aggregates: [fn: string, field: string][]) {
  const grouping = new Grouping(treeOf(groups, aggregates))
  for (const stream of streams) grouping.add(stream)
  return grouping.results()
}

const errors = (errorCount: number, more: Partial<Stream> = {}): Stream =>
  streamWith({ ...more, state: stateWith({ errorCount }) })

describe('groups', () => {
  it('hold what has the same values, sorted by them', () => {
    const streams = [errors(1, { type: 'srt' }), errors(2, { type: 'rtp' }), errors(5, { type: 'srt' })]
    expect(grouped(streams, ['type'], ['count', '*'], ['avg', 'errorCount'])).toEqual([
      { key: { type: 'rtp' }, count: 1, avg: { errorCount: 2 } },
      { key: { type: 'srt' }, count: 2, avg: { errorCount: 3 } },
    ])
  })

  it('are of all fields that are grouped by, under the names that they were given', () => {
    const streams = [
      streamWith({ type: 'srt', status: 'active' }),
      streamWith({ type: 'rtp', status: 'paused' }),
      streamWith({ type: 'srt', status: 'paused' }),
    ]
    expect(grouped(streams, ['status', 'health', 'type']).map(({ key }) => key)).toEqual([
      { status: 'active', health: 'unknown', type: 'srt' },
      { status: 'paused', health: 'unknown', type: 'rtp' },
      { status: 'paused', health: 'unknown', type: 'srt' },
    ])
  })

  it('keep types apart, and put numbers before text, text before booleans and what is missing last', () => {
    const values = [undefined, 'b', 1, true, '1', false, null, ['x'], 10, 2]
    const streams = values.map((x) => streamWith({ metadata: x === undefined ? {} : { x } }))
    const results = grouped(streams, ['metadata.x'], ['count', '*'])
    expect(results.map(({ key, count }) => [key['metadata.x'], count])).toEqual([
      [1, 1],
      [2, 1],
      [10, 1],
      ['1', 1],
      ['b', 1],
      [false, 1],
      [true, 1],
      [null, 3],
    ])
  })

  it('by a time are of that time', () => {
    const streams = [new Date(5), new Date(1), new Date(5)].map((createdAt) => streamWith({ createdAt }))
    expect(grouped(streams, ['createdAt'], ['count', '*'])).toEqual([
      { key: { createdAt: new Date(1) }, count: 1 },
      { key: { createdAt: new Date(5) }, count: 2 },
    ])
  })

  it('are none where there is nothing', () => {
    expect(grouped([], ['type'], ['count', '*'])).toEqual([])
  })

  it('can be counted without being read', () => {
    const grouping = new Grouping(treeOf(['type'], [['count', '*']]))
    grouping.addCount({ type: 'srt' }, 3)
    grouping.addCount({ type: 'rtp' }, 1)
    grouping.addCount({ type: 'srt' }, 2)
    expect(grouping.results()).toEqual([
      { key: { type: 'rtp' }, count: 1 },
      { key: { type: 'srt' }, count: 5 },
    ])
  })

  it('may be named like what objects inherit', () => {
    const metadata = JSON.parse('{"toString":"a"}') as Stream['metadata']
    const [group] = grouped([streamWith({ metadata })], ['metadata.toString'], ['max', 'metadata.__proto__'])
    expect(Object.entries(group?.key ?? {})).toEqual([['metadata.toString', 'a']])
    expect(Object.entries(group?.max ?? {})).toEqual([['metadata.__proto__', null]])
  })
})

describe('figures', () => {
  const all: [string, string][] = [
    ['count', '*'],
    ['sum', 'bitrate'],
    ['avg', 'bitrate'],
    ['min', 'bitrate'],
    ['max', 'bitrate'],
  ]

  it('over everything are one group without key', () => {
    const streams = [3, 1, 8].map((bitrate) => streamWith({ bitrate }))
    expect(grouped(streams, [], ...all)).toEqual([
      {
        key: {},
        count: 3,
        sum: { bitrate: 12 },
        avg: { bitrate: 4 },
        min: { bitrate: 1 },
        max: { bitrate: 8 },
      },
    ])
  })

  it('over nothing are there, too', () => {
    expect(grouped([], [], ...all)).toEqual([
      {
        key: {},
        count: 0,
        sum: { bitrate: 0 },
        avg: { bitrate: null },
        min: { bitrate: null },
        max: { bitrate: null },
      },
    ])
  })

  it('leave out what is missing; it counts in the count alone', () => {
    const streams = [streamWith(), streamWith({ bitrate: 4 })]
    expect(grouped(streams, [], ...all)).toEqual([
      {
        key: {},
        count: 2,
        sum: { bitrate: 4 },
        avg: { bitrate: 4 },
        min: { bitrate: 4 },
        max: { bitrate: 4 },
      },
    ])
  })

  it('of metadata take its numbers only', () => {
    const streams = ['5', 1, true, null, 3, [9]].map((x) => streamWith({ metadata: { x } }))
    expect(grouped(streams, [], ['sum', 'metadata.x'], ['max', 'metadata.x'], ['min', 'metadata.x'])).toEqual(
      [{ key: {}, sum: { 'metadata.x': 4 }, max: { 'metadata.x': 3 }, min: { 'metadata.x': 1 } }],
    )
  })

  it('of times are times', () => {
    const streams = [5, 1, 9].map((ms) => streamWith({ createdAt: new Date(ms) }))
    expect(grouped(streams, [], ['min', 'createdAt'], ['max', 'createdAt'])).toEqual([
      { key: {}, min: { createdAt: new Date(1) }, max: { createdAt: new Date(9) } },
    ])
  })

  it('of several fields stand side by side, each under the name it was asked for by', () => {
    const [group] = grouped(
      [errors(2, { bitrate: 7 })],
      [],
      ['sum', 'bitrate'],
      ['count', '*'],
      ['sum', 'errorCount'],
    )
    expect(group).toEqual({ key: {}, count: 1, sum: { bitrate: 7, errorCount: 2 } })
  })

  it('lose nothing to rounding on the way', () => {
    const streams = [1e16, 1, -1e16, 1].map((x) => streamWith({ metadata: { x } }))
    const [group] = grouped(streams, [], ['sum', 'metadata.x'], ['avg', 'metadata.x'])
    expect(group).toMatchObject({ sum: { 'metadata.x': 2 }, avg: { 'metadata.x': 0.5 } })
  })

  it('have an average between the least and the most, also where the sum is beyond all numbers', () => {
    const streams = [1e308, 1e308].map((x) => streamWith({ metadata: { x } }))
    expect(grouped(streams, [], ['avg', 'metadata.x'])).toEqual([{ key: {}, avg: { 'metadata.x': 1e308 } }])
  })

  it('do not depend on the order that streams come in', () => {
    const number = fc.double({ noNaN: true, min: -1e300, max: 1e300 })
    const x = fc.oneof(number, fc.constantFrom('a', 'b', null))
    const streams = fc.array(
      fc.record({ x, region: fc.constantFrom('eu', 'us', 5) }).map((metadata) => streamWith({ metadata })),
      { maxLength: 12 },
    )
    const figures: [string, string][] = ['sum', 'avg', 'min', 'max'].map((fn) => [fn, 'metadata.x'])
    fc.assert(
      fc.property(
        streams.chain((list) =>
          fc.tuple(
            fc.constant(list),
            fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
          ),
        ),
        ([list, shuffled]) => {
          const textOf = (given: Stream[]): string =>
            JSON.stringify(grouped(given, ['metadata.region'], ['count', '*'], ...figures))
          expect(textOf(shuffled)).toBe(textOf(list))
        },
      ),
    )
  })
})
