import type { IndexDeclaration, Operator, SortDirection } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { comparison } from '../../../../src/core/query/check.ts'
import { draftQuery, isSettled, nameOf, planQuery, type WalkPlan } from '../../../../src/core/query/plan.ts'
import type { Condition, SortKey } from '../../../../src/core/query/tree.ts'

const DECLARED: readonly IndexDeclaration[] = [
  { field: 'metadata.region', kind: 'equality' },
  { field: 'metadata.zone', kind: 'number' },
  { field: 'bitrate', kind: 'number' },
  { field: 'name', kind: 'text' },
]

const is = (field: string, op: Operator, value: unknown): Condition => comparison(field, op, value)
const by = (field: string, direction: SortDirection = 'asc'): SortKey => ({ field, direction })

interface Asked {
  readonly where?: readonly Condition[]
  readonly sort?: readonly SortKey[]
  readonly want?: number
  /** By the sections' names; what is left out is empty. */
  readonly sizes?: Readonly<Record<string, number>>
}

function plan({ where = [], sort = [], want = Number.POSITIVE_INFINITY, sizes = {} }: Asked) {
  const draft = draftQuery(where, sort, DECLARED)
  return planQuery(
    draft,
    draft.sections.map((section) => sizes[nameOf(section)] ?? 0),
    want,
  )
}

/** A walk, each branch on a line: driver, order, then what is looked up. */
function linesOf({ branches, order, descending }: WalkPlan): string[] {
  return branches.map(({ along, where }) => {
    const lookups = where.map(({ section, negated }) => `${negated ? ' -' : ' +'}${nameOf(section)}`)
    return `${nameOf(along)} ${order}${descending ? ' down' : ''}${lookups.join('')}`
  })
}

const lines = (asked: Asked): string[] => plan(asked).walks.flatMap(linesOf)
/** The same, walk by walk. */
const walks = (asked: Asked): string[][] => plan(asked).walks.map(linesOf)

describe('a plan', () => {
  it('of everything walks along creation', () => {
    const made = plan({ sizes: { created_at: 7 } })
    expect(made.walks.map(linesOf)).toEqual([['created_at sorted']])
    expect(made).toMatchObject({ covered: true, walks: [{ branches: [{ size: 7, covered: true }] }] })
  })

  it('of what can never match walks nowhere', () => {
    expect(plan({ where: [is('status', 'in', [])] })).toEqual({ walks: [], covered: true })
  })

  it('walks along what holds the fewest, and looks the rest up, the rarest first', () => {
    const where = [is('status', 'eq', 'active'), is('tags', 'contains', 'vip'), is('type', 'eq', 'srt')]
    const sizes = { created_at: 10_000, 'status:active': 9_000, 'type:srt': 500, 'tag:vip': 10 }
    expect(lines({ where, sizes })).toEqual(['tag:vip sorted +type:srt +status:active'])
    expect(lines({ where, sizes: { ...sizes, 'type:srt': 5 } })).toEqual([
      'type:srt sorted +tag:vip +status:active',
    ])
  })

  it('never walks along what is excluded, and looks it up last', () => {
    const where = [is('status', 'ne', 'active'), is('type', 'eq', 'srt'), is('owner', 'eq', 'a')]
    const sizes = { created_at: 100, 'status:active': 1, 'type:srt': 50, 'owner:a': 60 }
    expect(lines({ where, sizes })).toEqual(['type:srt sorted +owner:a -status:active'])
    expect(lines({ where: [is('status', 'ne', 'active')], sizes })).toEqual([
      'created_at sorted -status:active',
    ])
  })

  it('looks up what is excluded where it is also what drives', () => {
    const where = [is('status', 'in', ['active', 'paused']), is('status', 'ne', 'active')]
    const made = lines({ where, sizes: { created_at: 9, 'status:active': 4, 'status:paused': 5 } })
    expect(made).toEqual(['status:paused sorted -status:active'])
    expect(made.filter((each) => each.startsWith('status:active') && !each.includes('-'))).toEqual([])
  })

  it('walks along each branch of its own', () => {
    const where = [is('type', 'in', ['srt', 'rtp']), is('owner', 'eq', 'a')]
    const sizes = { created_at: 100, 'type:srt': 60, 'type:rtp': 2, 'owner:a': 30 }
    expect(lines({ where, sizes })).toEqual(['owner:a sorted +type:srt', 'type:rtp sorted +owner:a'])
  })

  it('walks together along branches that share an order, so that what moves between them is not missed', () => {
    const where = [is('status', 'in', ['active', 'paused'])]
    const sizes = { created_at: 100, 'status:active': 6, 'status:paused': 5 }
    expect(walks({ where, sizes })).toEqual([['status:active sorted', 'status:paused sorted']])
    expect(walks({ where, sizes, sort: [by('createdAt', 'desc')] })).toEqual([
      ['status:active sorted down', 'status:paused sorted down'],
    ])
    expect(walks({ where, sizes, sort: [by('codec', 'desc')] })).toEqual([
      ['status:active unsorted', 'status:paused unsorted'],
    ])
    const ranged = [{ or: [[is('createdAt', 'lt', new Date(5))], [is('status', 'eq', 'active')]] }]
    expect(
      walks({ where: ranged, sizes: { created_at: 9, 'created_at (, 5)': 2, 'status:active': 1 } }),
    ).toEqual([['created_at (, 5) sorted', 'status:active sorted']])
  })

  it('walks apart along what has an order of its own', () => {
    const where = [
      {
        or: [
          [is('bitrate', 'gt', 5)],
          [is('name', 'eq', 'x')],
          [is('bitrate', 'lt', 2)],
          [is('type', 'eq', 'srt')],
        ],
      },
    ]
    expect(walks({ where, sizes: { created_at: 100 } })).toEqual([
      ['bitrate (5, Infinity) unsorted', 'bitrate (, 2) unsorted'],
      ['name ["x", "x"] unsorted'],
      ['type:srt sorted'],
    ])
  })

  it('tells of each branch which share of its members it expects to match', () => {
    const where = [is('type', 'in', ['srt', 'rtp']), is('owner', 'eq', 'a')]
    const sizes = { created_at: 100, 'type:srt': 60, 'type:rtp': 2, 'owner:a': 50 }
    expect(plan({ where, sizes }).walks[0]?.branches.map(({ share }) => share)).toEqual([0.6, 0.5])
    expect(plan({ where: where.slice(0, 1), sizes }).walks[0]?.branches).toMatchObject([
      { share: 1, size: 60 },
      { share: 1, size: 2 },
    ])
  })

  it('leaves the range of creation to equality indexes, which are bounded by it themselves', () => {
    const where = [is('createdAt', 'gte', new Date(5)), is('status', 'eq', 'active')]
    const sizes = { created_at: 100, 'created_at [5, Infinity)': 90, 'status:active [5, Infinity)': 10 }
    expect(lines({ where, sizes })).toEqual(['status:active [5, Infinity) sorted'])
    const rare = { ...sizes, 'created_at [5, Infinity)': 3, 'status:active [5, Infinity)': 90 }
    expect(lines({ where, sizes: rare })).toEqual([
      'created_at [5, Infinity) sorted +status:active [5, Infinity)',
    ])
  })

  it('is not covered where documents have to be looked at', () => {
    const where = [is('status', 'eq', 'active'), is('codec', 'eq', 'x')]
    expect(plan({ where })).toMatchObject({ covered: false, walks: [{ branches: [{ covered: false }] }] })
    expect(plan({ where: where.slice(0, 1) }).covered).toBe(true)
    const texts = [is('name', 'like', 'a*'), is('sourceAddr', 'like', '10.*')]
    expect(plan({ where: texts, sizes: { created_at: 9 } }).covered).toBe(false)
    expect(plan({ where: texts.slice(0, 1), sizes: { created_at: 9 } }).covered).toBe(true)
  })
})

describe('the order of a plan', () => {
  it('is that of creation in every equality index, up or down', () => {
    const where = [is('type', 'eq', 'srt')]
    expect(lines({ where, sort: [by('createdAt', 'desc')] })).toEqual(['type:srt sorted down'])
    expect(lines({ where, sort: [by('createdAt')] })).toEqual(['type:srt sorted'])
  })

  it('is that of the first key only, where there are several', () => {
    expect(lines({ sort: [by('createdAt', 'desc'), by('name')], sizes: { created_at: 5 } })).toEqual([
      'created_at grouped down',
    ])
  })

  it('is that of the keys that decide anything', () => {
    const sizes = { created_at: 5 }
    expect(lines({ sort: [by('createdAt', 'desc'), by('createdAt', 'desc')], sizes })).toEqual([
      'created_at sorted down',
    ])
    // Ties go by the id in the direction of the last key, whatever else that decides.
    expect(lines({ sort: [by('createdAt', 'desc'), by('createdAt')], sizes })).toEqual([
      'created_at grouped down',
    ])
    expect(lines({ sort: [by('createdAt', 'desc'), by('id', 'desc'), by('name')], sizes })).toEqual([
      'created_at sorted down',
    ])
    expect(lines({ sort: [by('createdAt', 'desc'), by('id')], sizes })).toEqual(['created_at grouped down'])
  })

  it('is none where the sort has no index, or one for equality', () => {
    expect(lines({ sort: [by('codec', 'desc')] })).toEqual(['created_at unsorted'])
    expect(lines({ sort: [by('type')] })).toEqual(['created_at unsorted'])
    expect(lines({ where: [is('type', 'eq', 'srt')], sort: [by('codec')] })).toEqual(['type:srt unsorted'])
  })

  it('goes along the index of the sort where a few of many are wanted', () => {
    const asked = {
      where: [is('type', 'eq', 'srt')],
      sort: [by('bitrate', 'desc')],
      sizes: { created_at: 10_000, bitrate: 10_000, 'type:srt': 5_000 },
    }
    expect(lines({ ...asked, want: 10 })).toEqual(['bitrate sorted down +type:srt'])
    expect(lines(asked)).toEqual(['type:srt unsorted'])
  })

  it('is given up where the matches are rare', () => {
    const asked = {
      where: [is('tags', 'contains', 'vip')],
      sort: [by('bitrate')],
      sizes: { created_at: 100_000, bitrate: 100_000, 'tag:vip': 12 },
    }
    expect(lines({ ...asked, want: 10 })).toEqual(['tag:vip unsorted'])
  })

  it('goes along the part of its index that the conditions leave', () => {
    const sizes = { created_at: 100, 'bitrate [5, Infinity)': 20, bitrate: 100 }
    expect(lines({ where: [is('bitrate', 'gte', 5)], sort: [by('bitrate')], sizes })).toEqual([
      'bitrate [5, Infinity) sorted',
    ])
    expect(lines({ where: [is('name', 'like', 'ca*')], sort: [by('name')], sizes })).toEqual([
      'name ["ca", "cb") sorted',
    ])
  })

  it('expects to read more than it gives where documents decide', () => {
    const sizes = { created_at: 1_000, bitrate: 1_000, 'type:srt': 100 }
    const where = [is('type', 'eq', 'srt'), is('codec', 'eq', 'x')]
    const asked = { sort: [by('bitrate')], want: 20, sizes }
    expect(lines({ ...asked, where: where.slice(0, 1) })).toEqual(['bitrate sorted +type:srt'])
    expect(lines({ ...asked, where })).toEqual(['type:srt unsorted'])
  })

  it('has the values of other types beside it, where the field may hold any', () => {
    const sort = [by('metadata.zone')]
    const sizes = { created_at: 100, 'metadata.zone': 90, 'metadata.zone:other': 10 }
    expect(walks({ sort, sizes, want: 5 })).toEqual([
      ['metadata.zone sorted'],
      ['metadata.zone:other unsorted'],
    ])
    // A range leaves only numbers.
    const ranged = { ...sizes, 'metadata.zone [5, Infinity)': 50 }
    expect(lines({ where: [is('metadata.zone', 'gte', 5)], sort, sizes: ranged, want: 5 })).toEqual([
      'metadata.zone [5, Infinity) sorted',
    ])
  })
})

describe('a draft', () => {
  it('asks for the size of everything first, and of each section once', () => {
    const { sections } = draftQuery(
      [is('type', 'in', ['srt', 'rtp']), is('status', 'eq', 'active')],
      [by('createdAt')],
      DECLARED,
    )
    expect(sections.map(nameOf)).toEqual(['created_at', 'status:active', 'type:srt', 'type:rtp'])
  })

  it('asks for the index of the sort, and for what lies beside it', () => {
    const sectionsOf = (sort: string): string[] => draftQuery([], [by(sort)], DECLARED).sections.map(nameOf)
    expect(sectionsOf('bitrate')).toEqual(['created_at', 'bitrate'])
    expect(sectionsOf('metadata.zone')).toEqual(['created_at', 'metadata.zone', 'metadata.zone:other'])
    expect(sectionsOf('metadata.region')).toEqual(['created_at'])
    expect(draftQuery([], [], []).sort).toEqual([by('createdAt')])
  })

  it.each([
    ['everything', [], [], true],
    ['one value', [is('type', 'eq', 'srt')], [], true],
    ['one value, sorted by what has no index', [is('type', 'eq', 'srt')], [by('codec')], true],
    ['one value and what documents decide', [is('type', 'eq', 'srt'), is('codec', 'eq', 'x')], [], true],
    ['everything, sorted by an index', [], [by('bitrate')], false],
    ['one of two values', [is('type', 'in', ['srt', 'rtp'])], [], false],
    ['two values', [is('type', 'eq', 'srt'), is('status', 'eq', 'active')], [], false],
    ['an excluded value', [is('type', 'ne', 'srt')], [], false],
    ['a range', [is('bitrate', 'gt', 5)], [], false],
    ['a text', [is('name', 'eq', 'x')], [], false],
    ['one value, sorted by an index', [is('type', 'eq', 'srt')], [by('bitrate')], false],
    ['what never matches', [is('status', 'in', [])], [], true],
  ] as const)('of $0 is settled without sizes: $3', (_, where, sort, expected) => {
    const draft = draftQuery(where, sort, DECLARED)
    expect(isSettled(draft)).toBe(expected)
    if (!expected) return
    const [size, many] = [
      planQuery(draft, [], 5),
      planQuery(
        draft,
        draft.sections.map((_section, i) => 1_000 / (i + 1)),
        5,
      ),
    ]
    expect(size.walks.map(linesOf)).toEqual(many.walks.map(linesOf))
  })
})

describe('the name of a section', () => {
  it.each([
    [{ kind: 'number', index: 'created_at', range: {} }, 'created_at'],
    [{ kind: 'equality', index: 'status', value: 'active', range: {} }, 'status:active'],
    [{ kind: 'number', index: 'bitrate', range: { min: { value: 5, exclusive: true } } }, 'bitrate (5, )'],
    [
      {
        kind: 'text',
        index: 'name',
        range: { min: { value: 'a', exclusive: false }, max: { value: 'b', exclusive: true } },
      },
      'name ["a", "b")',
    ],
    [
      { kind: 'equality', index: 'type', value: 'srt', range: { max: { value: 9, exclusive: false } } },
      'type:srt (, 9]',
    ],
  ] as const)('%# can be read', (section, name) => {
    expect(nameOf(section)).toBe(name)
  })
})
