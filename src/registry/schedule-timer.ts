import { LONGEST_TIMER_MS } from './bounded.js'

/** Calls back once, unless the answer is called before. Keeps no process alive. */
export function scheduleTimer(ms: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout
  const wait = (left: number): void => {
    const isLast = left <= LONGEST_TIMER_MS
    timer = setTimeout(
      isLast ? callback : () => wait(left - LONGEST_TIMER_MS),
      Math.min(left, LONGEST_TIMER_MS),
    )
    timer.unref()
  }
  wait(ms)
  return () => clearTimeout(timer)
}
