import { setTimeout as sleep } from 'node:timers/promises'
import { RedisRegistry, type StreamSession } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { inFlight } from '../measure.ts'
import { sampleStream } from '../sample-streams.ts'
import { ServerGauge } from '../server-gauge.ts'
import { Driver, type Load, PACES } from './mix.ts'

const SESSION_TTL_MS = 30_000
/** What a session counted is sent that soon. */
const STATS_INTERVAL_MS = 1_000
const LISTENERS = 2
const PHASE_MS = 8_000
const TICK_MS = 10
/** The others are so rare in the mix that they are measured at a quicker pace, a second. */
const PROBED_AT = { changes: 1_000, lives: 400, gets: 3_000, queries: 400, counts: 1_000 } as const
/** How much more than the mix is driven, to see whether costs add up. */
const FACTORS = [1, 1.5, 2]

type Paces = Partial<Record<Load, number>>

/** What one run of the mix took. */
export interface Driven {
  readonly factor: number
  /** Shares of one core that Redis worked: by the costs of each load, and as it was. */
  readonly predicted: number
  readonly measured: number
}

/** What a shard was found to carry. */
export interface Simulated {
  /** Its version. */
  readonly redis: string
  readonly streams: number
  readonly listeners: number
  /** Of Redis, for each. */
  readonly costs: Readonly<Record<Load, number>>
  readonly bytesPerStream: number
  readonly driven: readonly Driven[]
}

/** Lets so many sessions live on one redis-server, and measures what each kind of load costs there, and all together. */
export async function simulate(streams: number, tell: (what: string) => void): Promise<Simulated> {
  const gauge = await ServerGauge.start()
  const redis = new Redis(gauge.port)
  const registry = new RedisRegistry({ redis })
  const empty = await gauge.usedBytes()
  tell(`attaching ${streams.toLocaleString('en')} sessions`)
  const sessions: StreamSession[] = []
  await inFlight(256, streams, async (i) => {
    const stream = { ...sampleStream(i), status: 'active', ttlMs: SESSION_TTL_MS } as const
    sessions.push(await registry.attach(stream, { statsIntervalMs: STATS_INTERVAL_MS }))
  })
  const listeners = Array.from({ length: LISTENERS }, () => new RedisRegistry({ redis }))
  for (const listener of listeners) (await listener.subscribe()).on('stream.updated', () => {})
  const shard = new Shard(gauge, new Driver(registry, sessions))
  try {
    const costs = await costsOf(shard, streams, tell)
    const bytesPerStream = ((await gauge.usedBytes()) - empty) / streams
    const driven = await drive(shard, streams, costs, tell)
    return { redis: await gauge.version(), streams, listeners: LISTENERS, costs, bytesPerStream, driven }
  } finally {
    for (const listener of listeners) await listener.close()
    redis.disconnect()
    await gauge.stop()
  }
}

/** Each load by itself, upon the heartbeats that are always there. Microseconds of Redis. */
async function costsOf(
  shard: Shard,
  streams: number,
  tell: (what: string) => void,
): Promise<Record<Load, number>> {
  const beats = PACES.beats.perSecond(streams)
  tell('heartbeats with statistics')
  await shard.worked({ beats }) // the first beats come in a crowd
  const alone = await shard.worked({ beats })
  const costs: Record<Load, number> = {
    beats: alone / beats,
    changes: 0,
    lives: 0,
    gets: 0,
    queries: 0,
    counts: 0,
  }
  for (const [load, perSecond] of Object.entries(PROBED_AT) as [Exclude<Load, 'beats'>, number][]) {
    tell(PACES[load].name)
    costs[load] = ((await shard.worked({ beats, [load]: perSecond })) - alone) / perSecond
  }
  return costs
}

async function drive(
  shard: Shard,
  streams: number,
  costs: Readonly<Record<Load, number>>,
  tell: (what: string) => void,
): Promise<Driven[]> {
  const driven: Driven[] = []
  for (const factor of FACTORS) {
    tell(`the mix, ${factor} times`)
    const paces = pacesOf(streams, factor)
    const predicted = Object.entries(paces).reduce((sum, [load, pace]) => sum + costs[load as Load] * pace, 0)
    const measured = await shard.worked(paces)
    driven.push({ factor, predicted: predicted / 1_000_000, measured: measured / 1_000_000 })
  }
  return driven
}

function pacesOf(streams: number, factor: number): Record<Load, number> {
  const entries = Object.entries(PACES).map(([load, { perSecond }]) => [load, perSecond(streams) * factor])
  return Object.fromEntries(entries)
}

/** A redis-server under load. */
class Shard {
  readonly #gauge: ServerGauge
  readonly #driver: Driver

  constructor(gauge: ServerGauge, driver: Driver) {
    this.#gauge = gauge
    this.#driver = driver
  }

  /** How long Redis works in a second of that, microseconds. */
  async worked(paces: Paces): Promise<number> {
    const began = performance.now()
    const cpu = await this.#gauge.cpuMicros()
    const done: Paces = {}
    const calls = new Set<Promise<unknown>>()
    for (let at = 0; at < PHASE_MS; at = performance.now() - began) {
      for (const [load, pace] of Object.entries(paces) as [Load, number][]) {
        const due = Math.floor((at / 1_000) * pace) - (done[load] ?? 0)
        done[load] = (done[load] ?? 0) + due
        if (load === 'beats') this.#driver.report(due)
        else for (let i = 0; i < due; i++) this.#track(calls, this.#driver.once(load))
      }
      await sleep(TICK_MS)
    }
    await Promise.all(calls)
    const seconds = (performance.now() - began) / 1_000
    return ((await this.#gauge.cpuMicros()) - cpu) / seconds
  }

  #track(calls: Set<Promise<unknown>>, call: Promise<unknown>): void {
    calls.add(call)
    void call.then(() => calls.delete(call))
  }
}
