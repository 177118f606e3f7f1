import { EventEmitter } from 'eventemitter3'
import { isRegistryError } from '../../core/errors.js'
import type { Call, Store } from '../../core/store.js'
import type { LogReader } from './log-reader.js'
import type { StatisticsFeed } from './statistics-feed.js'
import type {
  Subscription,
  SubscriptionEventName,
  SubscriptionHandler,
  SubscriptionItem,
} from './subscription.js'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000
const READ_TIMEOUT_MS = 5_000

/** What a subscription is made of. */
export interface StoreSubscriptionOptions<M> {
  readonly store: Store
  readonly reader: LogReader<M>
  readonly bufferSize: number
  /** Makes the feed of statistics, where they are asked for. */
  readonly statistics: ((wake: () => void) => StatisticsFeed<M>) | undefined
  readonly signal: AbortSignal | undefined
  readonly warn: (message: string) => void
  readonly onOpen: (subscription: Subscription<M>) => void
  readonly onClose: (subscription: Subscription<M>) => void
}

type Handler = (item: unknown) => unknown
type Result<M> = IteratorResult<SubscriptionItem<M>, undefined>

/** A subscription that reads the log of a store. Nothing is read before somebody asks for it. */
export class StoreSubscription<M> implements Subscription<M> {
  readonly #options: StoreSubscriptionOptions<M>
  readonly #emitter = new EventEmitter<string>()
  readonly #once = new WeakMap<Handler, Handler>()
  readonly #ended = new AbortController()
  readonly #stopRinging: () => void
  readonly #statistics: StatisticsFeed<M> | undefined
  #queue: SubscriptionItem<M>[] = []
  #tookStatistics = false
  #wake: (() => void) | undefined
  #cursor: string
  #inHand: SubscriptionItem<M> | undefined
  #style: 'iterator' | 'handlers' | undefined
  #reading: Promise<unknown> = Promise.resolve()

  constructor(options: StoreSubscriptionOptions<M>) {
    this.#options = options
    this.#cursor = options.reader.cursor
    this.#stopRinging = options.store.onLog((partition, last) => {
      if (options.reader.ring(partition, last)) this.#wakeUp()
    })
    this.#statistics = options.statistics?.(() => this.#wakeUp())
    options.onOpen(this)
    const { signal } = options
    if (signal?.aborted) this.#end()
    else signal?.addEventListener('abort', this.#end)
  }

  get cursor(): string {
    return this.#cursor
  }

  /** Whatever asks for the next item has finished with the one before. */
  next(): Promise<Result<M>> {
    if (this.#style === 'handlers') {
      return Promise.reject(new TypeError('the subscription has handlers: it cannot be iterated, too'))
    }
    this.#style = 'iterator'
    // Several calls at once are answered in their order.
    const result = this.#reading.then(() => this.#next(false))
    this.#reading = result.catch(() => {})
    return result
  }

  async return(): Promise<Result<M>> {
    await this.close()
    return { done: true, value: undefined }
  }

  async close(): Promise<void> {
    this.#end()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  on<N extends SubscriptionEventName>(name: N, handler: SubscriptionHandler<N, M>): this {
    if (this.#style === 'iterator')
      throw new TypeError('the subscription is iterated: it cannot have handlers')
    this.#emitter.on(name, handler)
    if (this.#style === undefined) void this.#pump()
    this.#style = 'handlers'
    return this
  }

  once<N extends SubscriptionEventName>(name: N, handler: SubscriptionHandler<N, M>): this {
    const wrapper: Handler = (item) => {
      this.#emitter.off(name, wrapper)
      return (handler as Handler)(item)
    }
    this.#once.set(handler as Handler, wrapper)
    return this.on(name, wrapper as SubscriptionHandler<N, M>)
  }

  off<N extends SubscriptionEventName>(name: N, handler: SubscriptionHandler<N, M>): this {
    this.#emitter.off(name, handler)
    const wrapper = this.#once.get(handler as Handler)
    if (wrapper !== undefined) this.#emitter.off(name, wrapper)
    return this
  }

  /** Hands the items to the handlers, one after the other. */
  async #pump(): Promise<void> {
    // Handlers that are added in the same turn must not miss the first item.
    await Promise.resolve()
    for (;;) {
      const { done, value } = await this.#next(true)
      if (done || value === undefined) return
      for (const handler of this.#emitter.listeners(value.type)) await this.#call(handler as Handler, value)
    }
  }

  async #call(handler: Handler, item: unknown): Promise<void> {
    try {
      await handler(item)
    } catch (error) {
      const listeners = this.#emitter.listeners('error') as Handler[]
      if (listeners.length === 0 || listeners.includes(handler)) {
        this.#options.warn(`a handler of a subscription failed: ${String(error)}`)
      } else for (const listener of listeners) await this.#call(listener, error)
    }
  }

  async #next(isBackground: boolean): Promise<Result<M>> {
    this.#finish()
    let pauseMs = FIRST_PAUSE_MS
    while (!this.#ended.signal.aborted) {
      const item = this.#queue.shift()
      if (item !== undefined) {
        this.#inHand = item
        return { done: false, value: item }
      }
      try {
        if (this.#takeStatistics()) continue
        if (this.#options.reader.isBehind) await this.#fill()
        else await this.#waitForWake(isBackground)
        pauseMs = FIRST_PAUSE_MS
      } catch (error) {
        if (!this.#outlasts(error)) break
        await this.#pause(pauseMs, isBackground)
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
      }
    }
    return { done: true, value: undefined }
  }

  /** The item in hand is done with: the cursor moves behind it, and behind what nobody wanted. */
  #finish(): void {
    const item = this.#inHand
    this.#inHand = undefined
    if (item !== undefined && 'cursor' in item) this.#cursor = item.cursor
    if (this.#queue.length === 0) this.#cursor = this.#options.reader.cursor
  }

  async #fill(): Promise<void> {
    const call: Call = { deadline: performance.now() + READ_TIMEOUT_MS, signal: this.#ended.signal }
    this.#queue = await this.#options.reader.read(this.#options.bufferSize, call)
    if (this.#queue.length === 0) this.#cursor = this.#options.reader.cursor
  }

  /** One at a time, in turn with what is read of the log: neither keeps the other waiting. */
  #takeStatistics(): boolean {
    const isTurn = !this.#tookStatistics || !this.#options.reader.isBehind
    const event = isTurn ? this.#statistics?.take() : undefined
    this.#tookStatistics = event !== undefined
    if (event !== undefined) this.#queue.push(event)
    return event !== undefined
  }

  /** Whether an error passes by itself: Redis is away for a while. */
  #outlasts(error: unknown): boolean {
    if (this.#ended.signal.aborted) return false
    if (isRegistryError(error) && error.code === 'CLOSED') {
      this.#end()
      return false
    }
    return true
  }

  /** @param isBackground - whether nobody waits for it in particular: then it does not keep the process alive. */
  #waitForWake(isBackground: boolean): Promise<void> {
    return new Promise((resolve) => {
      const keepAlive = isBackground ? undefined : setInterval(() => {}, 60_000)
      this.#wake = () => {
        clearInterval(keepAlive)
        this.#wake = undefined
        resolve()
      }
    })
  }

  #pause(ms: number, isBackground: boolean): Promise<void> {
    const { signal } = this.#ended
    return new Promise((resolve) => {
      const goOn = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', goOn)
        resolve()
      }
      const timer = setTimeout(goOn, ms)
      if (isBackground) timer.unref()
      signal.addEventListener('abort', goOn)
    })
  }

  #wakeUp(): void {
    this.#wake?.()
  }

  readonly #end = (): void => {
    if (this.#ended.signal.aborted) return
    this.#options.signal?.removeEventListener('abort', this.#end)
    this.#stopRinging()
    this.#statistics?.close()
    this.#ended.abort()
    this.#wakeUp()
    this.#options.onClose(this)
  }
}
