/** Calls back once, unless the answer is called before. Keeps no process alive. */
export function scheduleTimer(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms)
  timer.unref()
  return () => clearTimeout(timer)
}
