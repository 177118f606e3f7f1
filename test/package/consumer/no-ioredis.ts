import assert from 'node:assert/strict'
import { createRegistry, isRegistryError, UnavailableError } from '@mirror/stream-registry'

async function main(): Promise<void> {
  const registry = createRegistry({ redis: { url: 'redis://127.0.0.1:6379' } })
  await assert.rejects(registry.list(), (error) => {
    assert.ok(isRegistryError(error))
    assert.ok(error instanceof UnavailableError)
    assert.equal(error.code, 'UNAVAILABLE')
    assert.match(error.message, /ioredis is not installed/)
    return true
  })
  await registry.close()
}

// Stays like this when the program ends while something is still awaited.
process.exitCode = 1
void main().then(() => {
  process.exitCode = 0
})
