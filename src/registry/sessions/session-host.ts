import { decideAttach, decideCreate } from '../../core/commands/create.js'
import type { Decision } from '../../core/commands/decision.js'
import {
  isRegistryError,
  RegistryClosedError,
  StaleOwnerError,
  StreamExistsError,
  ValidationError,
} from '../../core/errors.js'
import type { Stream, StreamInput } from '../../core/model/stream.js'
import type { Call, Store } from '../../core/store.js'
import { type Waits, within } from '../bounded.js'
import type { CallOptions } from '../call.js'
import type { CommandRunner } from '../command-runner.js'
import type { Decisions, Registration } from '../decisions.js'
import { Heartbeats } from './heartbeats.js'
import { LiveSession, type SessionManner } from './live-session.js'
import { Recovery } from './recovery.js'
import { ReleaseWatch } from './release-watch.js'
import type { IfHeld } from './session.js'

/** How many minted ids may collide with ids that users chose before `attach` gives up. */
const MINT_ATTEMPTS = 20

/** What sessions are made of. */
export interface SessionHostOptions<M> {
  readonly store: Store
  readonly commands: CommandRunner<M>
  readonly decisions: Decisions<M>
  readonly instanceId: string
  /** Begins a call that writes. Also while the registry closes: sessions end with it. */
  readonly start: (options: CallOptions) => Call
  readonly warn: (message: string) => void
}

/** How to attach. */
export interface AttachManner extends SessionManner {
  readonly ifHeld: IfHeld
  /** Bounds the whole. */
  readonly call: Call
  /** Begins one attempt. */
  readonly attempt: () => Call
}

/** All sessions of a registry. */
export class SessionHost<M> {
  readonly store: Store
  readonly commands: CommandRunner<M>
  readonly decisions: Decisions<M>
  readonly heartbeats: Heartbeats
  readonly recovery: Recovery<M>
  readonly start: (options: CallOptions) => Call
  readonly warn: (message: string) => void
  readonly #instanceId: string
  readonly #sessions = new Map<string, LiveSession<M>>()
  /** Who attaches to an id waits for who attaches to it just now. */
  readonly #attaching = new Map<string, Promise<unknown>>()
  readonly #waits: Waits = new Set()
  #isClosed = false

  constructor({ store, commands, decisions, instanceId, start, warn }: SessionHostOptions<M>) {
    this.store = store
    this.commands = commands
    this.decisions = decisions
    this.heartbeats = new Heartbeats(store)
    this.recovery = new Recovery({ store, commands, decisions, heartbeats: this.heartbeats })
    this.start = start
    this.warn = warn
    this.#instanceId = instanceId
  }

  /** @throws StreamExistsError when it is held, by whomever, and not to be taken over. */
  async attach(input: StreamInput<M>, manner: AttachManner): Promise<LiveSession<M>> {
    if (input?.id !== undefined) return this.#attach(await this.#registration(input, manner), manner)
    for (let attempt = 1; ; attempt++) {
      const registration = await this.#registration(input, manner)
      try {
        return await this.#begin(registration, manner, (current) =>
          decideCreate(current, registration.initial(), this.decisions.context()),
        )
      } catch (error) {
        if (!(error instanceof StreamExistsError) || attempt === MINT_ATTEMPTS) throw error
      }
    }
  }

  async #registration(
    input: StreamInput<M>,
    { heartbeatMs = 0, call }: AttachManner,
  ): Promise<Registration<M>> {
    const registration = await this.decisions.registration(input, input?.id === undefined, call)
    if (heartbeatMs <= registration.command.ttlMs / 3) return registration
    const message = 'must be at most a third of ttlMs'
    throw new ValidationError([{ path: ['heartbeatMs'], message }])
  }

  async #attach(registration: Registration<M>, manner: AttachManner): Promise<LiveSession<M>> {
    const { id } = registration.command
    const takeover = manner.ifHeld === 'takeover'
    const decide = (current: Stream<M> | undefined): Decision<M> => {
      if (!takeover && current !== undefined && this.#sessions.has(id))
        throw new StreamExistsError(id, current.owner)
      return decideAttach(current, { ...registration, takeover }, this.decisions.context())
    }
    let watch: ReleaseWatch | undefined
    try {
      for (;;) {
        try {
          return await this.#begin(registration, manner, decide)
        } catch (error) {
          if (manner.ifHeld !== 'wait' || !isWorthWaiting(error)) throw error
          watch ??= new ReleaseWatch(this.store, id)
          await watch.next(manner.call, this.#waits)
        }
      }
    } finally {
      watch?.close()
    }
  }

  /** One attach after the other: the later one must see the session of the one before. */
  async #begin(
    { command: { id } }: Registration<M>,
    manner: AttachManner,
    decide: (current: Stream<M> | undefined) => Decision<M>,
  ): Promise<LiveSession<M>> {
    const begun = this.#beginAfter(this.#attaching.get(id), id, manner, decide)
    this.#attaching.set(id, begun)
    const session = await begun.finally(() => {
      if (this.#attaching.get(id) === begun) this.#attaching.delete(id)
    })
    if (!this.#isClosed) return session
    await session.close().catch(() => {})
    throw new RegistryClosedError()
  }

  async #beginAfter(
    before: Promise<unknown> = Promise.resolve(),
    id: string,
    manner: AttachManner,
    decide: (current: Stream<M> | undefined) => Decision<M>,
  ): Promise<LiveSession<M>> {
    const call = manner.attempt()
    await within(
      before.catch(() => {}),
      call,
    )
    const held = await this.commands.hold(id, decide, call, { expected: 'absent' })
    const session = new LiveSession(this, held, manner)
    // One of this registry that was taken over learns it now.
    this.#sessions.get(id)?.lose(new StaleOwnerError(id, this.#instanceId))
    this.#sessions.set(id, session)
    return session
  }

  /** Its lease is not renewed any more. */
  rest(session: LiveSession<M>): void {
    this.heartbeats.remove(session)
  }

  leave(session: LiveSession<M>): void {
    this.heartbeats.remove(session)
    if (this.#sessions.get(session.id) === session) this.#sessions.delete(session.id)
  }

  /** Ends all sessions in order, those too that are just being made. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const breakOff of this.#waits) breakOff(new RegistryClosedError())
    await Promise.allSettled([...this.#attaching.values()])
    const closing = [...this.#sessions.values()].map((session) => session.close())
    for (const { status, reason } of (await Promise.allSettled(closing)) as PromiseRejectedResult[])
      if (status === 'rejected') this.warn(`a session was not closed in order: ${String(reason)}`)
  }
}

/** Whether who waits for a stream goes on waiting: it is held, or the registry is out of reach for a while. */
function isWorthWaiting(error: unknown): boolean {
  return error instanceof StreamExistsError || (isRegistryError(error) && error.retryable)
}
