import { setTimeout as sleep } from 'node:timers/promises'
import { createRegistry } from '@mirror/stream-registry'

/**
 * A stream handler in its simplest form: a session holds the stream, keeps it alive, and ends it in order.
 *
 * Runs on the embedded registry, or over Redis with REDIS_URL=redis://127.0.0.1:6379.
 */
const url = process.env.REDIS_URL
const registry = createRegistry(
  url === undefined ? {} : { redis: { url }, keyPrefix: `session-${process.pid}` },
)

async function ingest(): Promise<void> {
  await using session = await registry.attach({
    id: 'studio-1',
    type: 'srt',
    sourceAddr: '10.0.0.1:9000',
    ttlMs: 1_500, // gone so soon after this process is; the session renews every third of it
  })
  session
    .on('restored', ({ epoch }) => console.log(`registered again, epoch ${epoch}`))
    .on('lost', ({ message }) => console.log(message))
  await session.setStatus('active', { reason: 'first key frame' })

  for (let bytesReceived = 0; !session.signal.aborted && bytesReceived < 4_000_000; ) {
    await sleep(500)
    bytesReceived += 1_000_000
    await session.updateStats({ bytesReceived, bitrate: 16_000_000 }) // sent with the next heartbeat
  }
  const { status, statistics } = await registry.get('studio-1')
  console.log(`${status} after ${statistics.bytesReceived > 0 ? 'reports' : 'no report'}`)
  // What another process would do to take the stream away:
  //   await elsewhere.attach({ id: 'studio-1', … }, { ifHeld: 'takeover' })
  // From there on every call of this session is STALE_OWNER, and its signal is aborted.
}

await ingest()
console.log(
  `afterwards: ${await registry.count()} streams, ended as ${(await registry.history('studio-1')).at(-1)?.type}`,
)
await registry.close()
