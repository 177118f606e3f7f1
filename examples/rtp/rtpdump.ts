/**
 * The rtpdump file format of the rtptools: a line of text, a file header, and for each packet its size, its kind and
 * the milliseconds since the recording began. All numbers are big-endian.
 */

/** One datagram of a recording. */
export interface RecordedPacket {
  /** Since the recording began. */
  readonly offsetMs: number
  readonly isRtcp: boolean
  readonly data: Buffer
}

/** A recording of what came in on one port. */
export interface Recording {
  readonly startedAt: Date
  /** IPv4, where the packets were received. */
  readonly address: string
  readonly port: number
  readonly packets: readonly RecordedPacket[]
}

const FIRST_LINE = /^#!rtpplay1\.0 (\d+\.\d+\.\d+\.\d+)\/(\d+)\n/
const FILE_HEADER_BYTES = 16
const PACKET_HEADER_BYTES = 8

/** The bytes of the file. */
export function encodeRtpdump({ startedAt, address, port, packets }: Recording): Buffer {
  const ms = startedAt.getTime()
  const header = Buffer.alloc(FILE_HEADER_BYTES)
  header.writeUInt32BE(Math.floor(ms / 1_000), 0)
  header.writeUInt32BE((ms % 1_000) * 1_000, 4)
  header.set(address.split('.').map(Number), 8)
  header.writeUInt16BE(port, 12)
  return Buffer.concat([
    Buffer.from(`#!rtpplay1.0 ${address}/${port}\n`),
    header,
    ...packets.flatMap(encodePacket),
  ])
}

function encodePacket({ offsetMs, isRtcp, data }: RecordedPacket): Buffer[] {
  const header = Buffer.alloc(PACKET_HEADER_BYTES)
  header.writeUInt16BE(PACKET_HEADER_BYTES + data.length, 0)
  // The format tells RTCP by a size of 0.
  header.writeUInt16BE(isRtcp ? 0 : data.length, 2)
  header.writeUInt32BE(offsetMs, 4)
  return [header, data]
}

/** @throws `Error` when the file is no rtpdump. A packet cut off at the end is left out. */
export function decodeRtpdump(file: Buffer): Recording {
  const line = FIRST_LINE.exec(file.toString('latin1', 0, 64))
  if (line === null || file.length < line[0].length + FILE_HEADER_BYTES)
    throw new Error('not an rtpdump file')
  const [{ length: start }, address = '', port] = line
  const startedAt = new Date(file.readUInt32BE(start) * 1_000 + file.readUInt32BE(start + 4) / 1_000)
  const packets: RecordedPacket[] = []
  let offset = start + FILE_HEADER_BYTES
  while (offset + PACKET_HEADER_BYTES <= file.length) {
    const end = offset + file.readUInt16BE(offset)
    if (end < offset + PACKET_HEADER_BYTES || end > file.length) break
    packets.push({
      offsetMs: file.readUInt32BE(offset + 4),
      isRtcp: file.readUInt16BE(offset + 2) === 0,
      data: file.subarray(offset + PACKET_HEADER_BYTES, end),
    })
    offset = end
  }
  return { startedAt, address, port: Number(port), packets }
}
