import assert from 'node:assert/strict'
import type { ValidationError } from '../../core/errors.js'
import type { StandardResult, StandardSchema } from '../../registry/standard-schema.js'
import type { Chapter } from './driver.js'
import { input, rejectsWith } from './expectations.js'

const forbidden = JSON.parse('{"a":{"__proto__":{"admin":true}}}') as object
const deep = JSON.parse(`${'{"a":'.repeat(9)}1${'}'.repeat(9)}`) as object

const REFUSED: Readonly<Record<string, object>> = {
  'an unknown type': { type: 'hls' },
  'no type': { type: undefined },
  'no source': { sourceAddr: undefined },
  'an empty source': { sourceAddr: '' },
  'a source that is no text': { sourceAddr: 5 },
  'an unknown status': { status: 'running' },
  'an unknown health': { state: { health: 'fine' } },
  'an unknown field': { nmae: 'x' },
  'a NUL in a text': { name: 'a\0b' },
  'a lone surrogate in a text': { name: 'a\uD800' },
  'a protocol that is no word': { protocol: 'a:b' },
  'a tag that is no word': { tags: ['ok', 'not ok'] },
  'a tag of 65 characters': { tags: ['x'.repeat(65)] },
  '33 tags': { tags: Array.from({ length: 33 }, (_, i) => `t${i}`) },
  'tags that are no list': { tags: 'live' },
  'a port out of range': { sourcePort: 65_536 },
  'an inexact bitrate': { bitrate: 2 ** 53 },
  'a negative frame rate': { frameRate: -1 },
  'a time to live of 0': { ttlMs: 0 },
  'an endless time to live': { ttlMs: Number.POSITIVE_INFINITY },
  'metadata that is a list': { metadata: [] },
  'metadata with a date': { metadata: { at: new Date(0) } },
  'metadata with undefined': { metadata: { a: undefined } },
  'metadata with NaN': { metadata: { a: Number.NaN } },
  'metadata with an inexact integer': { metadata: { a: 2 ** 53 } },
  'metadata with a bigint': { metadata: { a: 1n } },
  'metadata with __proto__ inside': { metadata: forbidden },
  'metadata with constructor': { metadata: { constructor: 1 } },
  'metadata 9 deep': { metadata: deep },
  'metadata with 65 keys': {
    metadata: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, 1])),
  },
  'metadata over 16 KiB': { metadata: { a: 'ä'.repeat(8_192) } },
  'a config with a function': { config: { a: () => 1 } },
}

export const validating: Chapter = (test) => {
  for (const [what, wrong] of Object.entries(REFUSED)) {
    test(`refuses ${what}, and writes nothing`, async (space) => {
      const registry = space.registry()
      const error = (await rejectsWith(
        'VALIDATION',
        registry.create({ ...input('cam1'), ...wrong }),
      )) as ValidationError
      assert.ok(error.issues.length > 0 && error.issues.every(({ message }) => message.length > 0))
      await rejectsWith('VALIDATION', registry.register({ ...input('cam1'), ...wrong }))
      assert.equal(await registry.count(), 0)
    })
  }

  test('refuses what is no input at all', async (space) => {
    const registry = space.registry()
    for (const nothing of [undefined, null, 5, 'x', []]) {
      await rejectsWith('VALIDATION', registry.create(nothing as never))
      await rejectsWith('VALIDATION', registry.updateState('cam1', nothing as never))
      await rejectsWith('VALIDATION', registry.updateStats('cam1', nothing as never))
    }
    await rejectsWith('VALIDATION', registry.updateStatus('cam1', 'running' as never))
    await rejectsWith('VALIDATION', registry.create(input('cam1'), { timeoutMs: 0 }))
  })

  test('takes metadata at its limits', async (space) => {
    const registry = space.registry()
    const eight = JSON.parse(`${'{"a":'.repeat(8)}1${'}'.repeat(8)}`) as Record<string, never>
    await registry.create(input('deep', { metadata: eight }))
    await registry.create(input('large', { metadata: { a: 'x'.repeat(16_384 - 8) } }))
    assert.deepEqual((await registry.get('deep')).metadata, eight)
  })

  test('leaves metadata alone when a refresh brings none, whatever the schema says of none', async (space) => {
    const strict = space.registry<{ region: string }>({ metadataSchema: regionSchema })
    await strict.register(input('cam1', { metadata: { region: 'eu' } }))
    assert.deepEqual((await strict.register(input('cam1'))).metadata, { region: 'eu' })
    await rejectsWith('VALIDATION', strict.register(input('cam2')))
    await strict.updateStatus('cam1', 'closed')
    await rejectsWith('VALIDATION', strict.register(input('cam1')))
    const lenient = space.registry<{ region?: string }>({ metadataSchema: lenientSchema })
    await lenient.register(input('cam3', { metadata: { region: 'eu' } }))
    assert.deepEqual((await lenient.register(input('cam3'))).metadata, { region: 'eu' })
    const same = await lenient.update('cam3', { metadata: { unknown: 1 } as never })
    assert.equal(same.revision, 1)
  })

  test('holds the user’s schema to the call’s time', async (space) => {
    const validate = (): Promise<never> => new Promise(() => {})
    const endless = { '~standard': { version: 1, vendor: 'contract', validate } } as const
    const registry = space.registry({ metadataSchema: endless })
    await rejectsWith('TIMEOUT', registry.create(input('cam1'), { timeoutMs: 50 }))
  })

  test('keeps what it checked, though the input changes meanwhile', async (space) => {
    const registry = space.registry()
    const metadata = { region: 'eu' }
    const creating = registry.create(input('cam1', { metadata }))
    metadata.region = 'a\0b'
    assert.deepEqual((await creating).metadata, { region: 'eu' })
  })

  test('validates metadata by the user’s schema on every write', async (space) => {
    const registry = space.registry<{ region: string }>({ metadataSchema: regionSchema })
    const created = await registry.create(input('cam1', { metadata: { region: 'EU' } }))
    assert.deepEqual(created.metadata, { region: 'eu' })
    const error = (await rejectsWith('VALIDATION', registry.create(input('cam2')))) as ValidationError
    assert.deepEqual(error.issues[0]?.path, ['metadata', 'region'])
    assert.deepEqual((await registry.update('cam1', { metadata: { region: 'US' } })).metadata, {
      region: 'us',
    })
    await rejectsWith('VALIDATION', registry.update('cam1', { metadata: { region: null } }))
    await rejectsWith('VALIDATION', registry.register(input('cam1', { metadata: { region: 5 } as never })))
    assert.deepEqual((await registry.get('cam1')).metadata, { region: 'us' })
  })
}

/** Every key optional: what is left out must still not be lost. */
const lenientSchema: StandardSchema<{ region?: string }> = {
  '~standard': {
    version: 1,
    vendor: 'contract',
    validate: (value) => {
      const { region } = value as { region?: unknown }
      return { value: typeof region === 'string' ? { region } : {} }
    },
  },
}

/** A schema that also transforms: what it answers is what is kept. */
const regionSchema: StandardSchema<{ region: string }> = {
  '~standard': {
    version: 1,
    vendor: 'contract',
    validate: async (value): Promise<StandardResult<{ region: string }>> => {
      const region = (value as { region?: unknown }).region
      if (typeof region !== 'string') return { issues: [{ message: 'must be text', path: ['region'] }] }
      return { value: { region: region.toLowerCase() } }
    },
  },
}
