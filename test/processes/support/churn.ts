import type { Registry, StreamInput, StreamStatus } from '@mirror/stream-registry'
import { seededRandom } from '../../support/random.ts'
import { codeOf, inLanes, type StartTogether, startTogether, type TaskContext } from './task.ts'

/** How often each outcome was met: `<call> ok` or `<call> <error code>`. */
export type Tally = Record<string, number>

type Pick = <T>(choices: readonly T[]) => T

/** The last is shorter than most streams are left alone. */
const TTLS_MS = [60_000, 60_000, 4]

const CALLS = {
  create: (registry, id, pick) => registry.create(inputOf(id, pick)),
  register: (registry, id, pick) => registry.register(inputOf(id, pick)),
  takeover: (registry, id, pick) => registry.register(inputOf(id, pick), { takeover: true }),
  updateStatus: (registry, id, pick, statuses) => registry.updateStatus(id, pick(statuses)),
  update: (registry, id, pick) => registry.update(id, { metadata: { n: pick([1, 2, 3]) } }),
  updateState: (registry, id, pick) => registry.updateState(id, { health: pick(['healthy', 'degraded']) }),
  updateStats: (registry, id) => registry.updateStats(id, { bytesReceived: 1 }),
  heartbeat: (registry, id) => registry.heartbeat(id),
  extendTtl: (registry, id, pick) => registry.extendTtl(id, pick(TTLS_MS)),
  unregister: (registry, id) => registry.unregister(id),
  delete: (registry, id) => registry.delete(id),
} satisfies Record<
  string,
  (registry: Registry, id: string, pick: Pick, statuses: readonly StreamStatus[]) => Promise<unknown>
>

/** The calls of a churn. */
export const CHURN_CALLS = Object.keys(CALLS) as (keyof typeof CALLS)[]

function inputOf(id: string, pick: Pick): StreamInput {
  return {
    id,
    type: pick(['srt', 'rtmp']),
    sourceAddr: '192.0.2.1:9000',
    status: pick(['pending', 'active']),
    tags: pick([[], ['a'], ['a', 'b']]),
    ttlMs: pick(TTLS_MS),
  }
}

/** Does anything to any of a few ids, for a while. */
export async function churn(
  { registry, library }: TaskContext,
  {
    ids,
    forMs,
    lanes,
    seed,
    ...when
  }: StartTogether & {
    readonly ids: readonly string[]
    readonly forMs: number
    readonly lanes: number
    readonly seed: number
  },
): Promise<Tally> {
  const random = seededRandom(seed)
  const pick: Pick = (choices) => choices[Math.floor(random() * choices.length)] as never
  const tally: Tally = {}
  await startTogether(when)
  const end = performance.now() + forMs
  await inLanes(lanes, async () => {
    const name = pick(CHURN_CALLS)
    const outcome = await CALLS[name](registry, pick(ids), pick, library.STREAM_STATUSES).then(
      () => 'ok',
      (error: unknown) => codeOf(error, library),
    )
    const key = `${name} ${outcome}`
    tally[key] = (tally[key] ?? 0) + 1
    return performance.now() < end
  })
  return tally
}
