import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entriesOf } from '../../../../src/core/indexes.ts'
import { BUILT_IN_INDEXES, fieldIndexes, INDEXED_FIELDS } from '../../../../src/core/query/field-indexes.ts'
import { FIELD_ALIASES, fieldOf, findField } from '../../../../src/core/query/fields.ts'
import { anyStream } from '../../support/arbitraries.ts'

describe('a field', () => {
  it.each([
    ['id', 'text'],
    ['createdAt', 'date'],
    ['state.lastError.at', 'date'],
    ['bitrate', 'number'],
    ['statistics.rttMs', 'number'],
    ['statistics.packetsDropped', 'number'],
    ['tags', 'list'],
    ['metadata.region', 'json'],
    ['metadata.a.b.c', 'json'],
    ['config.latencyMs', 'json'],
    ['state.quality.score', 'number'],
    ['state.resources.cpuPercent', 'number'],
  ])('%s holds a %s', (name, kind) => {
    expect(fieldOf(name)).toMatchObject({ path: name, kind })
  })

  it.each(Object.entries(FIELD_ALIASES))('has a short name: %s is %s', (alias, path) => {
    expect(fieldOf(alias)).toBe(fieldOf(path))
  })

  it.each([
    ['created_at', 'createdAt'],
    ['error_count', 'state.errorCount'],
    ['state.error_count', 'state.errorCount'],
    ['state.last_error.message', 'state.lastError.message'],
    ['statistics.packets_lost', 'statistics.packetsLost'],
    ['ttl_ms', 'ttlMs'],
  ])('can be named in snake_case: %s is %s', (name, path) => {
    expect(fieldOf(name).path).toBe(path)
  })

  it('knows the values that it can have, where they are few', () => {
    expect(fieldOf('type').values).toEqual(['srt', 'rtp', 'rtmp', 'webrtc'])
    expect(fieldOf('health').values).toContain('healthy')
    expect(fieldOf('name').values).toBeUndefined()
  })

  it.each([
    '',
    'nope',
    'state',
    'metadata',
    'metadata.',
    'metadata..a',
    'metadata.a.',
    '.metadata.a',
    'state.quality',
    'statistics.nope',
    'statistics',
    'toString',
    '__proto__',
    'constructor',
    'status.length',
    'Status',
    `metadata.${'a'.repeat(300)}`,
  ])('is none: %j', (name) => {
    expect(findField(name)).toBeUndefined()
    expect(() => fieldOf(name)).toThrow(expect.objectContaining({ code: 'QUERY' }))
  })

  it.each([undefined, null, 5, {}, ['status'], Symbol('status')])('is no %s', (name) => {
    expect(() => fieldOf(name)).toThrow(expect.objectContaining({ code: 'QUERY' }))
  })

  it('of the user may be 256 characters long, and an error shows 64 of what is none', () => {
    expect(findField(`metadata.${'a'.repeat(247)}`)).toBeDefined()
    expect(findField(`metadata.${'a'.repeat(248)}`)).toBeUndefined()
    expect(() => fieldOf('x'.repeat(1_000))).toThrow(`unknown field: ${'x'.repeat(64)}`)
  })
})

describe('the index over a field', () => {
  const indexOf = fieldIndexes([
    { field: 'metadata.region', kind: 'equality' },
    { field: 'bitrate', kind: 'number' },
    { field: 'metadata.zone', kind: 'number' },
  ])

  it('is built in for the fields that the docs name', () => {
    expect(INDEXED_FIELDS.map((field) => indexOf(field)?.name)).toEqual(BUILT_IN_INDEXES)
    expect(indexOf('state.health')).toMatchObject({ name: 'health', kind: 'equality', isPure: true })
    expect(indexOf('createdAt')).toMatchObject({ name: 'created_at', kind: 'number', isPure: true })
  })

  it('is one that every record has its entries in', () => {
    const names = new Set(BUILT_IN_INDEXES)
    fc.assert(
      fc.property(anyStream, (stream) => {
        const used = entriesOf(stream)([]).filter(({ kind }) => kind !== 'counter')
        expect(used.filter(({ index }) => !names.has(index))).toEqual([])
      }),
      { numRuns: 20 },
    )
  })

  it('may be declared', () => {
    expect(indexOf('bitrate')).toMatchObject({
      name: 'bitrate',
      kind: 'number',
      isPure: true,
    })
    expect(indexOf('name')).toBeUndefined()
  })

  it('holds one type of values, unless the user decides what is there', () => {
    expect([indexOf('bitrate')?.isPure, indexOf('metadata.zone')?.isPure]).toEqual([true, false])
  })

  it('has values of all types under keys of their own, and long text under a part of it', () => {
    const index = indexOf('metadata.region')
    expect(['1', 1, true].map((value) => index?.keyOf(value))).toEqual([
      { key: 's1', isWhole: true },
      { key: 'n1', isWhole: true },
      { key: 'btrue', isWhole: true },
    ])
    expect(index?.keyOf('x'.repeat(129))).toEqual({ key: `s${'x'.repeat(128)}`, isWhole: false })
    expect(indexOf('status')?.keyOf('active')).toEqual({ key: 'active', isWhole: true })
  })
})
