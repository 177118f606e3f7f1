import { setTimeout as sleep } from 'node:timers/promises'
import { createRegistry, LeaderElection, type Registry, TTLManager } from '@mirror/stream-registry'

/**
 * Work that one process of many does: finishing lapsed streams, mending indexes, global statistics.
 *
 * Runs on the embedded registry, or over Redis with REDIS_URL=redis://127.0.0.1:6379: start it several times with the
 * same KEY_PREFIX, and stop the leader.
 */
const url = process.env.REDIS_URL
const keyPrefix = process.env.KEY_PREFIX ?? `tasks-${process.pid}`
const registry = createRegistry(url === undefined ? {} : { redis: { url }, keyPrefix })

/** The same for all instances, and what only the leader sees to. */
async function globalStatistics(of: Registry): Promise<string> {
  const { total, byStatus } = await of.stats()
  const [average] = await of.query().aggregate('avg', 'errorCount').execute()
  return `${total} streams ${JSON.stringify(byStatus)}, ${average?.avg?.errorCount ?? 0} errors each`
}

const election = new LeaderElection(registry, { key: 'maintenance', leaseMs: 3_000 })
election.on('leader', (leader) =>
  console.log(`leader: ${leader === registry.instanceId ? 'this process' : leader}`),
)
election.start()

// Finishes orphans as soon as their leases end; guarded by the election's token inside Redis.
const manager = new TTLManager(registry, { leader: election, cleanupIntervalMs: 5_000 })
manager.start()

const expired = await registry.subscribe('stream.expired')
expired.on('stream.expired', ({ streamId, data }) =>
  console.log(`${streamId} expired, it was ${data.status}`),
)

await registry.create({
  id: 'orphan',
  type: 'rtmp',
  sourceAddr: '10.0.0.9:1935',
  status: 'active',
  ttlMs: 700,
})
await registry.create({ id: 'studio-1', type: 'srt', sourceAddr: '10.0.0.1:9000', status: 'active' })

await election.run(async ({ token, signal }) => {
  console.log(`leading under a token of ${String(token).length} digits`)
  for (let round = 0; round < 3 && !signal.aborted; round++) {
    await sleep(500)
    console.log(await globalStatistics(registry))
  }
})
const { repaired } = await manager.runOnce()
console.log(`${repaired} repaired`)

await registry.delete('studio-1')
await election.stop() // another candidate leads at once
await registry.close()
