/** A task that runs again and again. */
export interface Repeating {
  /** No further run begins; resolves when the one under way has ended. */
  stop(): Promise<void>
}

/** Runs a task once per interval, never beside itself: while one run takes longer, the next ones are left out. */
export function every(
  intervalMs: number,
  task: () => Promise<void> | void,
  onError: (error: unknown) => void,
): Repeating {
  let running: Promise<void> | undefined
  const run = async (): Promise<void> => {
    try {
      await task()
    } catch (error) {
      onError(error)
    } finally {
      running = undefined
    }
  }
  const timer = setInterval(() => {
    running ??= run()
  }, intervalMs)
  return {
    stop: async () => {
      clearInterval(timer)
      await running
    },
  }
}
