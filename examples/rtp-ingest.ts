import { parseArgs } from 'node:util'
import { createRegistry, LIMITS, type Logger, type Registry } from '@mirror/stream-registry'
import { runDemo } from './rtp/demo.ts'
import { type LiveOptions, runLive } from './rtp/live.ts'
import { Monitor } from './rtp/monitor.ts'
import { closingReport } from './rtp/report.ts'
import { Screen } from './rtp/screen.ts'

const USAGE = `Usage: npm run quickstart [-- options]

Replays recorded RTP into a stream handler, and shows what the registry sees.

  --live         take RTP from ffmpeg or any other source instead, until Ctrl-C
  --port <port>  with --live: the UDP port, default 5004
  --host <ip>    with --live: the IPv4 address to listen on, default 127.0.0.1
  --help         this text

REDIS_URL=redis://127.0.0.1:6379 keeps the streams in Redis. Without it they are kept in this process.`

async function main(): Promise<void> {
  const { values: args } = parseArgs({
    options: {
      live: { type: 'boolean', default: false },
      port: { type: 'string', default: '5004' },
      host: { type: 'string', default: '127.0.0.1' },
      help: { type: 'boolean', default: false },
    },
  })
  if (args.help) console.log(USAGE)
  else await run(args.live ? { host: args.host, port: parsePort(args.port) } : undefined)
}

function parsePort(text: string): number {
  const port = Number(text)
  // The socket would take a port that is no number for 0, and listen anywhere.
  if (!/^\d{1,5}$/.test(text) || port > LIMITS.maxPort)
    throw new Error(`--port ${text}: must be 0 to ${LIMITS.maxPort}`)
  return port
}

async function run(live: LiveOptions | undefined): Promise<void> {
  const screen = new Screen(process.stdout)
  const registry = openRegistry(screen)
  // The first call connects: better to fail here than with every packet.
  await registry.count()
  const monitor = new Monitor(registry, screen)
  if (live === undefined) await demo(registry, monitor, screen)
  else await runLive(registry, monitor, live)
  await monitor.stop()
  screen.log(...(await closingReport(registry, monitor.observer.observed)))
  await registry.close()
}

async function demo(registry: Registry, monitor: Monitor, logger: Logger): Promise<void> {
  // A second host has a registry of its own, over the same Redis. What is embedded in one process is shared instead.
  const second = process.env.REDIS_URL ? openRegistry(logger) : registry
  await runDemo({ first: registry, second }, monitor)
  if (second !== registry) await second.close()
}

function openRegistry(logger: Logger): Registry {
  const url = process.env.REDIS_URL
  return url ? createRegistry({ redis: { url }, logger }) : createRegistry({ logger })
}

// A reader that has seen enough closes the pipe, as `head` does.
process.stdout.on('error', () => process.exit(0))

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  // Whatever failed may have left a socket or a timer open.
  process.exit(1)
})
