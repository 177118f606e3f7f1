import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import * as esm from '@mirror/stream-registry'

type CommonJs = typeof import('@mirror/stream-registry', { with: { 'resolution-mode': 'require' }})

const require = createRequire(import.meta.url)
const cjs = require('@mirror/stream-registry') as CommonJs

const fromEsm: unknown = await new esm.MockRegistry().get('nobody').catch((error: unknown) => error)
const fromCjs: unknown = await new cjs.MockRegistry().get('nobody').catch((error: unknown) => error)

assert.notEqual(esm.StreamNotFoundError, cjs.StreamNotFoundError)
assert.ok(cjs.isRegistryError(fromEsm))
assert.equal(fromEsm.code, 'STREAM_NOT_FOUND')
assert.ok(esm.isRegistryError(fromCjs))
assert.equal(fromCjs.code, 'STREAM_NOT_FOUND')
assert.equal(cjs.isRegistryError(new Error('of somebody else')), false)
