/** What is used of RTCP: who a source says it is, and that it leaves. */
export type RtcpNotice =
  | { readonly kind: 'name'; readonly ssrc: number; readonly name: string }
  | { readonly kind: 'bye'; readonly ssrc: number }

const SDES = 202
const BYE = 203
const CNAME = 1

/** Walks a compound RTCP packet (RFC 3550, section 6). What is cut short or malformed is left out. */
export function parseRtcp(packet: Buffer): RtcpNotice[] {
  const notices: RtcpNotice[] = []
  let offset = 0
  while (offset + 4 <= packet.length) {
    const end = offset + 4 + 4 * packet.readUInt16BE(offset + 2)
    if (packet.readUInt8(offset) >> 6 !== 2 || end > packet.length) break
    const count = packet.readUInt8(offset) & 0x1f
    const body = packet.subarray(offset + 4, end)
    const type = packet.readUInt8(offset + 1)
    if (type === BYE) notices.push(...readBye(body, count))
    if (type === SDES) notices.push(...readNames(body, count))
    offset = end
  }
  return notices
}

function readBye(body: Buffer, count: number): RtcpNotice[] {
  const sources = Math.min(count, Math.floor(body.length / 4))
  return Array.from({ length: sources }, (_, i) => ({ kind: 'bye', ssrc: body.readUInt32BE(4 * i) }))
}

/** The CNAME of each chunk: an SSRC, then items of type, length and text up to a zero byte, padded to 32 bits. */
function readNames(body: Buffer, count: number): RtcpNotice[] {
  const notices: RtcpNotice[] = []
  let offset = 0
  for (let chunk = 0; chunk < count && offset + 4 <= body.length; chunk++) {
    const ssrc = body.readUInt32BE(offset)
    offset += 4
    while (offset + 2 <= body.length && body.readUInt8(offset) !== 0) {
      const end = offset + 2 + body.readUInt8(offset + 1)
      if (end > body.length) return notices
      const isName = body.readUInt8(offset) === CNAME
      if (isName) notices.push({ kind: 'name', ssrc, name: body.toString('utf8', offset + 2, end) })
      offset = end
    }
    offset = 4 * Math.floor(offset / 4 + 1)
  }
  return notices
}
