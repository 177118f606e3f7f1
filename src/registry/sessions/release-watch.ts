import { isRegistryError, TimeoutError } from '../../core/errors.js'
import type { Call, Store } from '../../core/store.js'
import { bounded, type Waits } from '../bounded.js'

/** The longest wait before it is looked again, milliseconds. */
const LONGEST_WAIT_MS = 1_000
/** The shortest: a log that grows all the time must not make for as many looks, milliseconds. */
const SHORTEST_WAIT_MS = 20

/** How long it may take to look, milliseconds. */
const LOOK_TIMEOUT_MS = 2_000

/** Waits for a stream to become free. */
export class ReleaseWatch {
  readonly #store: Store
  readonly #id: string
  readonly #stopRinging: () => void
  #ring = (): void => {}
  #hasRung = false

  constructor(store: Store, id: string) {
    this.#store = store
    this.#id = id
    const home = store.partitionOf(id)
    this.#stopRinging = store.onLog((partition) => {
      if (partition !== home) return
      this.#hasRung = true
      this.#ring()
    })
  }

  /**
   * Resolves when it may be free: something was logged in its partition, its lease has ended, or a second is over.
   *
   * @throws TIMEOUT, or the signal's reason
   */
  async next(call: Call, waits: Waits): Promise<void> {
    const left = await this.#leftMs(call)
    const cancels: (() => void)[] = []
    const released = new Promise<void>((resolve) => {
      const after = (ms: number): void => void cancels.push(this.#store.schedule(ms, resolve))
      after(Math.min(Math.max(left, SHORTEST_WAIT_MS), LONGEST_WAIT_MS))
      this.#ring = () => {
        this.#ring = () => {}
        after(SHORTEST_WAIT_MS)
      }
      // Since it was asked for last.
      if (this.#hasRung) this.#ring()
      this.#hasRung = false
    })
    const settled = await bounded(released, call, waits)
    for (const cancel of cancels) cancel()
    if (settled.kind === 'aborted') throw settled.reason
    if (settled.kind === 'timeout') throw new TimeoutError('the stream was not released in time')
  }

  /** How long the lease has left; while nobody knows, the longest wait. */
  async #leftMs(call: Call): Promise<number> {
    const look: Call = { ...call, deadline: Math.min(call.deadline, performance.now() + LOOK_TIMEOUT_MS) }
    try {
      const [deadline] = await this.#store.leases([this.#id], look)
      return deadline === undefined ? SHORTEST_WAIT_MS : deadline - this.#store.now() + 1
    } catch (error) {
      if (!isRegistryError(error) || !error.retryable) throw error
      return LONGEST_WAIT_MS
    }
  }

  close(): void {
    this.#stopRinging()
  }
}
