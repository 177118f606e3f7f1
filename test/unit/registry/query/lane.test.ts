import { describe, expect, it } from 'vitest'
import type { WalkPlan } from '../../../../src/core/query/plan.ts'
import { orderOf } from '../../../../src/core/query/sort.ts'
import type { Match, Slice } from '../../../../src/core/store.ts'
import { Lane, Row } from '../../../../src/registry/query/lane.ts'
import { Turns } from '../../../../src/registry/query/turns.ts'

const order = orderOf([{ field: 'metadata.rank', direction: 'asc' }])
const unsorted: WalkPlan = {
  branches: [
    {
      along: { kind: 'number', index: 'statistics.bitrate', range: { min: { value: 1, exclusive: false } } },
      where: [],
      share: 1,
      covered: true,
      size: 100_000,
    },
  ],
  order: 'unsorted',
  descending: false,
}

/** A match whose key is what it is sorted by. */
type Found = Match & { readonly key: number }

const decode = (match: Match): Row<Found> =>
  new Row(match.id, match as Found, ({ id, key }) => ({ id, values: [key] }))

/** Feeds a lane with slices; answers it, and the most rows that it held behind any of them. */
async function fed(slices: readonly (readonly Found[])[], want: number) {
  const lane = new Lane<Found>(0, unsorted, 500, undefined)
  let most = 0
  for (const matches of slices) {
    const slice: Slice = { matches, matched: matches.length, last: undefined, finished: false }
    await lane.take(
      slice,
      { decode, order, want, turns: new Turns() },
      { deadline: performance.now() + 60_000 },
    )
    most = Math.max(most, lane.rows.length)
  }
  return { lane, most }
}

function best(lane: Lane<Found>, count: number): string[] {
  const rows = [...new Map(lane.takeReady('all', order).map((row) => [row.id, row])).values()]
  return rows
    .sort((a, b) => order.compare(a.position, b.position))
    .slice(0, count)
    .map(({ id }) => id)
}

const slicesOf = (rows: readonly Found[], size = 500): Found[][] =>
  Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size))

describe('a lane that is not in order', () => {
  it('keeps what can be among the best, and no more than that', async () => {
    // 7,919 is a prime: every key comes once, in no order.
    const rows = Array.from({ length: 100_000 }, (_, i) => ({ id: `c${i}`, key: (i * 7_919) % 100_000 }))
    const { lane, most } = await fed(slicesOf(rows), 10)
    expect(most).toBeLessThan(2_500)
    const expected = rows.toSorted((a, b) => a.key - b.key).slice(0, 10)
    expect(best(lane, 10)).toEqual(expected.map(({ id }) => id))
  })

  it('keeps all where all are wanted', async () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => ({ id: `c${i}`, key: -i }))
    const { lane } = await fed(slicesOf(rows), Number.POSITIVE_INFINITY)
    expect(lane.rows).toHaveLength(10_000)
  })

  it('is not fooled by one id that comes again and again', async () => {
    const others = Array.from({ length: 5_000 }, (_, i) => ({ id: `c${i}`, key: i + 1 }))
    const rows = others.flatMap((row, i) => [row, { id: 'moving', key: -i }, { id: 'moving', key: -i }])
    const { lane, most } = await fed(slicesOf(rows), 10)
    expect(most).toBeLessThan(2_500)
    expect(best(lane, 10)).toEqual(['moving', ...others.slice(0, 9).map(({ id }) => id)])
  })

  it('knows what comes again where it stands now', async () => {
    const others = Array.from({ length: 2_000 }, (_, i) => ({ id: `c${i}`, key: i + 1 }))
    const rows = [{ id: 'moved', key: 0 }, ...others, { id: 'moved', key: 9_999 }]
    const { lane } = await fed([rows], 10)
    expect(best(lane, 10)).toEqual(others.slice(0, 10).map(({ id }) => id))
  })
})
