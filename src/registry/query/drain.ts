import type { QueryPlan, WalkPlan } from '../../core/query/plan.js'
import type { Call, Match, Slice, Store, Walk } from '../../core/store.js'
import { handled, Turns } from './turns.js'

/** What a drain reads. */
export interface DrainOptions {
  readonly read: Walk['read']
  readonly batchSize: number
  /** Takes in how many a slice found. */
  readonly takeSlice?: (slice: Slice) => void
  /** Takes in what was found, in no particular order. */
  readonly take?: (match: Match) => void
}

/** Passes everything that a plan's walks find, all of them at once. */
export async function drain(
  store: Store,
  { walks }: QueryPlan,
  { read, batchSize, takeSlice, take }: DrainOptions,
  call: Call,
): Promise<void> {
  const turns = new Turns()
  const limit = read === 'documents' ? batchSize : Number.MAX_SAFE_INTEGER
  let hasFailed = false
  const drainOne = async (partition: number, walk: WalkPlan): Promise<void> => {
    const { branches, descending } = walk
    const fetch = (after: Walk['after']): Promise<Slice> =>
      handled(store.walk(partition, { branches, descending, after, limit, read }, call))
    let ahead: Promise<Slice> | undefined = fetch(undefined)
    // When one walk has failed, all have.
    while (ahead !== undefined && !hasFailed) {
      const slice: Slice = await ahead
      ahead = slice.finished ? undefined : fetch(slice.last)
      // The request must leave before this thread is kept busy.
      if (ahead !== undefined) await new Promise(setImmediate)
      takeSlice?.(slice)
      for (const match of slice.matches) {
        take?.(match)
        if (turns.areOver) await turns.giveWay(call)
      }
    }
  }
  const drained = Array.from({ length: store.partitions }).flatMap((_, partition) =>
    walks.map((walk) => drainOne(partition, walk)),
  )
  try {
    await Promise.all(drained)
  } catch (error) {
    hasFailed = true
    throw error
  }
}
