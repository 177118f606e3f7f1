import { createSocket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeRtpdump, type RecordedPacket } from './rtpdump.ts'

/** Loss on the way: every n-th packet of a span of time does not arrive. */
export interface Loss {
  readonly everyNth: number
  readonly fromMs: number
  readonly untilMs: number
}

/** How a recording is played. */
export interface ReplayOptions {
  readonly host: string
  readonly port: number
  /** Plays no packet from here on, as if the cable had been pulled. */
  readonly untilMs?: number
  readonly loss?: Loss
  /** Stops at once. */
  readonly signal?: AbortSignal
}

/** What a replay sent, and what it kept back. */
export interface ReplayReport {
  readonly sent: number
  readonly dropped: number
}

/** Sends the packets of an rtpdump file to a UDP port, at the pace at which they were recorded. */
export async function replay(file: URL, options: ReplayOptions): Promise<ReplayReport> {
  const { packets } = decodeRtpdump(await readFile(file))
  const { untilMs = Number.POSITIVE_INFINITY, loss, signal } = options
  const socket = createSocket('udp4')
  const startMs = performance.now()
  let sent = 0
  let dropped = 0
  try {
    for (const [i, packet] of packets.entries()) {
      if (packet.offsetMs >= untilMs) break
      const waitMs = startMs + packet.offsetMs - performance.now()
      if (waitMs > 0) await sleep(waitMs, undefined, { ...(signal && { signal }) })
      if (isLost(packet, i, loss)) {
        dropped++
        continue
      }
      await send(socket, packet.data, options)
      sent++
    }
  } catch (error) {
    if (!signal?.aborted) throw error
  } finally {
    socket.close()
  }
  return { sent, dropped }
}

function isLost({ offsetMs, isRtcp }: RecordedPacket, i: number, loss: Loss | undefined): boolean {
  if (loss === undefined || isRtcp) return false
  return offsetMs >= loss.fromMs && offsetMs < loss.untilMs && i % loss.everyNth === 0
}

function send(
  socket: ReturnType<typeof createSocket>,
  data: Buffer,
  { host, port }: ReplayOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(data, port, host, (error) => (error ? reject(error) : resolve()))
  })
}
