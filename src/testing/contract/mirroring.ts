import assert from 'node:assert/strict'
import type { Stream } from '../../core/model/stream.js'
import type { MirrorChange } from '../../mirror/live-query.js'
import { LocalMirror } from '../../mirror/local-mirror.js'
import type { Registry } from '../../registry/registry.js'
import type { Chapter } from './driver.js'
import { createAll, idsOf, input } from './expectations.js'

/** Waits until the condition holds. */
async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadline) assert.fail(`waited for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** That the mirror holds what the registry holds, to the last field. */
async function assertSame(mirror: LocalMirror, registry: Registry): Promise<void> {
  await mirror.sync()
  assert.deepEqual(mirror.query().all(), await registry.list())
}

/** What one watcher was told, checked against itself: each result must be the one before with the change. */
class Told {
  readonly changes: MirrorChange[] = []
  #shown = new Map<string, Stream>()

  readonly listener = (change: MirrorChange): void => {
    const { added, changed, removed, result } = change
    this.changes.push(change)
    for (const { id } of removed) assert.ok(this.#shown.delete(id), `${id} was removed, but was not there`)
    for (const stream of changed)
      assert.ok(this.#shown.has(stream.id), `${stream.id} changed, but was not there`)
    for (const stream of added) assert.ok(!this.#shown.has(stream.id), `${stream.id} was added twice`)
    for (const stream of [...added, ...changed]) this.#shown.set(stream.id, stream)
    assert.deepEqual(new Set(idsOf(result)), new Set(this.#shown.keys()))
    this.#shown = new Map(result.map((stream) => [stream.id, stream]))
  }

  get last(): string[] {
    return idsOf(this.changes.at(-1)?.result ?? [])
  }
}

export const mirroring: Chapter = (test) => {
  test('starts with everything, and follows what others change', async (space) => {
    const registry = space.registry()
    const other = space.registry({ instanceId: 'b' })
    await createAll(other, [input('cam1', { status: 'active' }), input('cam2')])
    const mirror = await LocalMirror.start(registry)
    assert.deepEqual([mirror.size, mirror.get('cam1')?.status, mirror.get('none')], [2, 'active', undefined])
    await other.create(input('cam3'))
    await other.updateStatus('cam2', 'active')
    await other.update('cam1', { metadata: { region: 'eu' }, tags: ['live'] })
    await other.delete('cam1')
    await other.create(input('cam1', { name: 'again' }))
    const isThere = (): boolean => mirror.size === 3 && mirror.get('cam1')?.name === 'again'
    await until(() => isThere() && mirror.get('cam2')?.status === 'active', 'the changes')
    await other.unregister('cam3')
    await until(() => mirror.get('cam3') === undefined, 'the end of cam3')
    await assertSame(mirror, registry)
  })

  test('misses nothing of what happens while it starts', async (space) => {
    const registry = space.registry()
    await createAll(
      registry,
      Array.from({ length: 30 }, (_, i) => input(`cam${i}`)),
    )
    const starting = Array.from({ length: 3 }, () => LocalMirror.start(registry))
    for (let i = 0; i < 30; i += 2) {
      await registry.delete(`cam${i}`)
      await registry.create(input(`new${i}`))
      await registry.update(`cam${i + 1}`, { name: 'changed' })
    }
    for (const mirror of await Promise.all(starting)) await assertSame(mirror, registry)
  })

  test('keeps what is renewed, and lets go of what has lapsed when it lapses, swept or not', async (space) => {
    const registry = space.registry()
    const mirror = await LocalMirror.start(registry)
    const told = new Told()
    mirror.watch(mirror.query().sortBy('id'), told.listener)
    await createAll(registry, [input('kept', { ttlMs: 600 }), input('lapsed', { ttlMs: 600 })])
    await until(() => mirror.size === 2, 'both')
    for (let i = 0; i < 3; i++) {
      await space.advance(250)
      await registry.heartbeat('kept')
    }
    await until(() => mirror.get('lapsed') === undefined, 'the end of the lease')
    assert.deepEqual(told.last, ['kept'])
    assert.deepEqual(idsOf(told.changes.at(-1)?.removed ?? []), ['lapsed'])
    assert.equal(mirror.get('kept')?.id, 'kept')
    await space.sweep(registry)
    await assertSame(mirror, registry)
  })

  test('answers every query as the registry does', async (space) => {
    const registry = space.registry({
      indexes: [
        { field: 'metadata.region', kind: 'equality' },
        { field: 'statistics.bitrate', kind: 'number' },
      ],
    })
    await registry.count()
    const mirror = await LocalMirror.start(registry)
    for (let i = 0; i < 40; i++) {
      const status = (['active', 'pending', 'error'] as const)[i % 3] ?? 'active'
      const metadata = { region: ['eu', 'us', 7][i % 3] as string, n: i % 5 }
      await registry.create(
        input(`cam${i}`, { type: i % 2 ? 'srt' : 'rtp', status, metadata, tags: i % 4 ? ['a'] : ['a', 'b'] }),
      )
      if (i % 3 === 0) await registry.updateStats(`cam${i}`, { bitrate: i * 100 })
    }
    await mirror.sync()
    const queries = [
      registry.query(),
      registry.query().filter({ status: 'active', type: 'srt' }).sortBy('createdAt', 'desc').limit(3),
      registry
        .query()
        .filter({ tags: ['a', 'b'] })
        .offset(2)
        .limit(4),
      registry
        .query()
        .where('metadata.region', 'in', ['eu', 'us'])
        .sortBy('metadata.region', 'desc')
        .limit(9),
      registry.query().where('metadata.n', 'gte', 3).sortBy('metadata.n').sortBy('id', 'desc'),
      registry.query().where('statistics.bitrate', 'gt', 500).sortBy('statistics.bitrate', 'desc').limit(5),
      registry.query().or(
        (q) => q.where('metadata.region', 'eq', 'eu'),
        (q) => q.filter({ status: 'error' }),
      ),
      registry.query().where('id', 'like', 'cam1*').sortBy('type').sortBy('createdAt', 'desc'),
    ]
    for (const query of queries) {
      const same = mirror.query(query.toJSON())
      const expected = await query.execute()
      assert.deepEqual(same.all(), expected, JSON.stringify(query))
      assert.deepEqual(
        [same.ids(), same.count(), same.first()],
        [idsOf(expected), await query.count(), expected[0]],
      )
    }
    const page = await registry.query().sortBy('metadata.n').limit(7).page()
    const next = registry
      .query()
      .sortBy('metadata.n')
      .limit(7)
      .after(page.nextCursor ?? '')
    assert.deepEqual(mirror.query(next.toJSON()).all(), (await next.page()).streams)
  })

  test('tells watchers how the answer changes, and what it is', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1', { status: 'active' }))
    const mirror = await LocalMirror.start(registry)
    const told = new Told()
    const unwatch = mirror.watch(
      mirror.query().filter({ status: 'active' }).sortBy('id', 'desc').limit(2),
      told.listener,
    )
    assert.deepEqual([told.changes.length, told.last], [1, ['cam1']])
    const steps: [() => Promise<unknown>, string[]][] = [
      [() => registry.create(input('cam3', { status: 'active' })), ['cam3', 'cam1']],
      [() => registry.create(input('cam2', { status: 'active' })), ['cam3', 'cam2']],
      [() => registry.update('cam2', { name: 'x' }), ['cam3', 'cam2']],
      [() => registry.updateStatus('cam3', 'paused'), ['cam2', 'cam1']],
      [() => registry.delete('cam1'), ['cam2']],
      [() => registry.delete('cam2'), []],
    ]
    for (const [i, [step, expected]] of steps.entries()) {
      await step()
      await until(() => told.changes.length === i + 2, `change ${i}`)
      assert.deepEqual(told.last, expected)
    }
    const summary = told.changes.map(({ added, changed, removed }) => [added, changed, removed].map(idsOf))
    assert.deepEqual(summary, [
      [['cam1'], [], []],
      [['cam3'], [], []],
      [['cam2'], [], ['cam1']],
      [[], ['cam2'], []],
      [['cam1'], [], ['cam3']],
      [[], [], ['cam1']],
      [[], [], ['cam2']],
    ])
    unwatch()
    await registry.create(input('cam9', { status: 'active' }))
    await mirror.sync()
    assert.equal(told.changes.length, steps.length + 1)
  })

  test('keeps windows of every kind exact, whatever comes and goes', async (space) => {
    const registry = space.registry()
    const mirror = await LocalMirror.start(registry)
    const queries = [
      registry.query(),
      registry.query().sortBy('metadata.n', 'desc').limit(5),
      registry.query().sortBy('metadata.n').offset(3).limit(4),
      registry.query().where('metadata.n', 'lt', 50).sortBy('metadata.n').offset(2),
      registry.query().filter({ status: 'active' }).limit(1),
      registry.query().sortBy('status').sortBy('metadata.n').limit(6),
    ]
    const told = queries.map((query) => {
      const each = new Told()
      mirror.watch(query, each.listener)
      return each
    })
    const live = new Set<string>()
    for (let i = 0; i < 60; i++) {
      const id = `cam${(i * 7) % 23}`
      const metadata = { n: (i * 37) % 101 }
      if (!live.has(id)) await registry.create(input(id, { metadata, status: i % 2 ? 'active' : 'pending' }))
      else if (i % 3 === 0) await registry.delete(id)
      else await registry.update(id, { metadata })
      live.has(id) && i % 3 === 0 ? live.delete(id) : live.add(id)
    }
    await mirror.sync()
    for (const [i, query] of queries.entries())
      assert.deepEqual(told[i]?.changes.at(-1)?.result, await query.execute(), JSON.stringify(query))
  })

  test('learns of statistics', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'))
    const mirror = await LocalMirror.start(registry, { statsIntervalMs: 20 })
    const told = new Told()
    mirror.watch(mirror.query(), told.listener)
    await registry.updateStats('cam1', { bitrate: 5_000 })
    await space.advance(30)
    await until(() => mirror.get('cam1')?.statistics.bitrate === 5_000, 'the statistics')
    assert.deepEqual(idsOf(told.changes.at(-1)?.changed ?? []), ['cam1'])
    await assertSame(mirror, registry)
  })

  test('isolates watchers from each other, and reports what they throw', async (space) => {
    const warnings: string[] = []
    const registry = space.registry({ logger: { warn: (message) => void warnings.push(message) } })
    const mirror = await LocalMirror.start(registry)
    const told = new Told()
    mirror.watch(mirror.query(), () => {
      throw new Error('broken watcher')
    })
    mirror.watch(mirror.query(), told.listener)
    await createAll(registry, [input('cam1'), input('cam2')])
    await until(() => told.last.length === 2, 'both')
    assert.equal(warnings.filter((warning) => warning.includes('broken watcher')).length, 2)
  })

  test('says as of when it is, and ends with its registry', async (space) => {
    const registry = space.registry()
    const before = await registry.create(input('cam1'))
    const mirror = await LocalMirror.start(registry)
    assert.ok(mirror.asOf >= before.createdAt)
    assert.equal(mirror.stale, false)
    await space.advance(100)
    const after = await registry.create(input('cam2'))
    await until(() => mirror.size === 2, 'cam2')
    // Where there are several partitions, the others have to be asked.
    await space.advance(1_100)
    await until(() => mirror.asOf >= after.createdAt, 'the time of the change')
    assert.equal(mirror.stale, false)
    await registry.close()
    assert.deepEqual([mirror.stale, mirror.query().count()], [true, 2])
    await mirror.close()
  })
}
