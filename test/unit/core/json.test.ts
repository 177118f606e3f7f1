import { isDeepStrictEqual } from 'node:util'
import { runInNewContext } from 'node:vm'
import { LIMITS } from '@mirror/stream-registry'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isPlainObject,
  jsonClone,
  jsonEqual,
  jsonObjectIssues,
  readJsonObject,
  readJsonPatch,
} from '../../../src/core/model/json.ts'

const issuesOf = (value: unknown) => jsonObjectIssues(value, LIMITS.json)
const messagesOf = (value: unknown) => issuesOf(value).map(({ message }) => message)

/** Objects of this many levels, one in the other. */
function nested(levels: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = { a: value }
  return value
}

function withKeys(count: number): object {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`key${i}`, i]))
}

const anyObject = fc.dictionary(
  fc.string({ unit: 'binary' }),
  fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    maxDepth: 3,
  }),
  { maxKeys: 4, noNullPrototype: true },
)

describe('what is accepted as metadata', () => {
  it('comes through JSON exactly as it was', () => {
    let accepted = 0
    fc.assert(
      fc.property(fc.oneof(anyObject, fc.dictionary(fc.string(), fc.jsonValue())), (value) => {
        if (issuesOf(value).length > 0) return
        accepted += 1
        const through: unknown = JSON.parse(JSON.stringify(value))
        expect(jsonEqual(through, value)).toBe(true)
        // JSON has no negative zero; a clone lets prototypes be those of this realm.
        expect(
          isDeepStrictEqual(withoutNegativeZero(through), withoutNegativeZero(structuredClone(value))),
        ).toBe(true)
      }),
      { numRuns: 1_000 },
    )
    expect(accepted).toBeGreaterThan(100)
  })

  it('is every JSON object within the limits', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue({ maxDepth: 3 })),
        (value) => {
          fc.pre(
            Object.keys(value).length <= 64 &&
              !JSON.stringify(value).match(/__proto__|constructor|prototype/),
          )
          fc.pre(
            !numbersIn(value).some((number) => Number.isInteger(number) && !Number.isSafeInteger(number)),
          )
          fc.pre(
            !JSON.stringify(value).includes('\\u0000') && Buffer.byteLength(JSON.stringify(value)) <= 16_384,
          )
          expect(issuesOf(value)).toEqual([])
        },
      ),
    )
  })

  it('includes integers to 2^53-1 and empty lists and objects', () => {
    const value = {
      max: Number.MAX_SAFE_INTEGER,
      min: Number.MIN_SAFE_INTEGER,
      list: [],
      object: {},
      none: null,
    }
    expect(issuesOf(value)).toEqual([])
  })

  it('includes objects of another realm and without a prototype', () => {
    expect(issuesOf(runInNewContext('({ a: { b: [1] } })'))).toEqual([])
    expect(issuesOf(Object.assign(Object.create(null), { a: 1 }))).toEqual([])
  })
})

describe('the limits of metadata', () => {
  it('are 16 KiB of UTF-8, to the byte', () => {
    const room = 16_384 - '{"a":""}'.length
    expect(issuesOf({ a: 'x'.repeat(room) })).toEqual([])
    expect(messagesOf({ a: 'x'.repeat(room + 1) })).toEqual(['must be at most 16384 bytes of JSON'])
    expect(issuesOf({ a: '€'.repeat(room / 3) })).toEqual([])
    expect(messagesOf({ a: `${'€'.repeat(room / 3)}x` })).toHaveLength(room % 3 === 0 ? 1 : 0)
    expect(messagesOf({ a: '\u0001'.repeat(room / 6 + 1) })).toEqual(['must be at most 16384 bytes of JSON'])
  })

  it('are a depth of 8', () => {
    expect(issuesOf(nested(8))).toEqual([])
    expect(issuesOf(nested(9))).toEqual([
      { path: Array.from({ length: 8 }, () => 'a'), message: 'must be nested at most 8 deep' },
    ])
    expect(issuesOf({ a: [[[[[[[]]]]]]] })).toEqual([])
    expect(issuesOf({ a: [[[[[[[[]]]]]]]] })).toHaveLength(1)
  })

  it('are 64 keys', () => {
    expect(issuesOf(withKeys(64))).toEqual([])
    expect(messagesOf(withKeys(65))).toEqual(['must have at most 64 keys'])
  })

  it('end a value that holds itself', () => {
    const value: Record<string, unknown> = {}
    value.self = value
    expect(messagesOf(value)).toEqual(['must be nested at most 8 deep'])
  })
})

describe('what is refused as metadata', () => {
  it.each([
    ['a list', []],
    ['null', null],
    ['text', '{}'],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['nothing', undefined],
  ])('is %s in its place', (_, value) => {
    expect(issuesOf(value)).toEqual([{ path: [], message: 'must be a JSON object' }])
  })

  it.each([
    ['undefined', undefined, 'must be JSON, not undefined'],
    ['a function', () => 1, 'must be JSON, not a function'],
    ['a symbol', Symbol('a'), 'must be JSON, not a symbol'],
    ['a bigint', 1n, 'must be JSON, not a bigint'],
    ['NaN', Number.NaN, 'must be a finite number'],
    ['Infinity', Number.NEGATIVE_INFINITY, 'must be a finite number'],
    ['an inexact integer', 2 ** 53, 'is an integer beyond 2^53-1, which JSON cannot hold exactly'],
    [
      'an inexact negative integer',
      -(2 ** 53),
      'is an integer beyond 2^53-1, which JSON cannot hold exactly',
    ],
    ['a date', new Date(0), 'must be JSON, not a class instance'],
    ['a boxed text', new String('a'), 'must be JSON, not a class instance'],
    ['a NUL', 'a\0', 'must not contain a NUL character'],
    ['a lone surrogate', '\ud800', 'must not contain a lone surrogate'],
  ])('is %s anywhere in it, and the place is named', (_, value, message) => {
    expect(issuesOf({ a: [{ b: value }] })).toEqual([{ path: ['a', 0, 'b'], message }])
  })

  it('is a hole in a list', () => {
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
    expect(issuesOf({ a: [1, , 2] })).toEqual([{ path: ['a', 1], message: 'must be JSON, not undefined' }])
  })

  it.each(['__proto__', 'constructor', 'prototype'])('is the key %s, at any depth', (key) => {
    const value = JSON.parse(`{"${key}":1,"a":[{"${key}":1}]}`)
    expect(issuesOf(value)).toEqual([
      { path: [key], message: 'is not allowed as a key' },
      { path: ['a', 0, key], message: 'is not allowed as a key' },
    ])
  })

  it('is a key with a NUL or a lone surrogate', () => {
    expect(messagesOf({ 'a\0': 1, '\udfff': 2 })).toEqual([
      'must not contain a NUL character',
      'must not contain a lone surrogate',
    ])
  })
})

const READERS = [
  ['an object', readJsonObject],
  ['a patch', readJsonPatch],
] as const

/** What a reader makes of a value, and how long it takes. */
function timed(read: typeof readJsonObject, value: unknown) {
  const start = performance.now()
  const reading = read(value, LIMITS.json)
  return { ...reading, ms: performance.now() - start }
}

describe.each(READERS)('the copy that is read of %s', (_, read) => {
  it('equals the value, and shares nothing with it', () => {
    const inner = { deep: [1, { x: 'y' }] }
    const value = { inner, list: [inner, []], none: null }
    const { json, issues } = read(value, LIMITS.json)
    expect(issues).toEqual([])
    expect(json).toStrictEqual(value)
    expect(objectsIn(json).filter((object) => objectsIn(value).includes(object))).toEqual([])
    inner.deep.push(2)
    expect(json).toStrictEqual({
      inner: { deep: [1, { x: 'y' }] },
      list: [{ deep: [1, { x: 'y' }] }, []],
      none: null,
    })
  })

  it('is what was checked: a getter is read once', () => {
    let reads = 0
    const nestedGetter = {
      get b() {
        reads += 1
        return reads === 1 ? 'good' : 'bad\0'
      },
    }
    const { json, issues } = read({ a: [nestedGetter] }, LIMITS.json)
    expect(issues).toEqual([])
    expect(json).toStrictEqual({ a: [{ b: 'good' }] })
    expect(reads).toBe(1)
  })

  it('keeps null prototypes and other realms out', () => {
    const { json } = read(
      Object.assign(Object.create(null), { a: runInNewContext('({ b: [] })') }),
      LIMITS.json,
    )
    expect(json).toStrictEqual({ a: { b: [] } })
  })
})

describe('the copy of a patch', () => {
  it('has no members that are undefined, which an object may not have', () => {
    const value = { a: undefined, b: { c: undefined, d: null } }
    expect(readJsonPatch(value, LIMITS.json)).toStrictEqual({ json: { b: { d: null } }, issues: [] })
    expect(readJsonObject(value, LIMITS.json).issues.map(({ path }) => path)).toEqual([['a'], ['b', 'c']])
  })
})

describe.each(READERS)('%s that would take long to read', (_, read) => {
  const shared = Array.from({ length: 5 }).reduce<unknown>((value) => new Array(16).fill(value), 1)
  const cyclic: Record<string, unknown> = { list: [] }
  cyclic.list = new Array(16).fill(cyclic)

  it.each([
    ['a long list of holes', { a: new Array(1e6) }],
    ['many bad texts', { a: new Array(300_000).fill('\0') }],
    [
      'many bad members',
      Object.fromEntries(Array.from({ length: 300_000 }, (_, i) => [`k${i}`, Number.NaN])),
    ],
    ['many bad keys', Object.fromEntries(Array.from({ length: 300_000 }, (_, i) => [`k${i}\0`, 1]))],
    ['many good values', { a: new Array(1e6).fill(1) }],
    ['what is shared 16^5 times', { shared }],
    ['what holds itself', cyclic],
  ])('is refused fast, and briefly: %s', (_, value) => {
    const { issues, ms } = timed(read, value)
    expect(issues.length).toBeGreaterThan(0)
    expect(issues.length).toBeLessThanOrEqual(20)
    expect(ms).toBeLessThan(1_000)
  })

  it('is told to be too large', () => {
    const { issues } = timed(read, { shared })
    expect(issues.map(({ message }) => message)).toEqual(['must be at most 16384 bytes of JSON'])
  })
})

describe('an object literal', () => {
  it('is told from everything else', () => {
    class Thing {}
    for (const plain of [{}, Object.create(null), runInNewContext('({})')])
      expect(isPlainObject(plain)).toBe(true)
    for (const other of [[], null, 1, '', new Thing(), new Date(), new Map(), Object.create({}), () => 1]) {
      expect(isPlainObject(other)).toBe(false)
    }
  })
})

describe('JSON equality', () => {
  it('holds between a value and its copy, which shares nothing with it', () => {
    // No JSON of a stream has that key.
    const json = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('"__proto__"'))
    fc.assert(
      fc.property(json, (value) => {
        const copy = jsonClone(value)
        expect(jsonEqual(value, copy)).toBe(true)
        expect(copy).toStrictEqual(value)
        if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value)
      }),
    )
  })

  it('is what the texts say, but for the order of keys', () => {
    const small = fc.jsonValue({ maxDepth: 2, depthSize: 'small' })
    fc.assert(
      fc.property(small, small, (a, b) => jsonEqual(a, b) === isDeepStrictEqual(a, b)),
      { numRuns: 1_000 },
    )
    expect(jsonEqual({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 })).toBe(true)
  })

  it.each([
    [[], {}],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: 1 }, { a: '1' }],
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, { a: 1, b: 1 }],
    [{ a: undefined }, { b: 1 }],
    [null, {}],
    [null, undefined],
    [{}, { toString: 1 }],
  ])('tells %j from %j', (a, b) => {
    expect(jsonEqual(a, b)).toBe(false)
    expect(jsonEqual(b, a)).toBe(false)
  })
})

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : []
}

function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return []
  return [value, ...Object.values(value).flatMap(objectsIn)]
}

function withoutNegativeZero(value: unknown): unknown {
  if (value === 0) return 0
  if (Array.isArray(value)) return value.map(withoutNegativeZero)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutNegativeZero(member)]))
}
