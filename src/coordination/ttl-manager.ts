import { z } from 'zod'
import { withoutUndefined } from '../core/model/without-undefined.js'
import { type Call, type Fencing, StaleTokenError, type Store } from '../core/store.js'
import { type CallOptions, startCall } from '../registry/call.js'
import { describeDocument } from '../registry/describe-document.js'
import { internalsOf } from '../registry/store-registry.js'
import { parse } from '../registry/validation/parse.js'

/** Who may do a leader's work, and under which token: a `LeaderElection`. */
export interface Leadership {
  readonly key: string
  readonly isLeader: boolean
  readonly fencingToken: number | undefined
}

/** Options of a {@link TTLManager}. */
export interface TTLManagerOptions {
  /** How long until it looks again at the latest, milliseconds. Default: the registry's, which is 30,000. */
  readonly cleanupIntervalMs?: number
  /** Work only while this election is won. Without it, every manager works: that is safe, too, but costs more. */
  readonly leader?: Leadership
  /**
   * How long leases last at least after a silence, milliseconds. When nobody was heard for longer than a heartbeat takes
   * although leases were alive (Redis was away, or the network before it), every lease gets this long from then.
   * Default 0: what has lapsed has lapsed.
   */
  readonly outageGraceMs?: number
  /** How often indexes and counters are compared with the records, and mended, milliseconds. Default 3,600,000; 0 never. */
  readonly repairIntervalMs?: number
}

/** What a run did. */
export interface CleanupReport {
  /** The streams that this run has finished. What others finished, or a call on its way, is not among them. */
  readonly expired: string[]
  /** How many inconsistencies were mended: index entries without a record, counters, bookkeeping. */
  readonly repaired: number
}

/** How many lapsed streams one call finishes at most. */
const BATCH = 500
const RUN_TIMEOUT_MS = 600_000
/** Work in the background: one run takes no longer. */
const TICK_TIMEOUT_MS = 30_000
/** It is looked again so soon at the earliest, milliseconds: leases that end close together are finished together. */
const SHORTEST_WAIT_MS = 25
/** How soon a new stream may change when to look next, milliseconds. */
const LISTEN_MS = 200
/** After a failure, and while another leads, it is looked again after this time, milliseconds. */
const LONGEST_WAIT_MS = 1_000

const interval = z.int().min(10).max(86_400_000)
const optionsSchema = z.strictObject({
  cleanupIntervalMs: interval,
  outageGraceMs: z.int().min(0).max(86_400_000).default(0),
  repairIntervalMs: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(3_600_000),
  leader: z
    .custom<Leadership>((value) => typeof value === 'object' && value !== null && 'isLeader' in value, {
      message: 'must be a LeaderElection',
    })
    .optional(),
})

/**
 * Finishes streams whose leases have run out: one `stream.expired` each, with the last record, however many managers
 * run.
 *
 * Lapsed streams are shown by no read anyway; finishing them tells of their end and frees their memory. A manager wakes
 * for the next lease that ends, trims the log by age, and now and then mends what a bug or an eviction has torn. It
 * starts nothing before {@link start} and keeps no process alive.
 *
 * @example
 * const manager = new TTLManager(registry, { cleanupIntervalMs: 10_000 })
 * manager.start()
 */
export class TTLManager {
  readonly #store: Store
  readonly #source: string
  readonly #warn: (message: string) => void
  readonly #companions: Set<{ close(): Promise<void> }>
  readonly #requireOpen: () => void
  readonly #options: z.infer<typeof optionsSchema>
  /** Breaks off what is under way in the background. There while this is started. */
  #running: AbortController | undefined
  #alarm: { readonly at: number; readonly cancel: () => void } | undefined
  #stopListening = (): void => {}
  #isListening = false
  #working: Promise<void> = Promise.resolve()
  /** Beside the rest: it takes long, and leases end meanwhile. */
  #repairing: Promise<unknown> = Promise.resolve()
  #repairedAt: number

  /** @throws `VALIDATION` for wrong options. */
  constructor(registry: object, options: TTLManagerOptions = {}) {
    const { store, options: resolved, companions, requireOpen } = internalsOf(registry)
    const { cleanupIntervalMs } = resolved
    this.#options = parse(optionsSchema, { cleanupIntervalMs, ...withoutUndefined(options) })
    this.#store = store
    this.#source = resolved.instanceId
    this.#warn = resolved.warn
    this.#companions = companions
    this.#requireOpen = requireOpen
    this.#repairedAt = store.elapsed()
  }

  /** Begins to clean up in the background. Idempotent. @throws `CLOSED` */
  start(): void {
    this.#requireOpen()
    if (this.#running !== undefined) return
    this.#running = new AbortController()
    this.#companions.add(this)
    this.#stopListening = this.#store.onLog(() => this.#hear())
    this.#wakeIn(0)
  }

  /** Ends it, and breaks off what is under way: what was not finished yet is so by the next one. Idempotent. */
  async stop(): Promise<void> {
    this.#running?.abort(new Error('the manager was stopped'))
    this.#running = undefined
    this.#companions.delete(this)
    this.#stopListening()
    this.#alarm?.cancel()
    this.#alarm = undefined
    await Promise.all([this.#working, this.#repairing])
  }

  /** The same as {@link stop}; the registry calls it when it is closed. */
  close(): Promise<void> {
    return this.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /**
   * Cleans up once, now: finishes all that has lapsed, trims the log, and mends what is inconsistent, which reads every
   * record. Does nothing where another leads.
   */
  async runOnce(options: CallOptions = {}): Promise<CleanupReport> {
    this.#requireOpen()
    const call = startCall(options, RUN_TIMEOUT_MS)
    const expired = await this.#finish(call)
    if (expired === undefined) return { expired: [], repaired: 0 }
    return { expired, repaired: await this.#repair(call) }
  }

  /** Finishes what has lapsed; `undefined` where another leads. */
  async #finish(call: Call): Promise<string[] | undefined> {
    const fencing = this.#fencing()
    if (fencing === 'none') return undefined
    const { outageGraceMs } = this.#options
    if (outageGraceMs > 0) await this.#store.bridgeSilence(outageGraceMs, SHORTEST_WAIT_MS, call)
    const expired: string[] = []
    try {
      for (;;) {
        const finished = await this.#store.sweep(BATCH, this.#source, call, fencing)
        for (const { id } of finished) expired.push(id)
        if (finished.length < BATCH) break
      }
    } catch (error) {
      if (!(error instanceof StaleTokenError)) throw error
      // Another leads by now.
      if (expired.length === 0) return undefined
    }
    await this.#store.trimLog(call)
    return expired
  }

  /** What guards the work; `none` when it is not ours to do. */
  #fencing(): Fencing | undefined | 'none' {
    const { leader } = this.#options
    if (leader === undefined) return undefined
    const { key, isLeader, fencingToken: token } = leader
    return isLeader && token !== undefined ? { name: key, token } : 'none'
  }

  async #repair(call: Call): Promise<number> {
    this.#repairedAt = this.#store.elapsed()
    const { problems } = await this.#store.audit(describeDocument, true, call)
    return problems.filter(({ repaired }) => repaired).length
  }

  #hear(): void {
    if (this.#isListening) return
    this.#isListening = true
    this.#store.schedule(LISTEN_MS, () => {
      // One plan at a time: what is heard until it begins is in it.
      this.#working = this.#working.then(() => {
        this.#isListening = false
        return this.#running && this.#plan()
      })
    })
  }

  #wakeIn(ms: number): void {
    const at = this.#store.elapsed() + ms
    if (this.#running === undefined || (this.#alarm !== undefined && this.#alarm.at <= at)) return
    this.#alarm?.cancel()
    const cancel = this.#store.schedule(ms, () => {
      this.#alarm = undefined
      this.#working = this.#working.then(() => this.#work())
    })
    this.#alarm = { at, cancel }
  }

  async #work(): Promise<void> {
    if (this.#running === undefined) return
    try {
      const expired = await this.#finish(this.#call())
      if (expired === undefined) {
        this.#wakeIn(Math.min(this.#options.cleanupIntervalMs, LONGEST_WAIT_MS))
        return
      }
      const { repairIntervalMs } = this.#options
      const isDue = repairIntervalMs > 0 && this.#store.elapsed() - this.#repairedAt >= repairIntervalMs
      if (isDue)
        this.#repairing = this.#repair(this.#call(RUN_TIMEOUT_MS)).catch((error) => this.#failed(error))
    } catch (error) {
      this.#failed(error)
      return
    }
    await this.#plan()
  }

  #failed(error: unknown): void {
    if (this.#running === undefined) return
    this.#warn(`cleaning up failed, and is tried again: ${String(error)}`)
    this.#wakeIn(Math.min(this.#options.cleanupIntervalMs, LONGEST_WAIT_MS))
  }

  /** Wakes when the next lease ends, or after the interval. */
  async #plan(): Promise<void> {
    const { cleanupIntervalMs, outageGraceMs } = this.#options
    // What may have to be prolonged must not have lapsed before.
    const earlyMs = outageGraceMs > 0 ? SHORTEST_WAIT_MS : -1
    try {
      const next = await this.#store.nextDeadline(this.#call())
      const ms = next === undefined ? cleanupIntervalMs : next - this.#store.now() - earlyMs
      this.#wakeIn(Math.min(Math.max(ms, SHORTEST_WAIT_MS), cleanupIntervalMs))
    } catch (error) {
      this.#failed(error)
    }
  }

  #call(timeoutMs = TICK_TIMEOUT_MS): Call {
    const signal = this.#running?.signal ?? AbortSignal.abort()
    return { deadline: performance.now() + timeoutMs, isBackground: true, signal }
  }
}
