/** How far two clocks may drift apart, in milliseconds per millisecond. */
const DRIFT = 0.0002

/**
 * What is known of a server's clock: the difference to this process's monotonic clock lies in an interval that
 * every reply with a TIME narrows. The host's wall clock plays no part.
 */
export class ServerClock {
  #low = Number.NEGATIVE_INFINITY
  #high = Number.POSITIVE_INFINITY
  #at = 0

  /** Takes in a reply: the server read `serverNow` (ms, rounded down) between `sent` and `received`. */
  sample(serverNow: number, sent: number, received: number): void {
    const low = serverNow - received
    const high = serverNow + 1 - sent
    const slack = (received - this.#at) * DRIFT
    const narrowedLow = Math.max(low, this.#low - slack)
    const narrowedHigh = Math.min(high, this.#high + slack)
    // Empty: one of the clocks jumped, or another server answers now. Start anew.
    const jumped = narrowedLow > narrowedHigh
    this.#low = jumped ? low : narrowedLow
    this.#high = jumped ? high : narrowedHigh
    this.#at = received
  }

  /** The best estimate of the server's time, whole milliseconds. */
  now(): number {
    if (this.#low === Number.NEGATIVE_INFINITY) return Date.now()
    return Math.floor(performance.now() + (this.#low + this.#high) / 2)
  }

  /** The latest server time that surely comes no later than `deadline` on the monotonic clock. */
  serverDeadline(deadline: number): number {
    const slack = Math.max(0, deadline - this.#at) * DRIFT
    return Math.floor(deadline + this.#low - slack)
  }
}
