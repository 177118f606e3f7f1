const CRLF = 2
const AGGREGATES = '*%~>|'

/** Cuts a stream of bytes into RESP frames (RESP2 and RESP3), requests and replies alike. */
export class RespFrames {
  #rest: Buffer = Buffer.alloc(0)

  /** The frames that are complete with these bytes. */
  push(bytes: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const frames: Buffer[] = []
    let start = 0
    for (let end = frameEnd(this.#rest, start); end !== undefined; end = frameEnd(this.#rest, start)) {
      frames.push(this.#rest.subarray(start, end))
      start = end
    }
    this.#rest = this.#rest.subarray(start)
    return frames
  }
}

/** Where the frame at `start` ends, or `undefined` while bytes are missing. */
function frameEnd(bytes: Buffer, start: number): number | undefined {
  const line = bytes.indexOf('\r\n', start)
  if (line < 0) return undefined
  const type = String.fromCharCode(bytes[start] ?? 0)
  const length = Number(bytes.toString('latin1', start + 1, line))
  const body = line + CRLF
  if ('$=!'.includes(type)) {
    const end = length < 0 ? body : body + length + CRLF
    return end <= bytes.length ? end : undefined
  }
  if (!AGGREGATES.includes(type)) return body
  let end: number | undefined = body
  const members = '%|'.includes(type) ? length * 2 : length
  for (let i = 0; i < members && end !== undefined; i++) end = frameEnd(bytes, end)
  return end
}

/** The name of the command that a request frame holds, in lower case. */
export function commandName(request: Buffer): string {
  const line = request.indexOf('\r\n', request.indexOf('$'))
  const end = request.indexOf('\r\n', line + CRLF)
  return request.toString('latin1', line + CRLF, end).toLowerCase()
}
