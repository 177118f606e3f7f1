import type { Call, Ring, StatisticsListener } from '../core/store.js'
import type { ClientSource, RedisClient } from './client.js'
import { isCluster } from './client.js'
import { keepConnected } from './keep-connected.js'
import type { BellChannels } from './keys.js'
import { letProcessEnd } from './let-process-end.js'

/** How often the logs' ends are looked at, in case a bell was lost, milliseconds. */
const POLL_MS = 1_000
const POLL_TIMEOUT_MS = 5_000

/** What is used of a client that listens to a channel. */
interface Listener {
  readonly status: string
  subscribe(...channels: string[]): Promise<unknown>
  unsubscribe(...channels: string[]): Promise<unknown>
  on(event: string, listener: (...args: never[]) => void): unknown
  off(event: string, listener: (...args: never[]) => void): unknown
  connect(): Promise<unknown>
  disconnect(): void
  duplicate(options: object): Listener
}

/** The client that listens, and to what. */
interface Heard {
  readonly client: Listener
  readonly channels: BellChannels
}

/** What the bells are made of. */
export interface BellsOptions {
  readonly clients: ClientSource
  readonly channels: (client: RedisClient) => BellChannels
  /** The last ids of all logs. */
  readonly ends: (call: Call) => Promise<readonly string[]>
}

/**
 * Tells whoever listens that a log has grown, or that streams reported statistics: one connection for all of them,
 * open while there is any.
 *
 * A bell may be lost, with its connection or on its way through a cluster; so the ends of the logs are looked at once
 * a second besides.
 */
export class Bells {
  readonly #options: BellsOptions
  readonly #rings = new Set<Ring>()
  readonly #statistics = new Set<StatisticsListener>()
  readonly #leads = new Set<(name: string) => void>()
  readonly #ends = new Map<number, string>()
  #hearsStatistics = false
  #stop: (() => void) | undefined
  #listener: Promise<Heard | undefined> | undefined

  constructor(options: BellsOptions) {
    this.#options = options
  }

  onLog(ring: Ring): () => void {
    this.#rings.add(ring)
    this.#stop ??= this.#start()
    return () => this.#leave(() => this.#rings.delete(ring))
  }

  onStatistics(listener: StatisticsListener): () => void {
    const isStarting = this.#stop === undefined
    this.#stop ??= this.#start()
    this.#statistics.add(listener)
    if (this.#hearsStatistics) listener(undefined)
    else if (!isStarting && this.#statistics.size === 1) void this.#hearStatistics()
    return () => this.#leave(() => this.#statistics.delete(listener))
  }

  onLeadReleased(listener: (name: string) => void): () => void {
    this.#stop ??= this.#start()
    this.#leads.add(listener)
    return () => this.#leave(() => this.#leads.delete(listener))
  }

  close(): void {
    this.#stop?.()
    this.#stop = undefined
    this.#listener = undefined
    this.#hearsStatistics = false
    this.#rings.clear()
    this.#statistics.clear()
    this.#leads.clear()
    this.#ends.clear()
  }

  #leave(forget: () => boolean): void {
    if (forget() && this.#rings.size + this.#statistics.size + this.#leads.size === 0) this.close()
  }

  #start(): () => void {
    let isOpen = true
    let hangUp: (() => void) | undefined
    this.#listener = this.#connect((close) => {
      if (isOpen) hangUp = close
      else close()
    }).catch(() => undefined) // Without a bell, the logs are looked at once a second.
    const timer = setInterval(() => void this.#poll(), POLL_MS)
    timer.unref()
    return () => {
      isOpen = false
      clearInterval(timer)
      hangUp?.()
    }
  }

  async #connect(opened: (close: () => void) => void): Promise<Heard | undefined> {
    const [client] = await this.#options.clients.clients()
    if (client === undefined) return undefined
    const channels = this.#options.channels(client)
    const listener = isCluster(client) ? asListener(client) : duplicate(client)
    const leave = isCluster(client) ? share(client, channels) : keepConnected(listener)
    const onMessage = (channel: string, message: string): void => this.#hear(channels, channel, message)
    const heard = { client: listener, channels }
    const onReady = (): void => void this.#subscribe(heard)
    listener.on('message', onMessage)
    listener.on('ready', onReady)
    opened(() => {
      listener.off('message', onMessage)
      listener.off('ready', onReady)
      leave()
    })
    // Otherwise it will tell.
    if (listener.status === 'ready') onReady()
    return heard
  }

  /** Anew with each connection. What was rung before it stood is looked up. */
  async #subscribe({ client, channels }: Heard): Promise<void> {
    const always = [channels.log, channels.leads]
    const wantsStatistics = this.#statistics.size > 0
    this.#hearsStatistics = false
    try {
      await client.subscribe(...(wantsStatistics ? [...always, channels.statistics] : always))
      this.#hearsStatistics = wantsStatistics
      if (wantsStatistics) this.#tellStatistics(undefined)
      await this.#poll()
    } catch {
      // The logs are looked at once a second.
    }
  }

  async #hearStatistics(): Promise<void> {
    const heard = await this.#listener
    if (heard !== undefined) await this.#subscribe(heard)
  }

  #hear(channels: BellChannels, channel: string, message: string): void {
    if (channel === channels.log) {
      const [partition = '', last = ''] = message.split(' ')
      this.#ring(Number(partition), last)
    } else if (channel === channels.statistics) {
      this.#tellStatistics(message.split(' '))
    } else if (channel === channels.leads) {
      for (const listener of this.#leads) listener(message)
    }
  }

  #tellStatistics(ids: readonly string[] | undefined): void {
    for (const listener of this.#statistics) listener(ids)
  }

  async #poll(): Promise<void> {
    try {
      const ends = await this.#options.ends({
        deadline: performance.now() + POLL_TIMEOUT_MS,
        isBackground: true,
      })
      for (const [partition, last] of ends.entries()) this.#ring(partition, last)
    } catch {
      // Redis is away: the next poll, or the bell, tells when it is back.
    }
  }

  #ring(partition: number, last: string): void {
    if (this.#ends.get(partition) === last) return
    this.#ends.set(partition, last)
    for (const ring of this.#rings) ring(partition, last)
  }
}

const sharers = new WeakMap<object, Map<string, number>>()

/** Registries on one cluster's client share its connection: the last one to leave a channel unsubscribes. */
function share(client: RedisClient, { log, statistics, leads }: BellChannels): () => void {
  const counts = sharers.get(client) ?? new Map<string, number>()
  sharers.set(client, counts)
  counts.set(log, (counts.get(log) ?? 0) + 1)
  return () => {
    const left = (counts.get(log) ?? 1) - 1
    counts.set(log, left)
    if (left === 0)
      asListener(client)
        .unsubscribe(log, statistics, leads)
        .catch(() => {})
  }
}

/** What every client of the driver can do besides; `RedisClient` asks hosts only for what the store needs. */
function asListener(client: object): Listener {
  return client as Listener
}

/** A connection of its own, as a client that listens can do nothing else. A cluster's client has one for that. */
function duplicate(client: RedisClient): Listener {
  const own = asListener(client).duplicate({
    lazyConnect: false,
    maxRetriesPerRequest: null,
    enableOfflineQueue: true,
    // The driver's own would reject where nobody can catch it.
    autoResubscribe: false,
    // A quiet log is no dead connection.
    socketTimeout: undefined,
    commandTimeout: undefined,
  })
  own.on('error', () => {})
  letProcessEnd(own)
  return own
}
