import { decideAttach, decideRestore } from '../../core/commands/create.js'
import type { Decision } from '../../core/commands/decision.js'
import {
  isRegistryError,
  StaleOwnerError,
  StreamExistsError,
  StreamNotFoundError,
} from '../../core/errors.js'
import type { Stream, StreamInput } from '../../core/model/stream.js'
import type { Call, Store } from '../../core/store.js'
import type { CallOptions } from '../call.js'
import type { CommandRunner, Held } from '../command-runner.js'
import type { Decisions, Registration } from '../decisions.js'
import { decodeLive } from '../decode.js'
import { type Fate, fatesOf } from './fates.js'
import { Heartbeats } from './heartbeats.js'
import { LiveSession, type SessionManner } from './live-session.js'
import { ReleaseWatch } from './release-watch.js'

/** How many streams are restored at once. */
const RESTORE_WIDTH = 50
/** How long it may take to find out what became of streams, milliseconds. */
const SETTLE_TIMEOUT_MS = 10_000

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

/** All sessions of a registry. */
export class SessionHost<M> {
  readonly store: Store
  readonly commands: CommandRunner<M>
  readonly decisions: Decisions<M>
  readonly heartbeats: Heartbeats
  readonly start: (options: CallOptions) => Call
  readonly warn: (message: string) => void
  readonly #instanceId: string
  readonly #sessions = new Map<string, LiveSession<M>>()
  readonly #unsettled = new Map<'missing' | 'stale', Set<LiveSession<M>>>()
  #settling: Promise<void> | undefined

  constructor({ store, commands, decisions, instanceId, start, warn }: SessionHostOptions<M>) {
    this.store = store
    this.commands = commands
    this.decisions = decisions
    this.heartbeats = new Heartbeats(store)
    this.start = start
    this.warn = warn
    this.#instanceId = instanceId
  }

  /** @throws StreamExistsError when it is held, by whomever, and not to be taken over. */
  async attach(
    input: StreamInput<M>,
    ifHeld: 'reject' | 'takeover' | 'wait',
    manner: SessionManner,
    call: Call,
    attempt: () => Call,
  ): Promise<LiveSession<M>> {
    const registration = await this.decisions.registration(input, input?.id === undefined, call)
    const { id } = registration.command
    let watch: ReleaseWatch | undefined
    try {
      for (;;) {
        try {
          return this.#begin(await this.#hold(id, registration, ifHeld === 'takeover', attempt()), manner)
        } catch (error) {
          if (ifHeld !== 'wait' || !(error instanceof StreamExistsError)) throw error
          watch ??= new ReleaseWatch(this.store, id)
          await watch.next(call)
        }
      }
    } finally {
      watch?.close()
    }
  }

  #begin(held: Held<M>, manner: SessionManner): LiveSession<M> {
    const { id } = held.stream
    const session = new LiveSession(this, held, manner)
    // One of this registry that was taken over learns it now.
    this.#sessions.get(id)?.lose(new StaleOwnerError(id, this.#instanceId))
    this.#sessions.set(id, session)
    return session
  }

  async #hold(id: string, registration: Registration<M>, takeover: boolean, call: Call): Promise<Held<M>> {
    const decide = (current: Stream<M> | undefined): Decision<M> => {
      if (!takeover && current !== undefined && this.#sessions.has(id))
        throw new StreamExistsError(id, current.owner)
      return decideAttach(current, { ...registration, takeover }, this.decisions.context())
    }
    return this.commands.hold(id, decide, call, { expected: 'absent' })
  }

  leave(session: LiveSession<M>): void {
    this.heartbeats.remove(session)
    if (this.#sessions.get(session.id) === session) this.#sessions.delete(session.id)
  }

  /** Ends all sessions in order. */
  async close(): Promise<void> {
    const closing = [...this.#sessions.values()].map((session) => session.close())
    for (const { status, reason } of (await Promise.allSettled(closing)) as PromiseRejectedResult[])
      if (status === 'rejected') this.warn(`a session was not closed in order: ${String(reason)}`)
  }

  /** Finds out what became of a session's stream, together with those of others that were heard of in this moment. */
  settle(session: LiveSession<M>, answer: 'missing' | 'stale'): void {
    const sessions = this.#unsettled.get(answer) ?? new Set()
    this.#unsettled.set(answer, sessions.add(session))
    this.#settling ??= Promise.resolve()
      .then(() => this.#settleAll())
      .finally(() => {
        this.#settling = undefined
      })
  }

  async #settleAll(): Promise<void> {
    while (this.#unsettled.size > 0) {
      const groups = [...this.#unsettled]
      this.#unsettled.clear()
      const call: Call = { deadline: performance.now() + SETTLE_TIMEOUT_MS, isBackground: true }
      for (const [answer, sessions] of groups) {
        // What cannot be settled now is heard of again with the next beat.
        await this.settleNow([...sessions], answer, call).catch(() => {})
      }
    }
  }

  /** Restores, or gives up, what is not held as it was. @throws when the store cannot say */
  async settleNow(
    sessions: readonly LiveSession<M>[],
    answer: 'missing' | 'stale',
    call: Call,
  ): Promise<void> {
    const open = sessions.filter(({ isOver }) => !isOver)
    if (answer === 'stale') {
      for (const session of open) await this.#checkHolder(session, call)
      return
    }
    const byPartition = new Map<number, LiveSession<M>[]>()
    for (const session of open) {
      const partition = this.store.partitionOf(session.id)
      byPartition.set(partition, [...(byPartition.get(partition) ?? []), session])
    }
    for (const [partition, missing] of byPartition) {
      const fates = await fatesOf(this.store, partition, missing, call)
      for (let i = 0; i < missing.length; i += RESTORE_WIDTH) {
        const some = missing.slice(i, i + RESTORE_WIDTH)
        await Promise.all(some.map((session) => this.#meet(session, fates.get(session.id), call)))
      }
    }
  }

  async #meet(session: LiveSession<M>, fate: Fate | undefined, call: Call): Promise<void> {
    if (session.isOver) return
    if (fate === 'taken') session.lose(new StaleOwnerError(session.id))
    else if (fate === 'lost') await this.#restore(session, call)
    else session.lose(new StreamNotFoundError(session.id))
  }

  async #restore(session: LiveSession<M>, call: Call): Promise<void> {
    const known = session.toRestore()
    const decide = (current: Stream<M> | undefined): Decision<M> =>
      decideRestore(current, known, this.decisions.context())
    try {
      session.regain(await this.commands.hold(session.id, decide, call, { expected: 'absent' }))
    } catch (error) {
      if (!isRegistryError(error) || error.code !== 'STALE_OWNER') throw error
      await this.#checkHolder(session, call)
    }
  }

  /** Another holds the stream; or this session itself, by a restoration of which no answer came. */
  async #checkHolder(session: LiveSession<M>, call: Call): Promise<void> {
    const [found] = await this.store.read([session.id], call)
    if (found?.kind !== 'live') return
    const { rec } = found
    if (rec.fence === session.fence) return
    const stream = decodeLive<M>(session.id, rec)
    if (session.isOwnRestoration(stream)) session.regain({ stream, fence: rec.fence })
    else session.lose(new StaleOwnerError(session.id, stream.owner))
  }
}
