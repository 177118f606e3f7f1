import type { StreamInput } from '@mirror/stream-registry'

/** How long a stream outlives its handler. */
export const TTL_MS = 3_000
const FIRST_DYNAMIC_PAYLOAD_TYPE = 96

/** Who sends. */
export interface RtpSource {
  readonly ssrc: number
  readonly payloadType: number
  readonly address: string
  readonly port: number
  /** The CNAME, once the source has said it. */
  readonly name: string | undefined
}

/** What to call the source in a message. */
export function sourceLabel({ name, ssrc }: RtpSource): string {
  return name ?? `SSRC ${ssrc}`
}

/** The source as the registry is told of it. */
export function streamInputOf({ ssrc, payloadType, address, port, name }: RtpSource): StreamInput {
  return {
    type: 'rtp',
    status: 'connecting',
    ...(name !== undefined && { name }),
    sourceAddr: `${address}:${port}`,
    sourcePort: port,
    // RTP does not say what a dynamic payload type stands for: both sides agreed on H.264.
    ...(payloadType >= FIRST_DYNAMIC_PAYLOAD_TYPE && { codec: 'h264', videoCodec: 'h264' }),
    metadata: { ssrc, payloadType },
    tags: ['rtp', 'quickstart'],
    ttlMs: TTL_MS,
  }
}
