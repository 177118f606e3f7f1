import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'eventemitter3'
import { z } from 'zod'
import { UnavailableError } from '../core/errors.js'
import { withoutUndefined } from '../core/model/without-undefined.js'
import type { Call, LeadClaim, Store } from '../core/store.js'
import { internalsOf } from '../registry/store-registry.js'
import { tellAll } from '../registry/tell-all.js'
import { parse } from '../registry/validation/parse.js'
import { Term } from './term.js'

/** Options of a {@link LeaderElection}. Default: the registry's `leaderElection`. */
export interface LeaderElectionOptions {
  /** What is led: candidates with the same key, on the same registry, compete. Default `leader`. */
  readonly key?: string
  /** How long a leader leads after its last renewal, milliseconds. Default 15,000, at least 100. */
  readonly leaseMs?: number
  /** How often a leader renews, milliseconds. Default, and at most: a third of `leaseMs`. */
  readonly renewMs?: number
}

/** What an election tells, and the handlers' arguments. */
export interface LeaderElectionEvents {
  /** This candidate leads from here on. */
  elected: (term: { readonly token: number }) => void
  /** This candidate does not lead any more. */
  revoked: (term: { readonly token: number; readonly reason: unknown }) => void
  /** An instance was seen to lead, this one included; or none. */
  leader: (instanceId: string | undefined) => void
}

/** What work that only a leader may do gets. */
export interface LeaderContext {
  /** Higher than that of every leader before. Let what you change refuse lower ones. */
  readonly token: number
  /** Aborted when the lead is lost or given up. */
  readonly signal: AbortSignal
}

/** A part of the lease that a leader does not count on, for clocks that run at different speeds. */
const DRIFT = 0.02
const LONGEST_PAUSE_MS = 1_000
const CALL_TIMEOUT_MS = 2_000
/** Something may have gone wrong with waking up: so it is looked again after this part of the lease. */
const WATCH_SHARE = 1 / 3

const LOST = new UnavailableError('the lead was lost')
const STOPPED = new UnavailableError('the election was stopped')

/** One time from `start` to `stop`. */
interface Candidacy {
  readonly claim: LeadClaim
  isOpen: boolean
  /** Whether the lead was given up since it was asked for. */
  hasRung: boolean
  /** Whether the lead may have been acquired without an answer. */
  isUnsure: boolean
}

const optionsSchema = z
  .strictObject({
    key: z
      .string()
      .regex(/^[\w.~-]{1,128}$/, 'must be 1 to 128 letters, digits, or any of . _ ~ -')
      .default('leader'),
    leaseMs: z.int().min(100, 'must be at least 100').max(86_400_000).default(15_000),
    renewMs: z.int().min(1).optional(),
  })
  .check(({ value: { leaseMs, renewMs = 0 }, issues }) => {
    if (renewMs > leaseMs / 3)
      issues.push({
        code: 'custom',
        message: 'must be at most a third of leaseMs',
        path: ['renewMs'],
        input: renewMs,
      })
  })

/**
 * One leader among many processes, most of the time.
 *
 * **What is not guaranteed.** A lease in Redis is no consensus. That no two lead at once holds as long as Redis keeps
 * what it acknowledged and clocks run at about the same speed: a failover to a replica that lacks the lease, or a
 * FLUSHALL, may let a second leader in before the first has learned of it. And a process that is frozen between asking
 * {@link isLeader} and acting acts late. So work that must not be done by two carries the {@link fencingToken}, which
 * only grows, also over all of that, and what it changes refuses lower tokens; the sweep of a
 * `TTLManager` does so inside Redis.
 *
 * **What is.** A leader knows by its own monotonic clock that it is none any more before its lease can be another's.
 * A release wakes the candidates. Errors of Redis are waited out. Nothing starts before {@link start}, and nothing
 * keeps the process alive.
 *
 * @example
 * const election = new LeaderElection(registry, { key: 'maintenance', leaseMs: 10_000 })
 * election.start()
 * await election.run(async ({ token, signal }) => {
 *   while (!signal.aborted) await doMaintenance(token, signal)
 * })
 */
export class LeaderElection {
  /** What is led. */
  readonly key: string
  readonly leaseMs: number
  readonly renewMs: number
  readonly #store: Store
  readonly #label: string
  readonly #warn: (message: string) => void
  readonly #companions: Set<{ close(): Promise<void> }>
  readonly #requireOpen: () => void
  readonly #emitter = new EventEmitter<string>()
  readonly #waiting = new Set<{ elected(term: Term): void; stopped(): void }>()
  #term: Term | undefined
  #leader: string | undefined
  #candidacy: Candidacy | undefined
  #campaign: Promise<void> = Promise.resolve()
  #wake = (): void => {}

  /** @throws `VALIDATION` for durations that do not go together. */
  constructor(registry: object, options: LeaderElectionOptions = {}) {
    const { store, options: resolved, companions, requireOpen } = internalsOf(registry)
    const given = withoutUndefined(options)
    // Whoever says how long a lease is has not said how often a longer one is renewed.
    const { renewMs: configured, ...usual } = resolved.leaderElection
    const inherited = given.leaseMs === undefined && configured !== undefined ? { renewMs: configured } : {}
    const {
      key,
      leaseMs,
      renewMs = Math.floor(leaseMs / 3),
    } = parse(optionsSchema, {
      ...usual,
      ...inherited,
      ...given,
    })
    this.key = key
    this.leaseMs = leaseMs
    this.renewMs = renewMs
    this.#store = store
    this.#label = resolved.instanceId
    this.#warn = resolved.warn
    this.#companions = companions
    this.#requireOpen = requireOpen
  }

  /** Whether this candidate leads, now. Computed when asked. */
  get isLeader(): boolean {
    return this.#candidacy !== undefined && this.#term?.isLed === true
  }

  /** The token of this candidate's term, while it leads. */
  get fencingToken(): number | undefined {
    return this.isLeader ? this.#term?.token : undefined
  }

  /** The instance that was last seen to lead. */
  get leader(): string | undefined {
    return this.isLeader ? this.#label : this.#leader
  }

  /** Becomes a candidate. Idempotent. @throws `CLOSED` */
  start(): void {
    this.#requireOpen()
    if (this.#candidacy !== undefined) return
    const claim = { name: this.key, holder: `${this.#label}#${randomUUID()}`, label: this.#label }
    const candidacy = { claim, isOpen: true, hasRung: false, isUnsure: false }
    this.#candidacy = candidacy
    this.#companions.add(this)
    this.#campaign = this.#campaign.then(() => this.#run(candidacy))
  }

  /**
   * Is no candidate any more: aborts the work of {@link run}, waits until it has settled, then gives the lead up, so
   * that another can have it at once. Idempotent; {@link start} begins anew.
   */
  async stop(): Promise<void> {
    if (this.#candidacy !== undefined) this.#candidacy.isOpen = false
    this.#candidacy = undefined
    this.#companions.delete(this)
    this.#term?.end(STOPPED)
    for (const { stopped } of this.#waiting) stopped()
    this.#waiting.clear()
    this.#wake()
    await this.#campaign
  }

  /** The same as {@link stop}; the registry calls it when it is closed. */
  close(): Promise<void> {
    return this.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  on<E extends keyof LeaderElectionEvents>(event: E, handler: LeaderElectionEvents[E]): this {
    this.#emitter.on(event, handler)
    return this
  }

  off<E extends keyof LeaderElectionEvents>(event: E, handler: LeaderElectionEvents[E]): this {
    this.#emitter.off(event, handler)
    return this
  }

  /**
   * Waits until this candidate leads, then does the work once, and answers what it answers. When the lead is lost, or
   * given up by {@link stop}, the work's signal is aborted; no lead is given up, and none taken anew, before the work
   * has settled.
   *
   * @throws what the work throws; `UNAVAILABLE` when the election is not started, or is stopped before.
   */
  async run<T>(work: (context: LeaderContext) => T | Promise<T>): Promise<T> {
    const term = await this.#elected()
    return term.run(work)
  }

  #elected(): Promise<Term> {
    const term = this.#term
    if (this.isLeader && term !== undefined) return Promise.resolve(term)
    return new Promise((resolve, reject) => {
      const stopped = (): void => reject(STOPPED)
      if (this.#candidacy !== undefined) this.#waiting.add({ elected: resolve, stopped })
      else stopped()
    })
  }

  async #run(candidacy: Candidacy): Promise<void> {
    const stopListening = this.#store.onLeadReleased((name) => {
      if (name !== this.key) return
      candidacy.hasRung = true
      this.#wake()
    })
    while (candidacy.isOpen) {
      const term = await this.#acquire(candidacy)
      if (term !== undefined) await this.#lead(term, candidacy)
    }
    if (candidacy.isUnsure) await this.#release(candidacy.claim)
    stopListening()
    this.#see(undefined)
  }

  /** A term; or `undefined` after a while. */
  async #acquire(candidacy: Candidacy): Promise<Term | undefined> {
    const sentAt = this.#store.elapsed()
    candidacy.hasRung = false
    let pauseMs = Math.min(this.renewMs, LONGEST_PAUSE_MS)
    try {
      const answer = await this.#store.acquireLead(candidacy.claim, this.leaseMs, this.#call(CALL_TIMEOUT_MS))
      candidacy.isUnsure = false
      if (answer.kind === 'done') return this.#begin(answer.token, sentAt)
      this.#see(answer.label)
      pauseMs = Math.min(answer.leftMs + 1, this.leaseMs * WATCH_SHARE)
    } catch {
      // It may have been acquired, and the answer lost: then the next try finds it held by this candidate.
      candidacy.isUnsure = true
    }
    if (candidacy.isOpen && !candidacy.hasRung) await this.#pause(pauseMs)
    return undefined
  }

  #begin(token: number, sentAt: number): Term {
    const term = new Term(this.#store, token)
    term.prolong(sentAt + this.#trusted)
    return term
  }

  /** How long after it was asked for a lease is counted on. */
  get #trusted(): number {
    return this.leaseMs * (1 - DRIFT) - 1
  }

  /** Leads until the lead is lost, or this candidate is stopped and its work has settled. */
  async #lead(term: Term, candidacy: Candidacy): Promise<void> {
    let nextAt = this.#store.elapsed() + this.renewMs
    if (term.isCurrent && candidacy.isOpen) this.#enter(term)
    let isHeld = true
    while (isHeld && term.isCurrent && (candidacy.isOpen || !term.isIdle)) {
      if (!candidacy.isOpen) term.end(STOPPED)
      await this.#pause(Math.min(nextAt, term.until) - this.#store.elapsed(), candidacy, term)
      const askedAt = this.#store.elapsed()
      if (askedAt < nextAt || !term.isCurrent) continue
      const answer = await this.#renew(term, candidacy.claim, askedAt)
      isHeld = answer !== false
      nextAt = answer === undefined ? this.#store.elapsed() + this.renewMs / 4 : askedAt + this.renewMs
    }
    this.#leave(term, candidacy.isOpen ? LOST : STOPPED)
    await term.settled()
    await this.#release({ ...candidacy.claim, token: term.token })
  }

  /** Whether the lease is held; `undefined` when nobody knows. */
  async #renew(
    term: Term,
    { name, holder, label }: LeadClaim,
    askedAt: number,
  ): Promise<boolean | undefined> {
    try {
      const claim = { name, holder, label, token: term.token }
      const left = Math.max(1, term.until - askedAt)
      const isHeld = await this.#store.renewLead(
        claim,
        this.leaseMs,
        this.#call(Math.min(left, CALL_TIMEOUT_MS)),
      )
      if (isHeld) term.prolong(askedAt + this.#trusted)
      return isHeld
    } catch {
      return undefined
    }
  }

  #enter(term: Term): void {
    this.#term = term
    this.#see(this.#label)
    this.#tell('elected', { token: term.token })
    for (const { elected } of this.#waiting) elected(term)
    this.#waiting.clear()
  }

  #leave(term: Term, reason: unknown): void {
    term.end(reason)
    if (this.#term !== term) return
    this.#term = undefined
    this.#see(undefined)
    this.#tell('revoked', { token: term.token, reason })
  }

  /** It runs out by itself, too. */
  async #release(claim: LeadClaim & { readonly token?: number }): Promise<void> {
    await this.#store.releaseLead(claim, this.#call(CALL_TIMEOUT_MS)).catch(() => {})
  }

  #see(leader: string | undefined): void {
    if (this.#leader === leader) return
    this.#leader = leader
    this.#tell('leader', leader)
  }

  #tell(event: keyof LeaderElectionEvents, about: unknown): void {
    tellAll(this.#emitter.listeners(event), about, (error) =>
      this.#warn(`a handler of an election failed: ${String(error)}`),
    )
  }

  #call(timeoutMs: number): Call {
    return { deadline: performance.now() + timeoutMs, isBackground: true }
  }

  /** Until the time is over, or something has happened: the work of a stopped candidate has settled, too. */
  #pause(ms: number, candidacy?: Candidacy, term?: Term): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#store.schedule(Math.max(1, ms), () => this.#wake())
      this.#wake = () => {
        this.#wake = () => {}
        cancel()
        resolve()
      }
      if (candidacy?.isOpen === false) void term?.settled().then(() => this.#wake())
    })
  }
}
