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

const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 250

/** Whether a call may change something: then a lost reply leaves its outcome unknown. */
export type CallKind = 'read' | 'write'

/**
 * Runs commands against the clients in turn, and tries again until the call's deadline where that is safe.
 *
 * Every call settles by its deadline, whatever the driver does.
 */
export class Caller {
  readonly #source: ClientSource
  #clients: readonly RedisClient[] | undefined
  #turn = 0
  #closed = false
  /** How often a client became ready: what waited in its queue has left then. */
  readonly #readiness = { count: 0 }
  readonly #onReady = (): void => {
    this.#readiness.count += 1
  }
  readonly #waits: Waits = new Set()

  constructor(source: ClientSource) {
    this.#source = source
  }

  /**
   * @param attempt - must be safe to repeat: a read, or a write under an operation id.
   * @throws UNAVAILABLE, TIMEOUT, OUTCOME_UNKNOWN, CLOSED, or the signal's reason.
   */
  async run<T>(kind: CallKind, call: Call, attempt: (client: RedisClient) => Promise<T>): Promise<T> {
    const progress = new Progress(kind, call, this.#readiness)
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      if (this.#closed) throw progress.aborted(new RegistryClosedError())
      const client = await this.#nextClient()
      if (isEnded(client.status)) throw new UnavailableError('the Redis client was closed')
      progress.begin(client)
      const settled = await bounded(attempt(client), call, this.#waits)
      progress.end(settled.kind === 'timeout' || settled.kind === 'aborted')
      if (settled.kind === 'value') return settled.value
      if (settled.kind === 'aborted') throw progress.aborted(settled.reason)
      if (settled.kind === 'timeout') throw progress.outOfTime()
      if (isRegistryError(settled.error)) throw settled.error
      progress.failed(settled.error)
      await this.#pause(Math.random() * pauseMs, call, progress)
    }
  }

  /** Every client of the source, for what must be done on each. */
  async clients(): Promise<readonly RedisClient[]> {
    if (this.#clients === undefined) {
      const clients = await this.#source.clients()
      if (this.#clients === undefined) for (const client of clients) client.on('ready', this.#onReady)
      this.#clients = clients
    }
    return this.#clients
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const breakOff of this.#waits) breakOff(new RegistryClosedError())
    for (const client of this.#clients ?? []) client.off('ready', this.#onReady)
    await this.#source.close()
  }

  async #nextClient(): Promise<RedisClient> {
    const clients = this.#clients ?? (await this.clients())
    this.#turn = (this.#turn + 1) % clients.length
    const client = clients[this.#turn]
    if (client === undefined) throw new UnavailableError('no Redis client')
    return client
  }

  async #pause(ms: number, call: Call, progress: Progress): Promise<void> {
    const until = Math.min(performance.now() + ms, call.deadline)
    const settled = await bounded(new Promise<never>(() => {}), { ...call, deadline: until }, this.#waits)
    if (settled.kind === 'aborted') throw progress.aborted(settled.reason)
    if (performance.now() >= call.deadline) throw progress.outOfTime()
  }
}

/** What is known of a call while it is under way. */
class Progress {
  readonly #kind: CallKind
  readonly #call: Call
  /** Whether the current try can have left this process. */
  #sent = false
  /** Whether some try can have been applied without our learning of it. */
  #uncertain = false
  #lastError: unknown
  readonly #readiness: { readonly count: number }
  #readiesBefore = 0
  #client: RedisClient | undefined

  constructor(kind: CallKind, call: Call, readiness: { readonly count: number }) {
    this.#kind = kind
    this.#call = call
    this.#readiness = readiness
  }

  begin(client: RedisClient): void {
    this.#client = client
    this.#sent = client.status === 'ready'
    this.#readiesBefore = this.#readiness.count
  }

  end(interrupted: boolean): void {
    if (this.#readiness.count !== this.#readiesBefore) this.#sent = true
    if (interrupted && this.#sent) this.#uncertain = true
  }

  /** @throws when trying again is no use. */
  failed(error: unknown): void {
    const verdict = verdictOf(error)
    this.#lastError = error
    if (verdict === 'unknown' && this.#sent) this.#uncertain = true
    if (verdict !== 'refused') return
    throw this.#isOutcomeUnknown()
      ? this.#outcomeUnknown()
      : new UnavailableError(refusal(error), { cause: error })
  }

  outOfTime(): RegistryError {
    if (this.#isOutcomeUnknown()) return this.#outcomeUnknown()
    const isConnected = this.#sent && this.#client?.status === 'ready'
    if (this.#lastError === undefined && isConnected) return new TimeoutError('Redis did not answer in time')
    return new UnavailableError('Redis cannot be reached', { cause: this.#lastError })
  }

  aborted(reason: unknown): unknown {
    return this.#isOutcomeUnknown() ? this.#outcomeUnknown(reason) : reason
  }

  #isOutcomeUnknown(): boolean {
    return this.#kind === 'write' && this.#uncertain
  }

  #outcomeUnknown(cause: unknown = this.#lastError): OutcomeUnknownError {
    const why = this.#call.signal?.aborted ? 'aborted' : 'out of time'
    return new OutcomeUnknownError(`${why} before Redis answered: the change may have been made or not`, {
      cause,
    })
  }
}

function refusal(error: unknown): string {
  return `Redis refused the command: ${error instanceof Error ? error.message : String(error)}`
}
