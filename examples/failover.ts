import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { RedisRegistry, TTLManager } from '@mirror/stream-registry'
import { Redis } from 'ioredis'

/**
 * Two processes, the same streams: one holds them, the other waits. The first is killed, the other takes over.
 *
 * Needs Redis: REDIS_URL=redis://127.0.0.1:6379.
 */
const STREAMS = ['cam1', 'cam2', 'cam3']
const TTL_MS = 1_500

const [, , role, keyPrefix = `failover-${process.pid}`] = process.argv
const url = process.env.REDIS_URL
if (url === undefined) throw new Error('needs Redis: REDIS_URL=redis://127.0.0.1:6379')
const redis = new Redis(url)
const registry = new RedisRegistry({ redis, keyPrefix, instanceId: role ?? 'watcher' })

/** Holds all streams, as soon as they can be had. */
async function handler(): Promise<void> {
  const sessions = await Promise.all(
    STREAMS.map(async (id) => {
      const source = { id, type: 'srt', sourceAddr: `${id}.example:9000`, ttlMs: TTL_MS } as const
      const session = await registry.attach(source, { ifHeld: 'wait' })
      await session.setStatus('active')
      return session
    }),
  )
  process.send?.('holding')
  await once(process, 'disconnect')
  await Promise.all(sessions.map((session) => session.close()))
}

async function start(name: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(import.meta.url), [name, keyPrefix], { execArgv: process.execArgv })
  child.once('exit', (_, signal) => console.log(`${name} ended${signal ? ` by ${signal}` : ''}`))
  return child
}

async function holders(): Promise<string> {
  const streams = await registry.query().sortBy('id').execute()
  return streams.map(({ id, owner, status }) => `${id}: ${owner}, ${status}`).join('; ')
}

async function watch(): Promise<void> {
  const manager = new TTLManager(registry) // tells of leases that ran out
  manager.start()
  const first = await start('first')
  await once(first, 'message')
  const second = await start('second')
  await sleep(500)
  console.log(await holders())

  const killedAt = performance.now()
  first.kill('SIGKILL')
  await once(second, 'message')
  const seconds = (performance.now() - killedAt) / 1_000
  console.log(await holders())
  console.log(seconds < (TTL_MS + 2_000) / 1_000 ? 'taken over in time' : `taken over after ${seconds} s`)

  second.disconnect()
  await once(second, 'exit')
  console.log(`at the end: ${await registry.count()} streams`)
}

await (role === undefined ? watch() : handler())
await registry.close()
redis.disconnect()
