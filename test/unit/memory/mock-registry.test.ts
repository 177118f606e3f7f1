import { MockRegistry, type StreamInput, TimeoutError, UnavailableError } from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import { describe, expect, it } from 'vitest'

const START = Date.UTC(2024, 0, 15, 14, 30, 52)

function camera(id: string, more: Partial<StreamInput> = {}): StreamInput {
  return { id, type: 'srt', sourceAddr: '10.0.0.1:9000', ...more }
}

/** A registry whose streams live for a second, and its clock. */
function start(options = {}): { registry: MockRegistry; clock: ManualClock } {
  const clock = new ManualClock()
  const registry = new MockRegistry({ clock, instanceId: 'ingest-1', defaultTtlMs: 1_000, ...options })
  return { registry, clock }
}

/** What was recorded, without `stream.` in front. */
function recorded(registry: MockRegistry): string[] {
  return registry.recordedEvents.map(({ type }) => type.replace(/^stream\./, ''))
}

describe('the clock of a MockRegistry', () => {
  it('is real time unless one is given', async () => {
    const registry = new MockRegistry()
    const before = Date.now()
    const { createdAt } = await registry.create(camera('cam1'))
    expect(createdAt.getTime()).toBeGreaterThanOrEqual(before)
    expect(createdAt.getTime()).toBeLessThanOrEqual(registry.clock.now())
  })

  it('is the one that is given, and moves only when told', async () => {
    const { registry, clock } = start()
    expect(registry.clock).toBe(clock)
    const stream = await registry.create(camera('cam1'))
    expect(stream.createdAt).toEqual(new Date(START))
    clock.advance(999)
    expect(await registry.has('cam1')).toBe(true)
    clock.advance(1)
    expect(await registry.has('cam1')).toBe(false)
  })

  it('dates the ids that are minted', async () => {
    const { registry } = start()
    expect((await registry.create({ type: 'rtp', sourceAddr: 'a:1' })).id).toBe('rtp_20240115_143052_001')
    expect((await registry.create({ type: 'rtp', sourceAddr: 'a:1' })).id).toBe('rtp_20240115_143052_002')
  })
})

describe('a ManualClock', () => {
  it('begins where it is told to', () => {
    expect(new ManualClock().now()).toBe(START)
    expect(new ManualClock(5).now()).toBe(5)
    expect(new ManualClock(new Date(7)).now()).toBe(7)
  })

  it('only moves forward', () => {
    const clock = new ManualClock(0)
    clock.advance(0)
    clock.advance(1.5)
    expect(clock.now()).toBe(1.5)
    for (const wrong of [-1, Number.NaN]) expect(() => clock.advance(wrong)).toThrow(RangeError)
    expect(clock.now()).toBe(1.5)
  })
})

describe('failNext', () => {
  it('makes the next call reject with the error, before it does anything', async () => {
    const { registry } = start()
    const error = new UnavailableError('Redis is down')
    registry.failNext(error)
    await expect(registry.create(camera('cam1'))).rejects.toBe(error)
    expect(await registry.count()).toBe(0)
    await registry.create(camera('cam1'))
    expect(recorded(registry)).toEqual(['created'])
  })

  it('adds up', async () => {
    const { registry } = start()
    await registry.create(camera('cam1'))
    registry.failNext(new UnavailableError('first'))
    registry.failNext(new TimeoutError('second'))
    await expect(registry.heartbeat('cam1')).rejects.toThrow('first')
    await expect(registry.list()).rejects.toThrow('second')
    expect(await registry.list()).toHaveLength(1)
  })

  it('waits for a call that reaches the store', async () => {
    const { registry } = start()
    registry.failNext(new UnavailableError('down'))
    await expect(registry.create(camera('not valid'))).rejects.toMatchObject({ code: 'VALIDATION' })
    await expect(registry.count()).rejects.toThrow('down')
  })
})

describe('recordedEvents', () => {
  it('hold every event so far, oldest first, as a subscriber would see it', async () => {
    const { registry, clock } = start()
    expect(registry.recordedEvents).toEqual([])
    await registry.create(camera('cam1', { status: 'active' }))
    clock.advance(5)
    const updated = await registry.update('cam1', { name: 'Camera 1' })
    const events = registry.recordedEvents
    expect(recorded(registry)).toEqual(['created', 'started', 'updated'])
    expect(events[2]).toStrictEqual({
      type: 'stream.updated',
      streamId: 'cam1',
      timestamp: new Date(START + 5),
      data: updated,
      source: 'ingest-1',
      version: 1,
      cursor: `${START + 5}-3`,
      changes: ['name'],
    })
  })

  it('hold none for heartbeats, statistics and reads', async () => {
    const { registry } = start()
    await registry.create(camera('cam1'))
    await registry.heartbeat('cam1')
    await registry.heartbeatMany(['cam1', 'cam2'])
    await registry.updateStats('cam1', { bytesReceived: 5 })
    await registry.update('cam1', {})
    await registry.get('cam1')
    expect(recorded(registry)).toEqual(['created'])
  })

  it('tell of a lapsed record before what replaces it', async () => {
    const { registry, clock } = start()
    await registry.create(camera('cam1', { name: 'old' }))
    clock.advance(1_000)
    expect(recorded(registry)).toEqual(['created'])
    await registry.create(camera('cam1', { name: 'new', status: 'active' }))
    expect(recorded(registry)).toEqual(['created', 'expired', 'created', 'started'])
    expect(registry.recordedEvents.map(({ data }) => data.name)).toEqual(['old', 'old', 'new', 'new'])
  })

  it('tell of a lapsed record that had ended as deleted', async () => {
    const { registry, clock } = start()
    await registry.create(camera('cam1', { status: 'closed' }))
    clock.advance(1_000)
    await registry.register(camera('cam1'))
    expect(recorded(registry)).toEqual(['created', 'deleted', 'created'])
  })

  it('tell of a new incarnation over one that ended: deleted, which shows the old one, then created', async () => {
    const { registry } = start()
    await registry.create(camera('cam1', { name: 'old' }))
    await registry.updateStatus('cam1', 'closed')
    await registry.register(camera('cam1', { name: 'new' }))
    expect(recorded(registry)).toEqual(['created', 'terminated', 'deleted', 'created'])
    expect(registry.recordedEvents.map(({ data }) => data.name)).toEqual(['old', 'old', 'old', 'new'])
    expect(registry.recordedEvents[3]?.data.epoch).toBe(2)
  })

  it('tell of a delete, also of what has lapsed, in the name of who deleted it', async () => {
    const { registry, clock } = start()
    const other = new MockRegistry({ sharedWith: registry, instanceId: 'ingest-2' })
    await registry.create(camera('cam1'))
    expect(await other.delete('cam1')).toBe(true)
    await registry.create(camera('cam2'))
    clock.advance(1_000)
    expect(await other.delete('cam2')).toBe(false)
    expect(recorded(registry)).toEqual(['created', 'deleted', 'created', 'expired'])
    const sources = registry.recordedEvents.map(({ source }) => source)
    expect(sources).toEqual(['ingest-1', 'ingest-2', 'ingest-1', 'ingest-2'])
  })

  it('are bounded by maxEvents', async () => {
    const { registry } = start({ maxEvents: 10 })
    await registry.create(camera('cam1'))
    for (let i = 0; i < 50; i++) await registry.update('cam1', { name: `name ${i}` })
    const events = registry.recordedEvents
    expect(events.length).toBeGreaterThanOrEqual(10)
    expect(events.length).toBeLessThanOrEqual(13)
    expect(events.at(-1)?.data.name).toBe('name 49')
  })
})

describe('sharedWith', () => {
  it('is another instance over the same records, log and clock', async () => {
    const { registry, clock } = start()
    const other = new MockRegistry({
      sharedWith: registry,
      instanceId: 'ingest-2',
      clock: new ManualClock(0),
    })
    const stream = await registry.create(camera('cam1'))
    expect(await other.get('cam1')).toStrictEqual(stream)
    await other.updateStatus('cam1', 'active')
    expect((await registry.get('cam1')).status).toBe('active')
    expect(registry.recordedEvents.map(({ source }) => source)).toEqual(['ingest-1', 'ingest-2'])
    expect(other.recordedEvents).toStrictEqual(registry.recordedEvents)
    expect(other.clock).toBe(clock)
  })

  it('takes a stream over from the first instance', async () => {
    const { registry } = start()
    const other = new MockRegistry({ sharedWith: registry, instanceId: 'ingest-2' })
    await registry.create(camera('cam1'))
    await expect(other.register(camera('cam1'))).rejects.toMatchObject({ code: 'STREAM_EXISTS' })
    const taken = await other.register(camera('cam1'), { takeover: true })
    expect(taken).toMatchObject({ owner: 'ingest-2', epoch: 2 })
    expect(recorded(registry)).toEqual(['created', 'owner.changed'])
  })

  it('mints no id twice', async () => {
    const { registry } = start()
    const others = [
      registry,
      new MockRegistry({ sharedWith: registry }),
      new MockRegistry({ sharedWith: registry }),
    ]
    const input = { type: 'srt', sourceAddr: 'a:1' } as const
    const streams = await Promise.all(Array.from({ length: 300 }, (_, i) => others[i % 3]?.create(input)))
    expect(new Set(streams.map((stream) => stream?.id)).size).toBe(300)
  })

  it('lives on when one of them is closed', async () => {
    const { registry } = start()
    const other = new MockRegistry({ sharedWith: registry })
    await registry.create(camera('cam1'))
    await registry.close()
    await expect(registry.get('cam1')).rejects.toMatchObject({ code: 'CLOSED' })
    expect(await other.has('cam1')).toBe(true)
  })

  it('declares an index once, as one kind', () => {
    const { registry } = start({ indexes: [{ field: 'metadata.region', kind: 'equality' }] })
    const again = { sharedWith: registry, indexes: [{ field: 'metadata.region', kind: 'equality' }] as const }
    expect(() => new MockRegistry(again)).not.toThrow()
    const otherwise = { sharedWith: registry, indexes: [{ field: 'metadata.region', kind: 'text' }] as const }
    expect(() => new MockRegistry(otherwise)).toThrow(/metadata\.region.*equality/)
  })
})
