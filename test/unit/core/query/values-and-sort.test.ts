import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { orderOf } from '../../../../src/core/query/sort.ts'
import type { Scalar, SortKey } from '../../../../src/core/query/tree.ts'
import { compareIds, compareScalars, keysOf, scalarOf, valueAt } from '../../../../src/core/query/values.ts'
import { streamWith } from '../../support/streams.ts'

const scalar: fc.Arbitrary<Scalar | undefined> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.constantFrom('\uffff', '😀', 'a', ''),
  fc.boolean(),
  fc.constant(undefined),
)

describe('the value at a path', () => {
  const document = { a: { b: 1, '': 2, list: ['x'] }, date: new Date(5), none: null, text: 'abc' }

  it.each([
    ['a.b', 1],
    ['a', document.a],
    ['a.list', ['x']],
    ['a.c', undefined],
    ['a.b.c', undefined],
    ['none', null],
    ['none.x', undefined],
    ['date', document.date],
  ])('%s is %j', (path, value) => {
    expect(valueAt(document, keysOf(path))).toEqual(value)
  })

  it.each(['toString', 'a.constructor', 'a.__proto__', 'text.length.toFixed', 'date.getTime', '__proto__'])(
    'is nothing inherited: %s',
    (path) => {
      expect(valueAt(document, keysOf(path))).toBeUndefined()
    },
  )

  it('is a member of whatever name, if it is its own', () => {
    const own = JSON.parse('{"metadata":{"__proto__":5}}') as object
    expect(valueAt(own, ['metadata', '__proto__'])).toBe(5)
  })
})

describe('a value as it is compared', () => {
  it.each([
    ['x', 'x'],
    [0, 0],
    [false, false],
    [new Date(7), 7],
    [null, undefined],
    [undefined, undefined],
    [['x'], undefined],
    [{ x: 1 }, undefined],
  ])('%j is %j', (value, expected) => {
    expect(scalarOf(value)).toBe(expected)
  })
})

describe('the order of values', () => {
  it('is numbers and times, text, booleans, then what is missing', () => {
    const values = [undefined, true, 'b', 5, false, 'a', -1]
    expect([...values].sort(compareScalars)).toEqual([-1, 5, 'a', 'b', false, true, undefined])
    // Array.sort puts undefined last by itself.
    expect(compareScalars(undefined, true)).toBeGreaterThan(0)
    expect(compareScalars(5, undefined)).toBeLessThan(0)
    expect(compareScalars(undefined, undefined)).toBe(0)
  })

  it('of text is that of its UTF-8 bytes', () => {
    expect(compareScalars('\uffff', '😀')).toBeLessThan(0)
    expect(compareScalars('Z', 'a')).toBeLessThan(0)
  })

  it('takes 0 and -0 for one, and tells the least numbers apart', () => {
    expect(compareScalars(0, -0)).toBe(0)
    expect(compareScalars(5e-324, 0)).toBeGreaterThan(0)
    expect(compareScalars(-1e308, 1e308)).toBeLessThan(0)
  })

  it('is an order', () => {
    fc.assert(
      fc.property(scalar, scalar, scalar, (a, b, c) => {
        const signOf = (x: typeof a, y: typeof a): number => Math.sign(compareScalars(x, y)) + 0
        expect(signOf(a, b)).toBe(0 - signOf(b, a))
        expect(signOf(a, a)).toBe(0)
        if (signOf(a, b) <= 0 && signOf(b, c) <= 0) expect(signOf(a, c)).toBeLessThanOrEqual(0)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('the order of ids', () => {
  it('is that of their bytes', () => {
    expect(['b', 'a', 'B', '10', '9'].sort(compareIds)).toEqual(['10', '9', 'B', 'a', 'b'])
    expect(compareIds('a', 'a')).toBe(0)
  })
})

describe('an order over streams', () => {
  const streams = [
    streamWith({ id: 'c', bitrate: 5, name: 'x', createdAt: new Date(3) }),
    streamWith({ id: 'b', bitrate: 5, createdAt: new Date(1) }),
    streamWith({ id: 'a', name: 'y', createdAt: new Date(2) }),
    streamWith({ id: 'd', bitrate: 1, name: 'x', createdAt: new Date(1) }),
  ]

  function sorted(...sort: SortKey[]): string {
    const order = orderOf(sort)
    return streams
      .map((stream) => order.positionOf(stream))
      .sort((a, b) => order.compare(a, b))
      .map(({ id }) => id)
      .join('')
  }

  it('is by creation, then by id, where none is asked for', () => {
    expect(sorted()).toBe('bdac')
    expect(orderOf([]).keys).toEqual([{ field: 'createdAt', direction: 'asc' }])
  })

  it.each([
    ['missing values last, ascending', 'dbca', [{ field: 'bitrate', direction: 'asc' }]],
    ['missing values first, descending', 'acbd', [{ field: 'bitrate', direction: 'desc' }]],
    [
      'by one field within another, ties in the last direction',
      'dcba',
      [
        { field: 'bitrate', direction: 'asc' },
        { field: 'createdAt', direction: 'desc' },
      ],
    ],
    [
      'each field in its own direction',
      'badc',
      [
        { field: 'name', direction: 'desc' },
        { field: 'bitrate', direction: 'asc' },
      ],
    ],
  ] as const)('puts %s', (_, expected, sort) => {
    expect(sorted(...sort)).toBe(expected)
  })

  it('tells a stream’s place: the sort values, times as milliseconds, and the id', () => {
    const order = orderOf([
      { field: 'name', direction: 'asc' },
      { field: 'createdAt', direction: 'desc' },
    ])
    expect(order.positionOf(streams[1]!)).toEqual({ values: [undefined, 1], id: 'b' })
  })

  it('ties go by id in the last direction', () => {
    const order = (direction: 'asc' | 'desc') => orderOf([{ field: 'type', direction }])
    const [a, b] = ['a', 'b'].map((id) => ({ values: ['srt'], id })) as [
      { values: Scalar[]; id: string },
      { values: Scalar[]; id: string },
    ]
    expect(order('asc').compare(a, b)).toBeLessThan(0)
    expect(order('desc').compare(a, b)).toBeGreaterThan(0)
    expect(order('asc').compare(a, a)).toBe(0)
    const mixed = orderOf([
      { field: 'type', direction: 'asc' },
      { field: 'status', direction: 'desc' },
    ])
    expect(
      mixed.compare({ values: ['srt', 'active'], id: 'a' }, { values: ['srt', 'active'], id: 'b' }),
    ).toBe(1)
  })
})
