import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'

/** Passes bytes on to a port in both directions, or cuts them, or holds them back. */
export class Wire {
  /** Whether new connections are cut at once. */
  isClosed = false
  readonly #sockets = new Set<Socket>()
  #isStalled = false
  readonly #server = createServer((client) => {
    const upstream = createConnection(this.#target, '127.0.0.1')
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(one)
      one.on('data', (bytes) => other.write(bytes))
      one
        .on('error', () => {})
        .once('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
      if (this.#isStalled) one.pause()
      if (this.isClosed) one.destroy()
    }
  })
  readonly #target: number

  /** @param target - the port behind it. */
  constructor(target: number) {
    this.#target = target
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  stall(isStalled: boolean): void {
    this.#isStalled = isStalled
    for (const socket of this.#sockets) isStalled ? socket.pause() : socket.resume()
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.cut()
    await closed
  }
}
