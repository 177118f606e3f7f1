import { UnavailableError } from '../core/errors.js'
import type { Store } from '../core/store.js'

/** What the work of a term gets. */
interface TermContext {
  readonly token: number
  readonly signal: AbortSignal
}

/** The time in which a candidate leads, and the work that it does in it. */
export class Term {
  readonly token: number
  readonly #store: Store
  readonly #over = new AbortController()
  readonly #work = new Set<Promise<unknown>>()
  #until = 0
  #cancelAlarm = (): void => {}

  constructor(store: Store, token: number) {
    this.#store = store
    this.token = token
  }

  /** When it ends, on the monotonic clock. */
  get until(): number {
    return this.#until
  }

  /** Whether it has not run out, now. */
  get isCurrent(): boolean {
    return this.#store.elapsed() < this.#until
  }

  /** Whether it may be counted on, now: it has not run out, and work has not been told to end. */
  get isLed(): boolean {
    return this.isCurrent && !this.#over.signal.aborted
  }

  /** Whether no work is left. */
  get isIdle(): boolean {
    return this.#work.size === 0
  }

  /** Moves the end, unless it has come: then work was told so. */
  prolong(until: number): void {
    if (this.#until !== 0 && !this.isCurrent) return
    this.#until = until
    this.#cancelAlarm()
    this.#cancelAlarm = this.#store.schedule(Math.max(0, until - this.#store.elapsed()), () => {
      if (this.isCurrent) this.prolong(this.#until)
      else this.#over.abort(new UnavailableError('the lead was not renewed in time'))
    })
  }

  /** Tells all work to end. */
  end(reason: unknown): void {
    this.#cancelAlarm()
    this.#over.abort(reason)
  }

  run<T>(work: (context: TermContext) => T | Promise<T>): Promise<T> {
    const result = Promise.resolve().then(() => work({ token: this.token, signal: this.#over.signal }))
    const settled = result.then(
      () => {},
      () => {},
    )
    this.#work.add(settled)
    void settled.then(() => this.#work.delete(settled))
    return result
  }

  /** Resolves when all work has settled. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work)
  }
}
