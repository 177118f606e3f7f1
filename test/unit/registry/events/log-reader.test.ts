import { describe, expect, it } from 'vitest'
import type { EventUpcasters } from '../../../../src/core/event-codec.ts'
import { documentToJSON } from '../../../../src/core/model/wire.ts'
import type { LogRecord, LogSlice, Store } from '../../../../src/core/store.ts'
import { type LogItem, LogReader, type LogReaderOptions } from '../../../../src/registry/events/log-reader.ts'
import { streamWith } from '../../support/streams.ts'

const CALL = { deadline: Number.POSITIVE_INFINITY }

/** An entry of the log: its number, at that many milliseconds. */
function record(sequence: number, more: Partial<LogRecord> = {}): LogRecord {
  const id = more.id ?? 'cam1'
  return {
    logId: `${sequence * 10}-${sequence}`,
    type: 'stream.updated',
    id,
    doc: JSON.stringify(documentToJSON(streamWith({ id }))),
    deadline: 0,
    source: 'a',
    ...more,
  }
}

type ReadLog = (partition: number, after: string | undefined, limit: number) => Promise<LogSlice>

/** Dense logs, one a partition, read as a store does. */
class FakeLogs {
  readonly logs: LogRecord[][]
  readonly reads: [partition: number, after: string | undefined, limit: number][] = []

  constructor(...logs: LogRecord[][]) {
    this.logs = logs
  }

  readonly readLog: ReadLog = async (partition, after, limit) => {
    this.reads.push([partition, after, limit])
    const log = this.logs[partition] ?? []
    const sequence = Number(after?.split('-')[1] ?? 0)
    const records = log.filter(({ logId }) => Number(logId.split('-')[1]) > sequence).slice(0, limit)
    const next = records.at(-1)?.logId ?? after ?? '0-0'
    const first = Number(records[0]?.logId.split('-')[1] ?? sequence + 1)
    return after !== undefined && first > sequence + 1 ? { records, next, gap: 'trimmed' } : { records, next }
  }
}

function readerOf(
  logs: { readLog: ReadLog; logs?: unknown[][] },
  more: Partial<LogReaderOptions> = {},
): LogReader<never> {
  const partitions = logs.logs?.length ?? 1
  const store = { partitions, readLog: logs.readLog } as unknown as Store
  return new LogReader({
    store,
    positions: new Array<string | undefined>(partitions).fill('0-0'),
    wants: () => true,
    partition: undefined,
    upcasters: {},
    ...more,
  })
}

function cursorsOf(items: readonly LogItem<never>[]): string[] {
  return items.map((item) => (item.type === 'gap' ? `gap ${item.cursor}` : item.cursor))
}

describe('a reader of one log', () => {
  it('reads on from where it stands, each item with the cursor behind it', async () => {
    const logs = new FakeLogs([record(1), record(2), record(3)])
    const reader = readerOf(logs)
    expect(cursorsOf(await reader.read(2, CALL))).toEqual(['10-1', '20-2'])
    expect(reader.cursor).toBe('20-2')
    expect(reader.isBehind).toBe(true)
    expect(cursorsOf(await reader.read(2, CALL))).toEqual(['30-3'])
    expect(reader.isBehind).toBe(false)
    expect(await reader.read(2, CALL)).toEqual([])
    expect(logs.reads).toEqual([
      [0, '0-0', 2],
      [0, '20-2', 2],
    ])
  })

  it('begins with what is kept where it has no position', async () => {
    const logs = new FakeLogs([record(7), record(8)])
    const reader = readerOf(logs, { positions: [undefined] })
    expect(reader.cursor).toBe('0-0')
    expect(cursorsOf(await reader.read(10, CALL))).toEqual(['70-7', '80-8'])
  })

  it('passes over what is not wanted', async () => {
    const logs = new FakeLogs([record(1), record(2, { id: 'cam2' }), record(3)])
    const reader = readerOf(logs, { wants: (_, id) => id === 'cam2' })
    expect(cursorsOf(await reader.read(10, CALL))).toEqual(['20-2'])
    expect(reader.cursor).toBe('30-3')
  })

  it('knows from a ring whether there is something to read', async () => {
    const reader = readerOf(new FakeLogs([record(1)]))
    await reader.read(10, CALL)
    expect(reader.ring(0, '10-1')).toBe(false)
    expect(reader.ring(0, '20-2')).toBe(true)
    expect(reader.isBehind).toBe(true)
  })

  it('loses no ring that comes while it reads', async () => {
    const logs = new FakeLogs([record(1)])
    let ring = (): void => {}
    const readLog: ReadLog = async (...args) => {
      const slice = await logs.readLog(...args)
      ring()
      return slice
    }
    const reader = readerOf({ readLog, logs: logs.logs })
    ring = () => {
      logs.logs[0]?.push(record(2))
      reader.ring(0, '20-2')
      ring = () => {}
    }
    expect(cursorsOf(await reader.read(10, CALL))).toEqual(['10-1'])
    expect(reader.isBehind).toBe(true)
    expect(cursorsOf(await reader.read(10, CALL))).toEqual(['20-2'])
    expect(reader.isBehind).toBe(false)
  })

  it('loses nothing by a read that is rejected', async () => {
    const logs = new FakeLogs([record(1), record(2)])
    let failures = 2
    const readLog: ReadLog = async (...args) => {
      if (failures-- > 0) throw new Error('away')
      return logs.readLog(...args)
    }
    const reader = readerOf({ readLog, logs: logs.logs })
    for (let n = 0; n < 2; n++) await expect(reader.read(10, CALL)).rejects.toThrow('away')
    expect([reader.cursor, reader.isBehind]).toEqual(['0-0', true])
    expect(cursorsOf(await reader.read(10, CALL))).toEqual(['10-1', '20-2'])
  })

  it('loses no item when an upcaster fails on another', async () => {
    const logs = new FakeLogs([record(1), record(2, { version: 0 }), record(3)])
    const upcasters: EventUpcasters = {
      0: () => {
        throw new Error('cannot be lifted')
      },
    }
    const reader = readerOf(logs, { upcasters })
    const items: LogItem<never>[] = []
    for (let attempt = 0; attempt < 3; attempt++) items.push(...(await reader.read(10, CALL).catch(() => [])))
    expect(cursorsOf(items)).toEqual(expect.arrayContaining(['10-1', '30-3']))
  })
})

describe('a gap', () => {
  const trimmed = new FakeLogs([record(50), record(51)])

  it('comes before what is kept, with a cursor right before it', async () => {
    const reader = readerOf(trimmed, { positions: ['30-3'] })
    const items = await reader.read(10, CALL)
    expect(items[0]).toEqual({ type: 'gap', reason: 'trimmed', cursor: '500-49' })
    expect(cursorsOf(items)).toEqual(['gap 500-49', '500-50', '510-51'])
    expect(reader.isBehind).toBe(false)
  })

  it('is not told again to whoever resumes from its cursor, and nothing behind it is lost', async () => {
    const [gap] = await readerOf(trimmed, { positions: ['30-3'] }).read(10, CALL)
    const cursor = gap?.type === 'gap' ? gap.cursor : ''
    const items = await readerOf(trimmed, { positions: [cursor] }).read(10, CALL)
    expect(cursorsOf(items)).toEqual(['500-50', '510-51'])
  })

  it('is told where nothing is kept behind it, and by any filter', async () => {
    const readLog: ReadLog = async () => ({ records: [], gap: 'rewound', next: '20-2' })
    const reader = readerOf({ readLog }, { positions: ['990-99'], wants: () => false })
    expect(await reader.read(10, CALL)).toEqual([{ type: 'gap', reason: 'rewound', cursor: '20-2' }])
    expect([reader.cursor, reader.isBehind]).toEqual(['20-2', false])
  })
})

describe('a reader of several logs', () => {
  const logs = (): FakeLogs =>
    new FakeLogs(
      [record(1), record(2), record(3)],
      [],
      [record(1, { id: 'cam2' }), record(2, { id: 'cam2' })],
    )

  it('shares what it asks for among the logs that may have more', async () => {
    const fake = logs()
    const reader = readerOf(fake)
    await reader.read(6, CALL)
    expect(fake.reads.map(([partition, , limit]) => [partition, limit])).toEqual([
      [0, 2],
      [1, 2],
      [2, 2],
    ])
    // Nothing came from the second: a full share of the others may not have been all.
    fake.reads.length = 0
    await reader.read(6, CALL)
    expect(fake.reads.map(([partition, after, limit]) => [partition, after, limit])).toEqual([
      [0, '20-2', 3],
      [2, '20-2', 3],
    ])
  })

  it('asks each for one at least', async () => {
    const fake = logs()
    await readerOf(fake).read(1, CALL)
    expect(fake.reads.map(([, , limit]) => limit)).toEqual([1, 1, 1])
  })

  it('has cursors that cover exactly what came before', async () => {
    const items = await readerOf(logs()).read(100, CALL)
    expect(cursorsOf(items)).toEqual([
      '10-1.0-0.0-0',
      '20-2.0-0.0-0',
      '30-3.0-0.0-0',
      '30-3.0-0.10-1',
      '30-3.0-0.20-2',
    ])
    for (const [i, cursor] of cursorsOf(items).entries()) {
      const rest = await readerOf(logs(), { positions: cursor.split('.') }).read(100, CALL)
      expect(cursorsOf(rest)).toEqual(cursorsOf(items).slice(i + 1))
    }
  })

  it('loses nothing of any when one of them cannot be read', async () => {
    const fake = logs()
    let isAway = true
    const readLog: ReadLog = async (partition, ...rest) => {
      if (partition === 2 && isAway) throw new Error('away')
      return fake.readLog(partition, ...rest)
    }
    const reader = readerOf({ readLog, logs: fake.logs })
    await expect(reader.read(100, CALL)).rejects.toThrow('away')
    isAway = false
    expect(await reader.read(100, CALL)).toHaveLength(5)
  })

  it('reads that of one partition only, where it is told to', async () => {
    const fake = logs()
    const reader = readerOf(fake, { partition: 2 })
    expect(reader.ring(0, '990-99')).toBe(false)
    expect(reader.ring(2, '20-2')).toBe(true)
    expect(cursorsOf(await reader.read(10, CALL))).toEqual(['0-0.0-0.10-1', '0-0.0-0.20-2'])
    expect(fake.reads.map(([partition]) => partition)).toEqual([2])
    expect(reader.isBehind).toBe(false)
  })
})
