import type { Call } from '../../core/store.js'
import type { Turns } from './turns.js'

/** So many items are sorted, or merged, before others may have the thread. */
const RUN_LENGTH = 2_048

type Compare<T> = (a: T, b: T) => number

/** Sorts, and lets others have the thread in between: a merge sort over runs that are sorted at once. */
export async function sortInTurns<T>(
  items: T[],
  compare: Compare<T>,
  turns: Turns,
  call: Call,
): Promise<T[]> {
  let runs: T[][] = []
  for (let i = 0; i < items.length; i += RUN_LENGTH) {
    runs.push(items.slice(i, i + RUN_LENGTH).sort(compare))
    await turns.giveWay(call)
  }
  while (runs.length > 1) {
    const merged: T[][] = []
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(await merge(runs[i] ?? [], runs[i + 1] ?? [], compare, turns, call))
    }
    runs = merged
  }
  return runs[0] ?? []
}

async function merge<T>(
  a: readonly T[],
  b: readonly T[],
  compare: Compare<T>,
  turns: Turns,
  call: Call,
): Promise<T[]> {
  const merged: T[] = []
  let [i, j] = [0, 0]
  while (i < a.length && j < b.length) {
    const [x, y] = [a[i] as T, b[j] as T]
    if (compare(x, y) <= 0) {
      merged.push(x)
      i += 1
    } else {
      merged.push(y)
      j += 1
    }
    if (merged.length % RUN_LENGTH === 0) await turns.giveWay(call)
  }
  for (; i < a.length; i++) merged.push(a[i] as T)
  for (; j < b.length; j++) merged.push(b[j] as T)
  return merged
}
