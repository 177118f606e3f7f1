import { RedisRegistry } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import type { Figure } from '../figure.ts'
import { inFlight, quantile } from '../measure.ts'
import { sampleStream } from '../sample-streams.ts'
import { ServerGauge } from '../server-gauge.ts'

const STREAMS = 20_000
const REPEATS = 15
/** As many lapsed records as a count subtracts at most. */
const LAPSED = 2_000
/** No call should keep Redis from others for longer, milliseconds. */
const MOST_MS = 10

/** How long each script keeps Redis busy when it is filled to its bound. */
export async function longestCalls(): Promise<Figure[]> {
  const gauge = await ServerGauge.start()
  const redis = new Redis(gauge.port)
  const registry = new RedisRegistry({ redis, batchSize: 1_000, indexCacheSize: 0 })
  await inFlight(64, STREAMS, (i) => registry.create(sampleStream(i)))
  await inFlight(64, LAPSED, (i) => registry.create({ ...sampleStream(STREAMS + i), ttlMs: 1 }))
  const figures: Figure[] = []
  for (const [name, run] of Object.entries(fullCalls(registry))) {
    await gauge.watchScripts()
    for (let i = 0; i < REPEATS; i++) await run()
    figures.push({ what: name, reached: quantile(await gauge.scriptMs(), 0.99), unit: 'ms', atMost: MOST_MS })
  }
  await registry.close()
  redis.disconnect()
  await gauge.stop()
  return figures
}

function fullCalls(registry: RedisRegistry): Record<string, () => Promise<unknown>> {
  const ids = Array.from({ length: 200 }, (_, i) => sampleStream(i).id)
  let isActive = true
  return {
    'a page of 1,000 (list)': () => registry.list(),
    'counters, 2,000 lapsed (stats)': () => registry.stats(),
    'renew 200 (heartbeatMany)': () => registry.heartbeatMany(ids),
    'renew 32 with statistics (updateStats)': () =>
      Promise.all(ids.slice(0, 32).map((id) => registry.updateStats(id, { bytesReceived: 1, bitrate: 2 }))),
    'commit (updateStatus)': () => {
      isActive = !isActive
      return registry.updateStatus(ids[0] ?? '', isActive ? 'active' : 'error')
    },
  }
}
