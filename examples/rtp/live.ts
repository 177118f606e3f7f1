import type { Registry } from '@mirror/stream-registry'
import { Ingest } from './ingest.ts'
import type { Monitor } from './monitor.ts'

/** Where live RTP is taken from. */
export interface LiveOptions {
  readonly host: string
  readonly port: number
}

/** Takes RTP from whoever sends it, until the process is asked to end. */
export async function runLive(
  registry: Registry,
  monitor: Monitor,
  { host, port }: LiveOptions,
): Promise<void> {
  const stopped = stopSignal()
  const ingest = await Ingest.listen({ registry, listener: monitor, host, port })
  monitor.print(...instructions(host, ingest.port))
  monitor.log(`${await stopped}: unregistering`)
  await ingest.stop()
}

/** A second signal ends the process at once, as usual. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve)
  })
}

function instructions(host: string, port: number): string[] {
  const target = host === '0.0.0.0' ? '127.0.0.1' : host
  return [
    `Listening for H.264 over RTP on ${host}, UDP port ${port}; stop with Ctrl-C. A source, for another terminal:`,
    '',
    'ffmpeg -re -f lavfi -i testsrc2=size=640x360:rate=25 -c:v libx264 -preset veryfast \\',
    '  -tune zerolatency -pix_fmt yuv420p -g 50 -b:v 800k \\',
    '  -f rtp -payload_type 96 -cname camera1 -rtpflags send_bye \\',
    `  "rtp://${target}:${port}?rtcpport=${port}"`,
    '',
  ]
}
