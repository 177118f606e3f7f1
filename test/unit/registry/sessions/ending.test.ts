import type { StreamSession } from '@mirror/stream-registry'
import { beforeEach, describe, expect, it } from 'vitest'
import { errorOf } from '../../../support/expect-error.ts'
import { cutRenewals, hold, INPUT, makeScene, type Scene, settled, told } from './scene.ts'

let scene: Scene
let session: StreamSession

beforeEach(async () => {
  scene = makeScene()
  session = await scene.registry.attach(INPUT)
})

/** The lease lapses; the session hears of it with the next beat. */
async function lapse(): Promise<void> {
  const mend = cutRenewals(scene.store)
  await scene.pass(INPUT.ttlMs + 1_000)
  mend()
}

describe('closing a session', () => {
  it('refuses bad options, and lets it go on', async () => {
    const bad: object[] = [{ status: 'bogus' }, { status: 'active' }, { timeoutMs: -1 }, { unknown: true }]
    for (const options of [...bad, { unregister: 'no' }]) {
      await errorOf(session.close(options), 'VALIDATION')
      await session.setStatus('active')
    }
    await session.close()
    expect(await scene.registry.has('cam1')).toBe(false)
  })

  it('ends the stream for good, also while it is being restored', async () => {
    const { store, registry, pass } = scene
    const words = told(session)
    await lapse()
    const restoring = hold(store, 'commit', 'before')
    await pass(2_000)
    await restoring.reached
    const closing = session.close()
    restoring.release()
    await closing
    expect(await registry.has('cam1')).toBe(false)
    expect(words).toEqual([])
  })

  it('tells the registry’s logger when it cannot be in order, and does not hang', async () => {
    const { registry, store, warnings } = scene
    store.commit = async () => {
      throw new Error('broken')
    }
    await registry.close()
    expect(warnings).toEqual([expect.stringContaining('broken')])
  })
})

describe('closing the registry', () => {
  it('ends what is just being attached', async () => {
    const { registry, other, store, pass } = scene
    const attaching = hold(store, 'commit', 'after')
    const attached = registry.attach({ ...INPUT, id: 'cam2' }).catch((error: unknown) => error)
    await attaching.reached
    const closing = registry.close()
    attaching.release()
    await closing
    await attached
    await settled()
    await pass(3 * INPUT.ttlMs)
    expect(await other.has('cam2')).toBe(false)
  })

  it('ends waiting for a stream', async () => {
    const { registry, other } = scene
    await other.attach({ ...INPUT, id: 'held' })
    let outcome = 'pending'
    const waiting = registry.attach({ ...INPUT, id: 'held' }, { ifHeld: 'wait' }).then(
      () => 'attached',
      (error: { code?: string }) => error.code ?? String(error),
    )
    void waiting.then((end) => {
      outcome = end
    })
    await settled()
    await registry.close()
    await settled()
    expect(outcome).toBe('CLOSED')
  })
})

describe('a handler', () => {
  it('that fails is told of, and stops nobody', async () => {
    const { other, warnings, pass } = scene
    const unwanted = (): void => {
      throw new Error('should be off')
    }
    session.on('lost', unwanted).off('lost', unwanted)
    session.on('lost', () => {
      throw new Error('a bug of the host')
    })
    const words = told(session)
    await other.delete('cam1')
    await pass(INPUT.ttlMs)
    expect(words).toEqual(['lost STREAM_NOT_FOUND'])
    expect(warnings).toEqual([expect.stringContaining('a bug of the host')])
  })
})
