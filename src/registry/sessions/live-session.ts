import { EventEmitter } from 'eventemitter3'
import { z } from 'zod'
import type { Decision } from '../../core/commands/decision.js'
import type { StatusReport } from '../../core/commands/report.js'
import {
  type AnyRegistryError,
  isRegistryError,
  StaleOwnerError,
  StreamNotFoundError,
} from '../../core/errors.js'
import { statisticsScores } from '../../core/indexes.js'
import type { StreamStatistics } from '../../core/model/statistics.js'
import { isTerminalStatus, type StreamStatus, type TerminalStatus } from '../../core/model/status.js'
import type { StateReport, Stream } from '../../core/model/stream.js'
import { statisticsToJSON } from '../../core/model/wire.js'
import { withoutUndefined } from '../../core/model/without-undefined.js'
import type { Call } from '../../core/store.js'
import { within } from '../bounded.js'
import type { CallOptions } from '../call.js'
import type { Expected, Held } from '../command-runner.js'
import type { Change, PatchOf } from '../decisions.js'
import type { UpdateOptions } from '../registry.js'
import { tellAll } from '../tell-all.js'
import { statistics as statisticsSchema } from '../validation/fields.js'
import { parse } from '../validation/parse.js'
import type { Missing } from './fates.js'
import type { Beat, Beating } from './heartbeats.js'
import type { CloseOptions, SessionEvents, StreamSession } from './session.js'
import type { SessionHost } from './session-host.js'

/** How a session keeps its stream. */
export interface SessionManner {
  readonly heartbeatMs: number | undefined
  readonly statsIntervalMs: number
}

const closeOptions = z.strictObject({
  status: z.enum(['terminated', 'closed']).default('closed'),
  unregister: z.boolean().default(true),
})

type Statistics = Partial<StreamStatistics>

/** A session, and the lease that it keeps. */
export class LiveSession<M> implements StreamSession<M>, Beating, Missing {
  readonly id: string
  readonly #host: SessionHost<M>
  readonly #manner: SessionManner
  readonly #emitter = new EventEmitter<string>()
  readonly #loss = new AbortController()
  #stream: Stream<M>
  #fence: string
  #aliveAt: number
  #waiting: Statistics | undefined
  #underWay: Promise<unknown> = Promise.resolve()
  #mayBeRestored = false
  #closing: Promise<void> | undefined
  #isClosed = false

  constructor(host: SessionHost<M>, { stream, fence }: Held<M>, manner: SessionManner) {
    this.id = stream.id
    this.#host = host
    this.#manner = manner
    this.#stream = stream
    this.#fence = fence
    this.#aliveAt = stream.lastHeartbeat.getTime()
    host.heartbeats.add(this)
  }

  get stream(): Stream<M> {
    return this.#stream
  }

  get signal(): AbortSignal {
    return this.#loss.signal
  }

  get fence(): string {
    return this.#fence
  }

  get aliveAt(): number {
    return this.#aliveAt
  }

  get intervalMs(): number {
    const third = this.#stream.ttlMs / 3
    return Math.min(this.#manner.heartbeatMs ?? third, third)
  }

  async setStatus(
    status: StreamStatus,
    { signal, timeoutMs, ...report }: StatusReport & CallOptions = {},
  ): Promise<Stream<M>> {
    const options = { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) }
    return this.#change(this.#host.decisions.status(status, report), this.#start(options))
  }

  async setState(report: StateReport, options: CallOptions = {}): Promise<Stream<M>> {
    return this.#change(this.#host.decisions.state(report), this.#start(options))
  }

  async update(patch: PatchOf<M>, { ifRevision, ...options }: UpdateOptions = {}): Promise<Stream<M>> {
    const call = this.#start(options)
    const { decide, expected } = this.#host.decisions.update(patch, ifRevision, call)
    return this.#change(decide, call, expected)
  }

  async extendTtl(ttlMs: number, options: CallOptions = {}): Promise<Stream<M>> {
    return this.#change(this.#host.decisions.extendTtl(ttlMs), this.#start(options))
  }

  async updateStats(statistics: Statistics): Promise<void> {
    this.#requireHeld()
    const valid = withoutUndefined(parse(statisticsSchema, statistics))
    this.#waiting = { ...this.#waiting, ...valid }
    this.#stream = { ...this.#stream, statistics: { ...this.#stream.statistics, ...valid } }
    this.#host.heartbeats.hurry(this, Math.min(this.#manner.statsIntervalMs, this.intervalMs))
  }

  async heartbeat(options: CallOptions = {}): Promise<void> {
    const call = this.#start(options)
    const sentAt = this.#host.store.now()
    const { renewal, settle } = this.beat()
    const [answer = 'missing'] = await this.#host.store.renew([renewal], call)
    if (answer === 'alive') settle(answer, sentAt)
    else await this.#host.recovery.settleNow([this], answer, call)
    this.#requireHeld()
  }

  on<E extends keyof SessionEvents<M>>(event: E, handler: SessionEvents<M>[E]): this {
    this.#emitter.on(event, handler)
    return this
  }

  off<E extends keyof SessionEvents<M>>(event: E, handler: SessionEvents<M>[E]): this {
    this.#emitter.off(event, handler)
    return this
  }

  async close({ signal, timeoutMs, ...options }: CloseOptions = {}): Promise<void> {
    const bounds = { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) }
    const manner = parse(closeOptions, options)
    const call = this.#host.start(bounds)
    this.#isClosed = true
    // What could not be ended in order may be tried again.
    this.#closing ??= this.#close(manner, call).catch((error: unknown) => {
      this.#closing = undefined
      throw error
    })
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  beat(): Beat {
    const { id, fence } = this
    // They wait until it is known that they have come: then, unless newer ones have come up.
    const sent = this.#waiting
    const side = sent && { json: JSON.stringify(statisticsToJSON(sent)), scores: statisticsScores(sent) }
    return {
      renewal: { id, fence, ...(side && { side }) },
      settle: (answer, sentAt) => {
        if (answer !== 'alive') this.#host.recovery.settle(this, answer)
        else this.#renewed(sent, sentAt)
      },
    }
  }

  #renewed(sent: Statistics | undefined, sentAt: number): void {
    if (this.#waiting === sent) this.#waiting = undefined
    this.#aliveAt = Math.max(this.#aliveAt, sentAt)
    this.#stream = { ...this.#stream, lastHeartbeat: new Date(this.#aliveAt) }
  }

  /** Does something on the session's behalf: one thing after the other, and before it is closed. */
  during<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#underWay.then(work)
    this.#underWay = done.catch(() => {})
    return done
  }

  /** The stream as it is to be restored. From here on it may have been, whether an answer comes or not. */
  toRestore(): Stream<M> {
    this.#mayBeRestored = true
    return this.#stream
  }

  /** Whether a stream is what came of restoring this session's, although no answer came. */
  isOwnRestoration({ owner, epoch, createdAt }: Stream<M>): boolean {
    const known = this.#stream
    const isNext = owner === known.owner && epoch === known.epoch + 1
    return this.#mayBeRestored && isNext && createdAt.getTime() === known.createdAt.getTime()
  }

  /** Whether another's stream is this one as it was before this session took it. */
  outranks({ epoch, createdAt }: Stream<M>): boolean {
    const known = this.#stream
    return epoch <= known.epoch && createdAt.getTime() === known.createdAt.getTime()
  }

  /** The stream is back, under another fence. */
  regain({ stream, fence }: Held<M>): void {
    this.#fence = fence
    this.#stream = { ...stream, statistics: { ...stream.statistics, ...this.#waiting } }
    this.#aliveAt = stream.lastHeartbeat.getTime()
    this.#mayBeRestored = false
    if (!this.isOver) this.#tell('restored', this.#stream)
  }

  /** The stream is not ours any more. */
  lose(reason: AnyRegistryError): void {
    if (this.signal.aborted) return
    this.#host.leave(this)
    if (this.#isClosed) return
    this.#loss.abort(reason)
    this.#tell('lost', reason)
  }

  get isOver(): boolean {
    return this.#isClosed || this.signal.aborted
  }

  #tell(event: keyof SessionEvents<M>, about: unknown): void {
    tellAll(this.#emitter.listeners(event), about, (error) =>
      this.#host.warn(`a handler of a session failed: ${String(error)}`),
    )
  }

  /** @throws what ended the session */
  #requireHeld(): void {
    this.signal.throwIfAborted()
    if (this.#isClosed) throw new StaleOwnerError(this.id)
  }

  #start(options: CallOptions): Call {
    this.#requireHeld()
    return this.#host.start(options)
  }

  async #change(change: Change<M>, call: Call, expected?: Expected): Promise<Stream<M>> {
    try {
      return await this.#commit(change, call, expected)
    } catch (error) {
      if (!isRegistryError(error)) throw error
      if (error.code === 'STALE_OWNER') await this.#host.recovery.settleNow([this], 'stale', call)
      else if (error.code === 'STREAM_NOT_FOUND') await this.#host.recovery.settleNow([this], 'missing', call)
      else throw error
      this.#requireHeld()
      return this.#commit(change, call, expected)
    }
  }

  async #commit(change: Change<M>, call: Call, expected?: Expected): Promise<Stream<M>> {
    const decide = (current: Stream<M> | undefined): ReturnType<Change<M>> => {
      if (current === undefined) throw new StreamNotFoundError(this.id)
      return change(current)
    }
    const { stream } = await this.#host.commands.hold(this.id, decide, call, {
      fence: this.#fence,
      ...(expected && { expected }),
    })
    // What was reported and is not sent yet is known here only.
    this.#stream = { ...stream, statistics: { ...stream.statistics, ...this.#waiting } }
    this.#host.heartbeats.hurry(this, this.intervalMs)
    return this.#stream
  }

  async #close({ status, unregister }: z.infer<typeof closeOptions>, call: Call): Promise<void> {
    this.#host.rest(this)
    await within(this.#underWay, call)
    if (!this.signal.aborted) await this.#end(status, unregister, call)
    this.#host.leave(this)
  }

  async #end(status: TerminalStatus, unregister: boolean, call: Call): Promise<void> {
    const { decisions, store } = this.#host
    const move = decisions.status(status, {})
    const end: Change<M> = (current) =>
      isTerminalStatus(current.status) ? unchanged(current) : move(current)
    try {
      if (this.#waiting !== undefined) await store.renew([this.beat().renewal], call)
      await this.#commit(unregister ? decisions.unregister(status) : end, call)
    } catch (error) {
      // Somebody else ended it, or holds it: it is not ours to end.
      const isGone = isRegistryError(error) && ['STALE_OWNER', 'STREAM_NOT_FOUND'].includes(error.code)
      if (!isGone) throw error
    }
  }
}

function unchanged<M>(stream: Stream<M>): Decision<M> {
  return { kind: 'none', stream, renew: false }
}
