import assert from 'node:assert/strict'
import type { SubscribeOptions, Subscription, SubscriptionItem } from '../../registry/events/subscription.js'
import type { Registry } from '../../registry/registry.js'
import type { Chapter } from './driver.js'
import { createAll, input, rejectsWith } from './expectations.js'

/** The next items, as many as are named; fewer when the subscription ends. */
export async function take(subscription: Subscription, count: number): Promise<SubscriptionItem[]> {
  const items: SubscriptionItem[] = []
  while (items.length < count) {
    const { done, value } = await subscription.next()
    if (done) break
    items.push(value)
  }
  return items
}

/** The items' types, without `stream.` in front. */
export function typesOf(items: readonly SubscriptionItem[]): string[] {
  return items.map(({ type }) => type.replace(/^stream\./, ''))
}

/** The items' streams. */
export function streamsOf(items: readonly SubscriptionItem[]): string[] {
  return items.map((item) => (item.type === 'gap' ? 'gap' : item.streamId))
}

/** Waits until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

function cursorOf(item: SubscriptionItem | undefined): string {
  if (item === undefined || !('cursor' in item)) assert.fail('an item of the log has a cursor')
  return item.cursor
}

/** Each ends a subscription, in its own way. */
const ENDINGS: Readonly<
  Record<string, (of: { sub: Subscription; registry: Registry; abort: () => void }) => unknown>
> = {
  close: ({ sub }) => sub.close(),
  return: ({ sub }) => sub.return?.(),
  'await using': ({ sub }) => sub[Symbol.asyncDispose](),
  signal: ({ abort }) => abort(),
  'registry.close': ({ registry }) => registry.close(),
}

const REFUSED: Readonly<Record<string, object | string | readonly string[]>> = {
  'an unknown type': 'stream.cloned',
  'an unknown type among others': ['stream.created', 'created'],
  'types that are no list': { types: 'stream.created' },
  'a stream id that is none': { streamId: 'no id!' },
  'a cursor that is none': { from: 'yesterday' },
  'an empty cursor': { from: '' },
  'half a cursor': { from: '17' },
  'a cursor of other partitions': { from: '1-1.1-1.1-1' },
  'a negative cursor': { from: '-1-1' },
  'no buffer': { bufferSize: 0 },
  'part of a buffer': { bufferSize: 1.5 },
  'a buffer beyond all bounds': { bufferSize: 1e9 },
  'no interval': { statsIntervalMs: 0 },
  'an option that there is not': { type: 'stream.created' },
}

export const subscribing: Chapter = (test) => {
  test('tells of everything, of one type, of a list of types, or of what options say', async (space) => {
    const registry = space.registry()
    const asked: [Parameters<Registry['subscribe']>[0], string[]][] = [
      [undefined, ['created', 'started', 'deleted']],
      ['stream.created', ['created']],
      [
        ['stream.deleted', 'stream.created'],
        ['created', 'deleted'],
      ],
      [{ types: ['stream.started'] }, ['started']],
      [{}, ['created', 'started', 'deleted']],
    ]
    const subs = await Promise.all(asked.map(([types]) => registry.subscribe(types)))
    for (let round = 0; round < 2; round++) {
      await registry.create(input('cam1', { status: 'active' }))
      await registry.delete('cam1')
    }
    for (const [i, [, expected]] of asked.entries()) {
      const items = await take(subs[i] as Subscription, expected.length * 2)
      assert.deepEqual(typesOf(items), [...expected, ...expected])
    }
  })

  test('tells of one stream only where asked, whoever changes it', async (space) => {
    const registry = space.registry()
    const other = space.registry({ instanceId: 'b' })
    const sub = await registry.subscribe({ streamId: 'cam2', types: ['stream.created', 'stream.deleted'] })
    await createAll(registry, [input('cam1'), input('cam2'), input('cam3')])
    await other.update('cam2', { name: 'x' })
    await Promise.all(['cam1', 'cam2', 'cam3'].map((id) => other.delete(id)))
    const items = await take(sub, 2)
    assert.deepEqual(
      [typesOf(items), streamsOf(items)],
      [
        ['created', 'deleted'],
        ['cam2', 'cam2'],
      ],
    )
    const sources = items.map((item) => 'source' in item && item.source)
    assert.deepEqual(sources, ['a', 'b'])
  })

  test('misses nothing once the promise has resolved', async (space) => {
    const registry = space.registry()
    const other = space.registry({ instanceId: 'b' })
    for (let i = 0; i < 10; i++) {
      const sub = await other.subscribe()
      await registry.create(input(`cam${i}`))
      assert.deepEqual(streamsOf(await take(sub, 1)), [`cam${i}`])
      await sub.close()
    }
  })

  test('begins with what is kept, or goes on exactly behind a cursor, in whatever instance', async (space) => {
    const registry = space.registry()
    const ids = Array.from({ length: 12 }, (_, i) => `cam${i}`)
    await createAll(
      registry,
      ids.map((id) => input(id)),
    )
    const sub = await registry.subscribe({ from: 'start' })
    const all = await take(sub, ids.length)
    assert.deepEqual(streamsOf(all).sort(), [...ids].sort())
    for (const read of [1, 5, 11]) {
      const other = space.registry({ instanceId: `b${read}` })
      const resumed = await other.subscribe({ from: cursorOf(all[read - 1]) })
      const rest = await take(resumed, ids.length - read)
      assert.deepEqual(streamsOf([...all.slice(0, read), ...rest]).sort(), [...ids].sort())
      await resumed.close()
    }
    await registry.create(input('next'))
    assert.deepEqual(streamsOf(await take(sub, 1)), ['next'])
    const late = await registry.subscribe({ from: 'start', streamId: 'cam3' })
    assert.deepEqual(typesOf(await take(late, 1)), ['created'])
  })

  test('has its cursor behind what is finished with, and behind what nobody wanted', async (space) => {
    const registry = space.registry()
    const everything = await registry.subscribe({ streamId: 'cam1' })
    const paused = await registry.subscribe({ streamId: 'cam1', types: ['stream.paused'] })
    const before = everything.cursor
    await registry.create(input('cam1', { status: 'active' }))
    await registry.updateStatus('cam1', 'paused')
    await registry.update('cam1', { name: 'x' })
    const seen: SubscriptionItem[] = []
    for (let n = 0; n < 4; n++) {
      seen.push(...(await take(everything, 1)))
      assert.equal(everything.cursor, n === 0 ? before : cursorOf(seen[n - 1]))
    }
    assert.deepEqual(typesOf(seen), ['created', 'started', 'paused', 'updated'])
    assert.deepEqual(await take(paused, 1), [seen[2]])
    const waiting = paused.next()
    await until(() => paused.cursor === cursorOf(seen[3]))
    await paused.close()
    assert.equal((await waiting).done, true)
    await registry.delete('cam1')
    const resumed = await registry.subscribe({ streamId: 'cam1', from: paused.cursor })
    assert.deepEqual(typesOf(await take(resumed, 1)), ['deleted'])
  })

  test('shows the same to all subscriptions', async (space) => {
    const registry = space.registry()
    const other = space.registry({ instanceId: 'b' })
    const subs = await Promise.all([
      registry.subscribe({ streamId: 'cam1' }),
      registry.subscribe({ streamId: 'cam1', bufferSize: 1 }),
      other.subscribe({ streamId: 'cam1', from: 'start' }),
    ])
    await registry.create(input('cam1', { status: 'active' }))
    await other.updateState('cam1', { health: 'healthy', quality: { jitterMs: 2 } })
    await other.unregister('cam1')
    const [first, ...others] = await Promise.all(subs.map((sub) => take(sub, 6)))
    const expected = ['created', 'started', 'updated', 'health.changed', 'terminated', 'deleted']
    assert.deepEqual(typesOf(first ?? []), expected)
    const shown = (items: readonly SubscriptionItem[] = []): object[] =>
      items.map((item) => ({ ...item, cursor: '' }))
    for (const items of others) assert.deepEqual(shown(items), shown(first))
  })

  test('loses none and repeats none, however small the buffer and slow the consumer', async (space) => {
    const registry = space.registry()
    const ids = ['cam0', 'cam1', 'cam2', 'cam3', 'cam4', 'cam5']
    const subs = await Promise.all([1, 2, 7].map((bufferSize) => registry.subscribe({ bufferSize })))
    const write = async (id: string): Promise<void> => {
      await registry.create(input(id))
      for (let n = 0; n < 9; n++) await registry.update(id, { metadata: { n } })
    }
    const writing = Promise.all(ids.map(write))
    const read = async (sub: Subscription): Promise<void> => {
      const revisions = new Map<string, number[]>(ids.map((id) => [id, []]))
      for (let n = 0; n < ids.length * 10; n++) {
        const [item] = await take(sub, 1)
        if (item?.type !== 'stream.created' && item?.type !== 'stream.updated') assert.fail(item?.type)
        revisions.get(item.streamId)?.push(item.data.revision)
        if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      }
      for (const of of revisions.values()) assert.deepEqual(of, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    }
    await Promise.all([writing, ...subs.map(read)])
  })

  test('answers several calls at once in their order', async (space) => {
    const registry = space.registry()
    const sub = await registry.subscribe({ streamId: 'cam1' })
    const waiting = [sub.next(), sub.next(), sub.next()]
    await registry.create(input('cam1', { status: 'active' }))
    await registry.delete('cam1')
    const types = (await Promise.all(waiting)).map(({ value }) => value?.type)
    assert.deepEqual(types, ['stream.created', 'stream.started', 'stream.deleted'])
  })

  for (const [how, end] of Object.entries(ENDINGS)) {
    test(`ends a waiting iterator: ${how}`, async (space) => {
      const registry = space.registry()
      const controller = new AbortController()
      const options: SubscribeOptions = { signal: controller.signal }
      const sub = await registry.subscribe(options)
      const waiting = [sub.next(), sub.next()]
      await new Promise((resolve) => setTimeout(resolve, 5))
      await end({ sub, registry, abort: () => controller.abort() })
      const ended = { done: true, value: undefined }
      assert.deepEqual(await Promise.all([...waiting, sub.next()]), [ended, ended, ended])
      await sub.close()
    })
  }

  test('ends when a loop over it is left, before what was in hand', async (space) => {
    const registry = space.registry()
    const sub = await registry.subscribe({ streamId: 'cam1' })
    await registry.create(input('cam1', { status: 'active' }))
    await registry.delete('cam1')
    const seen: string[] = []
    for await (const { type } of sub) {
      seen.push(type)
      if (type === 'stream.started') break
    }
    assert.deepEqual(seen, ['stream.created', 'stream.started'])
    const resumed = await registry.subscribe({ streamId: 'cam1', from: sub.cursor })
    assert.deepEqual(typesOf(await take(resumed, 2)), ['started', 'deleted'])
    assert.equal((await sub.next()).done, true)
  })

  test('heeds a signal that is aborted before or while it subscribes', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'))
    const reason = new Error('not today')
    await assert.rejects(registry.subscribe({ signal: AbortSignal.abort(reason) }), reason)
    for (const from of ['now', 'start']) {
      const controller = new AbortController()
      const subscribed = registry.subscribe({ from, signal: controller.signal }).then(
        async (sub) => (await sub.next()).done,
        (error: unknown) => error,
      )
      controller.abort(reason)
      const outcome = await subscribed
      assert.ok(outcome === true || outcome === reason, `ended, or rejected with the reason: ${outcome}`)
    }
  })

  for (const [what, options] of Object.entries(REFUSED)) {
    test(`refuses ${what}`, async (space) => {
      const registry = space.registry()
      await rejectsWith('VALIDATION', registry.subscribe(options as SubscribeOptions))
    })
  }

  test('is refused by a registry that is closed', async (space) => {
    const registry = space.registry()
    await registry.create(input('cam1'))
    await registry.close()
    await rejectsWith('CLOSED', registry.subscribe())
    await rejectsWith('CLOSED', registry.history('cam1'))
  })
}

/** Handlers instead of iteration. */
export const handlingEvents: Chapter = (test) => {
  test('call handlers by type, one item after the other, each when the one before is done', async (space) => {
    const registry = space.registry()
    const sub = await registry.subscribe({ streamId: 'cam1' })
    const calls: string[] = []
    sub.on('stream.created', async ({ data }) => {
      calls.push(`created ${data.revision} begins`)
      await new Promise((resolve) => setTimeout(resolve, 20))
      calls.push('created ends')
    })
    sub.on('stream.created', () => void calls.push('second handler'))
    sub.on('stream.updated', ({ changes }) => void calls.push(`updated ${changes}`))
    sub.on('stream.deleted', () => void calls.push('deleted'))
    await registry.create(input('cam1'))
    await registry.update('cam1', { name: 'x' })
    await registry.delete('cam1')
    await until(() => calls.includes('deleted'))
    const expected = ['created 1 begins', 'created ends', 'second handler', 'updated name', 'deleted']
    assert.deepEqual(calls, expected)
  })

  test('call a handler once, and none that was taken back', async (space) => {
    const registry = space.registry()
    const sub = await registry.subscribe({ streamId: 'cam1' })
    const calls: string[] = []
    const always = (): void => void calls.push('always')
    const never = (): void => void calls.push('never')
    sub.on('stream.updated', always).on('stream.updated', never).once('stream.updated', never)
    sub.once('stream.updated', () => void calls.push('once'))
    sub.off('stream.updated', never).off('stream.updated', never)
    sub.on('stream.deleted', () => void calls.push('deleted'))
    await registry.create(input('cam1'))
    for (const name of ['x', 'y']) await registry.update('cam1', { name })
    await until(() => calls.length >= 3)
    sub.off('stream.updated', always)
    await registry.update('cam1', { name: 'z' })
    await registry.delete('cam1')
    await until(() => calls.includes('deleted'))
    assert.deepEqual(calls, ['always', 'once', 'always', 'deleted'])
  })

  test('report what a handler throws or rejects with, and go on', async (space) => {
    const warnings: string[] = []
    const registry = space.registry({ logger: { warn: (message) => void warnings.push(message) } })
    const [told, silent] = await Promise.all([registry.subscribe(), registry.subscribe()])
    const errors: unknown[] = []
    const [thrown, rejected] = [new Error('thrown'), new Error('rejected')]
    let isOver = 0
    for (const sub of [told, silent]) {
      sub.on('stream.created', () => {
        throw thrown
      })
      sub.on('stream.created', async () => Promise.reject(rejected))
      sub.on('stream.deleted', () => {
        isOver += 1
      })
    }
    told.on('error', (error) => void errors.push(error))
    await registry.create(input('cam1'))
    await registry.delete('cam1')
    await until(() => isOver === 2)
    assert.deepEqual(errors, [thrown, rejected])
    assert.equal(warnings.filter((message) => /thrown|rejected/.test(message)).length, 2)
  })

  test('leave the cursor before what is being handled', async (space) => {
    const registry = space.registry()
    const sub = await registry.subscribe({ streamId: 'cam1' })
    const cursors: string[] = []
    const expected = [sub.cursor]
    for (const type of ['stream.created', 'stream.started', 'stream.deleted'] as const) {
      sub.on(type, ({ cursor }) => {
        cursors.push(sub.cursor)
        expected.push(cursor)
      })
    }
    await registry.create(input('cam1', { status: 'active' }))
    await registry.delete('cam1')
    await until(() => cursors.length === 3)
    assert.deepEqual(cursors, expected.slice(0, 3))
    await until(() => sub.cursor === expected[3])
  })

  test('are one style, iteration is the other: a subscription has one of them', async (space) => {
    const registry = space.registry()
    const handled = await registry.subscribe()
    handled.on('stream.created', () => {})
    await assert.rejects(handled.next(), TypeError)
    const iterated = await registry.subscribe()
    const waiting = iterated.next()
    assert.throws(() => iterated.on('stream.created', () => {}), TypeError)
    await iterated.close()
    assert.equal((await waiting).done, true)
  })

  test('are called no more once the subscription is closed', async (space) => {
    const registry = space.registry()
    const [closed, open] = await Promise.all([registry.subscribe(), registry.subscribe()])
    const calls: string[] = []
    closed.on('stream.created', () => void calls.push('closed'))
    open.on('stream.created', () => void calls.push('open'))
    await closed.close()
    await registry.create(input('cam1'))
    await until(() => calls.length > 0)
    assert.deepEqual(calls, ['open'])
  })
}
