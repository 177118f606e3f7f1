import type { StatusReport } from '../../core/commands/report.js'
import type { AnyRegistryError } from '../../core/errors.js'
import type { StreamStatistics } from '../../core/model/statistics.js'
import type { StreamStatus, TerminalStatus } from '../../core/model/status.js'
import type { Metadata, StateReport, Stream } from '../../core/model/stream.js'
import type { CallOptions } from '../call.js'
import type { PatchOf } from '../decisions.js'
import type { UpdateOptions } from '../registry.js'

/** What `attach` does when another instance holds the stream. */
export type IfHeld = 'reject' | 'takeover' | 'wait'

/** Options of `attach`. */
export interface AttachOptions extends CallOptions {
  /**
   * When another instance (or another session of this registry) holds the stream: `reject` with `STREAM_EXISTS`; take
   * it over at once; or wait until its lease lapses or it is given up, for `timeoutMs` if that is named, else as long as
   * it takes. Default `reject`.
   */
  readonly ifHeld?: IfHeld
  /** The same as `ifHeld: 'takeover'`. */
  readonly takeover?: boolean
  /** How often the lease is renewed, milliseconds. Default, and at most: a third of `ttlMs`. */
  readonly heartbeatMs?: number
  /** How long statistics wait for the next heartbeat at most, milliseconds. Default 5,000. */
  readonly statsIntervalMs?: number
}

/** How a session ends. */
export interface CloseOptions extends CallOptions {
  /** What the stream ends as. Default `closed`: ended by its source. */
  readonly status?: TerminalStatus
  /** Whether it leaves the registry at once. `false`: it stays, in `status`, until its lease runs out. */
  readonly unregister?: boolean
}

/** What a session tells its host, and the handlers' arguments. */
export interface SessionEvents<M = Metadata> {
  /** The store had lost the stream, or its lease had lapsed with nobody else in its place: it is back, as it was. */
  restored: (stream: Stream<M>) => void
  /** The stream is not ours any more: the reason of {@link StreamSession.signal}. */
  lost: (reason: AnyRegistryError) => void
}

/**
 * A stream that this process holds, and keeps alive until the session is closed.
 *
 * All sessions of a registry share their heartbeats: one call for each partition and beat, each stream about every
 * third of its time to live. Nothing keeps the process alive: one that ends without closing leaves streams that expire
 * in time.
 *
 * Every change carries the session's fence. Once another instance has taken the stream over, or this one has attached
 * it anew, nothing that this session sends takes effect, also what was on its way already: calls reject with
 * `STALE_OWNER`. When Redis has lost the record, or the lease has lapsed (a long pause of this process, say) and nobody
 * else came, the session registers the stream again by itself, as it was: `createdAt` stays, `epoch` goes up, and
 * `restored` is told. When somebody has ended the stream on purpose (`unregister`, `delete`), it stays ended.
 *
 * @example
 * await using session = await registry.attach({ id: 'cam1', type: 'srt', sourceAddr: '10.0.0.1:9000' })
 * session.signal.addEventListener('abort', () => stopIngest(session.signal.reason))
 * await session.setStatus('active')
 * await session.updateStats({ bytesReceived: 1_316_000 })
 */
export interface StreamSession<M = Metadata> {
  readonly id: string
  /** The stream as this session knows it: what it changed itself, and the statistics that it reported. */
  readonly stream: Stream<M>
  /** Aborted when the stream is not ours any more; the reason is a `RegistryError`. */
  readonly signal: AbortSignal

  /** As `updateStatus` of the registry, at once. @throws `STALE_OWNER`, `STREAM_NOT_FOUND` when it has been ended. */
  setStatus(status: StreamStatus, options?: StatusReport & CallOptions): Promise<Stream<M>>
  /** As `updateState` of the registry, at once. */
  setState(report: StateReport, options?: CallOptions): Promise<Stream<M>>
  /** As `update` of the registry, at once. */
  update(patch: PatchOf<M>, options?: UpdateOptions): Promise<Stream<M>>
  /** As `extendTtl` of the registry, at once; heartbeats keep up. What others set is not seen by this session. */
  extendTtl(ttlMs: number, options?: CallOptions): Promise<Stream<M>>
  /** Sends statistics with the next heartbeat, at most `statsIntervalMs` later; until then newer ones replace them. */
  updateStats(statistics: Partial<StreamStatistics>): Promise<void>
  /** Renews the lease now, and sends what statistics wait. */
  heartbeat(options?: CallOptions): Promise<void>

  /** Calls the handler whenever this happens. */
  on<E extends keyof SessionEvents<M>>(event: E, handler: SessionEvents<M>[E]): this
  off<E extends keyof SessionEvents<M>>(event: E, handler: SessionEvents<M>[E]): this

  /**
   * Ends the stream in order: sends the last statistics, sets the status and unregisters. Heartbeats stop in any case.
   * A stream that is not ours any more is left alone. Calls of a closed session are `STALE_OWNER`. Idempotent.
   */
  close(options?: CloseOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
