import {
  HEALTH_STATUSES,
  type JsonObject,
  type Metadata,
  PROCESSING_STATES,
  STREAM_STATUSES,
  STREAM_TYPES,
  type Stream,
  type StreamState,
  type StreamStatistics,
} from '@mirror/stream-registry'
import fc from 'fast-check'
import { jsonObjectIssues } from '../../../src/core/model/json.ts'
import { LIMITS } from '../../../src/core/model/limits.ts'

/** A short word: what tags, ids and protocols are made of. */
export const word: fc.Arbitrary<string> = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._~-]{0,20}$/)

/** Text of any code points, but for NUL. */
export const text: fc.Arbitrary<string> = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 30 })
  .filter((value) => !value.includes('\0'))

const instant = fc.date({ noInvalidDate: true })
const count = fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER))
const positiveZero = (value: number): number => (value === 0 ? 0 : value)
const real = fc.double({ noNaN: true, noDefaultInfinity: true }).map(positiveZero)

/** JSON that is accepted as metadata. */
export const metadata: fc.Arbitrary<JsonObject> = fc
  .dictionary(text, fc.jsonValue({ maxDepth: 4 }), { maxKeys: 8 })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)
  .filter((value) => jsonObjectIssues(value, LIMITS.json).length === 0)

const measures = fc.dictionary(fc.stringMatching(/^[a-z][A-Za-z0-9]{0,15}$/), real, {
  maxKeys: 6,
  noNullPrototype: true,
})

const transition = <S extends string>(states: readonly S[]) =>
  fc.record(
    { from: fc.constantFrom(...states), to: fc.constantFrom(...states), at: instant, reason: text },
    { requiredKeys: ['from', 'to', 'at'], noNullPrototype: true },
  )

const state: fc.Arbitrary<StreamState> = fc.record(
  {
    currentState: fc.constantFrom(...PROCESSING_STATES),
    previousState: fc.constantFrom(...PROCESSING_STATES),
    stateTransitions: fc.array(transition(PROCESSING_STATES), { maxLength: 4 }),
    statusTransitions: fc.array(transition(STREAM_STATUSES), { maxLength: 4 }),
    lastError: fc.record(
      { message: text, code: text, at: instant },
      { requiredKeys: ['message', 'at'], noNullPrototype: true },
    ),
    errorCount: count,
    health: fc.constantFrom(...HEALTH_STATUSES),
    quality: measures,
    resources: measures,
  },
  {
    requiredKeys: [
      'currentState',
      'stateTransitions',
      'statusTransitions',
      'errorCount',
      'health',
      'quality',
      'resources',
    ],
    noNullPrototype: true,
  },
)

const statistics: fc.Arbitrary<StreamStatistics> = fc.record(
  {
    bytesReceived: count,
    packetsReceived: count,
    packetsLost: count,
    bitrate: count,
    packetsRetransmitted: count,
    packetsDropped: count,
    framesReceived: count,
    framesDropped: count,
    frameRate: real,
    jitterMs: real,
    rttMs: real,
  },
  { requiredKeys: ['bytesReceived', 'packetsReceived', 'packetsLost', 'bitrate'], noNullPrototype: true },
)

/** Any stream at all. */
export const anyStream: fc.Arbitrary<Stream<Metadata>> = fc.record(
  {
    id: word,
    name: text,
    type: fc.constantFrom(...STREAM_TYPES),
    protocol: word,
    codec: text,
    sourceAddr: text,
    sourcePort: fc.nat(65_535),
    status: fc.constantFrom(...STREAM_STATUSES),
    state,
    createdAt: instant,
    updatedAt: instant,
    startedAt: instant,
    endedAt: instant,
    lastHeartbeat: instant,
    videoCodec: text,
    resolution: text,
    bitrate: count,
    frameRate: real,
    statistics,
    metadata,
    tags: fc.array(word, { maxLength: 6 }),
    config: metadata,
    ttlMs: count,
    owner: word,
    epoch: count,
    revision: count,
  },
  {
    requiredKeys: [
      'id',
      'type',
      'protocol',
      'sourceAddr',
      'status',
      'state',
      'createdAt',
      'updatedAt',
      'lastHeartbeat',
      'statistics',
      'metadata',
      'tags',
      'config',
      'ttlMs',
      'epoch',
      'revision',
    ],
    noNullPrototype: true,
  },
)
