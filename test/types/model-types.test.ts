import {
  type AnyRegistryError,
  type ErrorCode,
  type EVENT_TYPES,
  type EventType,
  type HEALTH_STATUSES,
  type HealthStatus,
  type Issue,
  isRegistryError,
  isTerminalStatus,
  type PROCESSING_STATES,
  type ProcessingState,
  type RegistryError,
  type STREAM_STATUSES,
  type STREAM_TYPES,
  type Stream,
  type StreamEvent,
  type StreamJSON,
  type StreamPatch,
  type StreamStatus,
  type StreamType,
  streamFromJSON,
  streamToJSON,
} from '@mirror/stream-registry'
import { describe, expectTypeOf, it } from 'vitest'

interface Camera {
  readonly region: string
  readonly viewers?: number
  readonly encoder: { readonly name: string; readonly presets: readonly string[] }
}

type Patch = StreamPatch<Camera>

describe('a patch', () => {
  it('is of the fields that may be changed, and no others', () => {
    expectTypeOf<keyof Patch>().toEqualTypeOf<
      | 'name'
      | 'codec'
      | 'sourceAddr'
      | 'sourcePort'
      | 'videoCodec'
      | 'resolution'
      | 'bitrate'
      | 'frameRate'
      | 'metadata'
      | 'tags'
      | 'config'
    >()
  })

  it('removes optional fields with null, and ignores undefined', () => {
    expectTypeOf<Patch['name']>().toEqualTypeOf<string | null | undefined>()
    expectTypeOf<Patch['bitrate']>().toEqualTypeOf<number | null | undefined>()
    expectTypeOf({ name: null, codec: undefined, sourcePort: null } as const).toExtend<Patch>()
    // @ts-expect-error the source is required
    expectTypeOf({ sourceAddr: null }).toExtend<Patch>()
    // @ts-expect-error tags are replaced, never removed
    expectTypeOf({ tags: null }).toExtend<Patch>()
  })

  it('reaches into the metadata, at any depth', () => {
    expectTypeOf({ metadata: { region: 'eu' } }).toExtend<Patch>()
    expectTypeOf({ metadata: { viewers: null, encoder: { name: 'x' } } }).toExtend<Patch>()
    expectTypeOf({ metadata: { encoder: { presets: ['fast'] } } }).toExtend<Patch>()
    // @ts-expect-error the region is text
    expectTypeOf({ metadata: { region: 5 } }).toExtend<Patch>()
    // @ts-expect-error the presets are text
    expectTypeOf({ metadata: { encoder: { presets: [5] } } }).toExtend<Patch>()
    // @ts-expect-error lists are replaced as a whole
    expectTypeOf({ metadata: { encoder: { presets: { 0: 'fast' } } } }).toExtend<Patch>()
  })

  it('refuses misspelt fields', () => {
    const patches: Patch[] = [
      // @ts-expect-error there is no such field
      { nmae: 'x' },
      // @ts-expect-error the registry keeps the revision
      { revision: 1 },
      // @ts-expect-error the status is moved by updateStatus
      { status: 'active' },
      // @ts-expect-error there is no such key in the metadata
      { metadata: { regoin: 'eu' } },
    ]
    expectTypeOf(patches).toBeArray()
  })

  it('of any metadata is any JSON', () => {
    expectTypeOf({ metadata: { a: null, b: [1, null], c: { d: null } } }).toExtend<StreamPatch>()
    expectTypeOf({ config: { latencyMs: 120, mode: null } }).toExtend<StreamPatch>()
    // @ts-expect-error a date is no JSON
    expectTypeOf({ metadata: { at: new Date() } }).toExtend<StreamPatch>()
  })
})

describe('an event', () => {
  type CameraEvent = StreamEvent<Camera>

  it('has one of the known types', () => {
    expectTypeOf<CameraEvent['type']>().toEqualTypeOf<EventType>()
    expectTypeOf<EventType>().toEqualTypeOf<(typeof EVENT_TYPES)[number]>()
    expectTypeOf<'stream.created' | 'stream.expired' | 'stream.owner.changed'>().toExtend<EventType>()
    // @ts-expect-error there is no such event
    expectTypeOf<'stream.born'>().toExtend<EventType>()
  })

  it('is told by its type', () => {
    expectTypeOf<Extract<CameraEvent, { type: 'stream.paused' }>['type']>().toEqualTypeOf<'stream.paused'>()
    const briefly = (event: CameraEvent): string => {
      switch (event.type) {
        case 'stream.created':
          expectTypeOf(event.type).toEqualTypeOf<'stream.created'>()
          return event.data.metadata.region
        case 'stream.updated':
        case 'stream.started':
        case 'stream.paused':
        case 'stream.resumed':
        case 'stream.terminated':
        case 'stream.error':
        case 'stream.health.changed':
        case 'stream.expired':
        case 'stream.deleted':
        case 'stream.owner.changed':
          return event.cursor
        default:
          expectTypeOf(event).toBeNever()
          return event
      }
    }
    expectTypeOf(briefly).returns.toBeString()
  })

  it('carries the stream, the time, the source and the place in the log', () => {
    expectTypeOf<CameraEvent['data']>().toEqualTypeOf<Stream<Camera>>()
    expectTypeOf<CameraEvent['timestamp']>().toEqualTypeOf<Date>()
    expectTypeOf<CameraEvent['source']>().toEqualTypeOf<string>()
    expectTypeOf<CameraEvent['changes']>().toEqualTypeOf<readonly string[] | undefined>()
    expectTypeOf<CameraEvent['version']>().toEqualTypeOf<number>()
  })
})

describe('a stream', () => {
  it('is readonly', () => {
    const touch = (stream: Stream<Camera>): void => {
      // @ts-expect-error streams are not mutated
      stream.status = 'active'
      // @ts-expect-error nor are their tags
      stream.tags.push('x')
      // @ts-expect-error nor their statistics
      stream.statistics.bitrate = 5
      // @ts-expect-error nor their histories
      stream.state.stateTransitions.length = 0
      // @ts-expect-error nor their metadata
      stream.metadata.region = 'eu'
    }
    expectTypeOf(touch).toBeFunction()
  })

  it('is of the words that the lists name', () => {
    expectTypeOf<StreamType>().toEqualTypeOf<(typeof STREAM_TYPES)[number]>()
    expectTypeOf<StreamStatus>().toEqualTypeOf<(typeof STREAM_STATUSES)[number]>()
    expectTypeOf<ProcessingState>().toEqualTypeOf<(typeof PROCESSING_STATES)[number]>()
    expectTypeOf<HealthStatus>().toEqualTypeOf<(typeof HEALTH_STATUSES)[number]>()
    expectTypeOf<StreamType>().toEqualTypeOf<'srt' | 'rtp' | 'rtmp' | 'webrtc'>()
    expectTypeOf<HealthStatus>().toEqualTypeOf<'healthy' | 'degraded' | 'unhealthy' | 'unknown'>()
  })

  it('goes out as JSON and comes in typed', () => {
    expectTypeOf(streamToJSON).parameter(0).toEqualTypeOf<Stream<unknown>>()
    expectTypeOf(streamToJSON).returns.toEqualTypeOf<StreamJSON>()
    expectTypeOf(streamFromJSON<Camera>).returns.toEqualTypeOf<Stream<Camera>>()
    expectTypeOf(streamFromJSON).parameter(0).toBeUnknown()
  })

  it('has a status that can be narrowed', () => {
    const ended = (status: StreamStatus): 'terminated' | 'closed' | undefined =>
      isTerminalStatus(status) ? status : undefined
    expectTypeOf(ended).toBeFunction()
  })
})

describe('an error', () => {
  it('is told from others, and branched on by its code', () => {
    const codeOf = (error: unknown): string => {
      if (!isRegistryError(error)) return 'other'
      expectTypeOf(error).toEqualTypeOf<AnyRegistryError>()
      expectTypeOf(error).toExtend<RegistryError>()
      // @ts-expect-error there is no such code
      if (error.code === 'NOT_FOUND') return 'never'
      return error.code
    }
    expectTypeOf(codeOf).returns.toBeString()
  })

  it('has every code, and no other', () => {
    expectTypeOf<AnyRegistryError['code']>().toEqualTypeOf<ErrorCode>()
  })

  it('says by its code what else it carries', () => {
    const narrow = (error: unknown): void => {
      if (!isRegistryError(error)) return
      // @ts-expect-error only some carry issues
      error.issues
      if (error.code === 'VALIDATION') expectTypeOf(error.issues).toEqualTypeOf<readonly Issue[]>()
      if (error.code === 'CONFLICT') {
        expectTypeOf(error.expected).toBeNumber()
        expectTypeOf(error.actual).toBeNumber()
      }
      if (error.code === 'INVALID_TRANSITION') {
        expectTypeOf(error.from).toBeString()
        expectTypeOf(error.to).toBeString()
      }
    }
    expectTypeOf(narrow).toBeFunction()
  })
})
