import { describe, expect, it } from 'vitest'
import type { Range, Section, Walk, WalkBranch } from '../../../src/core/store.ts'
import { decodeKey, encodeSection, encodeTerm, encodeWalk } from '../../../src/redis/sections.ts'

const at = <T>(value: T): { value: T; exclusive: boolean } => ({ value, exclusive: false })
const beyond = <T>(value: T): { value: T; exclusive: boolean } => ({ value, exclusive: true })

const number = (range: Range<number> = {}) => ({ kind: 'number', index: 'bitrate', range }) as const
const text = (range: Range<string> = {}) => ({ kind: 'text', index: 'name', range }) as const
const active = { kind: 'equality', index: 'status', value: 'active', range: {} } as const

describe('a section for the scripts', () => {
  it.each<[Section, string[]]>([
    [active, ['status:active', '-inf', '+inf']],
    [{ ...active, range: { min: at(5), max: beyond(9) } }, ['status:active', '5', '(9']],
    [number(), ['bitrate', '-inf', '+inf']],
    [number({ min: at(0) }), ['bitrate', '0', '+inf']],
    [number({ min: beyond(1.5), max: at(1e21) }), ['bitrate', '(1.5', '1e+21']],
    [number({ min: at(-5e-324) }), ['bitrate', '-5e-324', '+inf']],
    [number({ max: beyond(Number.POSITIVE_INFINITY) }), ['bitrate', '-inf', '(+inf']],
    [number({ min: at(Number.POSITIVE_INFINITY) }), ['bitrate', '+inf', '+inf']],
    [number({ min: at(Number.NEGATIVE_INFINITY) }), ['bitrate', '-inf', '+inf']],
    [text(), ['name', '-', '+']],
    [text({ min: at('a'), max: at('a') }), ['name', '[va\0', '(va\x01']],
    [text({ min: beyond('a'), max: beyond('b') }), ['name', '[va\x01', '(vb\0']],
    [text({ min: at('') }), ['name', '[v\0', '(w']],
    [text({ max: at('b') }), ['name', '[v', '(vb\x01']],
  ])('%j is %j', (section, encoded) => {
    expect(encodeSection(section)).toEqual(encoded)
  })

  /** Members as the scripts write them, in their order. */
  const members = ['v\0c9', 'va\0c1', 'va\0c2', 'va b\0c3', 'vaa\0c4', 'vb\0c5', 'v😀\0c6', '~\0c7']

  it.each<[Range<string>, string]>([
    [{}, '91234567'],
    [{ min: at('') }, '9123456'],
    [{ min: beyond('') }, '123456'],
    [{ min: at('a'), max: at('a') }, '12'],
    [{ min: beyond('a') }, '3456'],
    [{ max: at('a') }, '912'],
    [{ max: beyond('a') }, '9'],
    [{ min: at('a'), max: beyond('b') }, '1234'],
    [{ min: at('b') }, '56'],
  ])('of text holds the members in %j, by their bytes', (range, expected) => {
    const [, min = '', max = ''] = encodeSection(text(range))
    const isIn = (member: string): boolean => {
      const compare = (bound: string): number =>
        Buffer.compare(Buffer.from(member), Buffer.from(bound.slice(1)))
      return (min === '-' || compare(min) >= 0) && (max === '+' || compare(max) < 0)
    }
    const ids = members.filter(isIn).map((member) => member.at(-1))
    expect(ids.join('')).toBe(expected)
  })
})

describe('a term for the scripts', () => {
  it('says first whether it must hold or must not', () => {
    expect(encodeTerm({ section: active, negated: false })).toEqual(['+', 'status:active', '-inf', '+inf'])
    expect(encodeTerm({ section: number({ min: at(5) }), negated: true })).toEqual([
      '-',
      'bitrate',
      '5',
      '+inf',
    ])
  })
})

describe('a walk for the scripts', () => {
  const LIMIT = 7
  const BUDGET = 1_000

  function walk({ along = active, where = [], share = 1, ...more }: Partial<Walk & WalkBranch> = {}): Walk {
    return { branches: [{ along, where, share }], descending: false, limit: LIMIT, read: 'ids', ...more }
  }

  const terms = [
    { section: number({ max: at(5) }), negated: false },
    { section: { ...active, value: 'paused' }, negated: true },
  ] as const
  const encodedTerms = [...['+', 'bitrate', '-inf', '5'], ...['-', 'status:paused', '-inf', '+inf']]

  it('says which way, from where, how much, where and what else must hold', () => {
    const encoded = encodeWalk(walk({ descending: true, where: terms, share: 0.5 }), LIMIT, BUDGET)
    expect(encoded.slice(0, 6)).toEqual(['1', '', '', '7', '1000', 'ids'])
    expect(encoded.slice(6, 9)).toEqual(['status:active', '-inf', '+inf'])
    expect(encoded.slice(10)).toEqual(['2', ...encodedTerms])
    expect(encodeWalk(walk(), LIMIT, BUDGET)[0]).toBe('0')
    expect(encodeWalk(walk(), LIMIT, BUDGET).slice(-2)).toEqual(['7', '0'])
  })

  it('says of each branch where, how much and what else must hold', () => {
    const branches = [
      { along: active, where: [], share: 1 },
      { along: { ...active, value: 'paused', range: { min: at(5) } }, where: terms, share: 0.5 },
    ]
    const encoded = encodeWalk(walk({ branches, after: { key: 5, id: 'cam1' } }), LIMIT, BUDGET)
    expect(encoded.slice(0, 6)).toEqual(['0', '5', 'cam1', '7', '1000', 'ids'])
    expect(encoded.slice(6)).toEqual([
      ...['status:active', '-inf', '+inf', '7', '0'],
      ...['status:paused', '5', '+inf', expect.any(String), '2', ...encodedTerms],
    ])
    expect(Number(encoded[14])).toBeGreaterThan(14)
  })

  it.each<[Section, Walk['after'], string[]]>([
    [active, { key: 5, id: 'cam1' }, ['5', 'cam1']],
    [number(), { key: null, id: 'cam1' }, ['+inf', 'cam1']],
    [number(), { key: Number.POSITIVE_INFINITY, id: '' }, ['+inf', '']],
    [number(), { key: 1e-7, id: 'cam1' }, ['1e-7', 'cam1']],
    [text(), { key: 'a b', id: 'cam1' }, ['va b', 'cam1']],
    [text(), { key: '', id: 'cam1' }, ['v', 'cam1']],
    [text(), { key: null, id: 'cam1' }, ['~', 'cam1']],
    [text(), undefined, ['', '']],
  ])('goes on: %#', (along, after, place) => {
    expect(encodeWalk(walk({ along, after }), LIMIT, BUDGET).slice(1, 3)).toEqual(place)
  })

  /** How many members the script looks at at once. */
  const chunkOf = (share: number, limit: number, isFiltered = true): number => {
    const where = isFiltered ? [{ section: number(), negated: false }] : []
    return Number(encodeWalk(walk({ where, share }), limit, BUDGET)[9])
  }

  it('looks at as many members at once as are expected to hold enough', () => {
    expect(chunkOf(1, 7, false)).toBe(7)
    expect(chunkOf(0.5, 100)).toBeGreaterThan(200)
    expect(chunkOf(0.5, 100)).toBeLessThan(400)
    expect(chunkOf(1, 1)).toBeGreaterThan(1)
  })

  it.each([0, 1e-300, 0.001])(
    'never looks at more than its budget, where a share of %s is expected',
    (share) => {
      expect(chunkOf(share, 100)).toBe(BUDGET)
    },
  )

  it('never looks at more than its budget, however much is wanted', () => {
    expect(chunkOf(1, Number.MAX_SAFE_INTEGER)).toBe(BUDGET)
    expect(chunkOf(1, Number.MAX_SAFE_INTEGER, false)).toBe(BUDGET)
  })
})

describe('a place from the scripts', () => {
  it.each<[Section, string, number | string | null]>([
    [active, '5', 5],
    [number(), '1.5', 1.5],
    [number(), '1e+21', 1e21],
    [number(), 'inf', null],
    [number(), '+inf', null],
    [text(), 'va b', 'a b'],
    [text(), 'v', ''],
    [text(), 'v~', '~'],
    [text(), 'vinf', 'inf'],
    [text(), '~', null],
  ])('%#: is the value there', (section, encoded, key) => {
    expect(decodeKey(section, encoded)).toBe(key)
  })
})
