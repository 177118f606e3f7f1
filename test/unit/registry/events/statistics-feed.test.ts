import { ManualClock } from '@mirror/stream-registry/testing'
import { describe, expect, it } from 'vitest'
import { documentToJSON } from '../../../../src/core/model/wire.ts'
import type { Found, Store, Stored } from '../../../../src/core/store.ts'
import { StatisticsFeed } from '../../../../src/registry/events/statistics-feed.ts'
import { CREATED_MS, streamWith } from '../../support/streams.ts'

/** A store of which only statistics and time are used. */
class FakeStore {
  readonly clock = new ManualClock(CREATED_MS)
  readonly found = new Map<string, Found<Stored>>()
  readonly views: (readonly string[])[] = []
  listener: ((ids: readonly string[]) => void) | undefined
  failNext = false

  live(id: string, side?: string, doc = JSON.stringify(documentToJSON(streamWith({ id })))): void {
    const rec = { doc, deadline: CREATED_MS + 300_000, ...(side !== undefined && { side }) }
    this.found.set(id, { kind: 'live', rec })
  }

  report(...ids: string[]): void {
    this.listener?.(ids)
  }

  async view(ids: readonly string[]): Promise<Found<Stored>[]> {
    this.views.push(ids)
    if (this.failNext) {
      this.failNext = false
      throw new Error('away')
    }
    return ids.map((id) => this.found.get(id) ?? { kind: 'missing' })
  }

  onStatistics(listener: (ids: readonly string[]) => void): () => void {
    this.listener = listener
    return () => {
      this.listener = undefined
    }
  }

  schedule(ms: number, callback: () => void): () => void {
    return this.clock.schedule(ms, callback)
  }

  now(): number {
    return this.clock.now()
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function open(streamId?: string): { fake: FakeStore; feed: StatisticsFeed<never>; wakes: () => number } {
  const fake = new FakeStore()
  let wakes = 0
  const wake = (): void => {
    wakes += 1
  }
  const feed = new StatisticsFeed<never>({ store: fake as unknown as Store, intervalMs: 100, streamId, wake })
  return { fake, feed, wakes: () => wakes }
}

function takeAll(feed: StatisticsFeed<never>): string[] {
  const ids: string[] = []
  for (let event = feed.take(); event !== undefined; event = feed.take()) ids.push(event.streamId)
  return ids
}

describe('a feed of statistics', () => {
  it('tells of a stream once in an interval, as it is at the end', async () => {
    const { fake, feed, wakes } = open()
    fake.live('cam1', '{"bytes_received":1}')
    for (let n = 0; n < 5; n++) fake.report('cam1')
    await fake.pass(99)
    expect([feed.take(), wakes()]).toEqual([undefined, 0])
    fake.live('cam1', '{"bytes_received":9}')
    await fake.pass(1)
    expect(wakes()).toBe(1)
    expect(feed.take()).toMatchObject({
      type: 'stream.stats',
      streamId: 'cam1',
      timestamp: new Date(CREATED_MS + 100),
      data: { id: 'cam1', statistics: { bytesReceived: 9 } },
    })
    expect(feed.take()).toBeUndefined()
    await fake.pass(1_000)
    expect(fake.views).toEqual([['cam1']])
  })

  it('has the newest of a stream where nobody took the one before', async () => {
    const { fake, feed } = open()
    for (const bytes of [1, 2]) {
      fake.live('cam1', `{"bytes_received":${bytes}}`)
      fake.report('cam1')
      await fake.pass(100)
    }
    expect(feed.take()?.data.statistics.bytesReceived).toBe(2)
    expect(feed.take()).toBeUndefined()
  })

  it('gives what waits longest first', async () => {
    const { fake, feed } = open()
    for (const id of ['cam1', 'cam2', 'cam3']) fake.live(id)
    fake.report('cam2', 'cam1')
    await fake.pass(100)
    fake.report('cam3', 'cam2')
    await fake.pass(100)
    expect(takeAll(feed)).toEqual(['cam2', 'cam1', 'cam3'])
  })

  it('is silent about what is not live, and about streams that nobody asked for', async () => {
    const { fake, feed } = open('cam1')
    fake.live('cam2')
    fake.report('cam1', 'cam2')
    await fake.pass(100)
    expect([takeAll(feed), fake.views]).toEqual([[], [['cam1']]])
    fake.report('cam2')
    await fake.pass(100)
    expect(fake.views).toHaveLength(1)
  })

  it('goes on with the next report when it could not read', async () => {
    const { fake, feed } = open()
    fake.live('cam1')
    fake.failNext = true
    fake.report('cam1')
    await fake.pass(100)
    expect(takeAll(feed)).toEqual([])
    fake.report('cam1')
    await fake.pass(100)
    expect(takeAll(feed)).toEqual(['cam1'])
  })

  it('passes over a record that is no stream', async () => {
    const { fake, feed, wakes } = open()
    fake.live('cam1', undefined, '{"hello":1}')
    fake.live('cam2')
    fake.report('cam1', 'cam2')
    await fake.pass(100)
    expect([takeAll(feed), wakes()]).toEqual([['cam2'], 1])
  })

  it('reads and tells nothing once it is closed', async () => {
    const { fake, feed, wakes } = open()
    fake.live('cam1')
    fake.report('cam1')
    feed.close()
    await fake.pass(100)
    expect([fake.views, fake.listener, wakes()]).toEqual([[], undefined, 0])
  })
})
