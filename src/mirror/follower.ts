import { TimeoutError, UnavailableError } from '../core/errors.js'
import { EVENT_TYPES, type StreamEvent } from '../core/events.js'
import { compareLogIds } from '../core/log-id.js'
import type { Call, Store } from '../core/store.js'
import { within } from '../registry/bounded.js'
import type { Subscription } from '../registry/events/subscription.js'
import type { Registry } from '../registry/registry.js'
import { Alarms } from './alarms.js'
import type { MirrorContent } from './mirror-content.js'
import { Refresher } from './refresher.js'

/** How often the registry is asked whether anything was missed, milliseconds. */
const POLL_MS = 1_000
const POLL_TIMEOUT_MS = 2_000
/** After this long without word that nothing was missed, the content counts as stale, milliseconds. */
const STALE_AFTER_MS = 5_000
/** How long a whole list may take, milliseconds. */
const LIST_TIMEOUT_MS = 60_000
const RETRY_MS = 250
/** How long the start waits until reports of statistics are listened to, milliseconds. */
const LISTEN_TIMEOUT_MS = 1_000

/** What a follower is made of. */
export interface FollowerOptions<M> {
  readonly registry: Registry<M>
  readonly store: Store
  readonly content: MirrorContent<M>
  readonly statsIntervalMs: number
}

/** Keeps a content in step with a registry: lists, then follows the log; lists anew where the log has a gap. */
export class Follower<M> {
  readonly #options: FollowerOptions<M>
  readonly #alarms: Alarms
  readonly #refresher: Refresher<M>
  /** Until when everything is known, for each partition: milliseconds of the registry's time. */
  readonly #seenUntil: number[]
  #subscription: Subscription<M> | undefined
  #stopListening: (() => void) | undefined
  #isAway = false
  #isListing = true
  #close: (() => void) | undefined
  readonly #closed: Promise<void>

  constructor(options: FollowerOptions<M>) {
    const { store, content, statsIntervalMs } = options
    this.#options = options
    this.#alarms = new Alarms(store)
    this.#seenUntil = new Array<number>(store.partitions).fill(0)
    this.#closed = new Promise((resolve) => {
      this.#close = resolve
    })
    const asked = (hasAnswered: boolean): void => {
      this.#isAway = !hasAnswered
    }
    this.#refresher = new Refresher({ store, content, alarms: this.#alarms, statsIntervalMs, asked })
  }

  /** Everything that happened until then is in the content. Milliseconds of the registry's time. */
  get asOf(): number {
    return Math.min(...this.#seenUntil)
  }

  get isStale(): boolean {
    const isLate = this.#options.store.now() - this.asOf > STALE_AFTER_MS
    return this.#isClosed || this.#isListing || this.#isAway || isLate
  }

  get #isClosed(): boolean {
    return this.#close === undefined
  }

  /** Resolves when the content is what the registry holds. */
  async start(call: Call): Promise<void> {
    const timeoutMs = Math.max(1, call.deadline - performance.now())
    const opening = this.#options.registry.subscribe({ timeoutMs })
    const subscription = await within(opening, call).catch((error: unknown) => {
      void opening.then((late) => late.close()).catch(() => {})
      throw error
    })
    this.#subscription = subscription
    await within(this.#listen(), call)
    await this.#list(call)
    for (const type of EVENT_TYPES) subscription.on(type, (event) => this.#follow(event))
    subscription.on('unknown', ({ streamId }) => this.#refresher.hear([streamId]))
    subscription.on('gap', () => this.#listAnew())
    void this.#poll()
  }

  /**
   * Resolves when everything that the registry holds now is in the content, heartbeats and statistics included.
   *
   * @throws TIMEOUT, the signal's reason, or UNAVAILABLE when this is closed
   */
  async sync(call: Call): Promise<void> {
    const before = this.#positions
    const asOf = this.#options.store.now()
    const ends = await this.#options.store.logEnds(call)
    while (!this.#isClosed && this.#isBehind(ends, before)) {
      if (performance.now() > call.deadline) throw new TimeoutError('the mirror did not catch up in time')
      await within(new Promise((resolve) => setTimeout(resolve, 5)), call)
    }
    if (this.#isClosed) throw new UnavailableError('the mirror is closed')
    await this.#refresher.read([...(await this.#allIds(call))], call)
    for (const [i, time] of this.#seenUntil.entries()) this.#seenUntil[i] = Math.max(time, asOf)
  }

  close(): void {
    this.#close?.()
    this.#close = undefined
    this.#stopListening?.()
    this.#alarms.close()
    void this.#subscription?.close()
  }

  /** How far the log of each partition was followed. */
  get #positions(): readonly string[] {
    return this.#subscription?.cursor.split('.') ?? []
  }

  /** Whether something is not followed yet. A log that ends before where it was followed to, has lost its end. */
  #isBehind(ends: readonly string[], before: readonly string[]): boolean {
    return this.#positions.some((position, i) => {
      const end = ends[i] ?? position
      const wasLost = compareLogIds(before[i] ?? position, end) > 0
      return wasLost ? position === before[i] : compareLogIds(position, end) < 0
    })
  }

  /** Resolves when reports of statistics are heard; after a while in any case. */
  #listen(): Promise<void> {
    return new Promise((resolve) => {
      let isWaitedFor = true
      const goOn = (): void => {
        clearTimeout(timer)
        isWaitedFor = false
        resolve()
      }
      const timer = setTimeout(goOn, LISTEN_TIMEOUT_MS)
      this.#stopListening = this.#options.store.onStatistics((ids) => {
        // What is listed from here on has all that was reported before.
        if (isWaitedFor && ids === undefined) goOn()
        else if (ids === undefined) void this.#missed()
        else this.#refresher.hear(ids)
      })
    })
  }

  /** Reports may have been missed, and leases that were prolonged after they had run out: everything is read. */
  async #missed(): Promise<void> {
    const call: Call = { deadline: performance.now() + LIST_TIMEOUT_MS, isBackground: true }
    const ids = await this.#allIds(call).catch(() => undefined)
    this.#refresher.hear(ids ?? this.#options.content.table.records.keys())
  }

  /** What there is, and what was there as far as is known. */
  async #allIds(call: Call): Promise<Set<string>> {
    const { registry, content } = this.#options
    const timeoutMs = Math.max(1, call.deadline - performance.now())
    const listed = await registry.query().ids({ timeoutMs, ...(call.signal && { signal: call.signal }) })
    return new Set([...listed, ...content.table.records.keys()])
  }

  /** What happens after the subscription's start is in its log, so nothing is missed. */
  async #list(call: Call): Promise<void> {
    const asOf = this.#options.store.now()
    await this.#refresher.read([...(await this.#allIds(call))], call)
    this.#seenUntil.fill(asOf)
    this.#isListing = false
  }

  /** Until it is done, the content stays as it was, marked stale. */
  async #listAnew(): Promise<void> {
    this.#isListing = true
    while (!this.#isClosed) {
      const call: Call = { deadline: performance.now() + LIST_TIMEOUT_MS, isBackground: true }
      const isDone = await this.#list(call).then(
        () => true,
        () => false,
      )
      if (isDone) return
      await Promise.race([
        this.#closed,
        new Promise<void>((resolve) => this.#alarms.after(RETRY_MS, resolve)),
      ])
    }
  }

  #follow({ type, streamId, data, cursor, timestamp }: StreamEvent<M>): void {
    if (this.#isClosed) return
    const { store, content } = this.#options
    const partition = store.partitionOf(streamId)
    const logId = cursor.split('.')[partition] ?? cursor
    const known = content.table.records.get(streamId)
    this.#seenUntil[partition] = Math.max(this.#seenUntil[partition] ?? 0, timestamp.getTime())
    // Read after this had happened.
    if (known !== undefined && compareLogIds(known.token, logId) >= 0) return
    this.#refresher.followed(streamId)
    if (type === 'stream.deleted' || type === 'stream.expired') content.remove(streamId)
    else if (known === undefined && type !== 'stream.created' && type !== 'stream.started') {
      // It was seen to be gone, later than this.
      this.#refresher.hear([streamId])
    } else content.follow(data, logId)
    this.#refresher.arm()
  }

  /** Once a second: whether there is anything that was not followed yet, and whether there is a registry at all. */
  async #poll(): Promise<void> {
    const { store } = this.#options
    const asOf = store.now()
    const call: Call = { deadline: performance.now() + POLL_TIMEOUT_MS, isBackground: true }
    const ends = await store.logEnds(call).catch(() => undefined)
    this.#isAway = ends === undefined
    for (const [i, position] of this.#positions.entries())
      if (position === ends?.[i]) this.#seenUntil[i] = Math.max(this.#seenUntil[i] ?? 0, asOf)
    this.#alarms.after(POLL_MS, () => void this.#poll())
  }
}
