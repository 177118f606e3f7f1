import { text } from 'node:stream/consumers'
import type { CreateRegistryConfig } from '@mirror/stream-registry'
import type { Library } from './task.ts'

/**
 * A program that creates a stream, and never closes its registry.
 *
 * Environment: `LIBRARY_URL` is the built library, `CONFIG` the registry's as JSON. `WHEN`: `at-once` comes to its
 * end after the create; `later` first waits for the end of its standard input; `after-a-call` then makes one more
 * call, which may fail.
 */
const { LIBRARY_URL = '', CONFIG = '{}', WHEN = 'at-once' } = process.env
const library: Library = await import(LIBRARY_URL)
const registry = library.createRegistry(JSON.parse(CONFIG) as CreateRegistryConfig)
await registry.create({ type: 'srt', sourceAddr: '192.0.2.1:9000' })
process.stdout.write('created\n')
if (WHEN !== 'at-once') await text(process.stdin)
if (WHEN === 'after-a-call') {
  const last = registry.create({ type: 'srt', sourceAddr: '192.0.2.1:9000' }, { timeoutMs: 300 })
  const outcome = await last.then(
    () => 'ok',
    (error: unknown) => (library.isRegistryError(error) ? error.code : String(error)),
  )
  process.stdout.write(`${outcome}\n`)
}
