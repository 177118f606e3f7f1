import type { Registry } from '@mirror/stream-registry'
import type { Reply, Request, Space } from './protocol.ts'
import type { Library, TaskContext } from './task.ts'
import { tasks } from './tasks.ts'

/**
 * A process that uses the registry as a service would, and does what the test tells it over IPC.
 *
 * Environment: `LIBRARY_URL` is the built library, `REDIS_URL` where Redis is. Ends when the test does.
 */
const { LIBRARY_URL = '', REDIS_URL = '' } = process.env
const library: Library = await import(LIBRARY_URL)
const registries = new Map<string, Registry>()
let stopping = new AbortController()

function registryOf({ keyPrefix, partitions = 1 }: Space): Registry {
  const known = registries.get(keyPrefix)
  if (known !== undefined) return known
  const registry = library.createRegistry({ redis: { url: REDIS_URL }, keyPrefix, partitions })
  registries.set(keyPrefix, registry)
  return registry
}

function send(reply: Reply): void {
  process.send?.(reply)
}

async function run({ call, name, space, input }: Extract<Request, { kind: 'task' }>): Promise<void> {
  const context = { registry: registryOf(space), library, stop: stopping.signal }
  const task = tasks[name] as (context: TaskContext, input: unknown) => Promise<unknown>
  try {
    send({ kind: 'done', call, output: await task(context, input) })
  } catch (error) {
    send({ kind: 'failed', call, error: error instanceof Error ? (error.stack ?? '') : String(error) })
  }
}

process.on('message', (request: Request) => {
  if (request.kind === 'task') return void run(request)
  stopping.abort()
  stopping = new AbortController()
})
process.on('disconnect', () => process.exit())
send({ kind: 'ready' })
