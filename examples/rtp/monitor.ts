import type { Registry } from '@mirror/stream-registry'
import { every, type Repeating } from './every.ts'
import { Observer } from './observer.ts'
import { describeStats } from './report.ts'
import type { Screen } from './screen.ts'
import type { IngestListener } from './stream-session.ts'
import { streamTable } from './table.ts'

const LOOK_INTERVAL_MS = 250

/** Shows the registry on a screen: what happens as lines, what is live as a table. */
export class Monitor implements IngestListener {
  readonly observer: Observer
  readonly #screen: Screen
  readonly #startMs = performance.now()
  readonly #looks: Repeating

  constructor(registry: Registry, screen: Screen) {
    this.#screen = screen
    this.observer = new Observer(registry, (message) => this.log(message))
    this.#looks = every(
      LOOK_INTERVAL_MS,
      () => this.#look(),
      (error) => this.log(error instanceof Error ? error.message : String(error)),
    )
  }

  log(message: string): void {
    const seconds = ((performance.now() - this.#startMs) / 1_000).toFixed(1)
    this.#screen.log(`${seconds.padStart(5)} s  ${message}`)
  }

  /** Shows lines as they are, to be copied. */
  print(...lines: readonly string[]): void {
    this.#screen.log(...lines)
  }

  ended: IngestListener['ended'] = (stream, reason) => this.observer.ended(stream, reason)

  /** Takes a last look, and clears the table away. */
  async stop(): Promise<void> {
    await this.#looks.stop()
    await this.#look()
    this.#screen.draw([])
  }

  async #look(): Promise<void> {
    const { streams, stats } = await this.observer.look()
    const lines = [describeStats(stats), ...streamTable(streams, Date.now())]
    this.#screen.draw(['', ...lines.map((line) => `  ${line}`)])
  }
}
