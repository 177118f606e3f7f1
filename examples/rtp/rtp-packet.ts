/** What the fixed header of an RTP packet says (RFC 3550, section 5.1). */
export interface RtpHeader {
  readonly payloadType: number
  readonly marker: boolean
  readonly sequence: number
  /** In units of the payload's clock: 90 kHz for video. */
  readonly timestamp: number
  readonly ssrc: number
}

const VERSION = 2
const FIXED_HEADER_BYTES = 12
const EXTENSION_HEADER_BYTES = 4

/**
 * Whether the packet is RTCP. On a port that both share, RFC 5761 keeps the second bytes 192 to 223 for RTCP:
 * sender reports are 200, BYE is 203.
 */
export function isRtcp(packet: Buffer): boolean {
  if (packet.length < 4 || packet.readUInt8(0) >> 6 !== VERSION) return false
  const type = packet.readUInt8(1)
  return type >= 192 && type <= 223
}

/** The header, or `undefined` when the packet fails the validity checks of RFC 3550, appendix A.1. */
export function parseRtpHeader(packet: Buffer): RtpHeader | undefined {
  if (packet.length < FIXED_HEADER_BYTES || isRtcp(packet)) return undefined
  const flags = packet.readUInt8(0)
  if (flags >> 6 !== VERSION) return undefined
  const headerBytes = headerLength(packet, flags)
  if (headerBytes === undefined || !paddingFits(packet, flags, headerBytes)) return undefined
  const second = packet.readUInt8(1)
  return {
    payloadType: second & 0x7f,
    marker: (second & 0x80) !== 0,
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    ssrc: packet.readUInt32BE(8),
  }
}

function headerLength(packet: Buffer, flags: number): number | undefined {
  const contributors = flags & 0x0f
  const bytes = FIXED_HEADER_BYTES + 4 * contributors
  const hasExtension = (flags & 0x10) !== 0
  if (!hasExtension) return bytes <= packet.length ? bytes : undefined
  if (packet.length < bytes + EXTENSION_HEADER_BYTES) return undefined
  const extended = bytes + EXTENSION_HEADER_BYTES + 4 * packet.readUInt16BE(bytes + 2)
  return extended <= packet.length ? extended : undefined
}

function paddingFits(packet: Buffer, flags: number, headerBytes: number): boolean {
  const isPadded = (flags & 0x20) !== 0
  if (!isPadded) return true
  const padding = packet.readUInt8(packet.length - 1)
  return padding > 0 && headerBytes + padding <= packet.length
}
