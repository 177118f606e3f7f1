import {
  isRegistryError,
  OutcomeUnknownError,
  RegistryClosedError,
  type RegistryError,
  TimeoutError,
  UnavailableError,
} from '../core/errors.js'
import type { Call } from '../core/store.js'
import { bounded, type Waits } from '../registry/bounded.js'
import type { ClientSource, RedisClient } from './client.js'
import { isEnded, verdictOf } from './driver-errors.js'
import { type Readiness, unwatchReadiness, watchReadiness } from './readiness.js'

const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 250

interface Connection {
  readonly client: RedisClient
  readonly readiness: Readiness
}

/** Whether a call may change something: then a lost reply leaves its outcome unknown. */
export type CallKind = 'read' | 'write'

/**
 * Runs commands against the clients in turn, and tries again until the call's deadline where that is safe.
 *
 * Every call settles by its deadline, whatever the driver does.
 */
export class Caller {
  readonly #source: ClientSource
  #opened: readonly Connection[] | undefined
  #turn = 0
  #closed = false
  readonly #waits: Waits = new Set()

  constructor(source: ClientSource) {
    this.#source = source
  }

  /**
   * @param attempt - must be safe to repeat: a read, or a write under an operation id.
   * @throws UNAVAILABLE, TIMEOUT, OUTCOME_UNKNOWN, CLOSED, or the signal's reason.
   */
  async run<T>(kind: CallKind, call: Call, attempt: (client: RedisClient) => Promise<T>): Promise<T> {
    const progress = new Progress(kind)
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const { client, readiness } = await this.#next()
      this.#throwIfOver(client, call, progress)
      progress.begin(client, readiness)
      const settled = await bounded(attempt(client), call, this.#waits)
      progress.end(settled.kind === 'timeout' || settled.kind === 'aborted')
      if (settled.kind === 'value') return settled.value
      if (settled.kind === 'aborted') throw progress.interrupted(settled.reason)
      if (settled.kind === 'timeout') throw progress.outOfTime()
      if (isRegistryError(settled.error)) throw settled.error
      progress.failed(settled.error)
      await this.#pause(Math.random() * pauseMs, call, progress)
    }
  }

  /** Nothing may be sent any more once the call is over, whatever ended it. */
  #throwIfOver(client: RedisClient, { signal, deadline }: Call, progress: Progress): void {
    if (this.#closed) throw progress.interrupted(new RegistryClosedError())
    if (signal?.aborted) throw progress.interrupted(signal.reason)
    if (performance.now() >= deadline) throw progress.outOfTime(client)
    if (isEnded(client.status))
      throw progress.interrupted(new UnavailableError('the Redis client was closed'))
  }

  /** Every client of the source, for what must be done on each. */
  async clients(): Promise<readonly RedisClient[]> {
    return (await this.#connections()).map(({ client }) => client)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const breakOff of this.#waits) breakOff(new RegistryClosedError())
    for (const { client } of this.#opened ?? []) unwatchReadiness(client)
    await this.#source.close()
  }

  async #connections(): Promise<readonly Connection[]> {
    if (this.#opened !== undefined) return this.#opened
    const clients = await this.#source.clients()
    this.#opened ??= clients.map((client) => ({ client, readiness: watchReadiness(client) }))
    return this.#opened
  }

  /** The next connection in turn. */
  async #next(): Promise<Connection> {
    const connections = this.#opened ?? (await this.#connections())
    this.#turn = (this.#turn + 1) % connections.length
    const connection = connections[this.#turn]
    if (connection === undefined) throw new UnavailableError('no Redis client')
    return connection
  }

  async #pause(ms: number, call: Call, progress: Progress): Promise<void> {
    const until = Math.min(performance.now() + ms, call.deadline)
    const settled = await bounded(new Promise<never>(() => {}), { ...call, deadline: until }, this.#waits)
    if (settled.kind === 'aborted') throw progress.interrupted(settled.reason)
    if (performance.now() >= call.deadline) throw progress.outOfTime()
  }
}

/** What is known of a call while it is under way. */
class Progress {
  readonly #kind: CallKind
  /** Whether the current try can have left this process. */
  #sent = false
  /** Whether some try can have been applied without our learning of it. */
  #uncertain = false
  #lastError: unknown
  #readiness: Readiness = { count: 0 }
  #readiesBefore = 0
  #client: RedisClient | undefined

  constructor(kind: CallKind) {
    this.#kind = kind
  }

  begin(client: RedisClient, readiness: Readiness): void {
    this.#client = client
    this.#readiness = readiness
    this.#sent = client.status === 'ready'
    this.#readiesBefore = readiness.count
  }

  end(interrupted: boolean): void {
    if (this.#readiness.count !== this.#readiesBefore) this.#sent = true
    if (interrupted && this.#sent) this.#uncertain = true
  }

  /** @throws when trying again is no use. */
  failed(error: unknown): void {
    const verdict = verdictOf(error)
    this.#lastError = error
    if (verdict === 'broken' || (verdict === 'unknown' && this.#sent)) this.#uncertain = true
    if (verdict !== 'refused' && verdict !== 'broken') return
    throw this.#isOutcomeUnknown()
      ? this.#outcomeUnknown('refused')
      : new UnavailableError(refusal(error), { cause: error })
  }

  /** @param next - the client of a try that came too late to begin. */
  outOfTime(next?: RedisClient): RegistryError {
    if (this.#isOutcomeUnknown()) return this.#outcomeUnknown('out of time')
    const wasTried = this.#client !== undefined
    const isConnected = wasTried ? this.#sent && this.#client?.status === 'ready' : next?.status === 'ready'
    if (this.#lastError === undefined && isConnected) return new TimeoutError('Redis did not answer in time')
    return new UnavailableError('Redis cannot be reached', { cause: this.#lastError })
  }

  /** Ended from outside: aborted, or the registry or its client was closed. */
  interrupted(reason: unknown): unknown {
    return this.#isOutcomeUnknown() ? this.#outcomeUnknown('interrupted', reason) : reason
  }

  #isOutcomeUnknown(): boolean {
    return this.#kind === 'write' && this.#uncertain
  }

  #outcomeUnknown(how: string, cause: unknown = this.#lastError): OutcomeUnknownError {
    return new OutcomeUnknownError(`${how} before Redis answered: the change may have been made or not`, {
      cause,
    })
  }
}

function refusal(error: unknown): string {
  return `Redis refused the command: ${error instanceof Error ? error.message : String(error)}`
}
