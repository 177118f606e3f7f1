import { spawn } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRegistry, RedisRegistry, type Registry } from '@mirror/stream-registry'
import { FaultProxy } from '@mirror/stream-registry/testing'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { LOG_START } from '../../src/core/store.ts'
import { storeOf } from '../../src/registry/store-registry.ts'
import { type BuiltLibrary, buildLibrary } from '../processes/support/library.ts'
import { Churn, historyFaults, logEnds, Recorder, readTruth, resumeFaults } from '../support/event-history.ts'
import { testSeed } from '../support/random.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { Wire } from '../support/wire.ts'

const seed = testSeed('event-faults')

interface Options {
  readonly partitions?: number
  readonly maxEvents?: number
}

interface Login {
  readonly port?: number
  readonly username?: string
}

let server: RedisServer
let options: Options
let library: BuiltLibrary
const closing: (() => unknown)[] = []

/** Closed at the end of the test, the last one first. */
function atEnd(close: () => unknown): void {
  closing.unshift(close)
}

function owned({ port = server.port, username }: Login = {}): Registry {
  const url = `redis://127.0.0.1:${port}`
  const registry = createRegistry({
    redis: { url, ...(username && { username, password: 'secret' }) },
    ...options,
  })
  atEnd(() => registry.close())
  return registry
}

function hosted({ port = server.port, username }: Login = {}): { registry: Registry; redis: Redis } {
  const redis = new Redis(port, {
    retryStrategy: () => 20,
    ...(username && { username, password: 'secret' }),
  })
  redis.on('error', () => {})
  atEnd(() => redis.disconnect())
  const registry = new RedisRegistry({ redis, ...options })
  atEnd(() => registry.close())
  return { registry, redis }
}

/** A writer that goes on all the time, and a consumer over a connection of each kind. */
interface Scene {
  readonly writer: Registry
  readonly churn: Churn
  readonly recorders: Recorder[]
}

async function watchChurn(login: Login = {}): Promise<Scene> {
  const writer = owned()
  await writer.count()
  const readers = [owned(login), hosted(login).registry]
  const recorders = await Promise.all(readers.map(async (reader) => new Recorder(await reader.subscribe())))
  for (const recorder of recorders) atEnd(() => recorder.close())
  const churn = new Churn(writer, seed)
  atEnd(() => churn.stop())
  await seen(recorders, 20)
  return { writer, churn, recorders }
}

/** Waits until every consumer has seen so many items more. */
async function seen(recorders: readonly Recorder[], more: number): Promise<void> {
  const goals = recorders.map(({ seen: { length } }) => length + more)
  await expect
    .poll(() => recorders.every(({ seen: { length } }, i) => length >= (goals[i] ?? 0)), {
      timeout: 10_000,
      interval: 10,
    })
    .toBe(true)
}

/** Ends the churn and checks everything that was seen against what is there. */
async function conclude({ writer, churn, recorders }: Scene): Promise<void> {
  await churn.stop()
  expect(churn.surprises).toEqual([])
  expect(churn.done).toBeGreaterThan(0)
  await Promise.all(recorders.map((recorder) => recorder.catchUp(writer)))
  const truth = await readTruth(writer)
  for (const recorder of recorders) {
    expect(historyFaults(recorder, truth)).toEqual([])
    expect(await resumeFaults(writer, recorder, truth)).toEqual([])
  }
  expect((await writer.verify()).problems).toEqual([])
}

async function start(args: readonly string[] = [], given: Options = {}): Promise<void> {
  server = await startRedis(args)
  atEnd(() => server.stop())
  options = given
}

/** Changes one stream so many times. */
async function write(registry: Registry, id: string, count: number, lanes = 100): Promise<void> {
  const ids = Array.from({ length: Math.min(lanes, count) }, (_, lane) => `${id}-${lane}`)
  await Promise.all(ids.map((each) => registry.register({ id: each, type: 'srt', sourceAddr: 'a:1' })))
  let left = count - ids.length
  const lane = async (each: string): Promise<void> => {
    while (left-- > 0) await registry.update(each, { metadata: { left } })
  }
  await Promise.all(ids.map(lane))
}

function connections(type: string): number {
  const list = server.cli('client', 'list', 'type', type)
  return list === '' ? 0 : list.split('\n').length
}

beforeAll(() => {
  library = buildLibrary()
})

afterAll(() => library.remove())

beforeEach(() => {
  options = {}
})

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

describe('a subscription whose connections are killed', () => {
  it('shows everything once, whichever connection it is', async () => {
    await start([], { partitions: 3 })
    const scene = await watchChurn()
    for (let i = 0; i < 30; i++) {
      server.cli('client', 'kill', 'type', i % 2 === 0 ? 'normal' : 'pubsub')
      await sleep(30)
    }
    await seen(scene.recorders, 50)
    await conclude(scene)
    for (const { gaps } of scene.recorders) expect(gaps).toEqual([])
  })
})

describe('a subscription over a bad network', () => {
  it('shows everything once, through cuts and stalls', async () => {
    await start()
    const wire = new Wire(server.port)
    atEnd(() => wire.close())
    const scene = await watchChurn({ port: await wire.listen() })
    for (let i = 0; i < 12; i++) {
      await sleep(40)
      wire.cut()
    }
    wire.stall(true)
    await sleep(700)
    wire.stall(false)
    await seen(scene.recorders, 50)
    await conclude(scene)
    for (const { gaps } of scene.recorders) expect(gaps).toEqual([])
  })
})

describe('a subscription to a Redis that is killed', () => {
  it('goes on without a gap when Redis kept its file', async () => {
    await start(['--appendonly', 'yes', '--appendfsync', 'always'], { partitions: 2 })
    const scene = await watchChurn()
    for (let i = 0; i < 2; i++) {
      await server.restart()
      await seen(scene.recorders, 40)
    }
    await conclude(scene)
    for (const { gaps } of scene.recorders) expect(gaps).toEqual([])
  })

  it('says that everything is lost when Redis kept nothing, and goes on with what is new', async () => {
    await start([], { partitions: 2 })
    const scene = await watchChurn()
    await server.restart()
    await seen(scene.recorders, 40)
    await conclude(scene)
    for (const { gaps } of scene.recorders) expect(gaps).toEqual(['rewound', 'rewound'])
  })
})

describe('a subscription to a Redis that is flushed', () => {
  it('says so once for each log, and goes on', async () => {
    await start([], { partitions: 3 })
    const scene = await watchChurn()
    server.cli('flushall')
    await seen(scene.recorders, 60)
    await conclude(scene)
    for (const { gaps } of scene.recorders) expect(gaps).toEqual(['rewound', 'rewound', 'rewound'])
  })

  it('says so, too, where nothing had been logged, or nothing been read of what had', async () => {
    await start([], { partitions: 3 })
    const writer = owned()
    const reader = owned()
    await writer.count()
    for (const from of ['now', 'start'] as const) {
      const subscription = await reader.subscribe({ from })
      if (from === 'now') await write(writer, 'lost', 1)
      server.cli('flushall')
      await write(writer, `after-${from}`, 12)
      const recorder = new Recorder(subscription)
      await recorder.catchUp(writer)
      await recorder.close()
      expect(recorder.gaps).toEqual(['rewound', 'rewound', 'rewound'])
      expect(historyFaults(recorder, await readTruth(writer))).toEqual([])
      // Who goes on behind a gap is not told of it again.
      const [gap] = recorder.seen.filter(({ item }) => item.type === 'gap')
      const again = new Recorder(await reader.subscribe({ from: gap?.item.cursor ?? '' }))
      await again.catchUp(writer)
      await again.close()
      expect(again.gaps).toEqual(['rewound', 'rewound'])
      server.cli('flushall')
    }
  })

  it('says so although nothing is written any more', async () => {
    await start()
    const { churn, recorders, writer } = await watchChurn()
    await churn.stop()
    await Promise.all(recorders.map((recorder) => recorder.catchUp(writer)))
    server.cli('flushall')
    await expect
      .poll(() => recorders.map(({ gaps }) => gaps), { timeout: 3_000 })
      .toEqual([['rewound'], ['rewound']])
    await write(writer, 'new', 20)
    await Promise.all(recorders.map((recorder) => recorder.catchUp(writer)))
    const truth = await readTruth(writer)
    for (const recorder of recorders) expect(historyFaults(recorder, truth)).toEqual([])
  })

  it('goes on when its scripts are flushed all the time', async () => {
    await start()
    const scene = await watchChurn()
    for (let i = 0; i < 30; i++) {
      server.cli('script', 'flush')
      await sleep(10)
    }
    await conclude(scene)
    for (const { gaps } of scene.recorders) expect(gaps).toEqual([])
  })
})

describe('a log whose numbers went back', () => {
  it('is told as rewound although the next number is the one that was expected', async () => {
    await start()
    const { registry, redis } = hosted()
    await write(registry, 'cam', 9, 1)
    await sleep(5)
    await write(registry, 'dog', 1)
    const from = await logEnds(registry)
    // What a master leaves that never had entry 10 and whose clock is behind: another entry 10, of an earlier time.
    const [log, last] = ['mirror:streams:log:events', 'mirror:streams:log:last']
    const entries = await redis.xrange(log, '-', '+')
    const [ninth = '', fields = []] = entries[8] ?? []
    const [other, next] = [`${Number.parseInt(ninth, 10) + 1}-10`, `${Number.parseInt(from, 10) + 5}-11`]
    await redis.del(log)
    for (const [id, values] of entries.slice(0, 9)) await redis.xadd(log, id, ...values)
    await redis.xadd(log, other, ...fields)
    await redis.xadd(log, next, ...fields)
    await redis.set(last, next)
    const recorder = new Recorder(await registry.subscribe({ from }))
    await recorder.catchUp(registry)
    await recorder.close()
    expect(recorder.gaps).toEqual(['rewound'])
  })
})

describe('a consumer that sleeps while the log is trimmed', () => {
  it('is told what it missed, where it missed it, and sees all that is kept', async () => {
    await start([], { maxEvents: 200 })
    const writer = owned()
    await writer.count()
    let wake = (): void => {}
    const sleeping = new Promise<void>((resolve) => {
      wake = resolve
    })
    const readers = [owned(), hosted().registry]
    const recorders = await Promise.all(
      readers.map(async (reader) => {
        const subscription = await reader.subscribe({ bufferSize: 10 })
        return new Recorder(subscription, { handle: () => sleeping })
      }),
    )
    for (const recorder of recorders) atEnd(() => recorder.close())
    // Each consumer sleeps over its first item before the log is trimmed.
    await write(writer, 'first', 1)
    await expect.poll(() => recorders.map(({ seen: { length } }) => length)).toEqual([1, 1])
    await write(writer, 'cam', 1_500)
    wake()
    await Promise.all(recorders.map((recorder) => recorder.catchUp(writer)))
    const truth = await readTruth(writer)
    expect(truth.logs[0]?.length).toBeGreaterThanOrEqual(200)
    for (const recorder of recorders) {
      expect(recorder.gaps).toEqual(['trimmed'])
      expect(recorder.seen.length).toBeGreaterThan(200)
      expect(historyFaults(recorder, truth)).toEqual([])
      expect(await resumeFaults(writer, recorder, truth)).toEqual([])
    }
  })
})

describe('a subscription to a Redis that pauses', () => {
  it('waits, and goes on', async () => {
    await start()
    const scene = await watchChurn()
    server.cli('client', 'pause', '800', 'ALL')
    await seen(scene.recorders, 40)
    server.freeze()
    await sleep(2_000)
    server.thaw()
    await seen(scene.recorders, 40)
    await conclude(scene)
    for (const { gaps } of scene.recorders) expect(gaps).toEqual([])
  })
})

/** Runs a program that has the library as `library`, and its output once it ended. */
function run(program: string): { readonly output: Promise<{ code: number | null; text: string }> } {
  const source = `import * as library from ${JSON.stringify(library.url)}\n${program}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  atEnd(() => child.kill('SIGKILL'))
  let text = ''
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString()
  })
  return {
    output: new Promise((resolve) => child.once('exit', (code) => resolve({ code, text }))),
  }
}

describe('a subscription that another process goes on with', () => {
  it('shows it exactly the rest', async () => {
    await start([], { partitions: 2 })
    const scene = await watchChurn()
    const [recorder] = scene.recorders
    await recorder?.close()
    const from = recorder?.until ?? ''
    await seen(scene.recorders.slice(1), 100)
    await scene.churn.stop()
    const ends = await logEnds(scene.writer)
    const { output } = run(`
      const registry = library.createRegistry({ redis: { url: '${server.url}' }, partitions: 2 })
      const subscription = await registry.subscribe({ from: '${from}' })
      const seen = []
      for (;;) {
        const { value } = await subscription.next()
        seen.push({ item: value, stored: subscription.cursor })
        if (value.cursor === '${ends}') break
      }
      await registry.close()
      console.log(JSON.stringify(seen))`)
    const { text } = await output
    const resumed = { from, until: ends, seen: JSON.parse(text) as Recorder['seen'] }
    expect(resumed.seen.length).toBeGreaterThan(50)
    expect(historyFaults(resumed, await readTruth(scene.writer))).toEqual([])
    await conclude({ ...scene, recorders: scene.recorders.slice(1) })
  })

  it('keeps the process alive that iterates it, also while Redis refuses', async () => {
    await start()
    server.cli('acl', 'setuser', 'reader', 'on', '>secret', 'allkeys', 'allchannels', '+@all')
    const { registry } = hosted()
    await write(registry, 'cam', 1)
    const { output } = run(`
      const redis = { url: '${server.url}', username: 'reader', password: 'secret' }
      const registry = library.createRegistry({ redis })
      const subscription = await registry.subscribe()
      for await (const { streamId } of subscription) {
        console.log(streamId)
        break
      }
      await registry.close()`)
    await expect.poll(() => connections('pubsub'), { timeout: 5_000 }).toBe(1)
    server.cli('acl', 'setuser', 'reader', '-xrange')
    await write(registry, 'dog', 1)
    await sleep(600)
    server.cli('acl', 'setuser', 'reader', '+xrange')
    expect(await output).toEqual({ code: 0, text: 'dog-0\n' })
  })
})

describe('a subscription without its bell', () => {
  it('shows what is new within about a second', async () => {
    await start()
    const wire = new Wire(server.port)
    atEnd(() => wire.close())
    const scene = await watchChurn({ port: await wire.listen() })
    await scene.churn.stop()
    await Promise.all(scene.recorders.map((recorder) => recorder.catchUp(scene.writer)))
    wire.isClosed = true
    server.cli('client', 'kill', 'type', 'pubsub')
    await write(scene.writer, 'deaf', 1_000)
    expect(connections('pubsub')).toBe(0)
    await Promise.all(scene.recorders.map((recorder) => recorder.catchUp(scene.writer, 1_400)))
    await conclude(scene)
  })

  it('has it back as soon as it can be had', async () => {
    await start()
    const scene = await watchChurn()
    await scene.churn.stop()
    server.cli('client', 'kill', 'type', 'pubsub')
    await expect.poll(() => connections('pubsub'), { timeout: 3_000 }).toBe(2)
    await sleep(100)
    const latencies: number[] = []
    for (let i = 0; i < 5; i++) {
      const sent = performance.now()
      await write(scene.writer, 'heard', 1)
      await write(scene.writer, `heard${i}`, 1)
      await Promise.all(scene.recorders.map((recorder) => recorder.catchUp(scene.writer, 2_000)))
      latencies.push(performance.now() - sent)
    }
    expect(latencies.toSorted((a, b) => a - b)[2]).toBeLessThan(200)
    await conclude(scene)
  })
})

/** Timers of this process. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
}

describe('a bell that comes back in vain', () => {
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)

  beforeEach(() => {
    unhandled.splice(0)
    process.on('unhandledRejection', note)
  })

  afterEach(() => void process.off('unhandledRejection', note))

  it('leaves no rejection unhandled when its registry is closed meanwhile', async () => {
    await start()
    const proxy = new FaultProxy({ port: server.port })
    atEnd(() => proxy.close())
    const { registry } = hosted({ port: await proxy.listen() })
    await registry.subscribe()
    await expect.poll(() => connections('pubsub')).toBe(1)
    let subscribed = (): void => {}
    const subscribing = new Promise<void>((resolve) => {
      subscribed = resolve
    })
    proxy.plan = (command) => {
      if (command !== 'subscribe') return { kind: 'pass' }
      subscribed()
      return { kind: 'delay', ms: 300 }
    }
    proxy.cut()
    await subscribing
    await registry.close()
    await sleep(400)
    expect(unhandled).toEqual([])
  })

  it('leaves no rejection unhandled when its user may not listen any more', async () => {
    await start()
    server.cli('acl', 'setuser', 'reader', 'on', '>secret', 'allkeys', 'allchannels', '+@all')
    const { registry } = hosted({ username: 'reader' })
    await registry.subscribe()
    await expect.poll(() => connections('pubsub')).toBe(1)
    server.cli('acl', 'setuser', 'reader', 'resetchannels')
    await sleep(300)
    expect(unhandled).toEqual([])
  })
})

describe('many subscriptions of one registry', () => {
  it('share one connection, and leave nothing behind', async () => {
    await start()
    const { registry, redis } = hosted()
    const other = owned()
    await Promise.all([registry.count(), other.count()])
    const listeners = (): number =>
      redis.eventNames().reduce((sum, name) => sum + redis.listenerCount(name), 0)
    const { signal } = new AbortController()
    const before = { listeners: listeners(), timers: timers() }
    for (let round = 0; round < 3; round++) {
      const subscriptions = await Promise.all(
        Array.from({ length: 20 }, () => [
          registry.subscribe({ signal }),
          other.subscribe({ signal }),
        ]).flat(),
      )
      const recorders = subscriptions.map((subscription) => new Recorder(subscription))
      await expect.poll(() => connections('pubsub')).toBe(2)
      await write(registry, 'cam', 5)
      await Promise.all(recorders.map((recorder) => recorder.catchUp(registry)))
      expect(connections('pubsub')).toBe(2)
      expect(listeners()).toBe(before.listeners)
      await Promise.all(recorders.map((recorder) => recorder.close()))
      await expect.poll(() => connections('pubsub')).toBe(0)
    }
    expect(getEventListeners(signal, 'abort').length).toBe(0)
    expect(listeners()).toBe(before.listeners)
    await expect.poll(timers, { timeout: 3_000 }).toBeLessThanOrEqual(before.timers)
  })

  it('have no connection left when they are closed before it stood', async () => {
    await start()
    const { registry } = hosted()
    const other = owned()
    await Promise.all([registry.count(), other.count()])
    for (let i = 0; i < 10; i++) {
      const opened = await Promise.all([registry.subscribe(), other.subscribe({ types: ['stream.stats'] })])
      if (i % 2 === 0) await Promise.resolve()
      await Promise.all(opened.map((subscription) => subscription.close()))
    }
    await sleep(200)
    expect(connections('pubsub')).toBe(0)
    const left = server.cli('client', 'list', 'type', 'normal').split('\n')
    // Both registries' own, and redis-cli.
    expect(left.length).toBe(3)
  })
})

describe('a subscription in a long outage', () => {
  it('gathers no listeners while it tries again', async () => {
    await start()
    server.cli('acl', 'setuser', 'reader', 'on', '>secret', 'allkeys', 'allchannels', '+@all')
    const { registry } = hosted({ username: 'reader' })
    const signals = new Set<AbortSignal>()
    const store = storeOf(registry)
    const readLog = store.readLog.bind(store)
    vi.spyOn(store, 'readLog').mockImplementation((partition, after, limit, call) => {
      if (call.signal) signals.add(call.signal)
      return readLog(partition, after, limit, call)
    })
    const recorder = new Recorder(await registry.subscribe())
    atEnd(() => recorder.close())
    await write(registry, 'cam', 1)
    await recorder.catchUp(registry)
    server.cli('acl', 'setuser', 'reader', '-xrange')
    await write(owned(), 'dog', 1)
    await sleep(900)
    server.cli('acl', 'setuser', 'reader', '+xrange')
    await recorder.catchUp(registry)
    const left = [...signals].map((signal) => getEventListeners(signal, 'abort').length)
    expect(Math.max(...left)).toBeLessThanOrEqual(1)
  })
})

describe('a long log', () => {
  it('is read in slices by a slow consumer, and in large ones by a fast one', async () => {
    await start()
    const writer = owned()
    const { registry } = hosted()
    await write(writer, 'cam', 20_000, 400)
    const store = storeOf(registry)
    const readLog = store.readLog.bind(store)
    let fetched = 0
    const limits = new Set<number>()
    vi.spyOn(store, 'readLog').mockImplementation(async (partition, after, limit, call) => {
      limits.add(limit)
      const slice = await readLog(partition, after, limit, call)
      fetched += slice.records.length
      return slice
    })
    const slow = new Recorder(await registry.subscribe({ from: LOG_START, bufferSize: 100 }), {
      handle: () => sleep(10),
    })
    await expect.poll(() => slow.seen.length, { timeout: 10_000 }).toBeGreaterThan(120)
    expect(fetched - slow.seen.length).toBeLessThanOrEqual(100)
    expect([...limits]).toEqual([100])
    await slow.close()

    const fast = new Recorder(await writer.subscribe({ from: LOG_START, bufferSize: 1_000 }))
    await fast.catchUp(writer)
    await fast.close()
    expect(historyFaults(fast, await readTruth(writer))).toEqual([])
  }, 40_000)

  it('is read at once by who asks for all of it', async () => {
    await start()
    const writer = owned()
    await write(writer, 'cam', 9_000)
    const greedy = new Recorder(await writer.subscribe({ from: LOG_START, bufferSize: 20_000 }))
    await greedy.catchUp(writer, 2_000).finally(() => greedy.close())
    expect(greedy.seen.length).toBe(9_000)
  })
})
