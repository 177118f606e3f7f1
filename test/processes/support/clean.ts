import type { CleanupReport } from '@mirror/stream-registry'
import { type StartTogether, startTogether, type TaskContext } from './task.ts'

/** Cleans up once. */
export async function cleanOnce(
  { registry, library }: TaskContext,
  when: StartTogether,
): Promise<CleanupReport> {
  const manager = new library.TTLManager(registry)
  await startTogether(when)
  return manager.runOnce()
}

/** Cleans up in the background until it is told to stop. */
export async function cleanOn({ registry, library, stop }: TaskContext): Promise<void> {
  // So seldom that only the ends of leases can wake it.
  const manager = new library.TTLManager(registry, { cleanupIntervalMs: 600_000 })
  manager.start()
  await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve()))
  await manager.stop()
}
