import { RedisRegistry } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { inFlight } from './measure.ts'
import { sampleStream } from './sample-streams.ts'

const STREAMS = 1_000
const TICK_MS = 10

/** What a writer is told: over what, how many a second (0: as fast as it can), and how many in all. */
export interface WriterOrder {
  readonly port: number
  readonly how: 'ours' | 'raw'
  readonly perSecond: number
  readonly count: number
}

/** Milliseconds since the epoch, with a fraction, the same in all processes of a host. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now()
}

async function write({ port, how, perSecond, count }: WriterOrder): Promise<void> {
  const redis = new Redis(port)
  const registry = new RedisRegistry({
    redis,
    instanceId: 'writer',
    writeTimeoutMs: 60_000,
    maxEvents: 200_000,
  })
  const ids = Array.from({ length: STREAMS }, (_, i) => sampleStream(i).id)
  const bytes = (await redis.get(`mirror:streams:${ids[0]}`)) ?? ''
  const send = (i: number): Promise<unknown> => {
    const sentAt = preciseNow()
    if (how === 'raw') return redis.publish('raw', `${sentAt} ${bytes}`)
    return registry.update(ids[i % STREAMS] ?? '', { metadata: { sentAt } })
  }
  if (perSecond === 0) await inFlight(64, count, send)
  else await paced(perSecond, count, send)
  await registry.close()
  redis.disconnect()
}

/** Sends so many a second, spread over short ticks. */
async function paced(perSecond: number, count: number, send: (i: number) => Promise<unknown>): Promise<void> {
  const began = performance.now()
  const sending: Promise<unknown>[] = []
  for (let i = 0; i < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - began) / 1_000) * perSecond) + 1)
    for (; i < due; i++) sending.push(send(i))
    await new Promise((resolve) => setTimeout(resolve, perSecond > 1_000 / TICK_MS ? 1 : TICK_MS / 2))
  }
  await Promise.all(sending)
}

process.on('message', (order: WriterOrder) => {
  write(order).then(() => process.send?.('done'))
})
