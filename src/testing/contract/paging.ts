import assert from 'node:assert/strict'
import type { Metadata, StreamInput } from '../../core/model/stream.js'
import type { IndexDeclaration } from '../../core/store.js'
import type { Query } from '../../registry/query/query.js'
import type { Chapter } from './driver.js'
import { createAll, input, rejectsWith } from './expectations.js'

const INDEXES: readonly IndexDeclaration[] = [
  { field: 'metadata.n', kind: 'number' },
  { field: 'name', kind: 'text' },
]

/** By UTF-8 bytes. JavaScript's own order has the astral ones before U+FF5E. */
const TEXTS = ['A', 'a', 'a\u0001', 'a b', 'ab', 'b', 'é', '\uFF5E', '\u{10000}', '\u{1F600}', '\u{1F600}a']

const SORTS: Readonly<Record<string, (query: Query) => Query>> = {
  'the default order': (query) => query,
  'createdAt desc': (query) => query.sortBy('createdAt', 'desc'),
  'a number index': (query) => query.sortBy('metadata.n'),
  'a number index desc': (query) => query.sortBy('metadata.n', 'desc'),
  'a text index': (query) => query.sortBy('name'),
  'a text index desc': (query) => query.sortBy('name', 'desc'),
  'the address': (query) => query.sortBy('sourceAddr', 'desc'),
  'no index': (query) => query.sortBy('sourcePort'),
  'no index desc': (query) => query.sortBy('metadata.mixed', 'desc'),
  'two keys': (query) => query.sortBy('metadata.n', 'desc').sortBy('name'),
  'two keys of which none is indexed': (query) => query.sortBy('type').sortBy('sourcePort', 'desc'),
}

const CONDITIONS: Readonly<Record<string, (query: Query) => Query>> = {
  everything: (query) => query,
  'a filter': (query) => query.filter({ status: 'active' }),
  'what no index knows': (query) => query.where('sourcePort', 'gt', 1),
  'alternatives that overlap': (query) =>
    query.or(
      (q) => q.filter({ status: 'active' }),
      (q) => q.filter({ tags: ['x'] }),
      (q) => q.where('metadata.n', 'lt', 2),
    ),
}

/** Streams of which many have the same values, or none. */
function various(count: number): StreamInput[] {
  return Array.from({ length: count }, (_, i) => {
    const mixed = [i, `t${i % 4}`, true, null][i % 4] ?? null
    return input(`cam${(i * 7) % count}`, {
      type: i % 3 === 0 ? 'rtp' : 'srt',
      status: i % 2 === 0 ? 'active' : 'pending',
      sourceAddr: `10.0.0.${i % 5}:9000`,
      tags: i % 3 === 1 ? ['x'] : [],
      metadata: i % 6 === 5 ? { mixed } : { mixed, n: i % 6 === 4 ? 'other' : i % 3 },
      ...(i % 4 !== 3 && { name: TEXTS[i % TEXTS.length] ?? '' }),
      ...(i % 5 !== 4 && { sourcePort: 1 + (i % 4) }),
    })
  })
}

/** The ids of all pages, one after the other. */
async function collect(
  query: Query,
  limit: number,
  between?: (page: number) => Promise<void>,
): Promise<string[]> {
  const ids: string[] = []
  let next = query.limit(limit)
  for (let page = 1; ; page++) {
    const { streams, nextCursor } = await next.page()
    assert.ok(streams.length <= limit)
    ids.push(...streams.map(({ id }) => id))
    if (nextCursor === undefined) return ids
    await between?.(page)
    next = query.limit(limit).after(nextCursor)
  }
}

async function iterated(query: Query): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of query.iterate()) ids.push(id)
  return ids
}

async function executed(query: Query): Promise<string[]> {
  return (await query.execute()).map(({ id }) => id)
}

export const paging: Chapter = (test) => {
  test('sorts text by its UTF-8 bytes, with an index and without', async (space) => {
    const registry = space.registry({ indexes: [{ field: 'name', kind: 'text' }] })
    const ids = TEXTS.map((_, i) => String.fromCharCode('a'.charCodeAt(0) + i))
    await createAll(
      registry,
      TEXTS.map((text, i) =>
        input<Metadata>(ids[i] ?? '', { name: text, codec: text, sourceAddr: text }),
      ).toReversed(),
    )
    for (const field of ['name', 'codec', 'sourceAddr'] as const) {
      assert.deepEqual(await executed(registry.query().sortBy(field)), ids, field)
      assert.deepEqual(await executed(registry.query().sortBy(field, 'desc')), ids.toReversed(), field)
      const beyond = registry.query().where(field, 'gt', '\uFF5E').sortBy(field)
      assert.deepEqual([await beyond.ids(), await beyond.count()], [ids.slice(8), 3], field)
      assert.deepEqual(
        await registry.query().where(field, 'like', '\u{1F600}*').sortBy('id').ids(),
        ids.slice(9),
      )
      assert.deepEqual(await registry.query().where(field, 'lte', 'a').sortBy(field).ids(), ids.slice(0, 2))
      assert.deepEqual(await registry.query().where(field, 'gt', 'a').sortBy(field).ids(), ids.slice(2))
    }
  })

  test('sorts by several keys, what is missing last or first, ties by id in the last direction', async (space) => {
    const registry = space.registry()
    await createAll(registry, [
      input('a', { sourcePort: 2, name: 'x' }),
      input('b', { sourcePort: 1, name: 'x' }),
      input('c', { name: 'x' }),
      input('d', { sourcePort: 2 }),
      input('e', { sourcePort: 2, name: 'x' }),
      input('f', { sourcePort: 1, name: 'y' }),
    ])
    const query = registry.query()
    const cases: readonly (readonly [Query, string])[] = [
      [query.sortBy('sourcePort'), 'bfadec'],
      [query.sortBy('sourcePort', 'desc'), 'cedafb'],
      [query.sortBy('name').sortBy('sourcePort'), 'baecfd'],
      [query.sortBy('name').sortBy('sourcePort', 'desc'), 'ceabfd'],
      [query.sortBy('name', 'desc').sortBy('sourcePort'), 'dfbaec'],
      [query.sortBy('name', 'desc').sortBy('sourcePort', 'desc'), 'dfceab'],
      [query.sortBy('type').sortBy('id', 'desc'), 'fedcba'],
    ]
    for (const [sorted, expected] of cases) {
      const what = JSON.stringify(sorted.toJSON().sort)
      assert.equal((await executed(sorted)).join(''), expected, what)
      assert.equal((await sorted.ids()).join(''), expected, what)
    }
  })

  test('gives the part that is asked for, whole, as ids or one by one', async (space) => {
    const registry = space.registry({ batchSize: 4 })
    const all = Array.from({ length: 20 }, (_, i) => `cam${String(i).padStart(2, '0')}`)
    await createAll(
      registry,
      all.map((id) => input(id)),
    )
    const query = registry.query().sortBy('id')
    const parts: readonly (readonly [Query, string[]])[] = [
      [query, all],
      [query.limit(3), all.slice(0, 3)],
      [query.offset(17), all.slice(17)],
      [query.offset(5).limit(9), all.slice(5, 14)],
      [query.limit(1_000), all],
      [query.offset(20), []],
      [query.offset(10_000).limit(5), []],
    ]
    for (const [part, expected] of parts) {
      assert.deepEqual(
        [await executed(part), await part.ids(), await iterated(part)],
        [expected, expected, expected],
      )
      assert.deepEqual([(await part.first())?.id, await part.count()], [expected[0], 20])
    }
    assert.equal(await query.filter({ type: 'rtp' }).first(), undefined)
  })

  test('stops an iteration where its taker leaves', async (space) => {
    const registry = space.registry({ batchSize: 3 })
    await createAll(registry, various(20))
    for (const sorted of [registry.query(), registry.query().sortBy('sourcePort', 'desc')]) {
      const taken: string[] = []
      for await (const { id } of sorted.iterate()) if (taken.push(id) === 5) break
      assert.deepEqual(taken, (await executed(sorted)).slice(0, 5))
    }
    const reason = new Error('enough')
    const left = registry.query().iterate({ signal: AbortSignal.abort(reason) })
    await assert.rejects(left.next(), reason)
  })

  for (const [what, conditions] of Object.entries(CONDITIONS)) {
    test(`pages through ${what}, each stream once, in the order of the whole`, async (space) => {
      const registry = space.registry({ indexes: INDEXES, batchSize: 5 })
      await createAll(registry, various(15))
      for (const [order, sorted] of Object.entries(SORTS)) {
        const query = sorted(conditions(registry.query()))
        const whole = await executed(query)
        assert.equal(whole.length, await query.count(), order)
        assert.deepEqual(await collect(query, 4), whole, order)
        assert.deepEqual(await collect(query.offset(3), 7), whole.slice(3), order)
        assert.deepEqual(await iterated(query), whole, order)
        assert.deepEqual(await query.ids(), whole, order)
      }
    })
  }

  test('goes on with another limit, and from a page of another instance', async (space) => {
    const registry = space.registry({ indexes: INDEXES })
    await createAll(registry, various(12))
    const query = registry.query().sortBy('metadata.n', 'desc')
    const { streams, nextCursor = '' } = await query.limit(2).page()
    const rest = (await executed(query)).slice(2)
    assert.equal(streams.length, 2)
    const other = space.registry({ instanceId: 'b' }).query().sortBy('metadata.n', 'desc')
    for (const going of [query, query.limit(1_000), other]) {
      assert.deepEqual(await executed(going.after(nextCursor)), rest)
      assert.deepEqual(await collect(going.after(nextCursor), 100), rest)
    }
    assert.equal((await query.limit(12).page()).nextCursor, undefined)
    assert.deepEqual(await collect(query, 1), await executed(query))
    assert.deepEqual(await query.filter({ type: 'webrtc' }).page(), { streams: [] })
  })

  test('refuses a cursor that is forged, cut or of another query', async (space) => {
    const registry = space.registry()
    await createAll(registry, various(12))
    const query = registry.query().filter({ type: 'srt' }).sortBy('sourcePort').limit(2)
    const { nextCursor = '' } = await query.page()
    const listed = (await registry.listPaginated({ limit: 2 })).nextCursor ?? ''
    const swapped = `${nextCursor.slice(0, 30)}${nextCursor[30] === 'A' ? 'B' : 'A'}${nextCursor.slice(31)}`
    const json = Buffer.from('["cam1",1]').toString('base64url')
    const forged = [
      'x',
      '{}',
      'null',
      '\0',
      json,
      listed,
      swapped,
      nextCursor.repeat(2),
      `${nextCursor}=`,
      ` ${nextCursor}`,
    ]
    for (let length = 1; length < nextCursor.length; length += 5) forged.push(nextCursor.slice(0, length))
    for (const cursor of forged) {
      await rejectsWith('QUERY', query.after(cursor).page())
      await rejectsWith('QUERY', query.after(cursor).execute())
    }
    const others = [
      registry.query().sortBy('sourcePort'),
      registry.query().filter({ type: 'rtp' }).sortBy('sourcePort'),
      registry.query().filter({ type: 'srt' }),
      registry.query().filter({ type: 'srt' }).sortBy('sourcePort', 'desc'),
      query.sortBy('name'),
      query.offset(1),
    ]
    for (const other of others) await rejectsWith('QUERY', other.after(nextCursor).page())
    await rejectsWith('QUERY', query.after(nextCursor).filter({ status: 'active' }).ids())
    await rejectsWith('QUERY', registry.listPaginated({ cursor: nextCursor }))
    await rejectsWith('QUERY', query.after('x').iterate().next())
  })

  for (const [order, sorted] of Object.entries(SORTS)) {
    test(`pages by ${order} while streams come, go and change: what stays comes exactly once`, async (space) => {
      const registry = space.registry({ indexes: INDEXES, batchSize: 5 })
      await createAll(registry, various(24))
      const query = sorted(registry.query().where('id', 'like', 'cam*'))
      const before = await executed(query)
      const gone = new Set<string>()
      const seen = await collect(query, 3, async (page) => {
        // The last one given, so that the cursor's own place is gone, and one that is still to come.
        for (const id of [before[page * 3 - 1], before[24 - page]]) {
          if (id !== undefined && (await registry.delete(id))) gone.add(id)
        }
        const stays = before.find((id) => !gone.has(id)) ?? ''
        if (stays !== '') await registry.update(stays, { codec: `c${page}` })
        await registry.create(input(`cam9${page}`, { name: 'a', sourcePort: page, metadata: { n: page } }))
      })
      assert.equal(new Set(seen).size, seen.length, 'one came twice')
      assert.deepEqual(
        before.filter((id) => !gone.has(id) && !seen.includes(id)),
        [],
      )
      const stayed = before.filter((id) => !gone.has(id))
      assert.deepEqual(
        seen.filter((id) => stayed.includes(id)),
        stayed,
        'in order',
      )
    })
  }
}
