import { type Stream, streamFromJSON, streamToJSON } from '@mirror/stream-registry'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documentToJSON, lastHeartbeat, streamFromStored } from '../../../src/core/model/wire.ts'
import { anyStream } from '../support/arbitraries.ts'
import { stateWith, streamWith } from '../support/streams.ts'

const at = (second: number): Date => new Date(Date.UTC(2024, 0, 15, 14, 30, second))
const rfc = (second: number): string => `2024-01-15T14:30:${second}.000Z`

/** A stream with every field that there is. */
const FULL: Stream = {
  id: 'srt_20240115_143052_001',
  name: 'Camera 1',
  type: 'srt',
  protocol: 'srt-live',
  codec: 'h264',
  sourceAddr: '10.0.0.1:9000',
  sourcePort: 9_000,
  status: 'terminated',
  state: {
    currentState: 'streaming',
    previousState: 'buffering',
    stateTransitions: [{ from: 'buffering', to: 'streaming', at: at(11), reason: 'filled' }],
    statusTransitions: [{ from: 'active', to: 'terminated', at: at(12) }],
    lastError: { message: 'lost', code: 'E1', at: at(13) },
    errorCount: 2,
    health: 'degraded',
    quality: { jitterMs: 1.5, packetLossPercent: 0.1 },
    resources: { cpuPercent: 12 },
  },
  createdAt: at(14),
  updatedAt: at(15),
  startedAt: at(16),
  endedAt: at(17),
  lastHeartbeat: at(18),
  videoCodec: 'h265',
  resolution: '1920x1080',
  bitrate: 5_000_000,
  frameRate: 29.97,
  statistics: {
    bytesReceived: 1,
    packetsReceived: 2,
    packetsLost: 3,
    bitrate: 4,
    packetsRetransmitted: 5,
    packetsDropped: 6,
    framesReceived: 7,
    framesDropped: 8,
    frameRate: 9.5,
    jitterMs: 10.5,
    rttMs: 11.5,
  },
  metadata: { camelKey: 1, snake_key: { innerKey: [] } },
  tags: ['live', 'hd'],
  config: { latencyMs: 120 },
  ttlMs: 300_000,
  owner: 'ingest-1',
  epoch: 3,
  revision: 7,
}

const FULL_JSON = {
  id: 'srt_20240115_143052_001',
  name: 'Camera 1',
  type: 'srt',
  protocol: 'srt-live',
  codec: 'h264',
  source_addr: '10.0.0.1:9000',
  source_port: 9_000,
  status: 'terminated',
  state: {
    current_state: 'streaming',
    previous_state: 'buffering',
    state_transitions: [{ from: 'buffering', to: 'streaming', at: rfc(11), reason: 'filled' }],
    status_transitions: [{ from: 'active', to: 'terminated', at: rfc(12) }],
    last_error: { message: 'lost', code: 'E1', at: rfc(13) },
    error_count: 2,
    health: 'degraded',
    quality: { jitter_ms: 1.5, packet_loss_percent: 0.1 },
    resources: { cpu_percent: 12 },
  },
  created_at: rfc(14),
  updated_at: rfc(15),
  started_at: rfc(16),
  ended_at: rfc(17),
  last_heartbeat: rfc(18),
  video_codec: 'h265',
  resolution: '1920x1080',
  bitrate: 5_000_000,
  frame_rate: 29.97,
  statistics: {
    bytes_received: 1,
    packets_received: 2,
    packets_lost: 3,
    bitrate: 4,
    packets_retransmitted: 5,
    packets_dropped: 6,
    frames_received: 7,
    frames_dropped: 8,
    frame_rate: 9.5,
    jitter_ms: 10.5,
    rtt_ms: 11.5,
  },
  metadata: { camelKey: 1, snake_key: { innerKey: [] } },
  tags: ['live', 'hd'],
  config: { latencyMs: 120 },
  ttl_ms: 300_000,
  owner: 'ingest-1',
  epoch: 3,
  revision: 7,
}

describe('the wire form', () => {
  it('has the seeds’ snake_case name for every field, and RFC 3339 times', () => {
    expect(streamToJSON(FULL)).toStrictEqual(FULL_JSON)
  })

  it('is read back into the same stream', () => {
    expect(streamFromJSON(FULL_JSON)).toStrictEqual(FULL)
  })

  it('leaves out what the stream does not have', () => {
    const bare = Object.keys(streamToJSON(streamWith()))
    for (const field of [
      'name',
      'codec',
      'source_port',
      'video_codec',
      'started_at',
      'ended_at',
      'frame_rate',
    ]) {
      expect(bare).not.toContain(field)
    }
    expect(streamToJSON(streamWith()).state).not.toHaveProperty('last_error')
    expect(streamToJSON(streamWith()).state).not.toHaveProperty('previous_state')
  })

  it('loses nothing of any stream, as an object and as text', () => {
    fc.assert(
      fc.property(anyStream, (stream) => {
        const text = JSON.stringify(streamToJSON(stream))
        expect(streamFromJSON(JSON.parse(text))).toStrictEqual(stream)
        expect(streamFromJSON(text)).toStrictEqual(stream)
      }),
      { numRuns: 300 },
    )
  })

  it('loses nothing of any JSON that it reads', () => {
    fc.assert(
      fc.property(anyStream, (stream) => {
        const json: unknown = JSON.parse(JSON.stringify(streamToJSON(stream)))
        expect(streamToJSON(streamFromJSON(json))).toStrictEqual(json)
      }),
      { numRuns: 100 },
    )
  })

  it('keeps empty lists lists', () => {
    const stream = streamWith({
      tags: [],
      metadata: { list: [], inner: { list: [] } },
      config: { list: [[]] },
    })
    const text = JSON.stringify(streamToJSON(stream))
    expect(text).toContain('"tags":[]')
    expect(text).toContain('"state_transitions":[]')
    expect(streamFromJSON(text)).toStrictEqual(stream)
  })

  it('keeps integers to 2^53-1 exact', () => {
    const max = Number.MAX_SAFE_INTEGER
    const stream = streamWith({
      bitrate: max,
      revision: max,
      metadata: { max, min: -max },
      state: stateWith({ errorCount: max }),
      statistics: { bytesReceived: max, packetsReceived: max, packetsLost: max, bitrate: max },
    })
    expect(streamFromJSON(JSON.stringify(streamToJSON(stream)))).toStrictEqual(stream)
  })

  it('reads a missing statistic as 0, or as missing where it is optional', () => {
    const none = { bytesReceived: 0, packetsReceived: 0, packetsLost: 0, bitrate: 0 }
    const { statistics: _, ...without } = FULL_JSON
    expect(streamFromJSON(without).statistics).toStrictEqual(none)
    expect(streamFromJSON({ ...FULL_JSON, statistics: null }).statistics).toStrictEqual(none)
    expect(streamFromJSON({ ...FULL_JSON, statistics: { rtt_ms: 2 } }).statistics).toStrictEqual({
      ...none,
      rttMs: 2,
    })
  })

  it('reads null as missing where a field is optional', () => {
    const nulls = { name: null, source_port: null, started_at: null, owner: null }
    const stream = streamFromJSON({ ...FULL_JSON, ...nulls })
    for (const field of ['name', 'sourcePort', 'startedAt', 'owner']) expect(stream).not.toHaveProperty(field)
  })

  it('leaves out fields that this release does not know', () => {
    const extra = { ...FULL_JSON, region: 'eu', state: { ...FULL_JSON.state, mood: 'good' } }
    expect(streamFromJSON(extra)).toStrictEqual(FULL)
  })

  it('reads times of any zone and precision', () => {
    const json = {
      ...FULL_JSON,
      created_at: '2024-01-15T15:30:52.123+01:00',
      updated_at: '2024-01-15T14:30:52Z',
    }
    const stream = streamFromJSON(json)
    expect(stream.createdAt).toEqual(new Date(Date.UTC(2024, 0, 15, 14, 30, 52, 123)))
    expect(stream.updatedAt).toEqual(at(52))
  })
})

describe('a stored document', () => {
  it('is the stream again, with its statistics and its lease', () => {
    const doc = JSON.stringify(documentToJSON(FULL))
    const side = JSON.stringify(FULL_JSON.statistics)
    const deadline = FULL.lastHeartbeat.getTime() + FULL.ttlMs
    expect(streamFromStored(doc, side, deadline)).toStrictEqual(FULL)
  })

  it('was renewed one time to live before its deadline, and never before it was created', () => {
    expect(lastHeartbeat(at(10), 1_000, at(15).getTime())).toEqual(at(14))
    expect(lastHeartbeat(at(10), 10_000, at(15).getTime())).toEqual(at(10))
  })
})
