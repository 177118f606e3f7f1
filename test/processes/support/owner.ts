import { createInterface } from 'node:readline'
import type { CreateRegistryConfig, Registry, StreamSession } from '@mirror/stream-registry'
import type { Library } from './task.ts'

/**
 * A program that attaches streams, says so on its output, a JSON object a line, and never closes anything.
 *
 * Environment: `LIBRARY_URL` is the built library, `CONFIG` the registry's as JSON, `IDS` and `TTL_MS` of the streams,
 * `IF_HELD`. `SHIFT_MS`: how wrong the host's clock is. `MODE`: `idle` does nothing else; `hold` lives until its input
 * ends, where a line `shift <ms>` moves its clock; `busy` does so, too, and changes and reports all the time.
 */
const { LIBRARY_URL = '', CONFIG = '{}', IDS = 'cam1', TTL_MS = '1000', SHIFT_MS = '0' } = process.env
const { MODE = 'idle', IF_HELD = 'reject' } = process.env

let shiftMs = Number(SHIFT_MS)
const RealDate = Date
const realNow = Date.now
globalThis.Date = class extends RealDate {
  constructor(...given: []) {
    if (given.length === 0) super(realNow() + shiftMs)
    else super(...given)
  }

  static override now(): number {
    return realNow() + shiftMs
  }
} as DateConstructor

function say(word: string, about: object): void {
  process.stdout.write(`${JSON.stringify({ word, ...about })}\n`)
}

async function attach(registry: Registry, id: string): Promise<StreamSession> {
  const session = await registry.attach(
    { id, type: 'srt', sourceAddr: '192.0.2.1:9000', ttlMs: Number(TTL_MS) },
    { ifHeld: IF_HELD as 'reject' },
  )
  session.on('restored', ({ epoch }) => say('restored', { id, epoch }))
  session.on('lost', ({ code }) => say('lost', { id, code }))
  return session
}

/** Changes and reports, several on the wire at any time, until the stream is lost and for a while afterwards. */
async function work(session: StreamSession, library: Library): Promise<void> {
  const refused: Record<string, number> = {}
  let rounds = 0
  for (let after = 0; after < 50; ) {
    rounds += 1
    const outcomes = await Promise.allSettled([
      session.update({ metadata: { rounds } }),
      session.updateStats({ bytesReceived: rounds }),
      session.heartbeat(),
      session.setStatus(rounds % 2 === 0 ? 'active' : 'connecting'),
      session.setState({ health: rounds % 2 === 0 ? 'healthy' : 'degraded' }),
    ])
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue
      const code = library.isRegistryError(outcome.reason) ? outcome.reason.code : String(outcome.reason)
      refused[code] = (refused[code] ?? 0) + 1
    }
    if (session.signal.aborted) after += 1
  }
  say('over', { id: session.id, refused })
}

const library: Library = await import(LIBRARY_URL)
const registry = library.createRegistry(JSON.parse(CONFIG) as CreateRegistryConfig)
const sessions = await Promise.all(IDS.split(',').map((id) => attach(registry, id)))
say('attached', { epochs: sessions.map(({ stream }) => stream.epoch) })
if (MODE === 'busy') for (const session of sessions) void work(session, library)
if (MODE !== 'idle') {
  createInterface({ input: process.stdin }).on('line', (line) => {
    shiftMs = Number(line.split(' ')[1])
  })
}
