import { RedisRegistry } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { startRedis } from '../support/redis-server.ts'
import { inFlight, median } from './measure.ts'
import { sampleStream } from './sample-streams.ts'

const STREAMS = Number(process.argv[2] ?? 20_000)
const REPEATS = 15
/** As many lapsed records as a count subtracts at most. */
const LAPSED = 2_000

const server = await startRedis(['--slowlog-log-slower-than', '0', '--slowlog-max-len', '100000'])
const redis = new Redis(server.port)
const raw = new Redis(server.port)
const registry = new RedisRegistry({ redis, keyPrefix: 'ours', batchSize: 1_000, indexCacheSize: 0 })

await inFlight(64, STREAMS, (i) => registry.create(sampleStream(i)))
await inFlight(64, LAPSED, (i) => registry.create({ ...sampleStream(STREAMS + i), ttlMs: 1 }))
const ids = Array.from({ length: 200 }, (_, i) => sampleStream(i).id)

/** What fills each script to its bound. */
const work: Record<string, () => Promise<unknown>> = {
  'page of 1,000 (list)': () => registry.list(),
  'counters, 2,000 lapsed (stats)': () => registry.stats(),
  'renew 200 (heartbeatMany)': () => registry.heartbeatMany(ids),
  'renew 32 with statistics (updateStats)': () =>
    Promise.all(
      ids.slice(0, 32).map((id) => registry.updateStats(id, { bytesReceived: 1, bitrate: 2, jitterMs: 3 })),
    ),
  'commit (updateStatus)': () =>
    registry.updateStatus(ids[0] ?? '', Math.random() < 0.5 ? 'error' : 'active'),
  'audit (verify)': () => registry.verify(),
}

for (const [name, run] of Object.entries(work)) {
  await raw.slowlog('RESET')
  for (let i = 0; i < (name.startsWith('audit') ? 1 : REPEATS); i++) await run()
  const entries = (await raw.slowlog('GET', -1)) as [number, number, number, string[]][]
  const micros = entries.filter(([, , , [command = '']]) => /^eval/i.test(command)).map(([, , time]) => time)
  micros.sort((a, b) => a - b)
  const [p50, p99, worst] = [median(micros), micros[Math.floor(micros.length * 0.99)], micros.at(-1)]
  const figures = [p50, p99, worst].map((time) => `${((time ?? 0) / 1_000).toFixed(2)} ms`)
  console.log(
    `${name}: ${micros.length} calls, median ${figures[0]}, p99 ${figures[1]}, longest ${figures[2]}`,
  )
}

redis.disconnect()
raw.disconnect()
await server.stop()
