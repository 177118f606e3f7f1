import type { QueryPlan, WalkPlan } from '../../core/query/plan.js'
import type { Call, Slice, Store, Walk } from '../../core/store.js'
import { handled, Turns } from './turns.js'

/** What a drain reads. */
export interface DrainOptions {
  readonly read: Walk['read']
  readonly batchSize: number
  /** Takes in what a slice found, in no particular order. */
  readonly take: (slice: Slice) => void
}

/** Passes everything that a plan's walks find, all of them at once. */
export async function drain(
  store: Store,
  { walks }: QueryPlan,
  { read, batchSize, take }: DrainOptions,
  call: Call,
): Promise<void> {
  const turns = new Turns()
  const limit = read === 'documents' ? batchSize : Number.MAX_SAFE_INTEGER
  const drainOne = async (partition: number, walk: WalkPlan): Promise<void> => {
    const fetch = (after: Walk['after']): Promise<Slice> =>
      handled(store.walk(partition, { ...walk, after, limit, read }, call))
    let ahead: Promise<Slice> | undefined = fetch(undefined)
    while (ahead !== undefined) {
      const slice: Slice = await ahead
      ahead = slice.finished ? undefined : fetch(slice.last)
      // The request must leave before this thread is kept busy.
      if (ahead !== undefined) await new Promise(setImmediate)
      take(slice)
      await turns.giveWay(call)
    }
  }
  await Promise.all(
    Array.from({ length: store.partitions }).flatMap((_, partition) =>
      walks.map((walk) => drainOne(partition, walk)),
    ),
  )
}
