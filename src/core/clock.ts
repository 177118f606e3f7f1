/** Where a store in memory takes its time from. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

/** The system's time. */
export const systemClock: Clock = { now: () => Date.now() }
