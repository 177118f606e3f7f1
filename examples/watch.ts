import { setTimeout as sleep } from 'node:timers/promises'
import {
  createRegistry,
  LocalMirror,
  type MirrorChange,
  type Registry,
  type Stream,
} from '@mirror/stream-registry'

/**
 * A dashboard's view: the newest active streams, kept up to date in this process.
 *
 * Runs on the embedded registry, or over Redis with REDIS_URL=redis://127.0.0.1:6379.
 */
const url = process.env.REDIS_URL
const config = url === undefined ? {} : { redis: { url }, keyPrefix: `watch-${process.pid}` }
const registry = createRegistry(config)

const names = (streams: readonly Stream[]): string => streams.map(({ id }) => id).join(' ') || '-'

function show({ added, changed, removed, result }: MirrorChange): void {
  console.log(`+ ${names(added)}  ~ ${names(changed)}  - ${names(removed)}  => ${names(result)}`)
}

/** What stream handlers elsewhere would do. */
async function streamsComeAndGo(handler: Registry): Promise<void> {
  for (const id of ['cam1', 'cam2', 'cam3', 'cam4']) {
    await handler.create({
      id,
      type: 'srt',
      sourceAddr: `${id}.example:9000`,
      status: 'active',
      ttlMs: 1_000,
    })
    await sleep(5)
  }
  await handler.updateStatus('cam3', 'paused')
  await handler.update('cam4', { name: 'Main stage' })
  await handler.unregister('cam1')
  // Nobody keeps these alive any longer than for half a second: then they lapse.
  await sleep(500)
  await handler.heartbeat('cam4')
}

const mirror = await LocalMirror.start(registry)
const newest = mirror.query().filter({ status: 'active' }).sortBy('createdAt', 'desc').limit(2)
const unwatch = mirror.watch(newest, show)

await streamsComeAndGo(registry)
await sleep(700)
console.log(`after a second: ${names(newest.all())} (${mirror.size} in all, stale: ${mirror.stale})`)

unwatch()
for (const { id } of mirror.query().all()) await registry.delete(id)
await registry.close()
