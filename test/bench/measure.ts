/** What one kind of work did: operations a second, one figure for each round. */
export interface Rates {
  readonly name: string
  readonly perSecond: readonly number[]
}

/** Work of a known number of operations. */
export interface Timed {
  readonly name: string
  readonly operations: number
  run(): Promise<void>
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** The value that so large a share of them does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Does all kinds of work in turn, `rounds` times after one to warm up, so that noise hits all of them alike. */
export async function compare(works: readonly Timed[], rounds = 5): Promise<Rates[]> {
  const rates = works.map(({ name }) => ({ name, perSecond: [] as number[] }))
  for (let round = 0; round <= rounds; round++) {
    for (const [i, { operations, run }] of works.entries()) {
      const start = performance.now()
      await run()
      if (round > 0) rates[i]?.perSecond.push((operations * 1_000) / (performance.now() - start))
    }
  }
  return rates
}

/** How the first of the rates relates to the others: the median of the ratios of each round. */
export function ratios([ours, ...others]: readonly Rates[]): Record<string, number> {
  return Object.fromEntries(
    others.map(({ name, perSecond }) => [
      name,
      median(perSecond.map((theirs, round) => (ours?.perSecond[round] ?? Number.NaN) / theirs)),
    ]),
  )
}

/** Runs `work` for 0 … `count` - 1, `width` at a time. */
export async function inFlight(
  width: number,
  count: number,
  work: (i: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let i = next++; i < count; i = next++) await work(i)
    }),
  )
}
