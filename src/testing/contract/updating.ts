import assert from 'node:assert/strict'
import { ConflictError, type ValidationError } from '../../core/errors.js'
import type { Chapter } from './driver.js'
import { input, rejectsWith } from './expectations.js'

export const updating: Chapter = (test) => {
  test('merges a patch: null removes, arrays are replaced, undefined is ignored', async (space) => {
    const registry = space.registry()
    await registry.create(
      input('cam1', {
        name: 'old',
        bitrate: 5,
        tags: ['a', 'b'],
        metadata: { a: { x: 1, y: 2 }, b: [1, 2], c: 1 },
      }),
    )
    const updated = await registry.update('cam1', {
      name: null,
      bitrate: undefined,
      frameRate: 25,
      tags: ['c'],
      metadata: { a: { x: null, z: 3 }, b: [], c: null },
      config: { latencyMs: 20 },
    })
    assert.equal('name' in updated, false)
    assert.deepEqual(
      [updated.bitrate, updated.frameRate, updated.tags, updated.metadata, updated.config, updated.revision],
      [5, 25, ['c'], { a: { y: 2, z: 3 }, b: [] }, { latencyMs: 20 }, 2],
    )
    assert.deepEqual(await registry.get('cam1'), updated)
    const [last] = (await space.log(registry)).slice(-1)
    assert.deepEqual(new Set(last?.changes), new Set(['name', 'frameRate', 'tags', 'metadata', 'config']))
  })

  test('does nothing when nothing changes', async (space) => {
    const registry = space.registry()
    const before = await registry.create(input('cam1', { name: 'same', metadata: { a: 1 } }))
    assert.deepEqual(await registry.update('cam1', { name: 'same', metadata: { a: 1, b: null } }), before)
    assert.deepEqual(await registry.update('cam1', {}), before)
    assert.deepEqual(await space.events(registry, 'cam1'), ['created'])
  })

  test('moves updatedAt and revision, but neither the lease nor createdAt', async (space) => {
    const registry = space.registry()
    const before = await registry.create(input('cam1', { ttlMs: 1_200 }))
    await space.advance(600)
    const after = await registry.update('cam1', { name: 'new' })
    assert.deepEqual([after.createdAt, after.lastHeartbeat], [before.createdAt, before.lastHeartbeat])
    assert.ok(after.updatedAt > before.updatedAt)
    await space.advance(680)
    assert.equal(await registry.has('cam1'), false)
  })

  test('runs the function form over the current stream', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1', { tags: ['a'] }))
    const updated = await registry.update('cam1', (stream) => ({ tags: [...stream.tags, 'b'] }))
    assert.deepEqual(updated.tags, ['a', 'b'])
    await rejectsWith(
      'STREAM_NOT_FOUND',
      registry.update('other', () => ({ name: 'x' })),
    )
    const failure = new Error('of the caller')
    await assert.rejects(
      registry.update('cam1', () => {
        throw failure
      }),
      failure,
    )
  })

  test('shows the function form what is there now, statistics and other writers’ changes included', async (space) => {
    const [registry, other] = [space.registry(), space.registry({ instanceId: 'b' })]
    await registry.create(input('cam1', { metadata: { ready: false } }))
    await registry.updateStats('cam1', { bytesReceived: 5 })
    const seen = await registry.update('cam1', ({ statistics }) => ({
      metadata: { seen: statistics.bytesReceived },
    }))
    assert.equal(seen.metadata.seen, 5)
    await other.update('cam1', { metadata: { ready: true } })
    const guarded = await registry.update('cam1', ({ metadata }) => {
      if (metadata.ready !== true) throw new Error('not ready')
      return { name: 'go' }
    })
    assert.equal(guarded.name, 'go')
    await other.delete('cam1')
    const never = (): never => assert.fail('there is nothing to show')
    await rejectsWith('STREAM_NOT_FOUND', registry.update('cam1', never))
  })

  test('holds a function of the caller to the call’s time and signal', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'))
    const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
    const endless = registry.update('cam1', () => new Promise<never>(() => {}), { timeoutMs: 50 })
    const slow = registry.update('cam1', () => pause(120).then(() => ({ name: 'late' })), { timeoutMs: 50 })
    await Promise.all([rejectsWith('TIMEOUT', endless), rejectsWith('TIMEOUT', slow)])
    const [aborter, reason] = [new AbortController(), new Error('enough')]
    const abort = (): { name: string } => {
      aborter.abort(reason)
      return { name: 'late' }
    }
    const abortedInside = registry.update('cam1', abort, { signal: aborter.signal })
    await assert.rejects(abortedInside, reason)
    await pause(150)
    assert.equal((await registry.get('cam1')).revision, 1)
  })

  test('insists on a revision where one is given', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'))
    await registry.update('cam1', { name: 'b' }, { ifRevision: 1 })
    const error = await rejectsWith('CONFLICT', registry.update('cam1', { name: 'c' }, { ifRevision: 1 }))
    assert.ok(error instanceof ConflictError)
    assert.deepEqual([error.expected, error.actual], [1, 2])
    const other = space.registry({ instanceId: 'b' })
    await other.update('cam1', { name: 'd' }, { ifRevision: 2 })
    await rejectsWith('CONFLICT', registry.update('cam1', { name: 'e' }, { ifRevision: 2 }))
    assert.equal((await registry.get('cam1')).name, 'd')
  })

  test('refuses every field that is not for update, and what cannot be removed', async (space) => {
    const registry = space.registry()
    const before = await registry.create(input('cam1'))
    const refused: object[] = [
      { id: 'x' },
      { type: 'rtp' },
      { protocol: 'x' },
      { status: 'active' },
      { ttlMs: 5 },
      { owner: 'x' },
      { revision: 7 },
      { statistics: {} },
      { nonsense: 1 },
      { sourceAddr: null },
      { tags: null },
      { metadata: null },
      { metadata: [] },
      { metadata: { a: undefined, b: () => 1 } },
      { config: 'x' },
      { bitrate: 1.5 },
      { sourcePort: 70_000 },
    ]
    for (const patch of refused) {
      const error = (await rejectsWith('VALIDATION', registry.update('cam1', patch))) as ValidationError
      assert.ok(error.issues.length > 0)
    }
    assert.deepEqual(await registry.get('cam1'), before)
  })

  test('checks metadata after the merge, too', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1', { metadata: Object.fromEntries(keys(40)) }))
    const more = Object.fromEntries(keys(40).map(([key]) => [`more${key}`, 1]))
    await rejectsWith('VALIDATION', registry.update('cam1', { metadata: more }))
    assert.equal(Object.keys((await registry.get('cam1')).metadata).length, 40)
  })
}

function keys(count: number): [string, number][] {
  return Array.from({ length: count }, (_, i) => [`key${i}`, i])
}
