import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { Registry } from '@mirror/stream-registry'
import { every, type Repeating } from './every.ts'
import { parseRtcp } from './rtcp-packet.ts'
import { isRtcp, parseRtpHeader } from './rtp-packet.ts'
import { TTL_MS } from './rtp-source.ts'
import { type IngestListener, StreamSession } from './stream-session.ts'

/** Three reports within a lease: two of them may be lost without losing the stream. */
const REPORT_INTERVAL_MS = TTL_MS / 3
/** Anybody can send packets with SSRCs made up: they must not fill the registry. */
const MAX_STREAMS = 500
const RECEIVE_BUFFER_BYTES = 1 << 20

/** Where an ingest listens, and what it works with. */
export interface IngestOptions {
  readonly registry: Registry
  readonly listener: IngestListener
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
}

/** A stream handler: receives RTP, and RTCP on the same port, and keeps a stream in the registry for every SSRC. */
export class Ingest {
  readonly #options: IngestOptions
  readonly #socket: Socket
  readonly #sessions = new Map<number, StreamSession>()
  /** The CNAMEs of sources, which often say who they are before their first packet. */
  readonly #names = new Map<number, string>()
  readonly #reports: Repeating

  private constructor(options: IngestOptions, socket: Socket) {
    this.#options = options
    this.#socket = socket
    this.#socket.on('message', (packet, source) => this.#receive(packet, source))
    this.#socket.on('error', (error) => options.listener.log(error.message))
    this.#reports = every(
      REPORT_INTERVAL_MS,
      () => this.#report(),
      (error) => options.listener.log(String(error)),
    )
  }

  /** Listens. Rejects when the port is taken. */
  static async listen(options: IngestOptions): Promise<Ingest> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(options.port, options.host, () => {
        socket.off('error', reject)
        resolve()
      })
    })
    return new Ingest(options, socket)
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** The orderly end: unregisters every stream. */
  async stop(): Promise<void> {
    this.#socket.close()
    await this.#reports.stop()
    await Promise.all(
      [...this.#sessions.values()].map((session) => session.end('handler stopped', 'handler')),
    )
  }

  /** Stops as a crash does. The registry is told nothing: the leases of the streams run out. */
  abandon(): void {
    this.#socket.close()
    void this.#reports.stop()
    for (const session of this.#sessions.values()) session.abandon()
  }

  #receive(packet: Buffer, source: RemoteInfo): void {
    if (isRtcp(packet)) {
      this.#receiveRtcp(packet)
      return
    }
    const header = parseRtpHeader(packet)
    if (header === undefined) return
    const session = this.#sessions.get(header.ssrc) ?? this.#open(header.ssrc, header.payloadType, source)
    session?.receive(header, packet.length, performance.now())
  }

  #receiveRtcp(packet: Buffer): void {
    for (const notice of parseRtcp(packet)) {
      const session = this.#sessions.get(notice.ssrc)
      if (notice.kind === 'bye') {
        this.#names.delete(notice.ssrc)
        // Whatever goes wrong is told by the session itself.
        void session?.end('the source said BYE', 'source')
      } else if (session !== undefined) {
        session.rename(notice.name)
      } else {
        // No great loss: sources say who they are again and again.
        if (this.#names.size >= MAX_STREAMS) this.#names.clear()
        this.#names.set(notice.ssrc, notice.name)
      }
    }
  }

  #open(ssrc: number, payloadType: number, { address, port }: RemoteInfo): StreamSession | undefined {
    if (this.#sessions.size >= MAX_STREAMS) return undefined
    const name = this.#names.get(ssrc)
    const session = new StreamSession({ ssrc, payloadType, address, port, name }, this.#options)
    this.#names.delete(ssrc)
    this.#sessions.set(ssrc, session)
    return session
  }

  async #report(): Promise<void> {
    const unchanged = new Map<string, StreamSession>()
    const nowMs = performance.now()
    for (const [ssrc, session] of this.#sessions) {
      const { streamId } = session
      if (session.isOver) this.#sessions.delete(ssrc)
      else if (session.silentForMs(nowMs) > TTL_MS) void session.end('the source fell silent', 'source')
      else if (streamId !== undefined && session.isUnchanged) unchanged.set(streamId, session)
      else session.report()
    }
    if (unchanged.size === 0) return
    const { missing } = await this.#options.registry.heartbeatMany(unchanged.keys())
    for (const id of missing) unchanged.get(id)?.lapsed()
  }
}
