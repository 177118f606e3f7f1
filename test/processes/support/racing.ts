import { codeOf, inLanes, type StartTogether, startTogether, type TaskContext } from './task.ts'

/** Creates all ids in one go. */
export async function createAll(
  { registry, library }: TaskContext,
  { ids, ...when }: StartTogether & { readonly ids: readonly string[] },
): Promise<{ won: string[]; lost: Record<string, string> }> {
  await startTogether(when)
  const won: string[] = []
  const lost: Record<string, string> = {}
  const create = (id: string): Promise<void> =>
    registry.create({ id, type: 'srt', sourceAddr: '192.0.2.1:9000' }).then(
      () => void won.push(id),
      (error: unknown) => {
        lost[id] = codeOf(error, library)
      },
    )
  await Promise.all(ids.map(create))
  return { won, lost }
}

/** Adds one to `metadata.count`, so many times. Answers the revisions that its updates made. */
export async function increment(
  { registry }: TaskContext,
  {
    id,
    times,
    lanes,
    ...when
  }: StartTogether & { readonly id: string; readonly times: number; readonly lanes: number },
): Promise<number[]> {
  await startTogether(when)
  const revisions: number[] = []
  let left = times
  await inLanes(lanes, async () => {
    if (left-- <= 0) return false
    const { revision } = await registry.update(id, ({ metadata }) => ({
      metadata: { count: Number(metadata.count) + 1 },
    }))
    revisions.push(revision)
    return true
  })
  return revisions
}

/** Creates streams without naming them, and deletes every second one at once. Answers their ids. */
export async function mint(
  { registry }: TaskContext,
  { count, lanes, ...when }: StartTogether & { readonly count: number; readonly lanes: number },
): Promise<string[]> {
  await startTogether(when)
  const ids: string[] = []
  let left = count
  await inLanes(lanes, async () => {
    if (left-- <= 0) return false
    const isBrief = left % 2 === 0
    const { id } = await registry.create({ type: 'srt', sourceAddr: '192.0.2.1:9000' })
    ids.push(id)
    if (isBrief) await registry.delete(id)
    return true
  })
  return ids
}
