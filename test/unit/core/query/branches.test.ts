import type { IndexDeclaration, Operator, Stream } from '@mirror/stream-registry'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entriesOf } from '../../../../src/core/indexes.ts'
import { compareText } from '../../../../src/core/model/text.ts'
import { type Branch, branchesOf } from '../../../../src/core/query/branches.ts'
import { comparison } from '../../../../src/core/query/check.ts'
import { matcherOf } from '../../../../src/core/query/evaluate.ts'
import { fieldIndexes } from '../../../../src/core/query/field-indexes.ts'
import { isInRange } from '../../../../src/core/query/ranges.ts'
import type { Condition } from '../../../../src/core/query/tree.ts'
import type { Range, Section, Term } from '../../../../src/core/store.ts'
import { CREATED_MS, stateWith, streamWith } from '../../support/streams.ts'

const DECLARED: readonly IndexDeclaration[] = [
  { field: 'metadata.region', kind: 'equality' },
  { field: 'metadata.zone', kind: 'number' },
  { field: 'metadata.label', kind: 'text' },
  { field: 'bitrate', kind: 'number' },
  { field: 'startedAt', kind: 'number' },
  { field: 'name', kind: 'text' },
]

const is = (field: string, op: Operator, value: unknown): Condition => comparison(field, op, value)
const or = (...alternatives: Condition[][]): Condition => ({ or: alternatives })

function branches(...where: Condition[]): readonly Branch[] {
  return branchesOf(where, fieldIndexes(DECLARED))
}

/** A bound as in mathematics: `[` and `]` include it. */
function rangeOf({ min, max }: Range<number | string>): string {
  if (min === undefined && max === undefined) return ''
  const from = min === undefined ? '(' : `${min.exclusive ? '(' : '['}${min.value}`
  const to = max === undefined ? ')' : `${max.value}${max.exclusive ? ')' : ']'}`
  return ` ${from},${to}`
}

/** A branch on one line, `?` in front where documents have to be looked at. */
function line({ terms, texts, covered }: Branch): string {
  const sectionOf = (section: Section): string =>
    `${section.index}${section.kind === 'equality' ? `:${section.value}` : ''}${rangeOf(section.range)}`
  const parts = terms.map(({ section, negated }) => `${negated ? '-' : ''}${sectionOf(section)}`)
  return [...(covered ? [] : ['?']), ...parts, ...texts.map(sectionOf)].join(' & ')
}

const lines = (...where: Condition[]): string[] => branches(...where).map(line)

describe('the branches of an equality index', () => {
  it.each([
    ['status', 'eq', 'active', ['status:active']],
    ['status', 'ne', 'active', ['-status:active']],
    ['status', 'in', ['active', 'paused'], ['status:active', 'status:paused']],
    ['status', 'in', ['active', 'active'], ['status:active']],
    ['status', 'in', [], []],
    ['status', 'nin', ['active', 'paused'], ['-status:active & -status:paused']],
    ['status', 'nin', [], ['']],
    ['health', 'eq', 'healthy', ['health:healthy']],
    ['owner', 'eq', 'ingest-1', ['owner:ingest-1']],
    ['tags', 'contains', 'live', ['tag:live']],
    ['tags', 'exists', true, ['?']],
    ['status', 'like', 'act*', ['?']],
    ['status', 'gt', 'b', ['?']],
    ['owner', 'contains', 'ingest', ['?']],
    ['owner', 'exists', true, ['?']],
    ['metadata.region', 'eq', 'eu', ['metadata.region:seu']],
    [
      'metadata.region',
      'in',
      ['1', 1, true],
      ['metadata.region:s1', 'metadata.region:n1', 'metadata.region:btrue'],
    ],
    ['metadata.region', 'contains', 'eu', ['?']],
  ] as const)('%s %s %j', (field, op, value, expected) => {
    expect(lines(is(field, op, value))).toEqual(expected)
  })

  it('do not say it all where a key is cut at 128 characters', () => {
    const [whole, shared, cut] = ['x'.repeat(127), 'x'.repeat(128), 'x'.repeat(129)]
    expect(lines(is('metadata.region', 'eq', whole))).toEqual([`metadata.region:s${whole}`])
    expect(lines(is('metadata.region', 'eq', shared))).toEqual([`? & metadata.region:s${shared}`])
    expect(lines(is('metadata.region', 'eq', cut))).toEqual([`? & metadata.region:s${shared}`])
    expect(lines(is('metadata.region', 'in', [cut, 'eu']))).toEqual([
      `? & metadata.region:s${shared}`,
      'metadata.region:seu',
    ])
  })

  it('exclude no key that stands for several values', () => {
    expect(lines(is('metadata.region', 'ne', 'x'.repeat(129)))).toEqual(['?'])
    expect(lines(is('metadata.region', 'nin', ['x'.repeat(129), 'eu']))).toEqual(['? & -metadata.region:seu'])
  })

  it('exclude at most 16 values', () => {
    const names = Array.from({ length: 17 }, (_, i) => `ingest-${i}`)
    expect(branches(is('owner', 'nin', names.slice(1)))[0]?.terms).toHaveLength(16)
    expect(lines(is('owner', 'nin', names))).toEqual(['?'])
    expect(branches(is('owner', 'nin', [...names.slice(1), 'ingest-1']))[0]?.terms).toHaveLength(16)
  })
})

describe('the branches of a number index', () => {
  it.each([
    ['bitrate', 'eq', 5, ['bitrate [5,5]']],
    ['bitrate', 'gt', 5, ['bitrate (5,Infinity)']],
    ['bitrate', 'gte', 5, ['bitrate [5,Infinity)']],
    ['bitrate', 'lt', 5, ['bitrate (,5)']],
    ['bitrate', 'lte', 5, ['bitrate (,5]']],
    ['bitrate', 'in', [5, 7, 5], ['bitrate [5,5]', 'bitrate [7,7]']],
    ['bitrate', 'in', [], []],
    ['bitrate', 'ne', 5, ['?']],
    ['bitrate', 'nin', [5], ['?']],
    ['bitrate', 'exists', true, ['bitrate (,Infinity)']],
    ['bitrate', 'exists', false, ['bitrate [Infinity,)']],
    ['startedAt', 'gt', new Date(5), ['startedAt (5,Infinity)']],
    ['startedAt', 'in', [new Date(5)], ['startedAt [5,5]']],
    ['createdAt', 'lt', new Date(5), ['created_at (,5)']],
    ['metadata.zone', 'gt', 5, ['metadata.zone (5,Infinity)']],
    ['metadata.zone', 'eq', '5', ['?']],
    ['metadata.zone', 'in', [5, 'x'], ['?']],
    ['metadata.zone', 'exists', true, ['?']],
    ['metadata.zone', 'exists', false, ['?']],
  ] as const)('%s %s %j', (field, op, value, expected) => {
    expect(lines(is(field, op, value))).toEqual(expected)
  })

  it('draw ranges together', () => {
    expect(lines(is('bitrate', 'gt', 5), is('bitrate', 'lte', 9), is('bitrate', 'lt', 12))).toEqual([
      'bitrate (5,9]',
    ])
    expect(lines(is('bitrate', 'gte', 5), is('bitrate', 'gt', 5))).toEqual(['bitrate (5,Infinity)'])
  })

  it.each([
    ['apart', is('bitrate', 'gt', 9), is('bitrate', 'lt', 5)],
    ['at one end', is('bitrate', 'gt', 5), is('bitrate', 'lte', 5)],
    ['of a value and a range', is('bitrate', 'eq', 5), is('bitrate', 'gt', 5)],
    ['of a missing value', is('bitrate', 'exists', false), is('bitrate', 'lt', 5)],
  ])('are none where the ranges contradict: %s', (_, a, b) => {
    expect(branches(a, b)).toEqual([])
    expect(branches(is('type', 'eq', 'srt'), a, b)).toEqual([])
    expect(lines(or([a, b], [is('type', 'eq', 'rtp')]))).toEqual(['type:rtp'])
  })

  it('of creation bound the equality indexes, which are in its order; not what is excluded', () => {
    const where = [is('createdAt', 'gt', new Date(5)), is('status', 'eq', 'active'), is('type', 'ne', 'srt')]
    expect(lines(...where)).toEqual(['status:active (5,Infinity) & created_at (5,Infinity) & -type:srt'])
  })
})

describe('the branches of a text index', () => {
  it.each([
    ['name', 'eq', 'cam', ['name [cam,cam]']],
    ['name', 'gt', 'cam', ['name (cam,)']],
    ['name', 'gte', 'cam', ['name [cam,)']],
    ['name', 'lt', 'cam', ['name [,cam)']],
    ['name', 'lte', 'cam', ['name [,cam]']],
    ['name', 'in', ['a', 'b', 'a'], ['name [a,a]', 'name [b,b]']],
    ['name', 'like', 'cam', ['name [cam,cam]']],
    ['name', 'like', 'cam*', ['name [cam,can)']],
    ['name', 'like', 'cam**', ['name [cam,can)']],
    ['name', 'like', '*', ['name [,)']],
    ['name', 'like', '\u{10ffff}*', ['name [\u{10ffff},)']],
    ['name', 'like', 'cam*a', ['? & name [cam,can)']],
    ['name', 'like', 'cam?', ['? & name [cam,can)']],
    ['name', 'like', '?', ['? & name [,)']],
    ['name', 'ne', 'cam', ['?']],
    ['name', 'nin', ['cam'], ['?']],
    ['name', 'contains', 'am', ['?']],
    ['name', 'exists', true, ['?']],
    ['sourceAddr', 'like', '10.0.*', ['source_addr [10.0.,10.0/)']],
    ['metadata.label', 'eq', 5, ['?']],
    ['metadata.label', 'in', ['a', 5], ['?']],
    ['metadata.label', 'eq', 'a', ['metadata.label [a,a]']],
  ] as const)('%s %s %j', (field, op, value, expected) => {
    expect(lines(is(field, op, value))).toEqual(expected)
  })
})

describe('the branches of text conditions', () => {
  it('draw ranges together', () => {
    expect(lines(is('name', 'gte', 'a'), is('name', 'lt', 'd'), is('name', 'lte', 'f'))).toEqual([
      'name [a,d)',
    ])
    expect(lines(is('name', 'like', 'ca*'), is('name', 'gt', 'cam'))).toEqual(['name (cam,cb)'])
    expect(lines(is('name', 'gt', '\u{ffff}'), is('name', 'lte', '😀'))).toEqual(['name (\u{ffff},😀]'])
    expect(lines(is('name', 'eq', 'a'), is('sourceAddr', 'eq', 'b'))).toEqual([
      'name [a,a] & source_addr [b,b]',
    ])
  })

  it.each([
    ['apart', is('name', 'gt', 'd'), is('name', 'lt', 'b')],
    ['at one end', is('name', 'gt', 'd'), is('name', 'lte', 'd')],
    ['of two values', is('name', 'eq', 'a'), is('name', 'eq', 'b')],
    ['of two beginnings', is('name', 'like', 'a*'), is('name', 'like', 'b*')],
    // By UTF-8 bytes, not by UTF-16 units.
    ['in the order of bytes', is('name', 'gt', '😀'), is('name', 'lt', '\u{ffff}')],
  ])('are none where the ranges contradict: %s', (_, a, b) => {
    expect(branches(a, b)).toEqual([])
    expect(lines(or([a, b], [is('type', 'eq', 'rtp')]))).toEqual(['type:rtp'])
  })
})

describe('the branches of several conditions', () => {
  const status = is('status', 'in', ['active', 'paused'])

  it('of none are one, of everything', () => {
    expect(branches()).toEqual([{ terms: [], texts: [], covered: true }])
  })

  it('are all pairs of their branches', () => {
    expect(lines(status, is('type', 'in', ['srt', 'rtp'])).toSorted()).toEqual([
      'status:active & type:rtp',
      'status:active & type:srt',
      'status:paused & type:rtp',
      'status:paused & type:srt',
    ])
  })

  it('say one thing once', () => {
    expect(lines(is('type', 'eq', 'srt'), is('type', 'eq', 'srt'))).toEqual(['type:srt'])
    expect(lines(is('tags', 'contains', 'a'), is('tags', 'contains', 'b'))).toEqual(['tag:a & tag:b'])
  })

  it.each([
    ['two values of a field', is('status', 'eq', 'active'), is('status', 'eq', 'paused')],
    ['a value and its exclusion', is('status', 'eq', 'active'), is('status', 'ne', 'active')],
    ['a value and an exclusion of several', is('owner', 'eq', 'a'), is('owner', 'nin', ['b', 'a'])],
    ['two values of a declared index', is('metadata.region', 'eq', '1'), is('metadata.region', 'eq', 1)],
  ])('are none of a contradiction: %s', (_, a, b) => {
    expect(branches(a, b)).toEqual([])
    expect(branches(is('type', 'eq', 'srt'), b, a)).toEqual([])
    expect(lines(or([a, b], [is('type', 'eq', 'rtp')]))).toEqual(['type:rtp'])
  })

  it('are those that several conditions on a field leave', () => {
    expect(lines(status, is('status', 'eq', 'paused'))).toEqual(['status:paused'])
    expect(lines(status, is('status', 'ne', 'active'))).toEqual(['status:paused & -status:active'])
  })

  it('look up at most 16 terms: what bounds them first, the documents know the rest', () => {
    const tags = Array.from({ length: 17 }, (_, i) => is('tags', 'contains', `t${i}`))
    const [most] = branches(...tags.slice(1))
    expect([most?.terms.length, most?.covered]).toEqual([16, true])
    const [cut] = branches(...tags)
    expect([cut?.terms.length, cut?.covered]).toEqual([16, false])
    const excluded = is('owner', 'nin', ['a', 'b'])
    const [both] = branches(excluded, ...tags.slice(1, 16))
    expect([both?.terms.length, both?.covered]).toEqual([16, false])
    expect(both?.terms.map(({ negated }) => negated)).toEqual([...Array(15).fill(false), true])
  })

  it('leave to the documents what no index knows', () => {
    expect(lines(is('type', 'eq', 'srt'), is('codec', 'eq', 'h264'))).toEqual(['? & type:srt'])
    expect(lines(is('codec', 'eq', 'h264'))).toEqual(['?'])
  })

  it('are none where one of them can never hold', () => {
    expect(branches(is('status', 'in', []))).toEqual([])
    expect(branches(is('codec', 'eq', 'x'), is('status', 'in', []), status)).toEqual([])
    expect(branches(or([is('status', 'in', [])]))).toEqual([])
    expect(lines(or([is('status', 'in', [])], [is('type', 'eq', 'srt')]))).toEqual(['type:srt'])
  })

  it('are those of all alternatives', () => {
    expect(
      lines(or([is('type', 'eq', 'srt'), is('owner', 'eq', 'a')], [is('tags', 'contains', 'x')])),
    ).toEqual(['type:srt & owner:a', 'tag:x'])
    expect(lines(or([or([is('type', 'eq', 'srt')], [is('type', 'eq', 'rtp')])]))).toEqual([
      'type:srt',
      'type:rtp',
    ])
  })

  it.each([
    ['no index knows', is('codec', 'eq', 'x')],
    ['only excludes', is('type', 'ne', 'srt')],
  ])('are one of everything with an alternative that %s', (_, unbounded) => {
    expect(lines(or([is('type', 'eq', 'srt')], [unbounded]))).toEqual(['?'])
    expect(lines(is('owner', 'eq', 'a'), or([is('type', 'eq', 'srt')], [unbounded]))).toEqual(['? & owner:a'])
  })

  it('are as they are in an or of one alternative, whatever it says', () => {
    expect(lines(or([is('type', 'ne', 'srt')]))).toEqual(['-type:srt'])
  })

  it('are at most 16: what no longer fits is left to the documents', () => {
    const owners = (count: number): Condition =>
      is(
        'owner',
        'in',
        Array.from({ length: count }, (_, i) => `o${i}`),
      )
    expect(branches(owners(16))).toHaveLength(16)
    expect(lines(owners(17))).toEqual(['?'])
    expect(lines(owners(17), is('type', 'eq', 'srt'))).toEqual(['? & type:srt'])
    expect(branches(status, owners(8))).toHaveLength(16)
    expect(lines(owners(9), status)).toEqual(['? & status:active', '? & status:paused'])
    const alternatives = Array.from({ length: 17 }, (_, i) => [is('owner', 'eq', `o${i}`)])
    expect(branches(or(...alternatives.slice(1)))).toHaveLength(16)
    expect(lines(or(...alternatives))).toEqual(['?'])
  })
})

describe('every stream that matches', () => {
  const REGIONS = ['eu', 'us', `${'x'.repeat(128)}1`, `${'x'.repeat(128)}2`]
  const streams: fc.Arbitrary<Stream> = fc
    .record({
      type: fc.constantFrom('srt' as const, 'rtp' as const),
      status: fc.constantFrom('active' as const, 'paused' as const),
      health: fc.constantFrom('healthy' as const, 'degraded' as const),
      owner: fc.constantFrom('a', 'b', undefined),
      tags: fc.subarray(['x', 'y', 'z']),
      created: fc.integer({ min: 0, max: 4 }),
      bitrate: fc.constantFrom(0, 1, 2, 3, undefined),
      name: fc.constantFrom('', 'cam', 'cam1', 'can', '😀', undefined),
      region: fc.constantFrom(...REGIONS, 1, true, null, undefined),
      zone: fc.constantFrom(0, 1, 2, 'x', false, undefined),
      label: fc.constantFrom('', 'a', 'ab', 'b', 5, undefined),
    })
    .map(({ created, health, owner, bitrate, name, region, zone, label, ...rest }) => {
      const { owner: _, ...stream } = streamWith(rest)
      return {
        ...stream,
        ...(owner !== undefined && { owner }),
        ...(bitrate !== undefined && { bitrate }),
        ...(name !== undefined && { name }),
        createdAt: new Date(CREATED_MS + created),
        state: stateWith({ health }),
        metadata: {
          ...(region !== undefined && { region }),
          ...(zone !== undefined && { zone }),
          ...(label !== undefined && { label }),
        },
      }
    })

  const comparing = (
    field: string,
    ops: readonly Operator[],
    values: readonly unknown[],
  ): fc.Arbitrary<Condition> =>
    fc
      .tuple(fc.constantFrom(...ops), fc.constantFrom(...values), fc.subarray([...values]), fc.boolean())
      .map(([op, value, several, yes]) =>
        is(field, op, op === 'exists' ? yes : op === 'in' || op === 'nin' ? several : value),
      )
  const EQUAL = ['eq', 'ne', 'in', 'nin', 'exists'] as const
  const ORDERED = [...EQUAL, 'gt', 'gte', 'lt', 'lte'] as const
  const TEXT = [...ORDERED, 'like', 'contains'] as const
  const comparisons = fc.oneof(
    comparing('type', EQUAL, ['srt', 'rtp']),
    comparing('status', EQUAL, ['active', 'paused']),
    comparing('health', EQUAL, ['healthy', 'degraded']),
    comparing('owner', TEXT, ['a', 'b']),
    comparing('tags', ['contains', 'exists'], ['x', 'y']),
    comparing(
      'createdAt',
      ORDERED,
      [0, 2, 4].map((ms) => new Date(CREATED_MS + ms)),
    ),
    comparing('bitrate', ORDERED, [0, 1, 2.5, 3]),
    comparing('name', TEXT, ['', 'cam', 'cam*', '*', 'c?m', 'ca*1', '😀']),
    comparing('metadata.region', EQUAL, [...REGIONS, 1, true]),
    comparing('metadata.zone', ORDERED, [0, 1, 'x']),
    comparing('metadata.label', ORDERED, ['', 'a', 'b', 5]),
  )
  const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      comparisons,
      fc
        .array(fc.array(tie('condition'), { maxLength: 2 }), { minLength: 1, maxLength: 3 })
        .map((alternatives): Condition => ({ or: alternatives })),
    ),
  }))
  const conditions = fc.array(condition, { maxLength: 4 })

  function holds({ section, negated }: Term, stream: Stream): boolean {
    return isIn(section, stream) !== negated
  }

  /** Looked up among the stream's entries. Equality entries lie at the time of creation. */
  function isIn(section: Section, stream: Stream): boolean {
    return entriesOf(stream)(DECLARED).some((entry) => {
      if (entry.kind !== section.kind || entry.index !== section.index) return false
      if (section.kind === 'text') return entry.kind === 'text' && isTextIn(entry.value, section.range)
      if (section.kind === 'equality' && (entry.kind !== 'equality' || entry.value !== section.value))
        return false
      const place =
        entry.kind === 'number' ? (entry.value ?? Number.POSITIVE_INFINITY) : Number(stream.createdAt)
      return isInRange(place, section.range)
    })
  }

  function isTextIn(value: string | null, { min, max }: Range<string>): boolean {
    if (value === null) return min === undefined && max === undefined
    const isAfter = min === undefined || compareText(value, min.value) >= (min.exclusive ? 1 : 0)
    return isAfter && (max === undefined || compareText(value, max.value) <= (max.exclusive ? -1 : 0))
  }

  const isInBranch = ({ terms, texts }: Branch, stream: Stream): boolean =>
    terms.every((term) => holds(term, stream)) && texts.every((text) => isIn(text, stream))

  const list = fc.array(streams, { minLength: 1, maxLength: 12 })

  it('is in one branch at least', () => {
    fc.assert(
      fc.property(conditions, list, (where, all) => {
        const found = branches(...where)
        for (const stream of all.filter(matcherOf(where)))
          expect(found.some((branch) => isInBranch(branch, stream))).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })

  it('is all that a branch has which says all that the conditions do', () => {
    fc.assert(
      fc.property(conditions, list, (where, all) => {
        for (const branch of branches(...where).filter(({ covered }) => covered))
          for (const stream of all.filter((each) => isInBranch(branch, each)))
            expect(matcherOf(where)(stream)).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })

  it('is in one of 16 branches at most', () => {
    fc.assert(
      fc.property(conditions, (where) => {
        expect(branches(...where).length).toBeLessThanOrEqual(16)
      }),
    )
  })
})
