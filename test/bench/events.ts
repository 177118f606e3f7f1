import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { RedisRegistry } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { startRedis } from '../support/redis-server.ts'
import { preciseNow, type WriterOrder } from './events-writer.ts'
import { inFlight, median } from './measure.ts'
import { sampleStream } from './sample-streams.ts'

const ROUNDS = 3
const CAUGHT_UP = 100_000
const writerFile = fileURLToPath(new URL('./events-writer.ts', import.meta.url))

const server = await startRedis()
const redis = new Redis(server.port)
const registry = new RedisRegistry({ redis, maxEvents: 200_000, eventRetentionMs: 3_600_000 })
await inFlight(64, 1_000, (i) => registry.create({ ...sampleStream(i), ttlMs: 36_000_000 }))

/** Lets another process write, while this one listens. */
function writing(order: Omit<WriterOrder, 'port'>): Promise<void> {
  const child = fork(writerFile, { execArgv: ['--import', 'tsx'] })
  child.send({ ...order, port: server.port })
  return new Promise((resolve, reject) => {
    child.once('message', () => {
      child.disconnect()
      resolve()
    })
    child.once('error', reject)
  })
}

async function ours(perSecond: number, count: number): Promise<{ delays: number[]; perSecond: number }> {
  const subscription = await registry.subscribe('stream.updated')
  const delays: number[] = []
  const writer = writing({ how: 'ours', perSecond, count })
  let began = 0
  for await (const item of subscription) {
    if (item.type !== 'stream.updated') continue
    began ||= performance.now()
    delays.push(preciseNow() - Number(item.data.metadata.sentAt))
    if (delays.length === count) break
  }
  const seconds = (performance.now() - began) / 1_000
  await writer
  return { delays, perSecond: count / seconds }
}

async function raw(perSecond: number, count: number): Promise<{ delays: number[]; perSecond: number }> {
  const listener = new Redis(server.port)
  await listener.subscribe('raw')
  const delays: number[] = []
  let began = 0
  const all = new Promise<void>((resolve) => {
    listener.on('message', (_, message: string) => {
      began ||= performance.now()
      JSON.parse(message.slice(message.indexOf(' ') + 1))
      delays.push(preciseNow() - Number.parseFloat(message))
      if (delays.length === count) resolve()
    })
  })
  const writer = writing({ how: 'raw', perSecond, count })
  await all
  const seconds = (performance.now() - began) / 1_000
  await writer
  listener.disconnect()
  return { delays, perSecond: count / seconds }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

async function latency(perSecond: number, count: number): Promise<void> {
  const rounds = { ours: [] as number[][], raw: [] as number[][] }
  for (let round = 0; round < ROUNDS; round++) {
    rounds.ours.push((await ours(perSecond, count)).delays)
    rounds.raw.push((await raw(perSecond, count)).delays)
  }
  const figures = Object.entries(rounds).map(([name, delays]) => {
    // The writer's first steps are not what is measured.
    const warm = delays.map((of) => of.slice(of.length / 5))
    const [p50, p99] = [0.5, 0.99].map((share) => median(warm.map((of) => percentile(of, share))))
    return `${name} p50 ${p50?.toFixed(2)} ms, p99 ${p99?.toFixed(2)} ms`
  })
  console.log(`${perSecond} events/s: ${figures.join('; ')}`)
}

async function throughput(): Promise<void> {
  const rates = { ours: [] as number[], raw: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    rates.ours.push((await ours(0, 20_000)).perSecond)
    rates.raw.push((await raw(0, 20_000)).perSecond)
  }
  const [mine, theirs] = [median(rates.ours), median(rates.raw)]
  console.log(
    `as fast as one process writes: ours ${Math.round(mine)}/s, raw ${Math.round(theirs)}/s, ratio ${(mine / theirs).toFixed(2)}`,
  )
}

async function catchUp(): Promise<void> {
  const length = await redis.xlen('mirror:streams:log:events')
  if (length < CAUGHT_UP) await writing({ how: 'ours', perSecond: 0, count: CAUGHT_UP - length })
  const logged = await redis.xlen('mirror:streams:log:events')
  const perSecond: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const subscription = await registry.subscribe({ from: 'start' })
    const began = performance.now()
    let seen = 0
    for await (const _ of subscription) if (++seen === logged) break
    perSecond.push((logged * 1_000) / (performance.now() - began))
  }
  const bytes = Number(await redis.memory('USAGE', 'mirror:streams:log:events', 'SAMPLES', 0)) / logged
  console.log(`catching up ${logged} events: ${Math.round(median(perSecond))}/s`)
  console.log(
    `bytes per logged event: ${bytes.toFixed(0)}; 10,000 streams with a status change each minute: ${((bytes * 10_000) / 2 ** 20).toFixed(1)} MiB a minute`,
  )
}

try {
  await latency(100, 500)
  await latency(5_000, 20_000)
  await throughput()
  await catchUp()
} finally {
  await registry.close()
  redis.disconnect()
  await server.stop()
}
