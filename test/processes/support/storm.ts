import { setTimeout as sleep } from 'node:timers/promises'
import { inLanes, type TaskContext } from './task.ts'

/** Creates streams and changes them until the process ends; a change of status renews the lease, too. */
export async function storm(
  { registry, stop }: TaskContext,
  { prefix, ttlMs, lanes }: { readonly prefix: string; readonly ttlMs: number; readonly lanes: number },
): Promise<number> {
  let count = 0
  await inLanes(lanes, async () => {
    count += 1
    const id = `${prefix}-${count}`
    await registry.create({ id, type: 'srt', sourceAddr: '192.0.2.1:9000', ttlMs, tags: ['storm'] })
    await registry.update(id, { name: `camera ${count}`, tags: ['storm', 'named'], metadata: { count } })
    await registry.updateStatus(id, 'active')
    await registry.updateStats(id, { bytesReceived: count })
    return !stop.aborted
  })
  return count
}

/** Holds streams: keeps them alive and changes them all the time. Answers how many rounds it made, and what it lost. */
export async function tend(
  { registry, stop }: TaskContext,
  {
    ids,
    ttlMs,
    pauseMs,
  }: { readonly ids: readonly string[]; readonly ttlMs: number; readonly pauseMs: number },
): Promise<{ rounds: number; missing: string[] }> {
  const missing: string[] = []
  let rounds = 0
  await Promise.all(
    ids.map((id) => registry.create({ id, type: 'srt', sourceAddr: '192.0.2.1:9000', ttlMs })),
  )
  while (!stop.aborted) {
    rounds += 1
    const status = rounds % 2 === 0 ? 'active' : 'paused'
    missing.push(...(await registry.heartbeatMany(ids)).missing)
    await Promise.all(ids.map((id) => registry.updateStatus(id, rounds === 1 ? 'active' : status)))
    await Promise.all(ids.map((id) => registry.update(id, { tags: [`round-${rounds % 3}`] })))
    await sleep(pauseMs)
  }
  return { rounds, missing }
}
