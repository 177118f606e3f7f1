import { setTimeout as sleep } from 'node:timers/promises'
import { LocalMirror, type Registry } from '@mirror/stream-registry'
import { describe, expect, it, vi } from 'vitest'
import { storeOf } from '../../src/registry/store-registry.ts'
import { RedisStage } from '../support/redis-stage.ts'

const PATIENCE = { timeout: 20_000, interval: 20 }
const source = { type: 'srt', sourceAddr: 'a:1' } as const
const stage = RedisStage.use()

/** Holds back what a registry reads of the log, until the answer is called. */
function holdLog(registry: Registry): () => void {
  const store = storeOf(registry)
  const readLog = store.readLog.bind(store)
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  vi.spyOn(store, 'readLog').mockImplementation(async (...args) => {
    await promise
    return readLog(...args)
  })
  stage.atEnd(resolve)
  return resolve
}

describe('a mirror that is told to sync', () => {
  it('holds what an old file has brought back', async () => {
    await stage.start()
    const writer = stage.owned()
    for (const id of ['cam', 'dog']) await writer.register({ ...source, id })
    const reader = stage.hosted()
    const mirror = await LocalMirror.start(reader)
    stage.server.cli('save')
    await writer.delete('cam')
    await mirror.sync()
    const release = holdLog(reader)
    await stage.server.restart()
    await expect.poll(() => writer.count().catch(() => 0), PATIENCE).toBe(2)
    await expect.poll(() => reader.count().catch(() => 0), PATIENCE).toBe(2)
    setTimeout(release, 500)
    await mirror.sync()
    expect(mirror.query().all()).toEqual(await writer.list())
  })

  it('rejects when its time is up, and when it is given up', async () => {
    await stage.start()
    const registry = stage.hosted()
    const mirror = await LocalMirror.start(registry)
    holdLog(registry)
    await registry.register({ ...source, id: 'cam' })
    await expect(mirror.sync({ timeoutMs: 300 })).rejects.toMatchObject({ code: 'TIMEOUT' })
  })

  it('rejects as soon as it is aborted', async () => {
    await stage.start()
    const registry = stage.hosted()
    await registry.register({ ...source, id: 'cam' })
    const mirror = await LocalMirror.start(registry)
    holdLog(registry)
    await registry.update('cam', { name: 'x' })
    const from = performance.now()
    const signal = AbortSignal.timeout(100)
    await mirror.sync({ signal, timeoutMs: 6_000 }).catch(() => {})
    expect(performance.now() - from).toBeLessThan(4_000)
  })

  it('stays what it was after it was closed', async () => {
    await stage.start()
    const registry = stage.hosted()
    await registry.register({ ...source, id: 'cam' })
    const mirror = await LocalMirror.start(registry)
    const listener = vi.fn()
    mirror.watch(mirror.query(), listener)
    await mirror.close()
    await registry.delete('cam')
    await mirror.sync().catch(() => {})
    expect([mirror.size, listener.mock.calls.length]).toEqual([1, 1])
  })
})

describe('a mirror says how old it is', () => {
  it('stale, as long as it lists anew', async () => {
    await stage.start()
    const registry = stage.hosted()
    await registry.register({ ...source, id: 'cam' })
    const mirror = await LocalMirror.start(registry)
    stage.server.cli('save')
    await registry.register({ ...source, id: 'lost' })
    await mirror.sync()
    const store = storeOf(registry)
    const walk = store.walk.bind(store)
    vi.spyOn(store, 'walk').mockImplementation(async (...args) => {
      await sleep(3_000)
      return walk(...args)
    })
    await stage.server.restart()
    await expect.poll(() => mirror.stale, PATIENCE).toBe(true)
    await expect.poll(() => mirror.stale, PATIENCE).toBe(false)
    expect(mirror.get('lost')).toBeUndefined()
  }, 40_000)

  it('not stale when it is back, although there is always something new', async () => {
    await stage.start()
    const registry = stage.hosted()
    const writer = stage.owned()
    await writer.register({ ...source, id: 'cam' })
    const mirror = await LocalMirror.start(registry)
    const store = storeOf(registry)
    const logEnds = store.logEnds.bind(store)
    vi.spyOn(store, 'logEnds').mockImplementation(async (call) => {
      await writer.update('cam', { metadata: { n: Math.random() } })
      const ends = await logEnds(call)
      // The next change is always made before the answer is here.
      return ends.map((end) => `${Number.parseInt(end, 10) + 5}-${end.split('-')[1]}`)
    })
    stage.server.freeze()
    await expect.poll(() => mirror.stale, PATIENCE).toBe(true)
    stage.server.thaw()
    await expect.poll(() => mirror.stale, { ...PATIENCE, timeout: 8_000 }).toBe(false)
  }, 40_000)

  it('never newer than what it holds of each partition', async () => {
    await stage.start([], { partitions: 2 })
    const [writer, registry] = [stage.owned(), stage.hosted()]
    await writer.count()
    const mirror = await LocalMirror.start(registry)
    const [one = '', other = ''] = [0, 1].map((partition) => {
      for (let n = 0; ; n++) if (storeOf(writer).partitionOf(`cam${n}`) === partition) return `cam${n}`
    })
    const release = holdLog(registry)
    await writer.register({ ...source, id: one })
    await sleep(50)
    const { createdAt } = await writer.register({ ...source, id: other })
    await sleep(20)
    await writer.update(one, { name: 'x' })
    const missing: Date[] = []
    mirror.watch(mirror.query(), () => {
      if (mirror.asOf > createdAt && mirror.get(other) === undefined) missing.push(mirror.asOf)
    })
    release()
    await expect.poll(() => mirror.size, PATIENCE).toBe(2)
    expect(missing).toEqual([])
  })
})

describe('what a mirror asks in the background', () => {
  it('is not asked without end when all leases are long', async () => {
    await stage.start()
    const registry = stage.hosted()
    await registry.register({ ...source, id: 'cam', ttlMs: 30 * 86_400_000 })
    const leases = vi.spyOn(storeOf(registry), 'leases')
    await LocalMirror.start(registry)
    await sleep(300)
    expect(leases.mock.calls.length).toBeLessThan(20)
  })

  it('is not asked more often the more there is to follow', async () => {
    await stage.start()
    const [writer, registry] = [stage.owned(), stage.hosted()]
    await writer.register({ ...source, id: 'brief', ttlMs: 300 })
    const mirror = await LocalMirror.start(registry)
    const leases = vi.spyOn(storeOf(registry), 'leases').mockRejectedValue(new Error('out of order'))
    await sleep(500)
    for (let i = 0; i < 50; i++) {
      await writer.register({ ...source, id: `cam${i}` })
      await expect.poll(() => mirror.get(`cam${i}`), { ...PATIENCE, interval: 2 }).toBeDefined()
      await sleep(5)
    }
    leases.mockClear()
    await sleep(1_000)
    expect(leases.mock.calls.length).toBeLessThan(20)
  }, 40_000)

  it('is asked for statistics that were reported before they could be heard', async () => {
    await stage.start()
    stage.server.cli('acl', 'setuser', 'reader', 'on', '>secret', 'allkeys', 'resetchannels', '+@all')
    const [writer, registry] = [
      stage.owned(),
      stage.hosted(stage.server.port, { username: 'reader', password: 'secret' }),
    ]
    await writer.register({ ...source, id: 'cam' })
    const mirror = await LocalMirror.start(registry, { statsIntervalMs: 20 })
    await writer.updateStats('cam', { bitrate: 7 })
    stage.server.cli('acl', 'setuser', 'reader', 'allchannels')
    stage.server.cli('client', 'kill', 'type', 'normal')
    stage.server.cli('client', 'kill', 'type', 'pubsub')
    await expect.poll(() => stage.server.cli('pubsub', 'channels'), PATIENCE).toContain('stats')
    await expect.poll(() => mirror.get('cam')?.statistics.bitrate, { timeout: 5_000 }).toBe(7)
  }, 40_000)
})

describe('a watcher that is asynchronous', () => {
  it('has its rejection reported', async () => {
    await stage.start()
    const registry = stage.hosted()
    const mirror = await LocalMirror.start(registry)
    mirror.watch(mirror.query(), async () => {
      throw new Error('a broken watcher')
    })
    await registry.register({ ...source, id: 'cam' })
    await expect.poll(() => mirror.size, PATIENCE).toBe(1)
    await sleep(50)
    expect(stage.unhandled.splice(0)).toEqual([])
  })
})
