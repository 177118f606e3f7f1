const LONGEST_PAUSE_MS = 1_000

/** How long to wait before a connection is tried again. Full jitter: many clients that lost one server do not come back as one. */
export function retryPauseMs(attempt: number): number {
  return 10 + Math.random() * Math.min(LONGEST_PAUSE_MS, 50 * 2 ** Math.min(attempt, 10))
}
