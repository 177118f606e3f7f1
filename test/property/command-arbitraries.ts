import {
  HEALTH_STATUSES,
  PROCESSING_STATES,
  type Registry,
  STREAM_STATUSES,
  STREAM_TYPES,
  type StreamInput,
  type StreamPatch,
} from '@mirror/stream-registry'
import fc from 'fast-check'

/** One step of a random history: said once, done to each registry. */
export interface Step {
  readonly name: string
  readonly instance: 'a' | 'b'
  readonly run: (registry: Registry) => Promise<unknown>
}

/** Time passes, minutes. */
export interface Pass {
  readonly name: 'advance'
  readonly minutes: number
}

const MINUTE_MS = 60_000

const id = fc.constantFrom('cam1', 'cam2', 'cam3', 'cam4', 'constructor')
const text = fc.oneof(
  fc.constantFrom('x', 'Bühne', '\u{1F3A5} 3', '\uFFFD', ' '),
  fc.string({ unit: 'grapheme', maxLength: 12 }).filter((value) => value.length > 0 && !value.includes('\0')),
)
const tag = fc.constantFrom('live', 'hd', 'eu-1', 'a.b')
const count = fc.oneof(fc.nat(1_000), fc.constant(Number.MAX_SAFE_INTEGER))
const json = fc.dictionary(
  fc.constantFrom('a', 'b', 'region'),
  fc.jsonValue({ maxDepth: 2, noUnicodeString: true }).map(settle),
  {
    maxKeys: 3,
  },
)
const ttlMs = fc.integer({ min: 1, max: 30 }).map((minutes) => minutes * MINUTE_MS + 30_000)
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })

/** What JSON cannot say, or the registry refuses, is another test's subject. */
function settle(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, member: unknown) =>
    typeof member === 'number' && !Number.isSafeInteger(Math.trunc(member))
      ? 0
      : Object.is(member, -0)
        ? 0
        : member,
  )
}

const statistics = fc.record(
  {
    bytesReceived: count,
    packetsReceived: count,
    packetsLost: count,
    bitrate: count,
    jitterMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
  },
  { requiredKeys: [] },
)

const input: fc.Arbitrary<StreamInput> = fc.record({
  id,
  type: fc.constantFrom(...STREAM_TYPES),
  sourceAddr: text,
  name: maybe(text),
  protocol: maybe(tag),
  sourcePort: maybe(fc.integer({ min: -1, max: 65_536 })),
  status: maybe(fc.constantFrom(...STREAM_STATUSES)),
  bitrate: maybe(count),
  frameRate: maybe(fc.double({ min: 0, max: 240, noNaN: true })),
  statistics: maybe(statistics),
  metadata: maybe(json),
  tags: maybe(fc.array(tag, { maxLength: 4 })),
  config: maybe(json),
  ttlMs: maybe(ttlMs),
}) as fc.Arbitrary<StreamInput>

const patch: fc.Arbitrary<StreamPatch> = fc.record(
  {
    name: fc.option(text),
    codec: fc.option(text),
    sourceAddr: text,
    sourcePort: fc.option(fc.nat(65_535)),
    bitrate: fc.option(count),
    metadata: json,
    tags: fc.array(tag, { maxLength: 4 }),
    config: json,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<StreamPatch>

const stateReport = fc.record(
  {
    currentState: fc.constantFrom(...PROCESSING_STATES),
    health: fc.constantFrom(...HEALTH_STATUSES),
    quality: fc.dictionary(fc.constantFrom('score', 'jitterMs'), fc.nat(9)),
    error: fc.oneof(text, fc.record({ message: text, code: text })),
    reason: text,
  },
  { requiredKeys: [] },
)

async function page(registry: Registry, limit: number): Promise<unknown[]> {
  const streams: unknown[] = []
  let cursor: string | undefined
  do {
    const next = await registry.listPaginated({ limit, ...(cursor !== undefined && { cursor }) })
    streams.push(...next.streams)
    cursor = next.nextCursor
  } while (cursor !== undefined)
  return streams
}

const run: fc.Arbitrary<Omit<Step, 'instance'>> = fc.oneof(
  { weight: 4, arbitrary: input.map((value) => step('create', value, (r) => r.create(value))) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(input, fc.boolean())
      .map(([value, takeover]) =>
        step('register', { ...value, takeover }, (r) => r.register(value, { takeover })),
      ),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(id, patch, maybe(fc.integer({ min: 0, max: 4 })))
      .map(([to, value, ifRevision]) =>
        step('update', { to, ...value, ifRevision }, (r) =>
          r.update(to, value, ifRevision === undefined ? {} : { ifRevision }),
        ),
      ),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(id, fc.constantFrom(...STREAM_STATUSES), maybe(text))
      .map(([to, status, reason]) =>
        step('updateStatus', { to, status, reason }, (r) =>
          r.updateStatus(to, status, reason === undefined ? {} : { reason }),
        ),
      ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(id, stateReport)
      .map(([to, value]) => step('updateState', { to, ...value }, (r) => r.updateState(to, value))),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(id, statistics)
      .map(([to, value]) => step('updateStats', { to, ...value }, (r) => r.updateStats(to, value))),
  },
  { weight: 1, arbitrary: id.map((to) => step('heartbeat', to, (r) => r.heartbeat(to))) },
  {
    weight: 1,
    arbitrary: fc.array(id).map((ids) => step('heartbeatMany', ids, (r) => r.heartbeatMany(ids))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(id, ttlMs)
      .map(([to, ms]) => step('extendTtl', { to, ms }, (r) => r.extendTtl(to, ms))),
  },
  { weight: 2, arbitrary: id.map((to) => step('unregister', to, (r) => r.unregister(to))) },
  { weight: 1, arbitrary: id.map((to) => step('delete', to, (r) => r.delete(to))) },
  { weight: 2, arbitrary: id.map((to) => step('get', to, (r) => r.get(to))) },
  { weight: 1, arbitrary: id.map((to) => step('has', to, (r) => r.has(to))) },
  { weight: 1, arbitrary: fc.constant(step('list', '', (r) => r.list())) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 3 }).map((limit) => step('page', limit, (r) => page(r, limit))),
  },
  { weight: 1, arbitrary: fc.constant(step('count', '', (r) => r.count())) },
  { weight: 1, arbitrary: fc.constant(step('stats', '', (r) => r.stats())) },
)

function step(
  name: string,
  of: unknown,
  call: (registry: Registry) => Promise<unknown>,
): Omit<Step, 'instance'> {
  return { name: `${name} ${JSON.stringify(of)}`, run: call }
}

/** A random history of two instances over the same records. */
export const history: fc.Arbitrary<(Step | Pass)[]> = fc.array(
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc
        .tuple(run, fc.constantFrom('a' as const, 'b' as const))
        .map(([what, instance]) => ({ ...what, instance })),
    },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 1, max: 20 }).map((minutes) => ({ name: 'advance' as const, minutes })),
    },
  ),
  { minLength: 5, maxLength: 60, size: 'max' },
)
