import { decideReclaim, decideRestore } from '../../core/commands/create.js'
import type { Decision } from '../../core/commands/decision.js'
import { isRegistryError, StaleOwnerError, StreamNotFoundError } from '../../core/errors.js'
import type { Stream } from '../../core/model/stream.js'
import type { Call, Store } from '../../core/store.js'
import type { CommandRunner } from '../command-runner.js'
import type { Decisions } from '../decisions.js'
import { decodeLive } from '../decode.js'
import { type Fate, fatesOf, type Missing } from './fates.js'
import type { Heartbeats } from './heartbeats.js'
import type { LiveSession } from './live-session.js'

/** How many streams are restored at once. */
const RESTORE_WIDTH = 50
/** How long it may take to find out what became of streams, milliseconds. */
const SETTLE_TIMEOUT_MS = 10_000
/** What could not be settled is asked for again so soon, milliseconds. */
const RETRY_MS = 1_000

/** What a heartbeat was answered that does not find the stream as it was. */
export type Trouble = 'missing' | 'stale'

/** What recovery is made of. */
export interface RecoveryOptions<M> {
  readonly store: Store
  readonly commands: CommandRunner<M>
  readonly decisions: Decisions<M>
  readonly heartbeats: Heartbeats
}

/** Finds out what became of streams that sessions held: restores them, or lets the sessions know. */
export class Recovery<M> {
  readonly #options: RecoveryOptions<M>
  readonly #unsettled = new Map<Trouble, Set<LiveSession<M>>>()
  #settling: Promise<void> | undefined

  constructor(options: RecoveryOptions<M>) {
    this.#options = options
  }

  /** In the background, together with others that are heard of in this moment. */
  settle(session: LiveSession<M>, trouble: Trouble): void {
    const sessions = this.#unsettled.get(trouble) ?? new Set()
    this.#unsettled.set(trouble, sessions.add(session))
    this.#settling ??= Promise.resolve().then(() => this.#settleAll())
  }

  async #settleAll(): Promise<void> {
    while (this.#unsettled.size > 0) {
      const groups = [...this.#unsettled]
      this.#unsettled.clear()
      const call: Call = { deadline: performance.now() + SETTLE_TIMEOUT_MS, isBackground: true }
      for (const [trouble, sessions] of groups) {
        await this.settleNow([...sessions], trouble, call).catch(() => {
          for (const session of sessions) this.#options.heartbeats.hurry(session, RETRY_MS)
        })
      }
    }
    // In the same turn as the last look: nothing can come in between.
    this.#settling = undefined
  }

  /** @throws when the store cannot say of all of them */
  async settleNow(sessions: readonly LiveSession<M>[], trouble: Trouble, call: Call): Promise<void> {
    const work =
      trouble === 'stale'
        ? sessions.map((session) => () => session.during(() => this.#checkHolder(session, call)))
        : await this.#meetings(sessions, call)
    const failures: unknown[] = []
    for (let i = 0; i < work.length; i += RESTORE_WIDTH) {
      const settled = await Promise.allSettled(work.slice(i, i + RESTORE_WIDTH).map((each) => each()))
      for (const each of settled) if (each.status === 'rejected') failures.push(each.reason)
    }
    if (failures.length > 0) throw failures[0]
  }

  async #meetings(sessions: readonly LiveSession<M>[], call: Call): Promise<(() => Promise<void>)[]> {
    const { store, commands } = this.#options
    const byPartition = new Map<number, Lost<M>[]>()
    for (const session of sessions) {
      const { id, fence, aliveAt } = session
      const partition = store.partitionOf(id)
      const lost = byPartition.get(partition) ?? []
      byPartition.set(partition, lost)
      lost.push({ id, fence, aliveAt, session })
    }
    const meetings: (() => Promise<void>)[] = []
    for (const [partition, lost] of byPartition) {
      const fates = await fatesOf(store, partition, lost, (opId) => commands.isOwn(opId), call)
      for (const { session, fence, id } of lost)
        meetings.push(() => session.during(() => this.#meet(session, fence, fates.get(id), call)))
    }
    return meetings
  }

  /** @param fence - under which the stream was found missing */
  async #meet(session: LiveSession<M>, fence: string, fate: Fate | undefined, call: Call): Promise<void> {
    // Restored meanwhile.
    if (session.fence !== fence || session.isOver) return
    if (fate === 'taken') session.lose(new StaleOwnerError(session.id))
    else if (fate === 'lost') await this.#restore(session, call)
    else session.lose(new StreamNotFoundError(session.id))
  }

  async #restore(session: LiveSession<M>, call: Call): Promise<void> {
    const known = session.toRestore()
    const decide = (current: Stream<M> | undefined): Decision<M> =>
      decideRestore(current, known, this.#options.decisions.context())
    try {
      session.regain(await this.#options.commands.hold(session.id, decide, call, { expected: 'absent' }))
    } catch (error) {
      if (!isRegistryError(error) || error.code !== 'STALE_OWNER') throw error
      await this.#checkHolder(session, call)
    }
  }

  /**
   * Another holds the stream: the session is over. Unless that is the session itself, by a restoration of which no answer
   * came; or one from whom this session had taken the stream before Redis forgot that.
   */
  async #checkHolder(session: LiveSession<M>, call: Call): Promise<void> {
    const [found] = await this.#options.store.read([session.id], call)
    if (found?.kind !== 'live' || session.isOver) return
    const { rec } = found
    if (rec.fence === session.fence) return
    const stream = decodeLive<M>(session.id, rec)
    if (session.isOwnRestoration(stream)) session.regain({ stream, fence: rec.fence })
    else if (session.outranks(stream)) await this.#reclaim(session, call)
    else session.lose(new StaleOwnerError(session.id, stream.owner))
  }

  async #reclaim(session: LiveSession<M>, call: Call): Promise<void> {
    const known = session.toRestore()
    const decide = (current: Stream<M> | undefined): Decision<M> => {
      if (current !== undefined && !session.outranks(current))
        throw new StaleOwnerError(session.id, current.owner)
      return decideReclaim(current, known, this.#options.decisions.context())
    }
    try {
      session.regain(await this.#options.commands.hold(session.id, decide, call, { expected: 'fresh' }))
    } catch (error) {
      if (!isRegistryError(error) || error.code !== 'STALE_OWNER') throw error
      session.lose(error)
    }
  }
}

/** A session as it was when its stream was found missing. */
interface Lost<M> extends Missing {
  readonly session: LiveSession<M>
}
