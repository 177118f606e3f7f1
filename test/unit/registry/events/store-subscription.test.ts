import { describe, expect, it } from 'vitest'
import { RegistryClosedError, UnavailableError } from '../../../../src/core/errors.ts'
import { documentToJSON } from '../../../../src/core/model/wire.ts'
import type { LogRecord, LogSlice, Ring, Store } from '../../../../src/core/store.ts'
import { LogReader } from '../../../../src/registry/events/log-reader.ts'
import { StatisticsFeed } from '../../../../src/registry/events/statistics-feed.ts'
import { StoreSubscription } from '../../../../src/registry/events/store-subscription.ts'
import { CREATED_MS, streamWith } from '../../support/streams.ts'

const DOC = JSON.stringify(documentToJSON(streamWith()))

/** A store of one log, which can be away for a while. */
class FakeStore {
  readonly partitions = 1
  readonly log: LogRecord[] = []
  readonly rings = new Set<Ring>()
  readonly readAt: number[] = []
  readonly statisticsListeners = new Set<(ids: readonly string[]) => void>()
  failures: unknown[] = []
  /** Called when what is read is settled, and its answer on its way. */
  onRead: () => void = () => {}

  get last(): string {
    return this.log.at(-1)?.logId ?? '0-0'
  }

  append(count = 1): void {
    for (let n = 0; n < count; n++) {
      const logId = `5-${this.log.length + 1}`
      this.log.push({ logId, type: 'stream.updated', id: 'cam1', doc: DOC, deadline: 0, source: 'a' })
    }
    for (const ring of this.rings) ring(0, this.last)
  }

  async readLog(_partition: number, after = '0-0', limit = 0): Promise<LogSlice> {
    this.readAt.push(performance.now())
    await new Promise((resolve) => setImmediate(resolve))
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
    const start = Number(after.slice(2))
    const records = this.log.slice(start, start + limit)
    this.onRead()
    return { records, next: records.at(-1)?.logId ?? after }
  }

  onLog(ring: Ring): () => void {
    this.rings.add(ring)
    return () => this.rings.delete(ring)
  }

  onStatistics(listener: (ids: readonly string[]) => void): () => void {
    this.statisticsListeners.add(listener)
    return () => this.statisticsListeners.delete(listener)
  }

  async view(ids: readonly string[]): Promise<object[]> {
    return ids.map(() => ({ kind: 'live', rec: { doc: DOC, deadline: CREATED_MS + 300_000 } }))
  }

  now(): number {
    return CREATED_MS
  }

  schedule(_ms: number, callback: () => void): () => void {
    const timer = setImmediate(callback)
    return () => clearImmediate(timer)
  }
}

interface Opened {
  readonly sub: StoreSubscription<never>
  readonly fake: FakeStore
  readonly warnings: string[]
  readonly closed: () => number
}

function open({
  fake = new FakeStore(),
  signal = undefined as AbortSignal | undefined,
  withStatistics = false,
  wants = true,
} = {}): Opened {
  const store = fake as unknown as Store
  const warnings: string[] = []
  let closed = 0
  const positions = [fake.last]
  const reader = new LogReader<never>({
    store,
    positions,
    wants: () => wants,
    partition: undefined,
    upcasters: {},
  })
  const feed = (wake: () => void): StatisticsFeed<never> =>
    new StatisticsFeed({ store, intervalMs: 10, streamId: undefined, wake })
  const sub = new StoreSubscription<never>({
    store,
    reader,
    bufferSize: 10,
    statistics: withStatistics ? feed : undefined,
    signal,
    warn: (message) => void warnings.push(message),
    onOpen: () => {},
    onClose: () => {
      closed += 1
    },
  })
  return { sub, fake, warnings, closed: () => closed }
}

async function cursorsOf(sub: StoreSubscription<never>, count: number): Promise<string[]> {
  const cursors: string[] = []
  for (let n = 0; n < count; n++) {
    const { value } = await sub.next()
    cursors.push(value !== undefined && 'cursor' in value ? value.cursor : 'none')
  }
  return cursors
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

describe('a subscription while the store is away', () => {
  it('reads again, each time after a longer pause, and loses nothing', async () => {
    const { sub, fake } = open()
    fake.append(3)
    fake.failures = [1, 2, 3].map(() => new UnavailableError('away'))
    expect(await cursorsOf(sub, 3)).toEqual(['5-1', '5-2', '5-3'])
    const pauses = fake.readAt.slice(1).map((at, i) => at - (fake.readAt[i] ?? 0))
    expect(pauses).toHaveLength(3)
    for (const [i, least] of [45, 95, 195].entries()) expect(pauses[i]).toBeGreaterThanOrEqual(least)
    await sub.close()
  })

  it('begins with a short pause again after it was back', async () => {
    const { sub, fake } = open()
    fake.append()
    fake.failures = [new UnavailableError('away'), new UnavailableError('away')]
    await sub.next()
    fake.append()
    fake.failures = [new UnavailableError('away')]
    const start = performance.now()
    await sub.next()
    expect(performance.now() - start).toBeLessThan(95)
    await sub.close()
  })

  it('ends at once when it is closed during a pause', async () => {
    const { sub, fake } = open()
    fake.append()
    fake.failures = Array.from({ length: 50 }, () => new UnavailableError('away'))
    const waiting = sub.next()
    await new Promise((resolve) => setTimeout(resolve, 500))
    const start = performance.now()
    await sub.close()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(performance.now() - start).toBeLessThan(50)
  })

  it('ends when the registry is closed', async () => {
    const { sub, fake, closed } = open()
    fake.append()
    fake.failures = [new RegistryClosedError()]
    expect((await sub.next()).done).toBe(true)
    expect([closed(), fake.rings.size]).toEqual([1, 0])
  })
})

describe('a subscription that is iterated', () => {
  it('reads nothing before somebody asks', async () => {
    const { sub, fake } = open()
    fake.append(2)
    await settle()
    expect(fake.readAt).toEqual([])
    await sub.close()
  })

  it('answers concurrent calls in their order', async () => {
    const { sub, fake } = open()
    const waiting = Array.from({ length: 5 }, () => sub.next())
    for (let n = 0; n < 5; n++) {
      fake.append()
      await settle()
    }
    const values = (await Promise.all(waiting)).map(({ value }) => value)
    expect(values).toMatchObject([1, 2, 3, 4, 5].map((n) => ({ cursor: `5-${n}` })))
    await sub.close()
  })

  it('hears of what is logged while it reads', async () => {
    const { sub, fake } = open()
    fake.append()
    let appended = 0
    fake.onRead = () => {
      if (appended++ < 3) fake.append()
    }
    expect(await cursorsOf(sub, 4)).toEqual(['5-1', '5-2', '5-3', '5-4'])
    await sub.close()
  })

  it('ends all calls that wait when it returns, and only once', async () => {
    const { sub, closed, fake } = open()
    const waiting = [sub.next(), sub.next()]
    await settle()
    expect(await sub.return()).toEqual({ done: true, value: undefined })
    for (const each of waiting) expect(await each).toEqual({ done: true, value: undefined })
    await sub.close()
    await sub[Symbol.asyncDispose]()
    expect([closed(), fake.rings.size]).toEqual([1, 0])
  })

  it('ends at the end of the block that uses it', async () => {
    const opened = open()
    {
      await using sub = opened.sub
      opened.fake.append()
      await sub.next()
    }
    expect(opened.closed()).toBe(1)
  })

  it('ends with its signal, and lets go of it', async () => {
    const controller = new AbortController()
    const { sub, closed } = open({ signal: controller.signal })
    const waiting = sub.next()
    controller.abort()
    expect((await waiting).done).toBe(true)
    expect(closed()).toBe(1)
    const aborted = open({ signal: AbortSignal.abort() })
    expect((await aborted.sub.next()).done).toBe(true)
    expect([aborted.closed(), aborted.fake.rings.size]).toEqual([1, 0])
  })

  it('is its own iterator', async () => {
    const { sub } = open()
    expect(sub[Symbol.asyncIterator]()).toBe(sub)
    await sub.close()
  })
})

describe('the cursor', () => {
  it('stands before the item in hand, and behind it when the next is asked for', async () => {
    const { sub, fake } = open()
    fake.append(2)
    const seen: string[] = [sub.cursor]
    for (let n = 0; n < 2; n++) {
      await sub.next()
      seen.push(sub.cursor)
    }
    const waiting = sub.next()
    await settle()
    seen.push(sub.cursor)
    expect(seen).toEqual(['0-0', '0-0', '5-1', '5-2'])
    await sub.close()
    await waiting
  })

  it('moves over what nobody wants', async () => {
    const { sub, fake } = open({ wants: false })
    const waiting = sub.next()
    fake.append(25)
    while (sub.cursor !== '5-25') await settle()
    await sub.close()
    expect((await waiting).done).toBe(true)
  })
})

describe('handlers', () => {
  it('that are added in one turn all see the first item', async () => {
    const { sub, fake } = open()
    fake.append()
    const calls: number[] = []
    for (let n = 0; n < 3; n++) sub.on('stream.updated', () => void calls.push(n))
    while (calls.length < 3) await settle()
    expect(calls).toEqual([0, 1, 2])
    await sub.close()
  })

  it('of errors that fail themselves are reported as a warning', async () => {
    const { sub, fake, warnings } = open()
    const seen: unknown[] = []
    sub.on('stream.updated', () => {
      throw new Error('first')
    })
    sub.on('error', (error) => {
      seen.push(error)
      throw new Error('second')
    })
    fake.append(2)
    while (warnings.length < 2) await settle()
    expect(seen).toMatchObject([{ message: 'first' }, { message: 'first' }])
    for (const warning of warnings) expect(warning).toContain('second')
    await sub.close()
  })

  it('may close the subscription: nothing comes any more', async () => {
    const { sub, fake, closed } = open()
    let calls = 0
    sub.on('stream.updated', async () => {
      calls += 1
      await sub.close()
    })
    fake.append(3)
    await settle()
    expect([calls, closed()]).toEqual([1, 1])
  })
})

describe('statistics', () => {
  it('are given when the log has nothing more', async () => {
    const { sub, fake } = open({ withStatistics: true })
    const waiting = sub.next()
    for (const listener of fake.statisticsListeners) listener(['cam1'])
    expect((await waiting).value).toMatchObject({ type: 'stream.stats', streamId: 'cam1' })
    await sub.close()
    expect(fake.statisticsListeners.size).toBe(0)
  })

  it('are given also while the log grows faster than it is read', async () => {
    const { sub, fake } = open({ withStatistics: true, wants: false })
    let reads = 0
    fake.onRead = () => {
      if (reads++ < 300) fake.append()
    }
    const waiting = sub.next()
    fake.append()
    for (const listener of fake.statisticsListeners) listener(['cam1'])
    expect((await waiting).value?.type).toBe('stream.stats')
    expect(reads).toBeLessThan(300)
    await sub.close()
  })
})
