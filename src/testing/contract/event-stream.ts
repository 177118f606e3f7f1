import assert from 'node:assert/strict'
import type { StreamEvent } from '../../core/events.js'
import type { Stream } from '../../core/model/stream.js'
import type { Subscription, SubscriptionItem } from '../../registry/events/subscription.js'
import type { Registry } from '../../registry/registry.js'
import { storeOf } from '../../registry/store-registry.js'
import type { Chapter, ContractSpace } from './driver.js'
import { createAll, input } from './expectations.js'
import { streamsOf, take, typesOf } from './subscribing.js'

type Told = readonly [type: string, data: Stream | undefined, changes?: readonly string[]]
type StatisticsItem = Extract<SubscriptionItem, { type: 'stream.stats' }>

/** Follows one stream, event by event. */
class Follower {
  readonly #sub: Subscription
  readonly #cursors = new Set<string>()
  #lastTime = 0

  private constructor(sub: Subscription) {
    this.#sub = sub
  }

  static async of(registry: Registry, streamId: string): Promise<Follower> {
    return new Follower(await registry.subscribe({ streamId }))
  }

  /** That these events come next: what each of them shows, and who made the change. */
  async sees(source: string, expected: readonly Told[]): Promise<void> {
    const items = (await take(this.#sub, expected.length)) as StreamEvent[]
    assert.deepEqual(
      typesOf(items),
      expected.map(([type]) => type),
    )
    for (const [i, [type, data, changes]] of expected.entries()) {
      const { timestamp, cursor, ...rest } = items[i] as StreamEvent
      const streamId = rest.data.id
      const told = { type: `stream.${type}`, streamId, data, source, version: 1 }
      assert.deepEqual(rest, changes ? { ...told, changes } : told)
      assert.ok(timestamp.getTime() >= this.#lastTime, 'time never goes back')
      assert.ok(!this.#cursors.has(cursor), 'every event has a cursor of its own')
      this.#cursors.add(cursor)
      this.#lastTime = timestamp.getTime()
    }
  }
}

/** Reports again and again, as statistics events may be lost, until the subscription has one that is wanted. */
async function untilReported(
  space: ContractSpace,
  sub: Subscription,
  report: () => Promise<unknown>,
  isWanted: (item: StatisticsItem) => boolean = () => true,
): Promise<StatisticsItem[]> {
  const seen: StatisticsItem[] = []
  const giveUpAt = performance.now() + 8_000
  let last: StatisticsItem | undefined
  while (last === undefined || !isWanted(last)) {
    let result: Awaited<ReturnType<Subscription['next']>> | undefined
    void sub.next().then((next) => {
      result = next
    })
    while (result === undefined) {
      assert.ok(performance.now() < giveUpAt, 'statistics were reported, and nothing was told of them')
      await report()
      await space.advance(25)
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (result.value?.type !== 'stream.stats') assert.fail(`expected statistics: ${result.value?.type}`)
    last = result.value
    seen.push(last)
  }
  return seen
}

/** What each change tells of. */
export const eventStream: Chapter = (test) => {
  test('tells of a beginning, active or not', async (space) => {
    const registry = space.registry()
    const [first, second] = [await Follower.of(registry, 'cam1'), await Follower.of(registry, 'cam2')]
    const pending = await registry.create(input('cam1', { tags: ['x'], statistics: { bitrate: 5 } }))
    await first.sees('a', [['created', pending]])
    const active = await registry.register(input('cam2', { status: 'active' }))
    await second.sees('a', [
      ['created', active],
      ['started', active],
    ])
  })

  test('tells of the end of a lapsed record before the next begins over it', async (space) => {
    const registry = space.registry()
    const other = space.registry({ instanceId: 'b' })
    const follower = await Follower.of(registry, 'cam1')
    const old = await registry.create(input('cam1', { ttlMs: 100, name: 'old', statistics: { bitrate: 5 } }))
    await space.advance(130)
    const next = await other.create(input('cam1', { status: 'active' }))
    await follower.sees('a', [['created', old]])
    await follower.sees('b', [
      ['expired', old],
      ['created', next],
      ['started', next],
    ])
  })

  test('tells of a new incarnation over a terminal record', async (space) => {
    const registry = space.registry()
    const other = space.registry({ instanceId: 'b' })
    const follower = await Follower.of(registry, 'cam1')
    const created = await registry.create(input('cam1', { name: 'old', statistics: { bitrate: 5 } }))
    const closed = await registry.updateStatus('cam1', 'closed')
    await follower.sees('a', [
      ['created', created],
      ['terminated', closed],
    ])
    const anew = await other.register(input('cam1'))
    assert.equal(anew.epoch, 2)
    await follower.sees('b', [
      ['deleted', closed],
      ['created', anew],
    ])
  })

  test('tells of a refresh that changes something, and of a takeover', async (space) => {
    const registry = space.registry()
    const other = space.registry({ instanceId: 'b' })
    const follower = await Follower.of(registry, 'cam1')
    const created = await registry.register(input('cam1'))
    await registry.register(input('cam1'))
    const refreshed = await registry.register(input('cam1', { name: 'x', ttlMs: 60_000 }))
    const taken = await other.register(input('cam1'), { takeover: true })
    await follower.sees('a', [
      ['created', created],
      ['updated', refreshed, ['name', 'ttlMs']],
    ])
    await follower.sees('b', [['owner.changed', taken]])
  })

  test('tells of edits with what changed, and of nothing where nothing did', async (space) => {
    const registry = space.registry()
    const follower = await Follower.of(registry, 'cam1')
    const created = await registry.create(input('cam1', { tags: ['x'] }))
    await registry.update('cam1', { tags: ['x'] })
    await registry.extendTtl('cam1', created.ttlMs)
    await registry.heartbeat('cam1')
    await registry.updateStats('cam1', { bitrate: 7 })
    const edited = await registry.update('cam1', { name: 'x', metadata: { a: [] } })
    const extended = await registry.extendTtl('cam1', 60_000)
    assert.equal(edited.statistics.bitrate, 7)
    await follower.sees('a', [
      ['created', created],
      ['updated', edited, ['name', 'metadata']],
      ['updated', extended, ['ttlMs']],
    ])
  })

  test('tells of every move of the status', async (space) => {
    const registry = space.registry()
    const follower = await Follower.of(registry, 'cam1')
    const told: Told[] = [['created', await registry.create(input('cam1'))]]
    const move = async (type: string, status: Stream['status']): Promise<void> => {
      const moved = await registry.updateStatus('cam1', status)
      told.push(type === 'updated' ? [type, moved, ['status']] : [type, moved])
    }
    await move('updated', 'connecting')
    await move('started', 'active')
    await registry.updateStatus('cam1', 'active')
    await move('paused', 'paused')
    await move('resumed', 'active')
    await move('error', 'error')
    await move('updated', 'active')
    await move('updated', 'terminating')
    await move('terminated', 'terminated')
    await registry.updateStatus('cam1', 'terminated')
    told.push(['deleted', await registry.unregister('cam1')])
    await follower.sees('a', told)
  })

  test('tells of the state, and of the health behind it', async (space) => {
    const registry = space.registry()
    const follower = await Follower.of(registry, 'cam1')
    const created = await registry.create(input('cam1'))
    const healthy = await registry.updateState('cam1', { health: 'healthy' })
    await registry.updateState('cam1', { health: 'healthy' })
    const measured = await registry.updateState('cam1', { quality: { jitterMs: 2 } })
    const both = await registry.updateState('cam1', { currentState: 'connecting', health: 'degraded' })
    await follower.sees('a', [
      ['created', created],
      ['health.changed', healthy],
      ['updated', measured, ['state.quality']],
      ['updated', both, ['state.currentState', 'state.health']],
      ['health.changed', both],
    ])
  })

  test('tells of each way to end', async (space) => {
    const registry = space.registry()
    const ids = ['left', 'removed', 'lapsed', 'over']
    const [left, removed, lapsed, over] = await Promise.all(ids.map((id) => Follower.of(registry, id)))
    const created = await Promise.all(
      ids.map((id) => registry.create(input(id, /lapsed|over/.test(id) ? { ttlMs: 150 } : {}))),
    )
    const ended = await registry.updateStatus('over', 'closed')
    const last = await registry.unregister('left')
    await registry.delete('removed')
    await space.advance(200)
    await space.sweep(registry)
    await space.sweep(registry)
    await left?.sees('a', [
      ['created', created[0]],
      ['terminated', last],
      ['deleted', last],
    ])
    await removed?.sees('a', [
      ['created', created[1]],
      ['deleted', created[1]],
    ])
    await lapsed?.sees('a', [['created', created[2]]])
    await lapsed?.sees('sweeper', [['expired', created[2]]])
    await over?.sees('a', [
      ['created', created[3]],
      ['terminated', ended],
    ])
    await over?.sees('sweeper', [['deleted', ended]])
    assert.deepEqual(await space.events(registry, 'lapsed'), ['created', 'expired'])
  })

  test('marks what is no stream, and goes on', async (space) => {
    const registry = space.registry()
    const sub = await registry.subscribe({ streamId: 'cam1' })
    const call = { deadline: performance.now() + 10_000 }
    await storeOf(registry).commit(
      {
        id: 'cam1',
        opId: 'no-stream',
        guard: { kind: 'absent' },
        write: {
          kind: 'put',
          doc: '{"hello":1}',
          order: 1,
          ttlMs: 60_000,
          entries: () => [],
          onLapsed: 'stream.expired',
          renew: true,
          newFence: true,
        },
        events: [{ type: 'stream.created', shows: 'written' }],
        source: 'z',
      },
      call,
    )
    assert.equal(await registry.delete('cam1'), true)
    await registry.create(input('cam1'))
    const [first, second, third] = await take(sub, 3)
    for (const [item, originalType] of [
      [first, 'stream.created'],
      [second, 'stream.deleted'],
    ] as const) {
      if (item?.type !== 'unknown') assert.fail(`expected it to be unknown: ${item?.type}`)
      assert.deepEqual([item.originalType, item.data, item.version], [originalType, { hello: 1 }, 1])
    }
    assert.equal(third?.type, 'stream.created')
  })

  test('has the history of a stream, oldest first', async (space) => {
    const registry = space.registry()
    const sub = await registry.subscribe({ streamId: 'cam1' })
    assert.deepEqual(await registry.history('cam1'), [])
    await createAll(registry, [input('cam1', { status: 'active' }), input('cam2')])
    await registry.update('cam1', { name: 'x' })
    await registry.updateStats('cam1', { bitrate: 5 })
    await registry.delete('cam1')
    await registry.create(input('cam1'))
    const history = await space.registry({ instanceId: 'b' }).history('cam1')
    assert.deepEqual(typesOf(history), ['created', 'started', 'updated', 'deleted', 'created'])
    const seen = (await take(sub, 5)) as StreamEvent[]
    const withoutCursor = ({ cursor: _, ...rest }: { cursor: string }): object => rest
    assert.deepEqual(history.map(withoutCursor), seen.map(withoutCursor))
    assert.deepEqual(typesOf(await registry.history('cam2')), ['created'])
  })
}

/** What reports of statistics tell of. */
export const eventStatistics: Chapter = (test) => {
  const types = ['stream.stats'] as const

  test('are told only where asked for, and stand in no log', async (space) => {
    const registry = space.registry()
    const everything = await registry.subscribe()
    const stats = await registry.subscribe({ types, statsIntervalMs: 20 })
    await registry.create(input('cam1'))
    let bytesReceived = 0
    const report = (): Promise<void> => registry.updateStats('cam1', { bytesReceived: ++bytesReceived })
    const [event] = await untilReported(space, stats, report)
    assert.equal(event?.streamId, 'cam1')
    assert.equal(event?.data.id, 'cam1')
    assert.ok(Number(event?.data.statistics.bytesReceived) > 0)
    assert.ok(event?.timestamp instanceof Date)
    assert.ok(event !== undefined && !('cursor' in event) && !('source' in event))
    await registry.update('cam1', { name: 'x' })
    assert.deepEqual(typesOf(await take(everything, 2)), ['created', 'updated'])
    assert.deepEqual(typesOf(await registry.history('cam1')), ['created', 'updated'])
  })

  test('come beside the events that are asked for, too, and of one stream only where asked', async (space) => {
    const registry = space.registry()
    const sub = await registry.subscribe({
      types: [...types, 'stream.deleted'],
      streamId: 'cam2',
      statsIntervalMs: 20,
    })
    await createAll(registry, [input('cam1'), input('cam2')])
    const report = (): Promise<unknown> =>
      Promise.all(['cam1', 'cam2'].map((id) => registry.updateStats(id, { bitrate: 7 })))
    const seen = await untilReported(space, sub, report)
    assert.deepEqual([...new Set(streamsOf(seen))], ['cam2'])
    await registry.delete('cam2')
    let last: SubscriptionItem | undefined
    while (last?.type !== 'stream.deleted') [last] = await take(sub, 1)
    assert.equal(last.streamId, 'cam2')
  })

  test('are conflated: at most one of a stream in an interval, with the latest values', async (space) => {
    const registry = space.registry()
    const store = storeOf(registry)
    const intervalMs = 100
    const sub = await registry.subscribe({ types, statsIntervalMs: intervalMs })
    await registry.create(input('cam1'))
    const start = store.now()
    let bytesReceived = 0
    const report = async (): Promise<void> => {
      if (bytesReceived < 40) bytesReceived += 1
      await registry.updateStats('cam1', { bytesReceived })
    }
    const isLast = ({ data }: StatisticsItem): boolean => data.statistics.bytesReceived === 40
    const seen = await untilReported(space, sub, report, isLast)
    const most = Math.ceil((store.now() - start) / intervalMs) + 1
    assert.ok(seen.length <= most, `${seen.length} events, where ${most} are the most`)
    const values = seen.map(({ data }) => data.statistics.bytesReceived)
    assert.deepEqual(
      values,
      values.toSorted((a, b) => a - b),
    )
  })

  test('are not told of a stream that lapsed meanwhile', async (space) => {
    const registry = space.registry()
    const sub = await registry.subscribe({ types, statsIntervalMs: 900 })
    await createAll(registry, [input('gone', { ttlMs: 400 }), input('cam1')])
    await registry.updateStats('gone', { bitrate: 1 })
    const seen = await untilReported(space, sub, () => registry.updateStats('cam1', { bitrate: 2 }))
    assert.deepEqual(streamsOf(seen), ['cam1'])
  })

  test('go on in one instance when another stops listening', async (space) => {
    const registry = space.registry()
    const other = space.registry({ instanceId: 'b' })
    const options = { types, statsIntervalMs: 20 }
    const [sub, second] = await Promise.all([registry.subscribe(options), other.subscribe(options)])
    await registry.create(input('cam1'))
    const report = (): Promise<void> => registry.updateStats('cam1', { bitrate: 3 })
    await untilReported(space, sub, report)
    await second.close()
    await other.close()
    // What was on its way may still come: the third one was surely told after the other stopped.
    for (let n = 0; n < 3; n++) await untilReported(space, sub, report)
  })
}
