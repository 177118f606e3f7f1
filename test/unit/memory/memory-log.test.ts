import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LogDraft, MemoryLog } from '../../../src/memory/memory-log.ts'

const UNBOUNDED = Number.POSITIVE_INFINITY

function drafts(count: number): LogDraft[] {
  return Array.from({ length: count }, () => ({
    type: 'stream.updated',
    id: 'cam1',
    doc: '{}',
    deadline: 0,
    source: 'a',
  }))
}

/** A log id's parts. */
function partsOf(logId: string): { ms: number; sequence: number } {
  const [ms, sequence] = logId.split('-').map(Number)
  return { ms: ms ?? Number.NaN, sequence: sequence ?? Number.NaN }
}

const idsOf = (log: MemoryLog): string[] => log.read(undefined, UNBOUNDED).records.map(({ logId }) => logId)

describe('the log in memory', () => {
  it('numbers what it takes in densely, and answers the last id', () => {
    const log = new MemoryLog(1_000, UNBOUNDED)
    expect(log.append(drafts(2), 100)).toBe('100-2')
    expect(log.append(drafts(1), 100)).toBe('100-3')
    expect(log.append(drafts(1), 105)).toBe('105-4')
    expect(idsOf(log)).toEqual(['100-1', '100-2', '100-3', '105-4'])
  })

  it('never goes back in time', () => {
    const log = new MemoryLog(1_000, UNBOUNDED)
    log.append(drafts(1), 100)
    expect(log.append(drafts(1), 90)).toBe('100-2')
    expect(log.append(drafts(1), 101)).toBe('101-3')
  })

  it('keeps both laws whatever comes', () => {
    const batches = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat(1_000)), { maxLength: 60 })
    fc.assert(
      fc.property(batches, (script) => {
        const log = new MemoryLog(10_000, UNBOUNDED)
        for (const [count, now] of script) log.append(drafts(count), now)
        const parts = idsOf(log).map(partsOf)
        expect(parts.map(({ sequence }) => sequence)).toEqual(parts.map((_, i) => i + 1))
        expect(parts.map(({ ms }) => ms)).toEqual(parts.map(({ ms }) => ms).sort((a, b) => a - b))
      }),
    )
  })

  it('is read on from any entry, in slices', () => {
    const log = new MemoryLog(1_000, UNBOUNDED)
    log.append(drafts(5), 100)
    const read = (after: string | undefined, limit: number) =>
      log.read(after, limit).records.map(({ logId }) => logId)
    expect(read(undefined, 2)).toEqual(['100-1', '100-2'])
    expect(read('100-2', 2)).toEqual(['100-3', '100-4'])
    expect(read('100-4', 2)).toEqual(['100-5'])
    expect(read('100-5', 2)).toEqual([])
    expect(read('100-9', 2)).toEqual([])
  })

  it('keeps everything that it was given', () => {
    const log = new MemoryLog(1_000, UNBOUNDED)
    const draft: LogDraft = {
      type: 'stream.updated',
      id: 'cam1',
      doc: '{"a":1}',
      side: '{}',
      deadline: 7,
      source: 'a',
      changes: ['name'],
      opId: 'op',
    }
    log.append([draft], 1)
    expect(log.read(undefined, 1)).toEqual({ records: [{ logId: '1-1', ...draft }], next: '1-1' })
  })
})

describe('the bounds of the log', () => {
  it('keep at least as many entries as asked for, and at most a quarter more', () => {
    const log = new MemoryLog(100, UNBOUNDED)
    for (let i = 1; i <= 1_000; i++) {
      log.append(drafts(1), i)
      const kept = idsOf(log)
      expect(kept.length).toBeGreaterThanOrEqual(Math.min(i, 100))
      expect(kept.length).toBeLessThanOrEqual(125)
      expect(kept.at(-1)).toBe(`${i}-${i}`)
    }
  })

  it('leave cursors good: what is gone is skipped, what is kept comes whole', () => {
    const log = new MemoryLog(10, UNBOUNDED)
    for (let i = 1; i <= 50; i++) log.append(drafts(1), i)
    const kept = idsOf(log)
    expect(log.read('3-3', UNBOUNDED).records.map(({ logId }) => logId)).toEqual(kept)
    expect(log.read('48-48', UNBOUNDED).records.map(({ logId }) => logId)).toEqual(['49-49', '50-50'])
  })

  it('drop what is older than asked for, and nothing younger', () => {
    const log = new MemoryLog(10_000, 100)
    for (let i = 1; i <= 640; i++) log.append(drafts(1), i)
    const oldest = partsOf(idsOf(log)[0] ?? '').ms
    expect(oldest).toBe(540)
  })

  it('drop what is old however many entries come at once', () => {
    const log = new MemoryLog(10_000, 100)
    log.append(drafts(1), 0)
    for (let i = 1; i <= 1_000; i++) log.append(drafts(2), i * 10)
    expect(idsOf(log).length).toBeLessThan(500)
  })
})
