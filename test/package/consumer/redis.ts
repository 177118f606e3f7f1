import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { createRegistry, RedisRegistry, type Stream } from '@mirror/stream-registry'
import { Cluster, Redis } from 'ioredis'
import { z } from 'zod'

const url = process.env.REDIS_URL ?? ''
const keyPrefix = process.env.KEY_PREFIX ?? ''
const metadataSchema = z.object({ region: z.string() })

async function usesTheHostsClient(): Promise<void> {
  const redis = new Redis(url)
  const registry = new RedisRegistry({ redis, keyPrefix, metadataSchema })
  const stream = await registry.create({
    id: 'cam1',
    type: 'rtp',
    sourceAddr: '10.0.0.1:5004',
    metadata: { region: 'eu' },
  })
  assert.equal(stream.metadata.region.toUpperCase(), 'EU')
  assert.deepEqual(await registry.list(), [stream])
  await registry.close()
  assert.equal(await redis.ping(), 'PONG', 'the registry closed a client that is not its own')
  redis.disconnect()
}

async function opensItsOwnConnection(): Promise<void> {
  const registry = createRegistry({ redis: { url }, keyPrefix, metadataSchema })
  const streams: Stream<{ region: string }>[] = await registry.list()
  assert.deepEqual(
    streams.map(({ id, metadata }) => [id, metadata.region]),
    [['cam1', 'eu']],
  )
  await registry.unregister('cam1')
  assert.equal(await registry.count(), 0)
  await registry.close()
}

function takesAClusterClient(): void {
  const redis = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true })
  assert.ok(new RedisRegistry({ redis, partitions: 3 }).instanceId)
  redis.disconnect()
}

async function main(): Promise<void> {
  await usesTheHostsClient()
  await opensItsOwnConnection()
  takesAClusterClient()
  const loaded = Object.keys(createRequire(`${process.cwd()}/any.js`).cache)
  // Shows that the check of embedded.ts would see it.
  assert.ok(loaded.some((file) => /[\\/]ioredis[\\/]/.test(file)))
}

// Stays like this when the program ends while something is still awaited.
process.exitCode = 1
void main().then(() => {
  process.exitCode = 0
})
