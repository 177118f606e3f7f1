import { isRegistryError, LIMITS, MockRegistry, type StreamPatch } from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import { beforeEach, describe, expect, it } from 'vitest'

const input = { id: 'cam1', type: 'srt', sourceAddr: '10.0.0.1:9000' } as const
const metadata = { region: 'eu', nested: { a: 1 } }

let registry: MockRegistry

beforeEach(async () => {
  registry = new MockRegistry({ clock: new ManualClock() })
  await registry.create({ ...input, metadata, config: { latencyMs: 120 } })
})

/** The code of the error that a call rejects with, or what it did else. */
async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'accepted'
  } catch (error) {
    return isRegistryError(error) ? error.code : String(error)
  }
}

class Thing {
  a = 1
}

/** Values that `create` refuses as metadata, since JSON would change them. */
const NOT_JSON: [string, unknown][] = [
  ['a date', new Date(0)],
  ['a map', new Map([['a', 1]])],
  ['a set', new Set([1])],
  ['a class instance', new Thing()],
  ['bytes', new Uint8Array(2)],
  ['a function', () => 1],
  ['a bigint', 1n],
  ['NaN', Number.NaN],
]

describe('a patch that is not JSON', () => {
  it.each(NOT_JSON)('is refused by create: %s', async (_, value) => {
    const other = { ...input, id: 'cam2', metadata: { value } as never }
    expect(await outcomeOf(registry.create(other))).toBe('VALIDATION')
  })

  it.each(NOT_JSON)('is refused by update, not turned into something else: %s', async (_, value) => {
    for (const patch of [{ value }, { nested: { value } }, { value: [value] }]) {
      for (const field of ['metadata', 'config']) {
        expect(await outcomeOf(registry.update('cam1', { [field]: patch } as StreamPatch))).toBe('VALIDATION')
      }
    }
    expect((await registry.get('cam1')).metadata).toEqual(metadata)
  })

  it.each(NOT_JSON.slice(0, 5))('does not wipe the metadata when it is %s itself', async (_, value) => {
    expect(await outcomeOf(registry.update('cam1', { metadata: value } as StreamPatch))).toBe('VALIDATION')
    expect((await registry.get('cam1')).metadata).toEqual(metadata)
  })

  it('is refused when it holds itself', async () => {
    const patch: Record<string, unknown> = {}
    patch.self = patch
    expect(await outcomeOf(registry.update('cam1', { metadata: patch } as StreamPatch))).toBe('VALIDATION')
  })

  it('is refused when it is nested without end', async () => {
    const patch = JSON.parse(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`)
    expect(await outcomeOf(registry.update('cam1', { metadata: patch }))).toBe('VALIDATION')
  })

  it('is not mistaken for a patch of keys that objects inherit', async () => {
    const patch = JSON.parse('{"constructor":{"prototype":{"admin":true}}}')
    expect(await outcomeOf(registry.update('cam1', { metadata: patch }))).toBe('VALIDATION')
    expect('admin' in {}).toBe(false)
  })
})

describe('the limits, when reports are merged', () => {
  it(`hold for the measures: no more than ${LIMITS.maxMeasures} come together over several reports`, async () => {
    const named = (prefix: string, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, i]))
    await registry.updateState('cam1', { quality: named('a', LIMITS.maxMeasures) })
    await registry.updateState('cam1', { quality: { a0: 7 } })
    expect(await outcomeOf(registry.updateState('cam1', { quality: named('b', 1) }))).toBe('VALIDATION')
    expect(Object.keys((await registry.get('cam1')).state.quality)).toHaveLength(LIMITS.maxMeasures)
  })
})
