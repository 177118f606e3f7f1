import { setTimeout as sleep } from 'node:timers/promises'
import * as exports from '@mirror/stream-registry'
import { createRegistry, type Registry, streamToJSON } from '@mirror/stream-registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LogRecord } from '../../src/core/store.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { Fleet, type Worker } from './support/fleet.ts'
import { readJournal } from './support/journal.ts'
import { type BuiltLibrary, buildLibrary } from './support/library.ts'
import type { Space } from './support/protocol.ts'
import { everyWrite, type Timed, type TimedUpdate } from './support/timed.ts'

const TIMEOUT_MS = 300
const FREEZE_MS = 1_000
/** By when a call must have settled: its time limit, and what a busy machine adds. */
const SETTLED_MS = 500
const UNDECIDED = ['TIMEOUT', 'UNAVAILABLE', 'OUTCOME_UNKNOWN']

let redis: RedisServer
let library: BuiltLibrary | undefined
let fleet: Fleet | undefined
let worker: Worker
const opened: Registry[] = []

beforeAll(async () => {
  redis = await startRedis()
  library = buildLibrary()
  fleet = new Fleet(library.url, redis.url)
  const [started] = await fleet.start(1)
  if (started === undefined) throw new Error('no worker')
  worker = started
})

afterAll(async () => {
  redis?.thaw()
  await fleet?.close()
  await Promise.all(opened.map((registry) => registry.close()))
  await redis?.stop()
  library?.remove()
})

function open(space: Space): Registry {
  const registry = createRegistry({ redis: { url: redis.url }, ...space })
  opened.push(registry)
  return registry
}

/** Everything that a late write could change. */
async function snapshot(registry: Registry): Promise<unknown> {
  const journal = (await readJournal(registry)).flat()
  return { streams: (await registry.list()).map(streamToJSON), events: journal.map(({ logId }) => logId) }
}

/** Freezes Redis, has the worker make every kind of write against it, and waits until Redis has read them all. */
async function writeIntoTheIce(space: Space): Promise<Timed[]> {
  const until = sleep(FREEZE_MS)
  redis.freeze()
  const outcomes = await worker.call('everyWrite', space, { prefix: 'on', timeoutMs: TIMEOUT_MS })
  await until
  redis.thaw()
  await worker.call('has', space, { id: 'on-update' })
  return outcomes
}

function expectUndecidedInTime(outcomes: readonly Timed[]): void {
  expect(outcomes.filter(({ outcome }) => !UNDECIDED.includes(outcome))).toEqual([])
  expect(outcomes.filter(({ tookMs }) => tookMs > SETTLED_MS)).toEqual([])
}

/** Where the log contradicts what the callers were told, or holds an update after its deadline. */
function contradictions(updates: readonly TimedUpdate[], log: readonly LogRecord[]): string[] {
  const applied = new Map<number, number[]>()
  for (const { doc, logId } of log) {
    const { n } = JSON.parse(doc).metadata
    applied.set(n, [...(applied.get(n) ?? []), Number.parseInt(logId, 10)])
  }
  return updates.flatMap(({ n, outcome, latest }) => {
    const times = applied.get(n) ?? []
    const faults = times.filter((ms) => ms > latest).map((ms) => `${n} came ${ms - latest} ms late`)
    if (times.length > 1) faults.push(`${n} was applied ${times.length} times`)
    if (outcome === 'ok' && times.length === 0) faults.push(`${n} was lost`)
    if (['TIMEOUT', 'UNAVAILABLE'].includes(outcome) && times.length > 0) faults.push(`${n} was applied`)
    if (outcome !== 'ok' && !UNDECIDED.includes(outcome)) faults.push(`${n} met ${outcome}`)
    return faults
  })
}

describe('a Redis that stands still', () => {
  it('applies nothing afterwards that ran out of time', { timeout: 30_000 }, async () => {
    const space = { keyPrefix: 'ice', partitions: 2 }
    const registry = open(space)
    const prepared = await worker.call('everyWrite', space, { prefix: 'on', timeoutMs: 5_000, prepare: true })
    expect(new Set(prepared.map(({ outcome }) => outcome))).toEqual(new Set(['ok']))
    const before = await snapshot(registry)
    for (let round = 0; round < 5; round++) {
      const outcomes = await writeIntoTheIce(space)
      expectUndecidedInTime(outcomes)
      expect(outcomes.map(({ outcome }) => outcome)).toContain('OUTCOME_UNKNOWN')
      expect(await snapshot(registry)).toEqual(before)
    }
    expect((await registry.verify()).problems).toEqual([])
    // The same writes do change something where Redis answers.
    const answered = await worker.call('everyWrite', space, { prefix: 'on', timeoutMs: 5_000 })
    expect(new Set(answered.map(({ outcome }) => outcome))).toEqual(new Set(['ok']))
    expect(await snapshot(registry)).not.toEqual(before)
  })

  it.each([
    ['more patient', ['patient', 'on']],
    ['less patient', ['on', 'patient']],
  ])('leaves each call its own time limit beside calls that are %s and came before', async (name, order) => {
    const space = { keyPrefix: name.replace(' ', '-'), partitions: 2 }
    const registry = open(space)
    for (const prefix of order)
      await worker.call('everyWrite', space, { prefix, timeoutMs: 5_000, prepare: true })
    const impatientStreams = async (): Promise<unknown> =>
      (await registry.list()).filter(({ id }) => id.startsWith('on-')).map(streamToJSON)
    const before = await impatientStreams()
    const thawing = sleep(FREEZE_MS).then(() => redis.thaw())
    redis.freeze()
    const write = (prefix: string): Promise<Timed[]> =>
      worker.call('everyWrite', space, { prefix, timeoutMs: prefix === 'on' ? TIMEOUT_MS : 10_000 })
    const outcomes = new Map(
      await Promise.all(order.map(async (prefix) => [prefix, await write(prefix)] as const)),
    )
    await thawing
    expectUndecidedInTime(outcomes.get('on') ?? [])
    expect(outcomes.get('patient')?.filter(({ outcome }) => outcome !== 'ok')).toEqual([])
    expect(await impatientStreams()).toEqual(before)
  })

  it('applies nothing afterwards for a process that was about to connect', async () => {
    const space = { keyPrefix: 'cold', partitions: 2 }
    const registry = open(space)
    const context = { registry, library: exports, stop: AbortSignal.timeout(10_000) }
    await everyWrite(context, { prefix: 'on', timeoutMs: 5_000, prepare: true })
    const before = await snapshot(registry)
    const outcomes = await writeIntoTheIce(space)
    expectUndecidedInTime(outcomes)
    expect(outcomes.map(({ outcome }) => outcome)).not.toContain('OUTCOME_UNKNOWN')
    expect(await snapshot(registry)).toEqual(before)
  })
})

describe('a process with a stream of updates', () => {
  it('sees none of them applied late, twice or against its word while Redis and itself are frozen', async () => {
    const space = { keyPrefix: 'flow' }
    const registry = open(space)
    const ids = Array.from({ length: 8 }, (_, i) => `cam${i}`)
    for (const id of ids) await registry.create({ id, type: 'srt', sourceAddr: '192.0.2.1:9000' })
    const updating = worker.call('timedUpdates', space, { ids, timeoutMs: TIMEOUT_MS })
    for (let round = 0; round < 2; round++) {
      for (const frozen of [redis, worker]) {
        await sleep(100)
        frozen.freeze()
        await sleep(2 * TIMEOUT_MS)
        frozen.thaw()
      }
      await worker.call('has', space, { id: 'cam0' })
    }
    worker.stop()
    const updates = await updating
    const log = (await readJournal(registry)).flat().filter(({ type }) => type === 'stream.updated')
    expect(contradictions(updates, log)).toEqual([])
    expect(updates.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThan(100)
    // With Redis frozen every lane lost one at least.
    expect(updates.filter(({ outcome }) => outcome !== 'ok').length).toBeGreaterThanOrEqual(2 * ids.length)
    expect((await registry.verify()).problems).toEqual([])
  })
})

describe('a process that is frozen between deciding on an update and sending it', () => {
  it('has it refused when it goes on too late', async () => {
    const space = { keyPrefix: 'asleep' }
    const registry = open(space)
    await registry.create({ id: 'cam', name: 'first', type: 'srt', sourceAddr: '192.0.2.1:9000' })
    await worker.call('connect', space, undefined)
    const before = await snapshot(registry)
    for (let round = 0; round < 3; round++) {
      const waking = setInterval(() => worker.thaw(), 2 * TIMEOUT_MS)
      const { outcome, frozenMs } = await worker
        .call('freezeWithin', space, { id: 'cam', timeoutMs: TIMEOUT_MS })
        .finally(() => clearInterval(waking))
      expect(frozenMs).toBeGreaterThan(TIMEOUT_MS)
      expect(UNDECIDED).toContain(outcome)
      await worker.call('has', space, { id: 'cam' })
      expect(await snapshot(registry)).toEqual(before)
    }
  })
})
