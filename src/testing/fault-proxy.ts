import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net'
import { commandName, RespFrames } from './resp-frames.js'

/** What happens to a command on its way. */
export type Fault =
  /** Nothing. */
  | { readonly kind: 'pass' }
  /** It is executed, but the connection ends before its reply. */
  | { readonly kind: 'lose-reply' }
  /** The connection ends before it was executed. */
  | { readonly kind: 'lose-request' }
  /** It is executed twice, as by a driver that sends it again; one reply comes back. */
  | { readonly kind: 'twice' }
  /** Its reply comes late, milliseconds. */
  | { readonly kind: 'delay'; readonly ms: number }

/** Says what happens to a command, by its name in lower case. */
export type FaultPlan = (command: string) => Fault

const PASS: Fault = { kind: 'pass' }

/** A TCP proxy in front of Redis that does to commands what networks do. */
export class FaultProxy {
  /** What happens to the next commands. Default: nothing. */
  plan: FaultPlan = () => PASS
  readonly #target: { readonly host: string; readonly port: number }
  readonly #lanes = new Set<Lane>()
  #server: Server | undefined
  #stalled = false

  constructor(target: { readonly host?: string; readonly port: number }) {
    this.#target = { host: '127.0.0.1', ...target }
  }

  /** Listens on a free port of 127.0.0.1, and answers it. */
  async listen(port = 0): Promise<number> {
    const server = createServer((client) => this.#accept(client))
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
    return (server.address() as AddressInfo).port
  }

  #accept(client: Socket): void {
    const lane = new Lane(client, createConnection(this.#target), (command) => this.plan(command))
    this.#lanes.add(lane)
    lane.stall(this.#stalled)
    client.once('close', () => this.#lanes.delete(lane))
  }

  /** Cuts every connection; new ones are taken. */
  cut(): void {
    for (const lane of this.#lanes) lane.cut()
  }

  /** Lets nothing through until {@link resume}; connections stay open. */
  stall(): void {
    this.#stalled = true
    for (const lane of this.#lanes) lane.stall(true)
  }

  resume(): void {
    this.#stalled = false
    for (const lane of this.#lanes) lane.stall(false)
  }

  async close(): Promise<void> {
    const server = this.#server
    this.cut()
    if (server?.listening) await new Promise((resolve) => server.close(resolve))
  }
}

/** How a message of a channel begins. */
const PUSHED = /^[*>][34]\r\n\$\d+\r\n[ps]?message\r\n/

/**
 * One connection through the proxy. Replies come in the order of the requests, which is how they are told apart, and
 * whatever ends the connection takes its turn among them: earlier replies still arrive.
 */
class Lane {
  readonly #client: Socket
  readonly #upstream: Socket
  readonly #plan: FaultPlan
  readonly #expected: ((reply: Buffer) => void)[] = []
  #leaving: Promise<void> = Promise.resolve()
  /** A request was lost: those behind it are, too. */
  #isLost = false

  constructor(client: Socket, upstream: Socket, plan: FaultPlan) {
    this.#client = client
    this.#upstream = upstream
    this.#plan = plan
    const requests = new RespFrames()
    const replies = new RespFrames()
    client.on('data', (bytes) => {
      for (const request of requests.push(bytes)) this.#forward(request)
    })
    upstream.on('data', (bytes) => {
      for (const reply of replies.push(bytes)) this.#receive(Buffer.from(reply))
    })
    for (const socket of [client, upstream])
      socket.on('error', () => this.cut()).once('close', () => this.cut())
  }

  cut(): void {
    this.#client.destroy()
    this.#upstream.destroy()
  }

  stall(stalled: boolean): void {
    for (const socket of [this.#client, this.#upstream]) stalled ? socket.pause() : socket.resume()
  }

  #forward(request: Buffer): void {
    if (this.#isLost) return
    const fault = this.#plan(commandName(request))
    if (fault.kind === 'lose-request') {
      this.#isLost = true
      if (this.#expected.length === 0) this.#end()
      else this.#afterLastReply(() => this.#end())
      return
    }
    this.#expected.push((reply) => this.#answer(fault, reply))
    this.#upstream.write(request)
    if (fault.kind !== 'twice') return
    this.#expected.push(() => {})
    this.#upstream.write(request)
  }

  /** What a channel that the client listens to says answers no request. */
  #receive(reply: Buffer): void {
    if (PUSHED.test(reply.toString('latin1', 0, 32))) this.#leave(async () => void this.#client.write(reply))
    else this.#expected.shift()?.(reply)
  }

  #answer(fault: Fault, reply: Buffer): void {
    if (fault.kind === 'lose-reply') {
      this.#end()
      return
    }
    const delayMs = fault.kind === 'delay' ? fault.ms : 0
    this.#leave(async () => {
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
      this.#client.write(reply)
    })
  }

  #afterLastReply(done: () => void): void {
    const last = this.#expected.pop()
    this.#expected.push((reply) => {
      last?.(reply)
      done()
    })
  }

  #end(): void {
    this.#leave(async () => {
      this.#client.end(() => this.cut())
    })
  }

  /** Replies leave one after another, also when one of them is late. */
  #leave(step: () => Promise<void>): void {
    this.#leaving = this.#leaving.then(step)
  }
}
