import { EVENT_TYPES, type EventGap, type StreamEvent, type UnknownEvent } from '../core/events.js'
import type { Call, Store } from '../core/store.js'
import { decodeMatch } from '../registry/decode.js'
import type { Subscription } from '../registry/events/subscription.js'
import type { Registry } from '../registry/registry.js'
import { isBehind } from './log-order.js'
import type { MirrorContent } from './mirror-content.js'

/** How often the registry is asked whether anything was missed, milliseconds. */
const POLL_MS = 1_000
/** After this long without word that nothing was missed, the content counts as stale, milliseconds. */
const STALE_AFTER_MS = 5_000
/** How long one look at the registry may take, milliseconds. */
const LOOK_TIMEOUT_MS = 2_000
/** How long a whole list may take, milliseconds. */
const LIST_TIMEOUT_MS = 60_000
const RETRY_MS = 250
/** How long the start waits until reports of statistics are listened to, milliseconds. */
const LISTEN_TIMEOUT_MS = 1_000
/** Leases that end so soon are looked at along with one that ends now, milliseconds. */
const LOOKAHEAD_MS = 50
/** How many records are read at once. */
const READ_SIZE = 1_000

/** What a follower is made of. */
export interface FollowerOptions<M> {
  readonly registry: Registry<M>
  readonly store: Store
  readonly content: MirrorContent<M>
  readonly statsIntervalMs: number
}

/**
 * Keeps a content in step with a registry: lists, then follows the log; lists anew where the log has a gap.
 *
 * Heartbeats and statistics are not in the log. A lease is looked at when it should end; statistics are read some
 * time after they were reported.
 */
export class Follower<M> {
  readonly #options: FollowerOptions<M>
  readonly #reported = new Set<string>()
  readonly #alarms = new Set<() => void>()
  #subscription: Subscription<M> | undefined
  #stopListening: (() => void) | undefined
  /** One thing after the other: what was read is never older than what was followed before. */
  #last: Promise<unknown> = Promise.resolve()
  #leaseAlarm: { readonly at: number; readonly cancel: () => void } | undefined
  #statisticsAlarm: (() => void) | undefined
  #asOf = 0
  #isAway = true
  #isClosed = false

  constructor(options: FollowerOptions<M>) {
    this.#options = options
  }

  /** Everything that happened until then is in the content. Milliseconds of the registry's time. */
  get asOf(): number {
    return this.#asOf
  }

  get isStale(): boolean {
    return this.#isClosed || this.#isAway || this.#options.store.now() - this.#asOf > STALE_AFTER_MS
  }

  /** Resolves when the content is what the registry holds. */
  async start(call: Call): Promise<void> {
    const { registry } = this.#options
    const timeoutMs = Math.max(1, call.deadline - performance.now())
    const bounds = { timeoutMs, ...(call.signal && { signal: call.signal }) }
    const subscription = await registry.subscribe({ timeoutMs })
    this.#subscription = subscription
    await this.#listen()
    await this.#list(call, bounds)
    for (const type of EVENT_TYPES) subscription.on(type, (event) => this.#take(event))
    subscription.on('unknown', (event) => this.#take(event)).on('gap', (gap) => this.#take(gap))
    this.#poll()
  }

  /** Resolves when everything that the registry holds now is in the content, heartbeats and statistics included. */
  async sync(call: Call): Promise<void> {
    const ends = await this.#options.store.logEnds(call)
    while (!this.#isClosed && isBehind(this.#cursor, ends)) {
      if (performance.now() > call.deadline) break
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await this.#exclusive(() => this.#read([...this.#options.content.table.records.keys()], call))
  }

  close(): void {
    this.#isClosed = true
    this.#stopListening?.()
    this.#leaseAlarm?.cancel()
    for (const cancel of this.#alarms) cancel()
    void this.#subscription?.close()
  }

  get #cursor(): string {
    return this.#subscription?.cursor ?? ''
  }

  /** Resolves when reports of statistics are heard; after a while in any case. */
  #listen(): Promise<void> {
    const { store } = this.#options
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LISTEN_TIMEOUT_MS)
      let isFirst = true
      this.#stopListening = store.onStatistics((ids) => {
        clearTimeout(timer)
        resolve()
        if (ids !== undefined || !isFirst) this.#hear(ids)
        isFirst = false
      })
    })
  }

  /** Reads the streams that reported some time later, so that each is read once. Of all of them, if any was missed. */
  #hear(ids: readonly string[] | undefined): void {
    for (const id of ids ?? this.#options.content.table.records.keys()) this.#reported.add(id)
    this.#statisticsAlarm ??= this.#after(this.#options.statsIntervalMs, () => {
      this.#statisticsAlarm = undefined
      void this.#exclusive(() => this.#readReported())
    })
  }

  async #readReported(): Promise<void> {
    const ids = [...this.#reported]
    this.#reported.clear()
    const { records } = this.#options.content.table
    const known = ids.filter((id) => records.has(id))
    const isDone = await this.#look((call) => this.#read(known, call))
    if (!isDone) this.#hear(ids)
  }

  /** What happens after the subscription's start is in its log, so nothing is missed. */
  async #list(call: Call, bounds: object = { timeoutMs: LIST_TIMEOUT_MS }): Promise<void> {
    const { registry, store, content } = this.#options
    const asOf = store.now()
    const gone = new Set(content.table.records.keys())
    const ids = await registry.query().ids(bounds)
    for (const id of ids) gone.delete(id)
    await this.#read([...ids, ...gone], call)
    this.#asOf = asOf
    this.#isAway = false
    this.#arm()
  }

  /** Reads records anew, and takes them as they are now. The next ones are asked for while these are taken in. */
  async #read(ids: readonly string[], call: Call): Promise<void> {
    const { store, content } = this.#options
    const fetch = (at: number) => {
      const found = at < ids.length ? store.read(ids.slice(at, at + READ_SIZE), call) : undefined
      found?.catch(() => {})
      return found
    }
    let next = fetch(0)
    for (let at = 0; next !== undefined; at += READ_SIZE) {
      const found = await next
      next = fetch(at + READ_SIZE)
      // The request must leave before this thread is kept busy.
      if (next !== undefined) await new Promise(setImmediate)
      for (const [i, each] of found.entries()) {
        const id = ids[at + i] ?? ''
        const stream = each.kind === 'live' ? decodeMatch<M>({ id, rec: each.rec }) : undefined
        if (stream === undefined || each.kind !== 'live') content.remove(id)
        else content.replace(stream, each.rec.token)
      }
    }
    this.#arm()
  }

  #take(item: StreamEvent<M> | UnknownEvent | EventGap): Promise<void> {
    return this.#exclusive(() => {
      if (item.type === 'gap') return this.#listAnew()
      if (item.type === 'unknown') return this.#persist((call) => this.#read([item.streamId], call))
      return this.#follow(item)
    })
  }

  async #follow({ type, streamId, data, cursor, timestamp }: StreamEvent<M>): Promise<void> {
    const { store, content } = this.#options
    const logId = cursor.split('.')[store.partitionOf(streamId)] ?? cursor
    const known = content.table.records.get(streamId)
    this.#asOf = Math.max(this.#asOf, timestamp.getTime())
    // Read after this had happened.
    if (known !== undefined && !isBehind(known.token, [logId])) return
    if (type === 'stream.deleted' || type === 'stream.expired') content.remove(streamId)
    else content.follow(data, logId)
    this.#arm()
  }

  /** Until it is done, the content stays as it was, marked stale. */
  async #listAnew(): Promise<void> {
    this.#isAway = true
    await this.#persist((call) => this.#list(call), LIST_TIMEOUT_MS)
  }

  /** Looks at the first lease to end when it should, unless that is planned already. */
  #arm(): void {
    const { store, content } = this.#options
    const at = content.table.nextDeadline
    if (at === undefined || this.#isClosed) return
    if (this.#leaseAlarm !== undefined && this.#leaseAlarm.at <= at) return
    this.#leaseAlarm?.cancel()
    const cancel = this.#after(Math.max(1, at - store.now()), () => {
      this.#leaseAlarm = undefined
      void this.#exclusive(() => this.#checkLeases())
    })
    this.#leaseAlarm = { at, cancel }
  }

  /** Whoever was renewed stays; a lease that has run out leaves. Nothing leaves while the registry cannot be asked. */
  async #checkLeases(): Promise<void> {
    const { store, content } = this.#options
    const ids = content.table.endingUntil(store.now() + LOOKAHEAD_MS)
    const isDone = await this.#look(async (call) => {
      for (const [i, deadline] of (await store.leases(ids, call)).entries()) {
        const id = ids[i] ?? ''
        if (deadline === undefined) content.remove(id)
        else content.renew(id, deadline)
      }
    })
    if (isDone) this.#arm()
    else this.#after(RETRY_MS, () => void this.#exclusive(() => this.#checkLeases()))
  }

  /** Once a second: whether there is anything that was not followed yet, and whether there is a registry at all. */
  #poll(): void {
    void this.#look(async (call) => {
      const asOf = this.#options.store.now()
      const ends = await this.#options.store.logEnds(call)
      if (!isBehind(this.#cursor, ends)) {
        this.#asOf = Math.max(this.#asOf, asOf)
        this.#isAway = false
      }
    }).finally(() => this.#after(POLL_MS, () => this.#poll()))
  }

  /** Asks the registry something; whether it answered. */
  async #look(work: (call: Call) => Promise<void>, timeoutMs = LOOK_TIMEOUT_MS): Promise<boolean> {
    if (this.#isClosed) return false
    try {
      await work({ deadline: performance.now() + timeoutMs, isBackground: true })
      return true
    } catch {
      this.#isAway = true
      return false
    }
  }

  /** Asks until there is an answer. */
  async #persist(work: (call: Call) => Promise<void>, timeoutMs?: number): Promise<void> {
    while (!this.#isClosed && !(await this.#look(work, timeoutMs)))
      await new Promise<void>((resolve) => this.#after(RETRY_MS, resolve))
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }

  /** Calls back after some of the store's time, unless this is closed or the answer is called. */
  #after(ms: number, callback: () => void): () => void {
    if (this.#isClosed) return () => {}
    const cancel = this.#options.store.schedule(ms, () => {
      this.#alarms.delete(cancel)
      callback()
    })
    this.#alarms.add(cancel)
    return () => {
      this.#alarms.delete(cancel)
      cancel()
    }
  }
}
