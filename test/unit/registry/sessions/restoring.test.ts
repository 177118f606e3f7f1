import type { StreamSession } from '@mirror/stream-registry'
import { beforeEach, describe, expect, it } from 'vitest'
import { cutRenewals, hold, INPUT, makeScene, type Scene, settled, told } from './scene.ts'

let scene: Scene
let session: StreamSession
let words: string[]

beforeEach(async () => {
  scene = makeScene()
  session = await scene.registry.attach(INPUT)
  words = told(session)
})

async function lapse(meanwhile: () => Promise<unknown> = async () => {}): Promise<void> {
  const mend = cutRenewals(scene.store)
  await scene.pass(INPUT.ttlMs + 1_000)
  await meanwhile()
  mend()
}

describe('a restoration', () => {
  it('brings everything back as it was, and is told once', async () => {
    await session.update({ tags: ['x'], metadata: { deep: { a: 1 } }, config: { latencyMs: 5 } })
    await session.setStatus('active')
    await session.updateStats({ bytesReceived: 5 })
    await session.heartbeat()
    const before = await scene.registry.get('cam1')
    await lapse()
    await scene.pass(2_000)
    const after = await scene.registry.get('cam1')
    const { lastHeartbeat, updatedAt } = after
    expect(after).toEqual({
      ...before,
      lastHeartbeat,
      updatedAt,
      epoch: 2,
      revision: before.revision + 1,
    })
    expect(session.stream).toEqual(after)
    expect(words).toEqual(['restored'])
    expect((await scene.registry.verify()).problems).toEqual([])
  })

  it('happens with any call, not only with a beat', async () => {
    await lapse()
    await session.setStatus('active')
    expect((await scene.registry.get('cam1')).status).toBe('active')
    expect(words).toEqual(['restored'])
    await lapse()
    await session.heartbeat()
    expect((await scene.registry.get('cam1')).epoch).toBe(3)
  })

  it('is told once, also when a call and a beat find out together', async () => {
    await lapse()
    const [beat, ...calls] = await Promise.allSettled([
      session.heartbeat(),
      session.setStatus('active'),
      session.setState({ health: 'healthy' }),
      session.update({ name: 'x' }),
    ])
    expect([beat, ...calls].map(({ status }) => status)).toEqual(Array(4).fill('fulfilled'))
    expect(words).toEqual(['restored'])
    const { lastHeartbeat, ...stored } = await scene.registry.get('cam1')
    expect(session.stream).toMatchObject(stored)
  })

  it('is not taken for another’s by a call that looks what became of the stream meanwhile', async () => {
    const { store } = scene
    await lapse()
    const looking = hold(store, 'readLog', 'before')
    const beat = session.heartbeat().catch((error: unknown) => error)
    await looking.reached
    const restoring = hold(store, 'commit', 'after')
    const change = session.setStatus('active').catch((error: unknown) => error)
    await restoring.reached
    looking.release()
    await settled()
    restoring.release()
    await Promise.all([beat, change])
    expect(words).toEqual(['restored'])
    expect(session.signal.aborted).toBe(false)
  })

  it('keeps what was reported while it was under way', async () => {
    await session.updateStats({ bytesReceived: 1 })
    await lapse()
    const restoring = hold(scene.store, 'commit', 'after')
    await scene.pass(2_000)
    await restoring.reached
    await session.updateStats({ bytesReceived: 2 })
    restoring.release()
    await settled()
    expect(session.stream.statistics.bytesReceived).toBe(2)
    await scene.pass(6_000)
    expect((await scene.registry.get('cam1')).statistics.bytesReceived).toBe(2)
  })

  it('is known again when no answer to it came', async () => {
    const { store } = scene
    const commit = store.commit.bind(store)
    await lapse()
    const restoring = hold(store, 'commit', 'after')
    await scene.pass(2_000)
    await restoring.reached
    restoring.release(new Error('the answer is lost'))
    store.commit = commit
    await scene.pass(INPUT.ttlMs)
    expect(session.signal.aborted).toBe(false)
    expect(words).toEqual(['restored'])
    await session.setStatus('active')
  })

  it('that lapses once more before it is known of is made again', async () => {
    const { store } = scene
    const commit = store.commit.bind(store)
    await lapse()
    const restoring = hold(store, 'commit', 'after')
    await scene.pass(2_000)
    await restoring.reached
    restoring.release(new Error('the answer is lost'))
    store.commit = commit
    await lapse()
    await scene.pass(2_000)
    expect(words).toEqual(['restored'])
    expect(await scene.registry.has('cam1')).toBe(true)
  })
})

describe('a stream of which somebody else came meanwhile', () => {
  const ends: Record<string, () => Promise<unknown>> = {
    'and closed his session': async () => (await scene.other.attach(INPUT)).close(),
    'and deleted it': async () => {
      await scene.other.create(INPUT)
      await scene.other.delete('cam1')
    },
    'and let it lapse': async () => {
      await scene.other.create({ ...INPUT, ttlMs: 1_000 })
      scene.clock.advance(2_000)
    },
    'and holds it': () => scene.other.attach(INPUT),
    'who is of the same instance, and ended it': async () => {
      await scene.registry.create(INPUT)
      await scene.registry.unregister('cam1')
    },
  }
  for (const [what, end] of Object.entries(ends)) {
    it(`${what}: is lost, and not revived`, async () => {
      await lapse(end)
      const before = await scene.registry.find('cam1')
      await scene.pass(5_000)
      // What this very registry has begun and ended is not another's.
      const isOurs = what.includes('same instance')
      expect(words).toEqual([isOurs ? 'lost STREAM_NOT_FOUND' : 'lost STALE_OWNER'])
      expect(await scene.registry.find('cam1')).toEqual(before)
    })
  }
})

describe('a log that does not reach back', () => {
  it('tells nothing: the stream is given up rather than revived', async () => {
    scene = makeScene(20)
    session = await scene.registry.attach(INPUT)
    words = told(session)
    const { other, pass } = scene
    await lapse(async () => {
      await (await other.attach(INPUT)).close()
      // Far more than is kept.
      for (let i = 0; i < 100; i++) await other.create({ ...INPUT, id: `other${i}` })
    })
    await pass(2_000)
    expect(words).toEqual([expect.stringMatching(/^lost /)])
    expect(await other.has('cam1')).toBe(false)
  })
})

describe('sessions of one registry', () => {
  it('are restored with the next beat, also when one of them cannot be', async () => {
    const { registry, store, pass } = scene
    const sessions: StreamSession[] = []
    for (let i = 0; i < 200; i++) sessions.push(await registry.attach({ ...INPUT, id: `many${i}` }))
    await lapse()
    const commit = store.commit.bind(store)
    store.commit = async (change, call) => {
      if (change.id === 'many0') throw new Error('broken')
      return commit(change, call)
    }
    await pass(5_000)
    expect(await registry.count()).toBe(200)
    expect(sessions.filter(({ signal }) => signal.aborted)).toEqual([])
  })

  it('attached one after the other: the last holds the stream, whatever order the answers come in', async () => {
    const { registry, store } = scene
    await session.close()
    await scene.other.create(INPUT)
    const late = hold(store, 'commit', 'after')
    const first = registry.attach(INPUT, { takeover: true })
    await late.reached
    const attached = registry.attach(INPUT, { takeover: true })
    late.release()
    const [older, second] = await Promise.all([first, attached])
    expect(older.signal.aborted).toBe(true)
    expect(second.signal.aborted).toBe(false)
    await second.setStatus('active')
  })

  it('mints another id where one is taken', async () => {
    const { registry, clock } = scene
    const { id } = await registry.create({ type: 'srt', sourceAddr: 'a:1' })
    const [, stamp, number = ''] = /^(.*_)(\d+)$/.exec(id) ?? []
    expect(clock.now()).toBeGreaterThan(0)
    const taken = await registry.create({
      ...INPUT,
      id: `${stamp}${String(Number(number) + 1).padStart(3, '0')}`,
    })
    const { id: _, ...rest } = INPUT
    const attached = await registry.attach(rest)
    expect(attached.id).not.toBe(taken.id)
    expect((await registry.get(taken.id)).epoch).toBe(1)
  })
})
