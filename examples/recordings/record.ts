/**
 * Makes the recordings of this folder: `npx tsx examples/recordings/record.ts`. Needs ffmpeg with libx264.
 *
 * Each ffmpeg sends RTP, and RTCP on the same port, to a UDP port of this process, which writes what arrives.
 */
import { spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRtcp } from '../rtp/rtp-packet.ts'
import { encodeRtpdump, type RecordedPacket } from '../rtp/rtpdump.ts'

interface Source {
  readonly name: string
  readonly picture: string
  readonly bitrate: string
  readonly keyframeInterval: number
  readonly ssrc: number
}

const HOST = '127.0.0.1'
const DURATION_S = 7
/** For what ffmpeg sent right before it ended. */
const SETTLE_MS = 200

const SOURCES: readonly Source[] = [
  {
    name: 'studio',
    picture: 'testsrc2=size=320x180:rate=25',
    bitrate: '240k',
    keyframeInterval: 50,
    ssrc: 0x1a2b0001,
  },
  {
    name: 'lobby',
    picture: 'mandelbrot=size=320x180:rate=30',
    bitrate: '180k',
    keyframeInterval: 60,
    ssrc: 0x1a2b0002,
  },
  {
    name: 'gate',
    picture: 'testsrc=size=256x144:rate=15',
    bitrate: '120k',
    keyframeInterval: 30,
    ssrc: 0x1a2b0003,
  },
]

function ffmpegArguments({ name, picture, bitrate, keyframeInterval, ssrc }: Source, port: number): string[] {
  const input = `-re -f lavfi -i ${picture} -t ${DURATION_S}`
  const encoder = '-c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p'
  const rate = `-g ${keyframeInterval} -b:v ${bitrate} -maxrate ${bitrate} -bufsize ${bitrate}`
  const rtp = `-f rtp -payload_type 96 -ssrc ${ssrc} -cname ${name} -rtpflags send_bye`
  const target = `rtp://${HOST}:${port}?rtcpport=${port}&pkt_size=1200`
  return `-hide_banner -loglevel warning ${input} ${encoder} ${rate} ${rtp} ${target}`.split(' ')
}

async function record(source: Source): Promise<void> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, HOST, resolve))
  const { port } = socket.address()
  const received = collect(socket)
  await runFfmpeg(ffmpegArguments(source, port))
  await sleep(SETTLE_MS)
  socket.close()
  const file = encodeRtpdump({ ...received, address: HOST, port })
  await writeFile(new URL(`${source.name}.rtpdump`, import.meta.url), file)
  console.log(`${source.name}.rtpdump: ${received.packets.length} packets, ${file.length} bytes`)
}

function collect(socket: Socket): { readonly startedAt: Date; readonly packets: readonly RecordedPacket[] } {
  const packets: RecordedPacket[] = []
  const received = { startedAt: new Date(), packets }
  let firstMs: number | undefined
  socket.on('message', (data) => {
    const nowMs = performance.now()
    if (firstMs === undefined) received.startedAt = new Date()
    firstMs ??= nowMs
    packets.push({ offsetMs: Math.round(nowMs - firstMs), isRtcp: isRtcp(data), data })
  })
  return received
}

function runFfmpeg(args: string[]): Promise<void> {
  console.log(`ffmpeg ${args.join(' ')}`)
  return new Promise((resolve, reject) => {
    const ffmpeg = spawn('ffmpeg', args, { stdio: ['ignore', 'ignore', 'inherit'] })
    ffmpeg.once('error', reject)
    ffmpeg.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`ffmpeg ended with code ${code}`)),
    )
  })
}

await Promise.all(SOURCES.map(record))
