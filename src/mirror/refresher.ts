import type { Call, Store } from '../core/store.js'
import { decodeMatch } from '../registry/decode.js'
import type { Alarms } from './alarms.js'
import type { MirrorContent } from './mirror-content.js'

/** How long one look at the registry may take, milliseconds. */
const LOOK_TIMEOUT_MS = 2_000
const RETRY_MS = 250
/** Leases that end so soon are looked at along with one that ends now, milliseconds. */
const LOOKAHEAD_MS = 50
/** How many records are read at once. */
const READ_SIZE = 1_000

/** What a refresher is made of. */
export interface RefresherOptions<M> {
  readonly store: Store
  readonly content: MirrorContent<M>
  readonly alarms: Alarms
  readonly statsIntervalMs: number
  /** Told whenever the registry was asked: whether it has answered. */
  readonly asked: (hasAnswered: boolean) => void
}

/**
 * Keeps up what the log does not tell: statistics are read some time after they were reported, a lease is looked at when
 * it should end. Each partition on its own: one that is out of reach keeps no other waiting.
 */
export class Refresher<M> {
  readonly #options: RefresherOptions<M>
  readonly #reported = new Set<string>()
  /** What the log told of while reads were under way: what they bring of it may be older. */
  readonly #flights = new Set<Set<string>>()
  /** The partitions whose leases are being looked at. */
  readonly #looking = new Set<number>()
  #isReading = false
  #leaseAlarm: { readonly at: number; readonly cancel: () => void } | undefined

  constructor(options: RefresherOptions<M>) {
    this.#options = options
  }

  /** Reads streams some time later, so that each is read once in a while. */
  hear(ids: Iterable<string>): void {
    const { alarms, statsIntervalMs } = this.#options
    for (const id of ids) this.#reported.add(id)
    if (this.#isReading || this.#reported.size === 0) return
    this.#isReading = true
    alarms.after(statsIntervalMs, () => {
      this.#isReading = false
      void this.#readReported()
    })
  }

  /** The log told of this stream: what is being read of it may be older. */
  followed(id: string): void {
    for (const flight of this.#flights) flight.add(id)
  }

  async #readReported(): Promise<void> {
    const reported = this.#byPartition(this.#reported)
    this.#reported.clear()
    for (const ids of reported.values()) {
      void this.#look((call) => this.read(ids, call)).then((isDone) => {
        if (!isDone) this.hear(ids)
      })
    }
  }

  /** Reads streams anew, and takes them as they are now. The next ones are asked for while these are taken in. */
  async read(ids: readonly string[], call: Call): Promise<void> {
    let next = this.#fetch(ids, 0, call)
    for (let at = 0; next !== undefined; at += READ_SIZE) {
      const takeIn = await next
      next = this.#fetch(ids, at + READ_SIZE, call)
      // The request must leave before this thread is kept busy.
      if (next !== undefined) await new Promise(setImmediate)
      takeIn()
    }
    this.arm()
  }

  #fetch(all: readonly string[], at: number, call: Call): Promise<() => void> | undefined {
    if (at >= all.length) return undefined
    const { store, content } = this.#options
    const ids = all.slice(at, at + READ_SIZE)
    const flight = new Set<string>()
    this.#flights.add(flight)
    const takeIn = store.read(ids, call).then((found) => () => {
      this.#flights.delete(flight)
      for (const [i, each] of found.entries()) {
        const id = ids[i] ?? ''
        if (flight.has(id)) continue
        const stream = each.kind === 'live' ? decodeMatch<M>({ id, rec: each.rec }) : undefined
        if (stream === undefined || each.kind !== 'live') content.remove(id)
        else content.replace(stream, each.rec.token)
      }
      this.hear(flight)
    })
    takeIn.catch(() => this.#flights.delete(flight))
    return takeIn
  }

  /** Looks at the first lease to end when it should, unless that is planned already. */
  arm(): void {
    const { store, content, alarms } = this.#options
    const deadline = content.table.nextDeadline
    if (deadline === undefined) return
    // The first may be one that cannot be looked at now.
    const soonest = this.#looking.size > 0 ? RETRY_MS : 1
    const at = Math.max(deadline, store.now() + soonest)
    if (this.#leaseAlarm !== undefined && this.#leaseAlarm.at <= at) return
    this.#leaseAlarm?.cancel()
    const cancel = alarms.after(at - store.now(), () => {
      this.#leaseAlarm = undefined
      this.#lookAtLeases()
    })
    this.#leaseAlarm = { at, cancel }
  }

  #lookAtLeases(): void {
    const { store, content } = this.#options
    const ending = this.#byPartition(content.table.endingUntil(store.now() + LOOKAHEAD_MS))
    for (const [partition, ids] of ending) {
      if (this.#looking.has(partition)) continue
      this.#looking.add(partition)
      void this.#look((call) => this.#takeLeases(ids, call)).then((isDone) => {
        const rest = (): void => {
          this.#looking.delete(partition)
          this.arm()
        }
        if (isDone) rest()
        else this.#options.alarms.after(RETRY_MS, rest)
      })
    }
    this.arm()
  }

  /** Whoever was renewed stays; a lease that has run out leaves. Nothing leaves while the registry cannot be asked. */
  async #takeLeases(ids: readonly string[], call: Call): Promise<void> {
    const { store, content } = this.#options
    const { records } = content.table
    const tokens = ids.map((id) => records.get(id)?.token)
    for (const [i, deadline] of (await store.leases(ids, call)).entries()) {
      const id = ids[i] ?? ''
      // What was written meanwhile has a lease that was not asked for.
      if (records.get(id)?.token !== tokens[i]) continue
      if (deadline === undefined) content.remove(id)
      else content.renew(id, deadline)
    }
  }

  /** Asks the registry something; whether it answered. */
  async #look(work: (call: Call) => Promise<void>): Promise<boolean> {
    const hasAnswered = await work({
      deadline: performance.now() + LOOK_TIMEOUT_MS,
      isBackground: true,
    }).then(
      () => true,
      () => false,
    )
    this.#options.asked(hasAnswered)
    return hasAnswered
  }

  #byPartition(ids: Iterable<string>): Map<number, string[]> {
    const groups = new Map<number, string[]>()
    for (const id of ids) {
      const partition = this.#options.store.partitionOf(id)
      const group = groups.get(partition)
      if (group === undefined) groups.set(partition, [id])
      else group.push(id)
    }
    return groups
  }
}
