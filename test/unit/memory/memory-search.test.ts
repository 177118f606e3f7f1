import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareText } from '../../../src/core/model/text.ts'
import { isInRange } from '../../../src/core/query/ranges.ts'
import type { Entry, Place, Range, Section, Term, Walk, WalkBranch } from '../../../src/core/store.ts'
import { MemoryIndexes } from '../../../src/memory/memory-indexes.ts'
import type { MemoryRecord } from '../../../src/memory/memory-record.ts'
import { holds, type Searched, sectionSize, walkMemory } from '../../../src/memory/memory-search.ts'

const NOW = 1_000

interface Sample {
  readonly id: string
  readonly order: number
  readonly status?: string
  readonly number?: number | null
  readonly text?: string | null
  readonly deadline?: number
}

function entriesOf({ order, status = 'on', number = null, text = null }: Sample): Entry[] {
  return [
    { kind: 'equality', index: 'status', value: status },
    { kind: 'number', index: 'created_at', value: order },
    { kind: 'number', index: 'number', value: number },
    { kind: 'text', index: 'text', value: text },
  ]
}

function store(samples: readonly Sample[]): Searched & { readonly records: Map<string, MemoryRecord> } {
  const indexes = new MemoryIndexes()
  const records = new Map<string, MemoryRecord>()
  for (const sample of samples) {
    const { id, order, deadline = NOW + 1 } = sample
    const entries = indexes.place(entriesOf(sample), id, order, undefined)
    for (const entry of entries) indexes.add(entry)
    records.set(id, { id, order, deadline, entries, doc: id, token: '', fence: '', ttlMs: 1, onLapsed: '' })
  }
  return { records, indexes }
}

const status = (value: string, range: Range<number> = {}): Section => ({
  kind: 'equality',
  index: 'status',
  value,
  range,
})
const number = (range: Range<number> = {}): Section & Term['section'] => ({
  kind: 'number',
  index: 'number',
  range,
})
const text = (range: Range<string> = {}): Section => ({ kind: 'text', index: 'text', range })
const at = <T>(value: T): { value: T; exclusive: boolean } => ({ value, exclusive: false })
const beyond = <T>(value: T): { value: T; exclusive: boolean } => ({ value, exclusive: true })

type More = Partial<Omit<Walk, 'branches'> & Pick<WalkBranch, 'where'>>

function walk(along: Section, { where = [], ...more }: More = {}): Walk {
  return { branches: [{ along, where, share: 1 }], descending: false, limit: 100, read: 'ids', ...more }
}

const SAMPLES: readonly Sample[] = [
  { id: 'a', order: 1, status: 'on', number: 5, text: 'x' },
  { id: 'b', order: 2, status: 'off', number: 3, text: 'xy' },
  { id: 'c', order: 2, status: 'on', number: null, text: null },
  { id: 'd', order: 3, status: 'on', number: 5, text: '' },
  { id: 'e', order: 4, status: 'on', number: -1, text: '😀' },
]

/** The ids that a walk finds, in its order. */
function found(along: Section, more: More = {}): string {
  return walkMemory(store(SAMPLES), walk(along, more), NOW)
    .matches.map(({ id }) => id)
    .join('')
}

describe('a walk in memory', () => {
  it.each([
    ['all members of a value, by creation', status('on'), 'acde'],
    ['a stretch of them', status('on', { min: at(2), max: beyond(4) }), 'cd'],
    ['a value that nothing has', status('gone'), ''],
    ['an index that is not there', { kind: 'number', index: 'nope', range: {} }, ''],
    ['a number index, missing values last', number(), 'ebadc'],
    ['numbers only', number({ max: beyond(Number.POSITIVE_INFINITY) }), 'ebad'],
    ['missing numbers only', number({ min: at(Number.POSITIVE_INFINITY) }), 'c'],
    ['numbers from one on', number({ min: at(5), max: beyond(Number.POSITIVE_INFINITY) }), 'ad'],
    ['numbers beyond one', number({ min: beyond(3), max: beyond(Number.POSITIVE_INFINITY) }), 'ad'],
    ['numbers up to one', number({ max: at(3) }), 'eb'],
    ['numbers below one', number({ max: beyond(3) }), 'e'],
    ['a text index by UTF-8 bytes, missing values last', text(), 'dabec'],
    ['text only', text({ min: at('') }), 'dabe'],
    ['text that is there and not empty', text({ min: beyond('') }), 'abe'],
    ['text up to one', text({ max: at('x') }), 'da'],
    ['text below one', text({ max: beyond('x') }), 'd'],
    ['text from one on', text({ min: at('x') }), 'abe'],
    ['text beyond one', text({ min: beyond('x') }), 'be'],
    ['one text', text({ min: at('x'), max: at('x') }), 'a'],
  ] as const)('passes %s', (_, section, expected) => {
    expect(found(section)).toBe(expected)
    expect(found(section, { descending: true })).toBe([...expected].reverse().join(''))
    expect(sectionSize(store(SAMPLES), section)).toBe(expected.length)
  })

  it('finds what all terms hold for', () => {
    const on: Term = {
      section: { kind: 'equality', index: 'status', value: 'on', range: {} },
      negated: false,
    }
    const five: Term = { section: number({ min: at(5), max: at(5) }), negated: false }
    expect(found(number(), { where: [on] })).toBe('eadc')
    expect(found(number(), { where: [on, five] })).toBe('ad')
    expect(found(number(), { where: [{ ...on, negated: true }] })).toBe('b')
    expect(found(number(), { where: [on, { ...five, negated: true }] })).toBe('ec')
  })

  it.each([
    [number(), false, { key: 3, id: 'b' }, 'adc'],
    [number(), false, { key: 5, id: 'a' }, 'dc'],
    [number(), false, { key: 5, id: '' }, 'adc'],
    [number(), false, { key: 4, id: 'zzz' }, 'adc'],
    [number(), false, { key: null, id: 'b' }, 'c'],
    [number(), false, { key: null, id: 'c' }, ''],
    [number(), true, { key: 5, id: 'd' }, 'abe'],
    [number(), true, { key: null, id: 'c' }, 'dabe'],
    [number({ min: at(5) }), false, { key: -1, id: 'e' }, 'adc'],
    [number({ max: at(3) }), true, { key: 5, id: 'a' }, 'be'],
    [number({ max: at(-1) }), true, { key: 5, id: 'a' }, 'e'],
    [number({ min: at(5) }), true, { key: 5, id: 'd' }, 'a'],
    [text(), false, { key: 'xy', id: 'b' }, 'ec'],
    [text(), true, { key: null, id: 'c' }, 'ebad'],
    [text({ min: at('x') }), false, { key: '', id: 'd' }, 'abe'],
    [status('on'), false, { key: 2, id: 'c' }, 'de'],
    [status('on'), true, { key: 2, id: 'c' }, 'a'],
  ] as const)('goes on behind a place: %#', (section, descending, after, expected) => {
    expect(found(section, { descending, after })).toBe(expected)
  })

  describe('along several branches', () => {
    const branch = (along: Section, ...where: Term[]): WalkBranch => ({ along, where, share: 1 })
    const is = (value: string): Term => ({
      section: { kind: 'equality', index: 'status', value, range: {} },
      negated: false,
    })
    const foundBy = (branches: readonly WalkBranch[], more: Partial<Walk> = {}): string =>
      walkMemory(store(SAMPLES), { ...walk(number()), ...more, branches }, NOW)
        .matches.map(({ id }) => id)
        .join('')
    const created: Section = { kind: 'number', index: 'created_at', range: { min: at(2), max: at(3) } }

    it.each([
      ['values of an equality index, by creation', [branch(status('on')), branch(status('off'))], 'abcde'],
      ['a value, and creation itself', [branch(status('off')), branch(created)], 'bcd'],
      ['stretches apart', [branch(number({ min: at(5) })), branch(number({ max: at(-1) }))], 'eadc'],
      ['stretches of text', [branch(text({ min: at('xy') })), branch(text({ max: at('') }))], 'dbe'],
      ['one and the same', [branch(status('on')), branch(status('on'))], 'acde'],
      [
        'what only one of them lets pass',
        [branch(number(), is('off')), branch(number({ max: at(3) }))],
        'eb',
      ],
      ['none', [], ''],
    ] as const)('finds each record once, in the common order: %s', (_, branches, expected) => {
      expect(foundBy(branches)).toBe(expected)
      expect(foundBy(branches, { descending: true })).toBe([...expected].reverse().join(''))
      expect(foundBy([...branches].reverse())).toBe(expected)
    })

    it('goes on behind a place, wherever its record is', () => {
      const branches = [branch(status('on')), branch(status('off'))]
      expect(foundBy(branches, { after: { key: 2, id: 'b' } })).toBe('cde')
      expect(foundBy(branches, { after: { key: 2, id: 'c' }, descending: true })).toBe('ba')
      expect(foundBy(branches, { limit: 2 })).toBe('ab')
    })

    it('finds, slice by slice, what a look at everything finds', () => {
      for (const limit of [1, 2, 3]) {
        const branches = [
          branch(number({ min: at(5) })),
          branch(number(), is('on')),
          branch(number({ max: at(3) })),
        ]
        const ids: string[] = []
        for (let after: Place | undefined, finished = false; !finished; ) {
          const slice = walkMemory(store(SAMPLES), { ...walk(number(), { limit, after }), branches }, NOW)
          ids.push(...slice.matches.map(({ id }) => id))
          after = slice.last ?? after
          finished = slice.finished
        }
        expect(ids.join('')).toBe('ebadc')
      }
    })
  })

  it('tells each place, and where it stopped', () => {
    const slice = walkMemory(store(SAMPLES), walk(number(), { limit: 3 }), NOW)
    expect(slice).toEqual({
      matches: [
        { id: 'e', key: -1 },
        { id: 'b', key: 3 },
        { id: 'a', key: 5 },
      ],
      matched: 3,
      last: { key: 5, id: 'a' },
      finished: false,
    })
    const rest = walkMemory(store(SAMPLES), walk(number(), { after: slice.last }), NOW)
    expect(rest).toMatchObject({ last: { key: null, id: 'c' }, finished: true })
    expect(walkMemory(store([]), walk(number()), NOW)).toEqual({
      matches: [],
      matched: 0,
      last: undefined,
      finished: true,
    })
  })

  it('reads what it is asked for: documents, ids, or only their number', () => {
    const searched = store(SAMPLES)
    const read = (what: Walk['read']) =>
      walkMemory(searched, walk(text({ max: at('x') }), { read: what }), NOW)
    expect(read('documents').matches).toEqual([
      { id: 'd', rec: searched.records.get('d') },
      { id: 'a', rec: searched.records.get('a') },
    ])
    expect(read('ids').matches).toEqual([
      { id: 'd', key: '' },
      { id: 'a', key: 'x' },
    ])
    expect(read('count')).toMatchObject({ matches: [], matched: 2 })
  })

  it('leaves out what has lapsed or is gone', () => {
    const searched = store([
      { id: 'a', order: 1, deadline: NOW },
      { id: 'b', order: 2, deadline: NOW + 1 },
      { id: 'c', order: 3 },
    ])
    searched.records.delete('c')
    expect(walkMemory(searched, walk(status('on')), NOW).matches.map(({ id }) => id)).toEqual(['b'])
    expect(sectionSize(searched, status('on'))).toBe(3)
  })

  it('looks at 1,000 members at most, and says where to go on', () => {
    const many = store(
      Array.from({ length: 1_500 }, (_, i) => ({
        id: `c${i}`,
        order: i,
        status: i === 1_200 ? 'rare' : 'on',
      })),
    )
    const rare: Term = {
      section: { kind: 'equality', index: 'status', value: 'rare', range: {} },
      negated: false,
    }
    const along: Section = { kind: 'number', index: 'created_at', range: {} }
    const first = walkMemory(many, walk(along, { where: [rare] }), NOW)
    expect(first).toEqual({ matches: [], matched: 0, last: { key: 999, id: 'c999' }, finished: false })
    const second = walkMemory(many, walk(along, { where: [rare], after: first.last }), NOW)
    expect(second).toMatchObject({ matches: [{ id: 'c1200' }], finished: true })
  })

  it('finds, slice by slice, what a look at everything finds', () => {
    const sample = fc.record({
      order: fc.integer({ min: 0, max: 4 }),
      status: fc.constantFrom('on', 'off'),
      number: fc.constantFrom(-1, 0, 1, 2, null),
      text: fc.constantFrom('', 'a', 'b', '😀', '\uffff', null),
    })
    const samples = fc
      .array(sample, { maxLength: 20 })
      .map((list) => list.map((each, i) => ({ ...each, id: `c${i}` })))
    const bound = <T>(...values: T[]) =>
      fc.record({ value: fc.constantFrom(...values), exclusive: fc.boolean() })
    const range = <T>(...values: T[]) =>
      fc
        .record({ min: bound(...values), max: bound(...values) }, { requiredKeys: [] })
        .map((made) => made as Range<T>)
    const section: fc.Arbitrary<Section> = fc.oneof(
      range(-1, 0, 1).map(number),
      range('', 'a', '😀').map(text),
      fc.tuple(fc.constantFrom('on', 'off'), range(0, 2, 4)).map(([value, made]) => status(value, made)),
    )
    fc.assert(
      fc.property(
        samples,
        section,
        fc.boolean(),
        fc.integer({ min: 1, max: 4 }),
        (list, along, descending, limit) => {
          const searched = store(list)
          const ids: string[] = []
          let after: Place | undefined
          for (let finished = false; !finished; ) {
            const slice = walkMemory(searched, walk(along, { descending, limit, after }), NOW)
            ids.push(...slice.matches.map(({ id }) => id))
            after = slice.last ?? after
            finished = slice.finished
          }
          const expected = list.filter((each) => isMember(along, each)).sort((a, b) => compareIn(along, a, b))
          expect(ids).toEqual((descending ? expected.reverse() : expected).map(({ id }) => id))
        },
      ),
      { numRuns: 1_000 },
    )
  })
})

function isMember({ kind, range, ...section }: Section, sample: Sample): boolean {
  if (kind === 'equality')
    return (
      'value' in section && sample.status === section.value && isInRange(sample.order, range as Range<number>)
    )
  if (kind === 'number') return isInRange(sample.number ?? Number.POSITIVE_INFINITY, range as Range<number>)
  const { min, max } = range as Range<string>
  if (min === undefined && max === undefined) return true
  const value = sample.text ?? undefined
  if (value === undefined) return false
  if (min !== undefined && compareText(value, min.value) < (min.exclusive ? 1 : 0)) return false
  return max === undefined || compareText(value, max.value) <= (max.exclusive ? -1 : 0)
}

function compareIn({ kind }: Section, a: Sample, b: Sample): number {
  const missing = Number.POSITIVE_INFINITY
  const [x, y] = kind === 'number' ? [a.number ?? missing, b.number ?? missing] : [a.order, b.order]
  const byValue =
    kind === 'text' ? compareTexts(a.text ?? undefined, b.text ?? undefined) : x === y ? 0 : x - y
  return byValue || (a.id < b.id ? -1 : 1)
}

function compareTexts(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
  return compareText(a, b)
}

describe('a term', () => {
  const record = store(SAMPLES).records.get('a')!

  it.each([
    [{ kind: 'equality', index: 'status', value: 'on', range: {} }, true],
    [{ kind: 'equality', index: 'status', value: 'off', range: {} }, false],
    [{ kind: 'equality', index: 'status', value: 'on', range: { min: beyond(1) } }, false],
    [{ kind: 'equality', index: 'nope', value: 'on', range: {} }, false],
    [number(), true],
    [number({ min: beyond(5) }), false],
    [number({ max: at(5) }), true],
  ] as const)('tells from the record’s own entries whether it holds: %#', (section, expected) => {
    expect(holds({ section, negated: false }, record)).toBe(expected)
    expect(holds({ section, negated: true }, record)).toBe(!expected)
  })

  it('knows a missing number at infinity', () => {
    const missing = store(SAMPLES).records.get('c')!
    const exists: Term = { section: number({ max: beyond(Number.POSITIVE_INFINITY) }), negated: false }
    expect([holds(exists, record), holds(exists, missing)]).toEqual([true, false])
  })
})
