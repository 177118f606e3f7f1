import { setTimeout as sleep } from 'node:timers/promises'
import type { Registry } from '@mirror/stream-registry'

/** The library's exports, however it was loaded. */
export type Library = typeof import('@mirror/stream-registry')

/** What a task works with. */
export interface TaskContext {
  readonly registry: Registry
  readonly library: Library
  /** Aborted when the test wants tasks without an end of their own to finish. */
  readonly stop: AbortSignal
}

/** When several processes begin: a point of the wall clock that they share. */
export interface StartTogether {
  readonly at: number
}

/** Returns at that moment, not merely soon after it: timers of several processes fire some milliseconds apart. */
export async function startTogether({ at }: StartTogether): Promise<void> {
  await sleep(Math.max(0, at - Date.now() - 3))
  while (Date.now() < at);
}

/** The code of a registry error; anything else is named so that no test can take it for one. */
export function codeOf(error: unknown, { isRegistryError }: Library): string {
  return isRegistryError(error) ? error.code : `untyped: ${error}`
}

/** Runs `next` again and again in so many lanes at once, until each lane answers `false`. */
export async function inLanes(lanes: number, next: () => Promise<boolean>): Promise<void> {
  const lane = async (): Promise<void> => {
    while (await next());
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}
