import { STREAM_STATUSES, STREAM_TYPES, type Stream } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { entriesOf, splitStatusTypeCounter, statisticsScores } from '../../../src/core/indexes.ts'
import type { Entry, IndexDeclaration } from '../../../src/core/store.ts'
import { CREATED_MS, stateWith, streamWith } from '../support/streams.ts'

const BUILT_IN = 9

/** The entries of the declared indexes alone. */
function declaredEntries(declared: readonly IndexDeclaration[], stream: Stream): readonly Entry[] {
  const without = entriesOf(stream)([]).length
  return entriesOf(stream)(declared).slice(without)
}

/** The value of an entry, which those over statistics do not have. */
function entryValue(entry: Entry | undefined): string | number | null | undefined {
  return entry === undefined || entry.kind === 'side' ? undefined : entry.value
}

describe('the index entries of a stream', () => {
  it('are those of the seeds’ indexes, health, owner and the counters', () => {
    const stream = streamWith({ tags: ['live'], status: 'active', state: stateWith({ health: 'degraded' }) })
    expect(entriesOf(stream)([])).toEqual([
      { kind: 'equality', index: 'status', value: 'active' },
      { kind: 'equality', index: 'type', value: 'srt' },
      { kind: 'equality', index: 'protocol', value: 'srt' },
      { kind: 'equality', index: 'health', value: 'degraded' },
      { kind: 'equality', index: 'owner', value: 'ingest-1' },
      { kind: 'equality', index: 'tag', value: 'live' },
      { kind: 'number', index: 'created_at', value: CREATED_MS },
      { kind: 'text', index: 'source_addr', value: '10.0.0.1:9000' },
      { kind: 'counter', index: 'status|type', value: 'active|srt' },
    ])
  })

  it('are one for each tag, and none for an owner that is not there', () => {
    const { owner: _, ...unowned } = streamWith({ tags: ['a', 'b', 'c'] })
    const entries = entriesOf(unowned)([])
    expect(entries.filter(({ index }) => index === 'tag').map(entryValue)).toEqual(['a', 'b', 'c'])
    expect(entries.some(({ index }) => index === 'owner')).toBe(false)
    expect(entries).toHaveLength(BUILT_IN - 2 + 3)
  })
})

describe('a declared index', () => {
  const stream = streamWith({
    name: 'Camera 1',
    startedAt: new Date(5_000),
    bitrate: 0,
    metadata: { region: 'eu', zone: 3, drone: true, nested: { deep: 'x' }, list: ['a'], none: null },
  })

  it.each([
    ['metadata.region', 'seu'],
    ['metadata.zone', 'n3'],
    ['metadata.drone', 'btrue'],
    ['metadata.nested.deep', 'sx'],
    ['state.errorCount', 'n0'],
    ['name', 'sCamera 1'],
  ])('for equality keeps %s under %s, so that 1, "1" and true stay apart', (field, value) => {
    expect(declaredEntries([{ field, kind: 'equality' }], stream)).toEqual([
      { kind: 'equality', index: field, value },
    ])
  })

  it.each(['metadata.missing', 'metadata.list', 'metadata.none', 'metadata.nested', 'name.first'])(
    'for equality has no entry for %s, which is no scalar',
    (field) => {
      expect(declaredEntries([{ field, kind: 'equality' }], stream)).toEqual([])
    },
  )

  it('for equality takes 0 and -0 as one', () => {
    const keyOf = (zone: number) =>
      declaredEntries([{ field: 'metadata.zone', kind: 'equality' }], streamWith({ metadata: { zone } }))
    expect(keyOf(-0)).toEqual(keyOf(0))
  })

  it('for equality keeps the first 128 characters, and tears none', () => {
    const keyOf = (region: string) =>
      entryValue(
        declaredEntries(
          [{ field: 'metadata.region', kind: 'equality' }],
          streamWith({ metadata: { region } }),
        )[0],
      )
    expect(keyOf('x'.repeat(200))).toBe(`s${'x'.repeat(128)}`)
    expect(keyOf('😀'.repeat(200))).toBe(`s${'😀'.repeat(128)}`)
    expect(keyOf(`x${'😀'.repeat(200)}`)).toBe(`sx${'😀'.repeat(127)}`)
  })

  it.each([
    ['metadata.zone', 3],
    ['bitrate', 0],
    ['startedAt', 5_000],
    ['metadata.missing', null],
  ])('for numbers has %s as %s', (field, value) => {
    expect(declaredEntries([{ field, kind: 'number' }], stream)).toEqual([
      { kind: 'number', index: field, value },
    ])
  })

  it.each([
    ['name', 'Camera 1'],
    ['metadata.region', 'eu'],
    ['codec', null],
  ])('for text has %s as %s', (field, value) => {
    expect(declaredEntries([{ field, kind: 'text' }], stream)).toEqual([
      { kind: 'text', index: field, value },
    ])
  })

  it.each([
    ['metadata.region', 'number'],
    ['metadata.zone', 'text'],
  ] as const)('has %s, which is no %s, beside it under other', (field, kind) => {
    expect(declaredEntries([{ field, kind }], stream)).toEqual([
      { kind: 'equality', index: field, value: 'other' },
    ])
  })

  it('reads no inherited member as a field', () => {
    const fields = ['metadata.toString', 'metadata.constructor.name', 'toString.name']
    for (const field of fields) expect(declaredEntries([{ field, kind: 'equality' }], stream)).toEqual([])
  })

  it.each([
    ['statistics.bytesReceived', 'bytes_received', 0],
    ['statistics.packetsReceived', 'packets_received', 0],
    ['statistics.packetsLost', 'packets_lost', 0],
    ['statistics.bitrate', 'bitrate', 0],
    ['statistics.rttMs', 'rtt_ms', null],
    ['statistics.packetsRetransmitted', 'packets_retransmitted', null],
  ])(
    'over %s names its field, %s, and what counts where it was not reported: %s',
    (index, field, missing) => {
      expect(declaredEntries([{ field: index, kind: 'number' }], stream)).toEqual([
        { kind: 'side', index, field, missing },
      ])
    },
  )

  it('over a statistic is the same whatever was measured', () => {
    const declared: IndexDeclaration[] = [{ field: 'statistics.bitrate', kind: 'number' }]
    const measured = streamWith({ statistics: { ...stream.statistics, bitrate: 5_000 } })
    expect(declaredEntries(declared, measured)).toEqual(declaredEntries(declared, stream))
  })
})

describe('the scores of reported statistics', () => {
  const declared: IndexDeclaration[] = [
    { field: 'statistics.rttMs', kind: 'number' },
    { field: 'statistics.bitrate', kind: 'number' },
    { field: 'metadata.region', kind: 'equality' },
  ]

  it('are those of the declared indexes over what was reported', () => {
    expect(statisticsScores({ bitrate: 0, packetsLost: 1 })(declared)).toEqual([
      { index: 'statistics.bitrate', value: 0 },
    ])
    expect(statisticsScores({ bitrate: 7, rttMs: 2.5 })(declared)).toEqual([
      { index: 'statistics.rttMs', value: 2.5 },
      { index: 'statistics.bitrate', value: 7 },
    ])
    expect(statisticsScores({})(declared)).toEqual([])
    expect(statisticsScores({ bitrate: 7 })([])).toEqual([])
  })
})

describe('the counter of status and type', () => {
  it('is split again for every pair', () => {
    for (const status of STREAM_STATUSES) {
      for (const type of STREAM_TYPES) {
        const counter = entriesOf(streamWith({ status, type }))([]).find(({ kind }) => kind === 'counter')
        expect(splitStatusTypeCounter(String(entryValue(counter)))).toEqual([status, type])
      }
    }
  })

  it.each(['', 'active', 'active|', '|srt', 'running|srt', 'active|hls'])('is none of ours: %j', (value) => {
    expect(splitStatusTypeCounter(value)).toBeUndefined()
  })
})
