import { MockRegistry, type Stream, type StreamInput } from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documentToJSON } from '../../../src/core/model/wire.ts'
import type { Write } from '../../../src/core/store.ts'
import { storeOf } from '../../../src/registry/store-registry.ts'
import { CREATED_MS, streamWith } from '../support/streams.ts'

const call = { deadline: Number.POSITIVE_INFINITY }

function camera(id: string, more: Partial<StreamInput> = {}): StreamInput {
  return { id, type: 'srt', sourceAddr: '10.0.0.1:9000', ...more }
}

/** Writes a record behind the registry’s back. */
async function put(
  registry: MockRegistry,
  id: string,
  more: Partial<Extract<Write, { kind: 'put' }>>,
): Promise<void> {
  const write = {
    kind: 'put',
    doc: JSON.stringify(documentToJSON(streamWith({ id }) as Stream)),
    order: CREATED_MS,
    ttlMs: 300_000,
    entries: () => [],
    onLapsed: 'stream.expired',
    renew: true,
    newFence: true,
    ...more,
  } as const
  const events = [{ type: 'stream.created', shows: 'written' } as const]
  const commit = { id, opId: `put ${id}`, guard: { kind: 'absent' }, write, events, source: 'test' } as const
  expect(await storeOf(registry).commit(commit, call)).toMatchObject({ kind: 'done' })
}

describe('verify of a MockRegistry', () => {
  it('finds a record without its index entries, and mends it', async () => {
    const registry = new MockRegistry({ clock: new ManualClock() })
    await registry.create(camera('cam1'))
    await put(registry, 'cam2', {})
    expect((await registry.list()).map(({ id }) => id)).toEqual(['cam1'])
    const { checked, problems } = await registry.verify()
    expect(checked).toBe(2)
    expect(new Set(problems.map(({ streamId, repaired }) => `${streamId} ${repaired}`))).toEqual(
      new Set(['cam2 false']),
    )
    const repaired = await registry.verify({ repair: true })
    expect(repaired.problems.length).toBeGreaterThan(0)
    expect(repaired.problems.every((problem) => problem.repaired)).toBe(true)
    expect((await registry.verify()).problems).toEqual([])
    expect((await registry.list()).map(({ id }) => id)).toEqual(['cam1', 'cam2'])
    expect((await registry.stats()).total).toBe(2)
  })

  it('finds a record that is no stream, and removes it', async () => {
    const registry = new MockRegistry({ clock: new ManualClock() })
    await registry.create(camera('cam1'))
    await put(registry, 'cam2', { doc: '{"id":"cam2"}' })
    await expect(registry.get('cam2')).rejects.toMatchObject({ code: 'CORRUPT', streamId: 'cam2' })
    expect((await registry.verify()).problems.map(({ kind }) => kind)).toEqual(['corrupt-record'])
    await registry.verify({ repair: true })
    expect((await registry.verify()).problems).toEqual([])
    expect(await registry.find('cam2')).toBeUndefined()
    expect(await registry.count()).toBe(1)
  })

  it('takes the record of another id for corrupt', async () => {
    const registry = new MockRegistry({ clock: new ManualClock() })
    await put(registry, 'cam2', { doc: JSON.stringify(documentToJSON(streamWith({ id: 'cam3' }))) })
    expect((await registry.verify()).problems.map(({ kind }) => kind)).toEqual(['corrupt-record'])
    await expect(registry.get('cam2')).rejects.toMatchObject({ code: 'CORRUPT' })
  })

  it('finds nothing wrong after any history of calls', async () => {
    const indexes = [
      { field: 'metadata.region', kind: 'equality' },
      { field: 'name', kind: 'text' },
      { field: 'statistics.rttMs', kind: 'number' },
    ] as const
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const clock = new ManualClock()
        const registry = new MockRegistry({ clock, defaultTtlMs: 1_000, indexes })
        const other = new MockRegistry({ sharedWith: registry })
        for (const [step, id, value] of steps) {
          // Refusals are part of the history.
          await STEPS[step](value % 2 === 0 ? registry : other, id, value, clock).catch(() => {})
        }
        expect((await registry.verify()).problems).toEqual([])
        const live = await registry.list()
        expect(await registry.count()).toBe(live.length)
        expect((await registry.stats()).total).toBe(live.length)
        clock.advance(1_000_000)
        await storeOf(registry).sweep(100, 'test', call)
        expect((await registry.verify()).checked).toBe(0)
        expect((await registry.verify()).problems).toEqual([])
      }),
      { numRuns: 150 },
    )
  })
})

type Step = (registry: MockRegistry, id: string, value: number, clock: ManualClock) => Promise<unknown>

const STATUSES = ['connecting', 'active', 'paused', 'error', 'terminating', 'closed'] as const

const STEPS = {
  create: (registry, id, value) =>
    registry.create(
      camera(id, { tags: [`t${value}`], metadata: { region: `r${value}` }, ttlMs: 500 * (value + 1) }),
    ),
  register: (registry, id, value) =>
    registry.register(camera(id, { name: `n${value}` }), { takeover: value > 3 }),
  update: (registry, id, value) =>
    registry.update(id, {
      name: value === 0 ? null : `n${value}`,
      metadata: { region: value },
      tags: [`t${value}`, 'x'],
    }),
  status: (registry, id, value) => registry.updateStatus(id, STATUSES[value] ?? 'active'),
  stats: (registry, id, value) => registry.updateStats(id, { rttMs: value, bytesReceived: value }),
  health: (registry, id, value) => registry.updateState(id, { health: value > 2 ? 'healthy' : 'degraded' }),
  heartbeat: (registry, id) => registry.heartbeat(id),
  extend: (registry, id, value) => registry.extendTtl(id, 300 * (value + 1)),
  unregister: (registry, id) => registry.unregister(id),
  delete: (registry, id) => registry.delete(id),
  sweep: (registry) => storeOf(registry).sweep(1, 'test', call),
  wait: async (_registry, _id, value, clock) => clock.advance(value * 200),
} satisfies Record<string, Step>

const history = fc.array(
  fc.tuple(
    fc.constantFrom(...(Object.keys(STEPS) as (keyof typeof STEPS)[])),
    fc.constantFrom('cam1', 'cam2', 'cam3'),
    fc.nat(5),
  ),
  { maxLength: 40 },
)
