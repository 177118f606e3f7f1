import type { StreamInput, StreamStatus, StreamType } from '@mirror/stream-registry'

/** A record as it is stored: what contenders look at of it. */
export interface BenchRecord extends Readonly<Record<string, unknown>> {
  readonly id: string
  readonly type: StreamType
  readonly protocol: string
  readonly status: StreamStatus
  readonly source_addr: string
  readonly tags: readonly string[]
  readonly created_at: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly statistics: Readonly<Record<string, number>>
}

/** A stream to register: as our API takes it, and as it is stored, for those that store it as it comes. */
export interface BenchStream {
  readonly id: string
  readonly input: StreamInput & { readonly id: string }
  readonly record: BenchRecord
}

/** What a stream handler reports. */
export interface Report {
  readonly bytesReceived: number
  readonly packetsLost: number
}

/** Which of the newest streams are asked for. */
export interface Newest {
  readonly type?: StreamType
  readonly status: StreamStatus
  readonly tag?: string
}

export const PAGE_SIZE = 10

/** One way to keep a registry. What it cannot do is left out. Queries for the newest answer with ids, having loaded the records. */
export interface Contender {
  register(stream: BenchStream): Promise<unknown>
  /** Takes back what `register` did, in any way that leaves nothing: it is not measured. */
  remove(stream: BenchStream): Promise<unknown>
  /** Called once when all are registered, before anything is measured. */
  prepare?(size: number, stream: (i: number) => BenchStream): Promise<unknown>
  heartbeat?(id: string, ttlMs?: number): Promise<unknown>
  report?(id: string, report: Report): Promise<unknown>
  setStatus?(id: string, status: StreamStatus): Promise<unknown>
  get?(id: string): Promise<object | undefined>
  /** All records, as objects, in any order. */
  list?(): Promise<readonly { readonly id: unknown }[]>
  countOf?(status: StreamStatus): Promise<number>
  countOfBoth?(type: StreamType, status: StreamStatus): Promise<number>
  newest?(which: Newest): Promise<readonly string[]>
  /** Answers a function that asks for the second page as often as one likes. */
  secondPage?(which: Newest): Promise<() => Promise<readonly string[]>>
  countByType?(): Promise<Readonly<Record<string, number>>>
  /** Changes a stream so that listeners hear `sentAt`. */
  tell?(id: string, sentAt: number): Promise<unknown>
  /** Hears the `sentAt` of each change. */
  listen?(heard: (sentAt: number) => void): Promise<() => Promise<unknown>>
  /** Hears of each stream that is registered. */
  listenToNew?(heard: (id: string) => void): Promise<() => Promise<unknown>>
  /** Does what a deployment does by and by, such as cleaning up, until the function that is answered is called. */
  maintain?(): () => Promise<unknown> | undefined
  close(): Promise<unknown>
}

/** How a contender is opened, and what is to be known of it. */
export interface Entrant {
  /** Short, as a key: `ours`. */
  readonly key: string
  readonly name: string
  /** Package and version, or what it is a port of. */
  readonly what: string
  /** Guarantees that ours gives and this one does not. */
  readonly lacks: readonly string[]
  /** The most streams it is asked to hold, and why. */
  readonly most?: { readonly streams: number; readonly because: string }
  /** Whether it keeps streams for others to find, and so can tell wrong ones. */
  readonly isRegistry: boolean
  /** Whether it needs a redis-server. */
  readonly onRedis: boolean
  open(port: number): Contender | Promise<Contender>
}
