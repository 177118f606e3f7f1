import { MockRegistry, type StreamEvent } from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryLog } from '../../../src/memory/memory-log.ts'

const UNBOUNDED = Number.POSITIVE_INFINITY
const DRAFT = { type: 'stream.updated', id: 'cam1', doc: '{}', deadline: 0, source: 'a' }

function logWith(count: number, maxEvents = UNBOUNDED): MemoryLog {
  const log = new MemoryLog(maxEvents, UNBOUNDED)
  for (let i = 1; i <= count; i++) log.append([DRAFT], i)
  return log
}

function sequenceOf(logId: string | undefined): number {
  return Number(logId?.split('-')[1])
}

describe('reading behind a cursor', () => {
  it('tells of no gap where nothing is missing', () => {
    const log = logWith(10)
    for (const after of [undefined, '0-0', '1-1', '9-9', '10-10']) {
      expect(log.read(after, UNBOUNDED)).not.toHaveProperty('gap')
    }
    expect(log.read('10-10', 5)).toEqual({ records: [], next: '10-10' })
  })

  it('says trimmed where entries behind it were cut, and gives what is kept', () => {
    const log = logWith(50, 10)
    const { records } = log.read(undefined, UNBOUNDED)
    const first = sequenceOf(records[0]?.logId)
    expect(log.read('3-3', UNBOUNDED)).toEqual({ records, gap: 'trimmed', next: '50-50' })
    expect(log.read('0-0', UNBOUNDED).gap).toBe('trimmed')
    expect(log.read(`${first - 2}-${first - 2}`, 1).gap).toBe('trimmed')
    expect(log.read(`${first - 1}-${first - 1}`, UNBOUNDED)).toEqual({ records, next: '50-50' })
  })

  it('says rewound where the cursor stands behind the end, and goes on from there', () => {
    expect(logWith(5).read('99-99', 10)).toEqual({ records: [], gap: 'rewound', next: '5-5' })
    expect(logWith(0).read('1-1', 10)).toEqual({ records: [], gap: 'rewound', next: '0-0' })
  })

  it('has a gap exactly where the next number is missing, whatever was cut', () => {
    const cases = fc.tuple(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 50 }), fc.nat(210))
    fc.assert(
      fc.property(cases, ([count, maxEvents, sequence]) => {
        const slice = logWith(count, maxEvents).read(`${sequence}-${sequence}`, UNBOUNDED)
        const next = slice.records[0]
        const expected =
          sequence > count
            ? 'rewound'
            : next !== undefined && sequenceOf(next.logId) > sequence + 1
              ? 'trimmed'
              : undefined
        expect(slice.gap).toBe(expected)
        if (sequence <= count) expect(sequenceOf(slice.next)).toBe(count)
      }),
    )
  })
})

describe('a subscription in memory', () => {
  async function registryWith(events: number, options: object): Promise<MockRegistry> {
    const registry = new MockRegistry(options)
    await registry.create({ id: 'cam1', type: 'srt', sourceAddr: 'a:1' })
    for (let n = 1; n < events; n++) await registry.update('cam1', { metadata: { n } })
    return registry
  }

  it('is told once of what was cut by length', async () => {
    const registry = await registryWith(100, { maxEvents: 20 })
    const kept = registry.recordedEvents
    const sub = await registry.subscribe({ from: '0-0', bufferSize: 3 })
    expect((await sub.next()).value).toMatchObject({ type: 'gap', reason: 'trimmed' })
    for (const event of kept) expect((await sub.next()).value).toEqual(event)
    await registry.close()
  })

  it('is told of what was cut by age', async () => {
    const clock = new ManualClock()
    const registry = new MockRegistry({ clock, eventRetentionMs: 1_000 })
    await registry.create({ id: 'cam1', type: 'srt', sourceAddr: 'a:1' })
    const sub = await registry.subscribe({ from: 'start', bufferSize: 1 })
    const { value: first } = (await sub.next()) as { value: StreamEvent }
    clock.advance(5_000)
    for (let n = 0; n < 130; n++) await registry.update('cam1', { metadata: { n } })
    const { value: second } = await sub.next()
    // The second event is as young as the others: nothing is missing behind the first.
    expect([first.type, second?.type]).toEqual(['stream.created', 'stream.updated'])
    const late = await registry.subscribe({ from: '0-0' })
    expect((await late.next()).value?.type).toBe('gap')
    await registry.close()
  })

  it('is told that the log began anew where its cursor is of another one', async () => {
    const registry = await registryWith(3, {})
    const sub = await registry.subscribe({ from: '1-1000' })
    const { value: gap } = await sub.next()
    expect(gap).toMatchObject({ type: 'gap', reason: 'rewound' })
    await registry.update('cam1', { name: 'x' })
    expect((await sub.next()).value).toMatchObject({ type: 'stream.updated', data: { name: 'x' } })
    await registry.close()
  })
})
