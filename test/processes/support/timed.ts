import type { Registry } from '@mirror/stream-registry'
import { codeOf, inLanes, type TaskContext } from './task.ts'

/** How a call with a time limit ended: `ok` or the error's code. */
export interface Timed {
  readonly call: string
  readonly outcome: string
  readonly tookMs: number
}

/** An update, numbered in `metadata.n`. */
export interface TimedUpdate {
  readonly n: number
  readonly outcome: string
  /** The wall clock by which it had to be applied, no earlier than its deadline. */
  readonly latest: number
}

/** Every kind of write. */
const WRITES = {
  create: (registry, id, options) => registry.create(input(`${id}-created`), options),
  mint: (registry, _, options) => registry.create({ type: 'srt', sourceAddr: 'minted:1' }, options),
  register: (registry, id, options) => registry.register(input(id, 'registered'), options),
  update: (registry, id, options) => registry.update(id, { name: 'updated' }, options),
  updateWith: (registry, id, options) =>
    registry.update(id, ({ tags }) => ({ tags: [...tags, 'late'] }), options),
  updateStatus: (registry, id, options) => registry.updateStatus(id, 'error', options),
  updateState: (registry, id, options) => registry.updateState(id, { health: 'unhealthy' }, options),
  updateStats: (registry, id, options) => registry.updateStats(id, { bytesReceived: 99 }, options),
  heartbeat: (registry, id, options) => registry.heartbeat(id, options),
  heartbeatMany: (registry, id, options) => registry.heartbeatMany([id], options),
  extendTtl: (registry, id, options) => registry.extendTtl(id, 70_000, options),
  unregister: (registry, id, options) => registry.unregister(id, options),
  delete: (registry, id, options) => registry.delete(id, options),
} satisfies Record<
  string,
  (registry: Registry, id: string, options: { readonly timeoutMs: number }) => Promise<unknown>
>

function input(id: string, name = 'first'): Parameters<Registry['create']>[0] {
  return { id, name, type: 'srt', sourceAddr: '192.0.2.1:9000', ttlMs: 60_000 }
}

/**
 * With `prepare`: creates a stream for each kind of write, named after it. Without: does them all at once, each on its
 * own stream.
 */
export async function everyWrite(
  { registry, library }: TaskContext,
  {
    prefix,
    timeoutMs,
    prepare = false,
  }: { readonly prefix: string; readonly timeoutMs: number; readonly prepare?: boolean },
): Promise<Timed[]> {
  const attempts = Object.entries(WRITES).map(async ([call, write]): Promise<Timed> => {
    const sent = performance.now()
    const id = `${prefix}-${call}`
    const work = prepare ? registry.create(input(id)) : write(registry, id, { timeoutMs })
    const outcome = await work.then(
      () => 'ok',
      (error: unknown) => codeOf(error, library),
    )
    return { call, outcome, tookMs: performance.now() - sent }
  })
  return Promise.all(attempts)
}

/** Numbered updates until told to stop, each lane on a stream of its own. */
export async function timedUpdates(
  { registry, library, stop }: TaskContext,
  { ids, timeoutMs }: { readonly ids: readonly string[]; readonly timeoutMs: number },
): Promise<TimedUpdate[]> {
  const updates: TimedUpdate[] = []
  let n = 0
  const free = [...ids]
  await inLanes(ids.length, async () => {
    const id = free.pop() ?? ''
    n += 1
    const number = n
    const update = registry.update(id, { metadata: { n: number } }, { timeoutMs })
    // The deadline was set above, before the call returned; a millisecond for rounding.
    const latest = Date.now() + timeoutMs + 1
    const outcome = await update.then(
      () => 'ok',
      (error: unknown) => codeOf(error, library),
    )
    updates.push({ n: number, outcome, latest })
    free.push(id)
    return !stop.aborted
  })
  return updates
}

/** Stops this very process between the decision and the commit of an update; somebody else must wake it. */
export async function freezeWithin(
  { registry, library }: TaskContext,
  { id, timeoutMs }: { readonly id: string; readonly timeoutMs: number },
): Promise<{ outcome: string; frozenMs: number }> {
  let frozenMs = 0
  const update = registry.update(
    id,
    () => {
      const before = performance.now()
      process.kill(process.pid, 'SIGSTOP')
      frozenMs = performance.now() - before
      return { name: 'too late' }
    },
    { timeoutMs },
  )
  const outcome = await update.then(
    () => 'ok',
    (error: unknown) => codeOf(error, library),
  )
  return { outcome, frozenMs }
}
