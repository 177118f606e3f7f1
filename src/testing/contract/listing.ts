import assert from 'node:assert/strict'
import type { Registry } from '../../registry/registry.js'
import type { Chapter } from './driver.js'
import { input, rejectsWith } from './expectations.js'

async function collect(
  registry: Registry,
  limit: number,
  between?: (page: number) => Promise<void>,
): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  for (let page = 1; ; page++) {
    const { streams, nextCursor } = await registry.listPaginated({
      limit,
      ...(cursor !== undefined && { cursor }),
    })
    ids.push(...streams.map(({ id }) => id))
    if (nextCursor === undefined) return ids
    cursor = nextCursor
    await between?.(page)
  }
}

export const listing: Chapter = (test) => {
  test('lists by creation, then by id', async (space) => {
    const registry = space.registry({ batchSize: 7 })
    const ids = Array.from({ length: 40 }, (_, i) => `cam${(i * 17) % 40}`)
    await Promise.all(ids.map((id) => registry.create(input(id))))
    const listed = await registry.list()
    const expected = [...listed].sort(
      (a, b) => Number(a.createdAt) - Number(b.createdAt) || (a.id < b.id ? -1 : 1),
    )
    assert.deepEqual(listed, expected)
    assert.equal(listed.length, 40)
    assert.deepEqual(
      await registry.get('cam3'),
      listed.find(({ id }) => id === 'cam3'),
    )
  })

  test('lists nothing when nothing is there', async (space) => {
    const registry = space.registry()
    assert.deepEqual(await registry.list(), [])
    assert.deepEqual(await registry.listPaginated(), { streams: [] })
  })

  test('pages through everything, each once, in the order of list', async (space) => {
    const registry = space.registry()
    await Promise.all(Array.from({ length: 23 }, (_, i) => registry.create(input(`cam${i}`))))
    const listed = (await registry.list()).map(({ id }) => id)
    for (const limit of [1, 2, 5, 23, 24, 1_000]) assert.deepEqual(await collect(registry, limit), listed)
    assert.equal((await registry.listPaginated({ limit: 23 })).nextCursor, undefined)
  })

  test('pages exactly while streams come and go', async (space) => {
    const registry = space.registry()
    await Promise.all(Array.from({ length: 30 }, (_, i) => registry.create(input(`cam${i}`))))
    const listed = (await registry.list()).map(({ id }) => id)
    const removed = new Set<string>()
    const seen = await collect(registry, 3, async (page) => {
      // The last one given, so that the cursor's own place is gone, and one that is still to come.
      for (const id of [listed[page * 3 - 1], listed[30 - page]]) {
        if (id !== undefined && (await registry.delete(id))) removed.add(id)
      }
      await registry.create(input(`new${page}`))
    })
    assert.equal(new Set(seen).size, seen.length)
    for (const id of listed) if (!removed.has(id)) assert.ok(seen.includes(id), id)
  })

  test('pages past many that lapsed', async (space) => {
    const registry = space.registry()
    await Promise.all(Array.from({ length: 200 }, (_, i) => registry.create(input(`old${i}`, { ttlMs: 50 }))))
    await registry.create(input('alive'))
    await space.advance(80)
    const { streams, nextCursor } = await registry.listPaginated({ limit: 1 })
    assert.deepEqual([streams.map(({ id }) => id), nextCursor], [['alive'], undefined])
  })

  test('refuses a limit or a cursor that is none', async (space) => {
    const registry = space.registry()
    for (const limit of [0, -1, 1.5, 1_001, Number.NaN])
      await rejectsWith('VALIDATION', registry.listPaginated({ limit }))
    for (const cursor of ['', 'x', 'bGlzdDox', '{}'])
      await rejectsWith('QUERY', registry.listPaginated({ cursor }))
  })
}
