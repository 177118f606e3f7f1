import assert from 'node:assert/strict'
import { InvalidTransitionError } from '../../core/errors.js'
import { LIMITS } from '../../core/model/limits.js'
import { PROCESSING_STATES, PROCESSING_TRANSITIONS } from '../../core/model/processing.js'
import { STATUS_TRANSITIONS, STREAM_STATUSES } from '../../core/model/status.js'
import type { Chapter } from './driver.js'
import { input, rejectsWith } from './expectations.js'

export const reporting: Chapter = (test) => {
  test('moves the status as the table says, and only so', async (space) => {
    const registry = space.registry()
    for (const from of STREAM_STATUSES) {
      for (const to of STREAM_STATUSES) {
        const id = `${from}-${to}`
        await registry.create(input(id, { status: from }))
        if (from === to || STATUS_TRANSITIONS[from].includes(to)) {
          assert.equal((await registry.updateStatus(id, to)).status, to)
        } else {
          const error = await rejectsWith('INVALID_TRANSITION', registry.updateStatus(id, to))
          assert.ok(error instanceof InvalidTransitionError)
          assert.deepEqual([error.from, error.to], [from, to])
        }
      }
    }
    assert.deepEqual((await registry.verify()).problems, [])
  })

  test('logs started once, then paused, resumed, error, terminated, and updated for the rest', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'))
    const moves = [
      'connecting',
      'active',
      'paused',
      'active',
      'error',
      'active',
      'terminating',
      'closed',
    ] as const
    for (const status of moves) await registry.updateStatus('cam1', status)
    const events = [
      'created',
      'updated',
      'started',
      'paused',
      'resumed',
      'error',
      'updated',
      'updated',
      'terminated',
    ]
    assert.deepEqual(await space.events(registry, 'cam1'), events)
  })

  test('stamps startedAt once and endedAt at the end, and keeps the moves with their reasons', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'))
    const active = await registry.updateStatus('cam1', 'active', { reason: 'first packet' })
    assert.deepEqual(active.startedAt, active.updatedAt)
    await registry.updateStatus('cam1', 'paused')
    const again = await registry.updateStatus('cam1', 'active')
    assert.deepEqual(again.startedAt, active.startedAt)
    const ended = await registry.updateStatus('cam1', 'terminated')
    assert.deepEqual(ended.endedAt, ended.updatedAt)
    assert.deepEqual(
      ended.state.statusTransitions.map(({ from, to, reason }) => [from, to, reason]),
      [
        ['pending', 'active', 'first packet'],
        ['active', 'paused', undefined],
        ['paused', 'active', undefined],
        ['active', 'terminated', undefined],
      ],
    )
  })

  test('counts errors and keeps the last', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1', { status: 'active' }))
    const failed = await registry.updateStatus('cam1', 'error', {
      error: { code: 'EPIPE', message: 'broken pipe' },
    })
    assert.deepEqual(
      [failed.state.errorCount, failed.state.lastError?.code, failed.state.lastError?.message],
      [1, 'EPIPE', 'broken pipe'],
    )
    const again = await registry.updateState('cam1', { error: new Error('late packets') })
    assert.deepEqual([again.state.errorCount, again.state.lastError?.message], [2, 'late packets'])
    assert.deepEqual(await registry.get('cam1'), again)
  })

  test('takes any Error, whatever is in it', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'))
    const odd = [
      new Error(''),
      new Error('a\0b\uD800'),
      new Error('x'.repeat(100_000)),
      Object.assign(new Error('a'), { message: { a: 1 } }),
      Object.assign(new Error('a'), { message: undefined, code: 5 }),
      Object.assign(new Error('a'), { code: 'y'.repeat(100_000) }),
    ]
    for (const error of odd) await registry.updateState('cam1', { error })
    const { state } = await registry.get('cam1')
    assert.deepEqual([state.errorCount, state.lastError?.message], [odd.length, 'a'])
    assert.equal(state.lastError?.code?.length, LIMITS.maxTextLength)
    await rejectsWith('VALIDATION', registry.updateState('cam1', { error: { message: 'a\0' } }))
  })

  test('takes the same status again as a sign of life, and logs nothing', async (space) => {
    const registry = space.registry()
    const before = await registry.create(input('cam1', { ttlMs: 1_200 }))
    await space.advance(800)
    const again = await registry.updateStatus('cam1', 'pending')
    assert.deepEqual(again, { ...before, lastHeartbeat: again.lastHeartbeat })
    await space.advance(800)
    assert.ok(await registry.has('cam1'))
    assert.deepEqual(await space.events(registry, 'cam1'), ['created'])
  })

  test('moves the processing state as the table says, and only so', async (space) => {
    const registry = space.registry()
    for (const from of PROCESSING_STATES) {
      for (const to of PROCESSING_STATES) {
        const id = `${from}-${to}`
        await registry.create(input(id, { state: { currentState: from } }))
        if (from === to || PROCESSING_TRANSITIONS[from].includes(to)) {
          const { state } = await registry.updateState(id, { currentState: to })
          assert.equal(state.currentState, to)
          if (from !== to) assert.equal(state.previousState, from)
        } else {
          await rejectsWith('INVALID_TRANSITION', registry.updateState(id, { currentState: to }))
        }
      }
    }
  })

  test('bounds the histories, newest last', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1', { state: { currentState: 'streaming' } }))
    for (let i = 0; i < 12; i++) {
      await registry.updateState('cam1', { currentState: 'recovering', reason: `loss ${i}` })
      await registry.updateState('cam1', { currentState: 'streaming' })
    }
    const { stateTransitions } = (await registry.get('cam1')).state
    assert.equal(stateTransitions.length, LIMITS.maxTransitions)
    assert.deepEqual(stateTransitions.at(-2)?.reason, 'loss 11')
  })

  test('logs health changes apart from the rest', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'))
    await registry.updateState('cam1', { health: 'healthy' })
    await registry.updateState('cam1', { health: 'healthy' })
    await registry.updateState('cam1', { health: 'degraded', quality: { score: 3 } })
    const merged = await registry.updateState('cam1', { quality: { jitterMs: 2 } })
    assert.deepEqual(merged.state.quality, { score: 3, jitterMs: 2 })
    const events = ['created', 'health.changed', 'updated', 'health.changed', 'updated']
    assert.deepEqual(await space.events(registry, 'cam1'), events)
    assert.deepEqual((await registry.verify()).problems, [])
  })

  test('refuses reports on what is not live', async (space) => {
    const registry = space.registry()
    await rejectsWith('STREAM_NOT_FOUND', registry.updateStatus('cam1', 'active'))
    await rejectsWith('STREAM_NOT_FOUND', registry.updateState('cam1', { health: 'healthy' }))
    await registry.create(input('cam1', { ttlMs: 100 }))
    await space.advance(130)
    await rejectsWith('STREAM_NOT_FOUND', registry.updateStatus('cam1', 'active'))
    await rejectsWith('STREAM_NOT_FOUND', registry.updateState('cam1', { health: 'healthy' }))
  })
}
