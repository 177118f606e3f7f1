import { evaluate, type Operator, type Scalar } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { comparison } from '../../../../src/core/query/check.ts'
import { matcherOf } from '../../../../src/core/query/evaluate.ts'
import type { Condition } from '../../../../src/core/query/tree.ts'
import { CREATED_MS, stateWith, streamWith } from '../../support/streams.ts'

const stream = streamWith({
  name: 'Camera 1',
  bitrate: 5_000,
  startedAt: new Date(CREATED_MS),
  tags: ['live', 'hd'],
  state: stateWith({ errorCount: 3, health: 'degraded', quality: { score: 0.5 } }),
  metadata: {
    region: 'eu',
    zone: 3,
    drone: true,
    off: false,
    zero: 0,
    none: null,
    list: ['a', 1, true],
    nested: { deep: 'x' },
    text: '10',
    high: '\uffff',
  },
})

/** Whether a comparison, as a caller writes it, holds for the stream. */
function holds(field: string, op: Operator, value: unknown): boolean {
  return evaluate({ where: [comparison(field, op, value)] }, stream)
}

describe('a comparison', () => {
  it.each([
    ['status', 'eq', 'pending', true],
    ['status', 'eq', 'active', false],
    ['status', 'ne', 'active', true],
    ['status', 'ne', 'pending', false],
    ['metadata.zero', 'eq', 0, true],
    ['metadata.zero', 'eq', -0, true],
    ['metadata.zero', 'in', [-0], true],
    ['metadata.off', 'eq', false, true],
    ['metadata.zone', 'eq', '3', false],
    ['metadata.drone', 'eq', 'true', false],
    ['state.health', 'in', ['healthy', 'degraded'], true],
    ['state.health', 'in', ['healthy'], false],
    ['state.health', 'in', [], false],
    ['state.health', 'nin', ['healthy'], true],
    ['state.health', 'nin', ['healthy', 'degraded'], false],
    ['state.health', 'nin', [], true],
    ['errorCount', 'gt', 2, true],
    ['errorCount', 'gt', 3, false],
    ['errorCount', 'gte', 3, true],
    ['errorCount', 'lt', 3, false],
    ['errorCount', 'lt', 4, true],
    ['errorCount', 'lte', 3, true],
    ['errorCount', 'lte', 2, false],
    ['state.quality.score', 'gt', 0.25, true],
    ['name', 'gt', 'Camera', true],
    ['name', 'lt', 'camera', true],
    ['metadata.high', 'lt', '😀', true],
    ['createdAt', 'eq', new Date(CREATED_MS), true],
    ['createdAt', 'gt', new Date(CREATED_MS), false],
    ['createdAt', 'gte', new Date(CREATED_MS), true],
    ['createdAt', 'lt', new Date(CREATED_MS + 1), true],
    ['createdAt', 'in', [new Date(0), new Date(CREATED_MS)], true],
    ['createdAt', 'nin', [new Date(CREATED_MS)], false],
    ['name', 'like', 'Cam*', true],
    ['name', 'like', 'Cam', false],
    ['name', 'like', 'cam*', false],
    ['name', 'like', '????????', true],
    ['metadata.zone', 'like', '3', false],
    ['tags', 'contains', 'hd', true],
    ['tags', 'contains', 'h', false],
    ['metadata.list', 'contains', 1, true],
    ['metadata.list', 'contains', '1', false],
    ['metadata.list', 'contains', true, true],
    ['name', 'contains', 'era', true],
    ['name', 'contains', 'Era', false],
    ['metadata.zone', 'contains', 3, false],
    ['metadata.text', 'contains', 1, false],
    ['metadata.nested', 'contains', 'x', false],
    ['metadata.nested.deep', 'eq', 'x', true],
    ['name', 'exists', true, true],
    ['name', 'exists', false, false],
    ['metadata.off', 'exists', true, true],
    ['metadata.list', 'exists', true, true],
    ['metadata.nested', 'exists', true, true],
    ['tags', 'exists', true, true],
  ] as const)('%s %s %j: %j', (field, op, value, expected) => {
    expect(holds(field, op, value)).toBe(expected)
  })

  it.each(['codec', 'metadata.missing', 'metadata.none', 'metadata.region.x'])(
    'of %s, which is missing, holds for ne, nin and exists false, and for no other operator',
    (field) => {
      const holding = (
        [
          ['eq', 'x'],
          ['ne', 'x'],
          ['gt', 'x'],
          ['gte', 'x'],
          ['lt', 'x'],
          ['lte', 'x'],
          ['in', ['x']],
          ['nin', ['x']],
          ['like', '*'],
          ['contains', ''],
          ['exists', true],
          ['exists', false],
        ] as const
      ).filter(([op, value]) => holds(field, op, value))
      expect(holding).toEqual([
        ['ne', 'x'],
        ['nin', ['x']],
        ['exists', false],
      ])
    },
  )

  it.each([
    ['a number and text', 'metadata.text', 5],
    ['text and a number', 'metadata.zone', '0'],
    ['a boolean and text', 'metadata.drone', 'a'],
    ['a boolean and a number', 'metadata.drone', 0],
    ['a list and text', 'metadata.list', 'a'],
  ])('never puts %s in an order', (_, field, value) => {
    const holding = (['gt', 'gte', 'lt', 'lte'] as const).filter((op) => holds(field, op, value))
    expect(holding).toEqual([])
    expect(holds(field, 'ne', value)).toBe(true)
  })
})

describe('conditions', () => {
  const yes: Condition = { field: 'type', op: 'eq', value: 'srt' }
  const no: Condition = { field: 'type', op: 'eq', value: 'rtp' }
  const of = (...where: Condition[]): boolean => evaluate({ where }, stream)

  it('must all hold; of none, everything matches', () => {
    expect([of(), of(yes), of(no), of(yes, yes), of(yes, no)]).toEqual([true, true, false, true, false])
  })

  it('that are alternatives must hold as one of them', () => {
    expect(of({ or: [[no], [yes]] })).toBe(true)
    expect(of({ or: [[no], [no]] })).toBe(false)
    expect(of({ or: [[yes, no], [yes]] })).toBe(true)
    expect(of({ or: [[yes, no]] })).toBe(false)
    expect(of(no, { or: [[yes]] })).toBe(false)
    expect(of({ or: [[]] })).toBe(true)
    expect(of({ or: [[{ or: [[no], [yes]] }, yes]] })).toBe(true)
  })

  it('are compiled once', () => {
    const where: readonly Condition[] = [yes]
    expect(matcherOf(where)).toBe(matcherOf(where))
    expect(matcherOf([yes])).not.toBe(matcherOf([yes]))
  })

  it('compare times as the tree has them, as text', () => {
    const at = (value: Scalar): Condition => ({ field: 'createdAt', op: 'eq', value })
    expect(of(at('2024-01-15T14:30:52.000Z'))).toBe(true)
    expect(of(at('2024-01-15T15:30:52+01:00'))).toBe(true)
    expect(of(at('2024-01-15T14:30:52.001Z'))).toBe(false)
  })
})
