import type { IndexDeclaration, Problem, Stream } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { entriesOf } from '../../../src/core/indexes.ts'
import { documentToJSON, streamFromStored } from '../../../src/core/model/wire.ts'
import type { AuditReport, Describe } from '../../../src/core/store.ts'
import { auditMemory, type MemoryParts } from '../../../src/memory/memory-audit.ts'
import { MemoryIndexes } from '../../../src/memory/memory-indexes.ts'
import { SortedItems } from '../../../src/memory/sorted-items.ts'
import { CREATED_MS, streamWith } from '../support/streams.ts'

const DEADLINE = CREATED_MS + 300_000
const DECLARED: IndexDeclaration[] = [
  { field: 'name', kind: 'text' },
  { field: 'statistics.rttMs', kind: 'number' },
]

const describeDocument: Describe = (_, doc) => {
  try {
    const stream = streamFromStored(doc, undefined, DEADLINE)
    return {
      order: stream.createdAt.getTime(),
      ttlMs: stream.ttlMs,
      entries: entriesOf(stream),
      onLapsed: 'stream.expired',
    }
  } catch {
    return undefined
  }
}

/** The insides of a store in memory that holds these streams, all consistent. */
function partsOf(...streams: Stream[]): MemoryParts {
  return partsWith(undefined, ...streams)
}

/** The same where each of them has reported these statistics. */
function partsWith(side: string | undefined, ...streams: Stream[]): MemoryParts {
  const parts: MemoryParts = {
    records: new Map(),
    indexes: new MemoryIndexes(),
    leases: new SortedItems(),
    place: (entries, order, { id, side }) => parts.indexes.place(entries(DECLARED), id, order, side),
  }
  for (const stream of streams) {
    const { id } = stream
    const entries = parts.indexes.place(entriesOf(stream)(DECLARED), id, CREATED_MS, side)
    parts.records.set(id, {
      id,
      doc: JSON.stringify(documentToJSON(stream)),
      ...(side !== undefined && { side }),
      token: '1-1',
      fence: '1-1',
      ttlMs: stream.ttlMs,
      deadline: DEADLINE,
      order: CREATED_MS,
      onLapsed: 'stream.expired',
      entries,
    })
    parts.leases.add({ rank: DEADLINE, id })
    for (const entry of entries) parts.indexes.add(entry)
  }
  return parts
}

function twoCameras(): MemoryParts {
  return partsOf(
    streamWith({ name: 'Camera 1', tags: ['live'] }),
    streamWith({ id: 'cam2', status: 'active' }),
  )
}

function audit(parts: MemoryParts, repair = false): AuditReport {
  return auditMemory(parts, describeDocument, repair)
}

const briefly = ({ kind, streamId }: Problem) => (streamId === undefined ? kind : `${kind} ${streamId}`)

/** The list of an index, or of one value of it. Fails the test when there is none. */
function listOf(parts: MemoryParts, index: string, value = '') {
  const found = [...parts.indexes.lists(index)].find((list) => list.value === value)
  if (found === undefined) throw new Error(`no list ${index}:${value}`)
  return found
}

const FAULTS: [string, (parts: MemoryParts) => void, string[]][] = [
  ['a lost lease', ({ leases }) => leases.delete({ rank: DEADLINE, id: 'cam1' }), ['lost-lease cam1']],
  [
    'a lease at another time',
    ({ leases }) => {
      leases.delete({ rank: DEADLINE, id: 'cam1' })
      leases.add({ rank: DEADLINE + 1, id: 'cam1' })
    },
    ['lost-lease cam1', 'dangling-entry cam1'],
  ],
  ['a lease of nothing', ({ leases }) => leases.add({ rank: DEADLINE, id: 'gone' }), ['dangling-entry gone']],
  [
    'a missing equality entry',
    (parts) => listOf(parts, 'status', 'active').items.delete({ rank: CREATED_MS, id: 'cam2' }),
    ['missing-entry cam2'],
  ],
  [
    'a missing tag',
    (parts) => listOf(parts, 'tag', 'live').items.delete({ rank: CREATED_MS, id: 'cam1' }),
    ['missing-entry cam1'],
  ],
  [
    'a missing place in the default order',
    (parts) => listOf(parts, 'created_at').items.delete({ rank: CREATED_MS, id: 'cam1' }),
    ['missing-entry cam1'],
  ],
  [
    'a missing entry of a declared index',
    (parts) => listOf(parts, 'name').items.delete({ rank: 'vCamera 1', id: 'cam1' }),
    ['missing-entry cam1'],
  ],
  [
    'an entry of nothing',
    (parts) => listOf(parts, 'type', 'srt').items.add({ rank: CREATED_MS, id: 'gone' }),
    ['dangling-entry gone'],
  ],
  [
    'an entry under a value that the stream does not have',
    (parts) => listOf(parts, 'status', 'active').items.add({ rank: CREATED_MS, id: 'cam1' }),
    ['dangling-entry cam1'],
  ],
  [
    'an entry at another rank beside the right one',
    (parts) => listOf(parts, 'name').items.add({ rank: 'vCamera 9', id: 'cam1' }),
    ['dangling-entry cam1'],
  ],
  [
    'a counter that counts too many',
    (parts) => {
      listOf(parts, 'status|type', 'active|srt').count += 1
    },
    ['wrong-counter'],
  ],
  [
    'a counter that counts too few',
    (parts) => {
      listOf(parts, 'status|type', 'pending|srt').count = 0
    },
    ['wrong-counter'],
  ],
]

describe('an audit of a store in memory', () => {
  it('finds nothing where all is right', () => {
    expect(audit(twoCameras())).toEqual({ checked: 2, problems: [] })
    expect(audit(partsOf())).toEqual({ checked: 0, problems: [] })
    expect(audit(twoCameras(), true)).toEqual({ checked: 2, problems: [] })
  })

  it.each(FAULTS)('finds %s, and leaves it as it is', (_, breakIt, problems) => {
    const parts = twoCameras()
    breakIt(parts)
    const report = audit(parts)
    expect(report.problems.map(briefly)).toEqual(problems)
    expect(report.problems.every(({ repaired }) => !repaired)).toBe(true)
    expect(audit(parts)).toEqual(report)
  })

  it.each(FAULTS)('mends %s', (_, breakIt, problems) => {
    const parts = twoCameras()
    breakIt(parts)
    const report = audit(parts, true)
    expect(report.problems.map(briefly)).toEqual(problems)
    expect(report.problems.every(({ repaired }) => repaired)).toBe(true)
    expect(audit(parts)).toEqual({ checked: 2, problems: [] })
    expect(insidesOf(parts)).toEqual(insidesOf(twoCameras()))
  })

  it('mends everything at once', () => {
    const parts = twoCameras()
    for (const [, breakIt] of FAULTS.slice(3)) breakIt(parts)
    audit(parts, true)
    expect(insidesOf(parts)).toEqual(insidesOf(twoCameras()))
  })

  it.each(['', 'x', '{}', '[]', 'null'])('finds a record that is no stream: %j', (doc) => {
    const parts = twoCameras()
    parts.records.set('cam1', { ...parts.records.get('cam1')!, doc })
    expect(audit(parts).problems.map(briefly)).toEqual(['corrupt-record cam1'])
  })

  it('removes a record that is no stream, with all that is beside it', () => {
    const parts = twoCameras()
    parts.records.set('cam1', { ...parts.records.get('cam1')!, doc: 'x' })
    expect(audit(parts, true).problems.map(briefly)).toContain('corrupt-record cam1')
    expect(audit(parts)).toEqual({ checked: 1, problems: [] })
    expect(insidesOf(parts)).toEqual(insidesOf(partsOf(streamWith({ id: 'cam2', status: 'active' }))))
  })

  it('follows the document where the entries are those of another', () => {
    const parts = twoCameras()
    const doc = JSON.stringify(documentToJSON(streamWith({ name: 'Camera 1', tags: ['hd'] })))
    parts.records.set('cam1', { ...parts.records.get('cam1')!, doc })
    expect(audit(parts).problems.map(briefly)).toContain('missing-entry cam1')
    audit(parts, true)
    expect(audit(parts).problems).toEqual([])
    expect(insidesOf(parts)).toEqual(
      insidesOf(
        partsOf(streamWith({ name: 'Camera 1', tags: ['hd'] }), streamWith({ id: 'cam2', status: 'active' })),
      ),
    )
  })

  it('follows the statistics that were reported', () => {
    const parts = partsWith('{"rtt_ms":2.5}', streamWith())
    const measured = listOf(parts, 'statistics.rttMs').items
    expect([...measured.from()]).toEqual([{ rank: 2.5, id: 'cam1' }])
    expect(audit(parts).problems).toEqual([])
    measured.delete({ rank: 2.5, id: 'cam1' })
    measured.add({ rank: 7, id: 'cam1' })
    expect(audit(parts, true).problems.map(briefly)).toEqual(['missing-entry cam1', 'dangling-entry cam1'])
    expect([...measured.from()]).toEqual([{ rank: 2.5, id: 'cam1' }])
  })

  it('says what is wrong where', () => {
    const parts = twoCameras()
    listOf(parts, 'tag', 'live').items.delete({ rank: CREATED_MS, id: 'cam1' })
    listOf(parts, 'status|type', 'pending|srt').count = 7
    expect(audit(parts).problems.map(({ message }) => message)).toEqual([
      'missing-entry: cam1 in tag',
      'wrong-counter: status|type:pending|srt',
    ])
  })
})

/** All leases, entries and counters, but for lists that are empty. */
function insidesOf({ leases, indexes, records }: MemoryParts): unknown {
  const lists = [...indexes.lists()]
    .map(({ index, value, count, items }) => ({ index, value, count, items: [...items.from()] }))
    .filter(({ count, items }) => count > 0 || items.length > 0)
    .sort((a, b) => (`${a.index}:${a.value}` < `${b.index}:${b.value}` ? -1 : 1))
  return { leases: [...leases.from()], lists, records: [...records.keys()].sort() }
}
