import { setTimeout as sleep } from 'node:timers/promises'
import type { Registry } from '@mirror/stream-registry'
import { Ingest } from './ingest.ts'
import type { Monitor } from './monitor.ts'
import { type Loss, replay } from './replay.ts'

const HOST = '127.0.0.1'
const LOBBY_LOSS: Loss = { everyNth: 12, fromMs: 2_000, untilMs: 3_800 }
const LOBBY_ENDS_MS = 4_700
const CRASH_MS = 2_400
/** Long enough for the registry to show what the last packets led to. */
const EPILOGUE_MS = 700

/** The registries of the two hosts. On Redis they are two, as they would be; embedded, both are the same. */
export interface DemoRegistries {
  readonly first: Registry
  readonly second: Registry
}

/**
 * Two hosts, three recorded sources. On the first host, `studio` leaves in order and `lobby` loses packets, then falls
 * silent. The second host crashes while `gate` is on the air.
 */
export async function runDemo({ first, second }: DemoRegistries, monitor: Monitor): Promise<void> {
  const ingest = await Ingest.listen({ registry: first, listener: monitor, host: HOST, port: 0 })
  const doomed = await Ingest.listen({ registry: second, listener: monitor, host: HOST, port: 0 })
  monitor.log(`listening for RTP on ${HOST}, UDP ports ${ingest.port} and ${doomed.port}`)
  await Promise.all([
    replay(recording('studio'), { host: HOST, port: ingest.port }),
    playLobby(ingest.port, monitor),
    playGateUntilCrash(doomed, monitor),
  ])
  await sleep(EPILOGUE_MS)
  await ingest.stop()
}

async function playLobby(port: number, monitor: Monitor): Promise<void> {
  const options = { host: HOST, port, loss: LOBBY_LOSS, untilMs: LOBBY_ENDS_MS }
  const { sent, dropped } = await replay(recording('lobby'), options)
  monitor.log(`(lobby falls silent: ${sent} packets replayed, ${dropped} dropped on purpose)`)
}

async function playGateUntilCrash(host: Ingest, monitor: Monitor): Promise<void> {
  const power = new AbortController()
  const playing = replay(recording('gate'), { host: HOST, port: host.port, signal: power.signal })
  await sleep(CRASH_MS)
  host.abandon()
  power.abort()
  await playing
  monitor.log('(the host of gate loses power: nobody renews its lease)')
}

function recording(name: string): URL {
  return new URL(`../recordings/${name}.rtpdump`, import.meta.url)
}
