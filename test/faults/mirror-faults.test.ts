import { execFileSync, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRegistry, LocalMirror, type Registry } from '@mirror/stream-registry'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { storeOf } from '../../src/registry/store-registry.ts'
import { type BuiltLibrary, buildLibrary } from '../processes/support/library.ts'
import { MirrorScene, mirrorFaults, watchedMirrors } from '../support/mirror-scene.ts'
import { testSeed } from '../support/random.ts'
import { startCluster } from '../support/redis-cluster.ts'
import type { RedisServer } from '../support/redis-server.ts'
import { RedisStage } from '../support/redis-stage.ts'
import { Wire } from '../support/wire.ts'

const seed = testSeed('mirror-faults')
const PATIENCE = { timeout: 20_000, interval: 20 }

const source = { type: 'srt', sourceAddr: 'a:1' } as const

let library: BuiltLibrary
const stage = RedisStage.use()

beforeAll(() => {
  library = buildLibrary()
})

afterAll(() => library.remove())

/** Two mirrors of what is written all the time. */
async function startScene(writer: Registry, readers: readonly Registry[]): Promise<MirrorScene> {
  const scene = await MirrorScene.start(writer, readers, seed)
  stage.atEnd(() => scene.stop())
  return scene
}

function argsOf(program: string): string[] {
  return ['--input-type=module', '-e', `import * as library from ${JSON.stringify(library.url)}\n${program}`]
}

/** Runs a program that has the library as `library`, and what it printed when it has ended by itself. */
function run(program: string): Promise<{ code: number | null; text: string }> {
  const child = spawn(process.execPath, argsOf(program), {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  stage.atEnd(() => child.kill('SIGKILL'))
  let text = ''
  for (const output of [child.stdout, child.stderr])
    output.on('data', (data: Buffer) => {
      text += data.toString()
    })
  return new Promise((resolve) => child.once('exit', (code) => resolve({ code, text })))
}

describe('a mirror whose connections are killed', () => {
  it('stays exact, whichever connection it is', async () => {
    await stage.start([], { partitions: 3 })
    const scene = await startScene(stage.owned(), [stage.owned(), stage.hosted()])
    for (let i = 0; i < 30; i++) {
      stage.server.cli('client', 'kill', 'type', i % 2 === 0 ? 'normal' : 'pubsub')
      await sleep(30)
    }
    await scene.followed(50)
    expect(scene.removals('kept')).toEqual([0, 0])
    expect(await scene.conclude()).toEqual([])
  }, 40_000)
})

describe('a mirror over a bad network', () => {
  it('stays exact through cuts and stalls, and keeps what is renewed meanwhile', async () => {
    await stage.start()
    const wire = new Wire(stage.server.port)
    stage.atEnd(() => wire.close())
    const port = await wire.listen()
    const scene = await startScene(stage.owned(), [stage.owned(port), stage.hosted(port)])
    for (let i = 0; i < 12; i++) {
      await sleep(40)
      wire.cut()
    }
    // Longer than any of the leases.
    wire.stall(true)
    await sleep(5_000)
    wire.stall(false)
    await scene.followed(50)
    expect(scene.removals('kept')).toEqual([0, 0])
    expect(await scene.conclude()).toEqual([])
  }, 60_000)
})

describe('a mirror of a Redis that is killed', () => {
  it('stays exact when Redis kept its file', async () => {
    await stage.start(['--appendonly', 'yes', '--appendfsync', 'always'], { partitions: 2 })
    const scene = await startScene(stage.owned(), [stage.owned(), stage.hosted()])
    for (let i = 0; i < 2; i++) {
      await stage.server.restart()
      await scene.followed(40)
    }
    expect(await scene.conclude()).toEqual([])
  }, 60_000)

  it('starts anew when Redis kept nothing', async () => {
    await stage.start([], { partitions: 2 })
    const scene = await startScene(stage.owned(), [stage.owned(), stage.hosted()])
    await stage.server.restart()
    await scene.followed(40)
    expect(await scene.conclude()).toEqual([])
  }, 40_000)

  it('serves what it has while Redis is away, says that it is stale, and catches up', async () => {
    await stage.start(['--appendonly', 'yes', '--appendfsync', 'always'])
    const scene = await startScene(stage.owned(), [stage.owned(), stage.hosted()])
    const { mirrors } = scene
    await stage.server.kill()
    await sleep(100)
    const contents = mirrors.map((mirror) => mirror.query().all())
    const removed = scene.removals()
    await expect.poll(() => mirrors.every(({ stale }) => stale), PATIENCE).toBe(true)
    // All the short leases would have ended.
    await sleep(4_500)
    expect(mirrors.map((mirror) => mirror.query().all())).toEqual(contents)
    expect(scene.removals()).toEqual(removed)
    expect(mirrors.every(({ stale }) => stale)).toBe(true)
    await stage.server.restart()
    await scene.followed(40)
    expect(await scene.conclude()).toEqual([])
  }, 60_000)

  it('comes back to what an old file holds', async () => {
    await stage.start([], { partitions: 2 })
    const writer = stage.owned()
    for (let i = 0; i < 20; i++) await writer.register({ id: `old${i}`, type: 'srt', sourceAddr: 'a:1' })
    const watched = await watchedMirrors(writer, [stage.owned(), stage.hosted()])
    const mirrors = watched.map(({ mirror }) => mirror)
    stage.server.cli('save')
    for (let i = 0; i < 10; i++) await writer.delete(`old${i}`)
    for (let i = 10; i < 15; i++) await writer.update(`old${i}`, { metadata: { n: i } })
    await writer.register({ id: 'lost', type: 'srt', sourceAddr: 'a:1' })
    for (const mirror of mirrors) await mirror.sync()
    expect(mirrors.map(({ size }) => size)).toEqual([11, 11])
    await stage.server.restart()
    // Nobody writes any more: the logs end before where the mirrors stand.
    await expect.poll(() => writer.count().catch(() => 0), PATIENCE).toBe(20)
    await expect.poll(() => mirrors.map(({ size }) => size), PATIENCE).toEqual([20, 20])
    for (const each of watched) expect(await mirrorFaults(each, writer)).toEqual([])
  }, 40_000)
})

describe('a mirror of a Redis that is flushed', () => {
  it('starts anew', async () => {
    await stage.start([], { partitions: 3 })
    const scene = await startScene(stage.owned(), [stage.owned(), stage.hosted()])
    for (let i = 0; i < 3; i++) {
      stage.server.cli('flushall')
      await scene.followed(30)
    }
    expect(await scene.conclude()).toEqual([])
  }, 40_000)

  it('is empty soon although nothing is written any more', async () => {
    await stage.start()
    const writer = stage.owned()
    await writer.register({ id: 'cam', type: 'srt', sourceAddr: 'a:1' })
    const mirror = await LocalMirror.start(stage.hosted())
    expect(mirror.size).toBe(1)
    stage.server.cli('flushall')
    await expect.poll(() => mirror.size, PATIENCE).toBe(0)
    await expect.poll(() => mirror.stale, PATIENCE).toBe(false)
  })
})

describe('a mirror that sleeps while the log is trimmed', () => {
  it('lists anew', async () => {
    await stage.start([], { maxEvents: 100 })
    const wire = new Wire(stage.server.port)
    stage.atEnd(() => wire.close())
    const port = await wire.listen()
    const readers = [stage.owned(port), stage.hosted(port)]
    const scene = await startScene(stage.owned(), readers)
    const listings = readers.map((reader) => vi.spyOn(storeOf(reader), 'walk'))
    wire.stall(true)
    const { writer } = scene
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        await writer.register({ id: `late${i}`, type: 'srt', sourceAddr: 'a:1', ttlMs: 60_000 })
        for (let n = 0; n < 60; n++) await writer.update(`late${i}`, { metadata: { n } })
        if (i % 2 === 0) await writer.delete(`late${i}`)
      }),
    )
    wire.stall(false)
    await scene.followed(40)
    for (const listing of listings) expect(listing).toHaveBeenCalled()
    expect(await scene.conclude()).toEqual([])
  }, 60_000)

  it('lists anew, too, when its thread was busy meanwhile', async () => {
    await stage.start([], { maxEvents: 100 })
    const readers = [stage.owned(), stage.hosted()]
    const scene = await startScene(stage.owned(), readers)
    const listings = readers.map((reader) => vi.spyOn(storeOf(reader), 'walk'))
    const program = `
      const registry = library.createRegistry({ redis: { url: '${stage.server.url}' }, maxEvents: 100 })
      const source = { type: 'srt', sourceAddr: 'a:1', ttlMs: 60_000 }
      await Promise.all(Array.from({ length: 20 }, async (_, i) => {
        await registry.register({ ...source, id: 'late' + i })
        for (let n = 0; n < 60; n++) await registry.update('late' + i, { metadata: { n } })
        if (i % 2 === 0) await registry.delete('late' + i)
      }))
      await registry.close()`
    // Nothing else happens here until the program has ended.
    execFileSync(process.execPath, argsOf(program))
    await scene.followed(40)
    for (const listing of listings) expect(listing).toHaveBeenCalled()
    expect(await scene.conclude()).toEqual([])
    for (const mirror of scene.mirrors) expect(mirror.query().where('id', 'like', 'late*').count()).toBe(10)
  }, 60_000)
})

describe('a mirror of a cluster', () => {
  it('goes on when masters are replaced, also by those that know less', async () => {
    const cluster = await startCluster(3, 1)
    stage.atEnd(() => cluster.stop())
    const space = { keyPrefix: 'fleet', partitions: 3 }
    const open = (): Registry =>
      stage.kept(createRegistry({ redis: { addresses: cluster.addresses }, ...space }))
    const scene = await startScene(open(), [open(), open()])
    const replication = (node: RedisServer): string => node.cli('info', 'replication')
    const findReplica = (): RedisServer | undefined =>
      cluster.nodes.find(
        (node) =>
          /role:slave[\s\S]*master_link_status:up/.test(replication(node)) && Number(node.cli('dbsize')) > 0,
      )
    await expect.poll(findReplica, PATIENCE).toBeDefined()
    const replica = findReplica()!
    replica.cli('cluster', 'failover')
    await expect.poll(() => replication(replica), PATIENCE).toContain('role:master')
    await scene.followed(40)

    await expect.poll(findReplica, PATIENCE).toBeDefined()
    const heir = findReplica()!
    const port = Number(/master_port:(\d+)/.exec(replication(heir))?.[1])
    const master = cluster.nodes.find((node) => node.port === port)!
    // What the master acknowledges from now on is lost with it.
    heir.freeze()
    master.cli('client', 'kill', 'type', 'replica')
    await scene.followed(60)
    await master.kill()
    heir.thaw()
    await expect.poll(() => replication(heir), PATIENCE).toContain('role:master')
    await scene.followed(60)
    expect(await scene.conclude()).toEqual([])
  }, 90_000)
})

describe('a mirror that is closed', () => {
  it('in the middle of things leaves no connection and no rejection', async () => {
    await stage.start([], { partitions: 2 })
    const scene = await startScene(stage.owned(), [stage.owned(), stage.hosted()])
    for (let i = 0; i < 12; i++) {
      const registry = i % 2 === 0 ? stage.owned() : stage.hosted()
      const mirror = await LocalMirror.start(registry)
      mirror.watch(mirror.query(), () => {})
      const syncing = mirror.sync().catch(() => {})
      if (i % 3 === 0) stage.server.cli('flushall')
      if (i % 3 === 1) stage.server.cli('client', 'kill', 'type', 'normal')
      await sleep(i * 3)
      const starting = LocalMirror.start(registry).catch(() => {})
      await (i % 2 === 0 ? registry.close() : mirror.close())
      expect(mirror.stale).toBe(true)
      await Promise.all([syncing, starting, registry.close()])
    }
    expect(await scene.conclude()).toEqual([])
    await Promise.all(scene.mirrors.map((mirror) => mirror.close()))
    const listeners = (): string => stage.server.cli('client', 'list', 'type', 'pubsub')
    await expect.poll(listeners, PATIENCE).toBe('')
  }, 30_000)

  it('while it tries again to list lets go of who waits for it', async () => {
    await stage.start()
    const [writer, registry] = [stage.owned(), stage.hosted()]
    await writer.register({ ...source, id: 'cam' })
    const mirror = await LocalMirror.start(registry)
    const listing = vi.spyOn(storeOf(registry), 'walk').mockRejectedValue(new Error('out of order'))
    stage.server.cli('flushall')
    await expect.poll(() => listing.mock.calls.length, PATIENCE).toBeGreaterThan(1)
    const syncing = mirror.sync({ timeoutMs: 1_000 }).then(
      () => 'settled',
      () => 'settled',
    )
    await sleep(20)
    await mirror.close()
    expect(await Promise.race([syncing, sleep(5_000, 'hangs')])).toBe('settled')
    expect(await Promise.race([registry.close(), sleep(5_000, 'hangs')])).toBeUndefined()
  })

  it.each([
    '',
    'await mirror.close()',
    'await registry.close()',
    'void registry.close(); void mirror.sync().catch(() => {})',
  ])('or not, keeps no process alive: %s', async (last) => {
    await stage.start()
    await stage.owned().register({ id: 'cam', type: 'srt', sourceAddr: 'a:1', ttlMs: 600_000 })
    const ended = run(`
        const registry = library.createRegistry({ redis: { url: '${stage.server.url}' } })
        const mirror = await library.LocalMirror.start(registry)
        mirror.watch(mirror.query(), ({ result }) => console.log(result.length))
        ${last}`)
    expect(await ended).toEqual({ code: 0, text: '1\n' })
  })
})
