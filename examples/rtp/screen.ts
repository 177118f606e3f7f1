/** What is written to: `process.stdout` fits. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

const PLAIN_INTERVAL_MS = 1_000

/**
 * Log lines, and below them a block that shows how things stand now.
 *
 * A terminal has the block redrawn in place. A pipe or a file gets it as plain lines: when it changed, once a second
 * at most.
 */
export class Screen {
  readonly #output: Output
  #block: readonly string[] = []
  #printedBlock = ''
  #printedAtMs = Number.NEGATIVE_INFINITY

  constructor(output: Output) {
    this.#output = output
  }

  /** Adds lines for good. */
  log(...lines: readonly string[]): void {
    this.#write(lines, this.#block)
  }

  /** Takes the registry's warnings: a screen is a `Logger`. */
  warn(message: string): void {
    this.log(`warning: ${message}`)
  }

  /** Replaces the block. */
  draw(block: readonly string[]): void {
    if (this.#output.isTTY) {
      this.#write([], block)
      return
    }
    const text = block.join('\n')
    const nowMs = performance.now()
    if (text === this.#printedBlock || nowMs - this.#printedAtMs < PLAIN_INTERVAL_MS) return
    this.#printedBlock = text
    this.#printedAtMs = nowMs
    this.#write(block, [])
  }

  #write(lines: readonly string[], block: readonly string[]): void {
    const clear = this.#block.length === 0 ? '' : `\x1b[${this.#block.length}A\x1b[0J`
    this.#block = block
    // A line of the block that wraps would take two, and the next redraw would begin in the wrong place.
    const columns = this.#output.columns || Number.POSITIVE_INFINITY
    const fitting = block.map((line) => line.slice(0, columns))
    this.#output.write(clear + [...lines, ...fitting].map((line) => `${line}\n`).join(''))
  }
}
