/** Where a store in memory takes its time from. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /**
   * Calls back once, this many milliseconds from now, unless the answer is called before. Keeps no process alive.
   * Default: by the system's time.
   */
  schedule?(ms: number, callback: () => void): () => void
}

/** The system's time. */
export const systemClock: Clock = { now: () => Date.now() }
