import type { JsonObject } from './json.js'
import type { HealthStatus, ProcessingState } from './processing.js'
import type { StreamStatistics } from './statistics.js'
import type { StreamStatus } from './status.js'

/** How a stream comes in. */
export type StreamType = (typeof STREAM_TYPES)[number]

/** Every {@link StreamType}. */
export const STREAM_TYPES = ['srt', 'rtp', 'rtmp', 'webrtc'] as const

/** What the user keeps with a stream: JSON, at most 16 KiB, depth 8, 64 keys at the top. */
export type Metadata = JsonObject

/** The stream's configuration: JSON, the limits of {@link Metadata}. The registry keeps it and does not read it. */
export type StreamConfig = JsonObject

/** One move of a state machine. */
export interface Transition<S extends string> {
  readonly from: S
  readonly to: S
  readonly at: Date
  readonly reason?: string
}

/** The last error a stream reported. */
export interface StreamError {
  readonly message: string
  readonly code?: string
  readonly at: Date
}

/** Named measures: keys in camelCase (`jitterMs`, `cpuPercent`), finite numbers, at most 32. */
export type Measures = Readonly<Record<string, number>>

/** Measures of how good the picture and sound arrive, e.g. `score`, `jitterMs`, `packetLossPercent`. */
export type QualityMetrics = Measures

/** Measures of what the stream costs its host, e.g. `cpuPercent`, `memoryBytes`. */
export type ResourceUsage = Measures

/** The state machines of a stream, their histories, its errors and its health. */
export interface StreamState {
  readonly currentState: ProcessingState
  readonly previousState?: ProcessingState
  /** The last 16 moves of the processing machine, newest last. */
  readonly stateTransitions: readonly Transition<ProcessingState>[]
  /** The last 16 moves of the status machine, newest last. */
  readonly statusTransitions: readonly Transition<StreamStatus>[]
  readonly lastError?: StreamError
  /** How many errors were reported, by `updateStatus` or `updateState`. */
  readonly errorCount: number
  readonly health: HealthStatus
  readonly quality: QualityMetrics
  readonly resources: ResourceUsage
}

/**
 * One live stream, as the registry last knew it. Plain data: do not mutate it.
 *
 * @typeParam M - the user's metadata, see `metadataSchema`.
 */
export interface Stream<M = Metadata> {
  readonly id: string
  readonly name?: string
  readonly type: StreamType
  /** Defaults to `type`. */
  readonly protocol: string
  readonly codec?: string
  readonly sourceAddr: string
  readonly sourcePort?: number
  readonly status: StreamStatus
  readonly state: StreamState
  /** When this incarnation began. */
  readonly createdAt: Date
  /** The last change; heartbeats and statistics do not move it. */
  readonly updatedAt: Date
  /** First time `active`. */
  readonly startedAt?: Date
  /** When it became `terminated` or `closed`. */
  readonly endedAt?: Date
  /** The last renewal of the lease. */
  readonly lastHeartbeat: Date
  /** Announced by the source. */
  readonly videoCodec?: string
  /** Announced by the source, e.g. `1920x1080`. */
  readonly resolution?: string
  /** Announced by the source, bits per second, an integer. */
  readonly bitrate?: number
  /** Announced by the source, frames per second. */
  readonly frameRate?: number
  /** Measured by the handler. */
  readonly statistics: StreamStatistics
  readonly metadata: M
  /** In the order given, without repeats. */
  readonly tags: readonly string[]
  readonly config: StreamConfig
  /** How long the stream stays alive after its last heartbeat, milliseconds. */
  readonly ttlMs: number
  /** The instance that holds the stream. */
  readonly owner?: string
  /** 1, 2, …: up each time the stream changes hands or starts anew. */
  readonly epoch: number
  /** Up by one with every change except heartbeats and statistics. */
  readonly revision: number
}

/** What a handler may say of its stream's state. */
export interface StateReport {
  readonly currentState?: ProcessingState
  readonly health?: HealthStatus
  /** Merged by key. */
  readonly quality?: QualityMetrics
  /** Merged by key. */
  readonly resources?: ResourceUsage
  /** Counted, and kept as `lastError`. */
  readonly error?: ErrorReport
  /** Kept with the move in `stateTransitions`. */
  readonly reason?: string
}

/** An error as reported: a message, an `Error`, or a message with a code. */
export type ErrorReport = string | Error | { readonly message: string; readonly code?: string }

/** What is needed to create a stream. */
export interface StreamInput<M = Metadata> {
  /** Minted when left out, see `generateStreamId`. */
  readonly id?: string
  readonly name?: string
  readonly type: StreamType
  /** Default: `type`. */
  readonly protocol?: string
  readonly codec?: string
  readonly sourceAddr: string
  readonly sourcePort?: number
  /** Default `pending`. */
  readonly status?: StreamStatus
  readonly state?: Pick<StateReport, 'currentState' | 'health' | 'quality' | 'resources'>
  readonly videoCodec?: string
  readonly resolution?: string
  readonly bitrate?: number
  readonly frameRate?: number
  readonly statistics?: Partial<StreamStatistics>
  /** Default `{}`. */
  readonly metadata?: M
  /** Default `[]`; repeats are dropped. */
  readonly tags?: readonly string[]
  /** Default `{}`. */
  readonly config?: StreamConfig
  /** Milliseconds. Default: the registry's `defaultTtlMs`. */
  readonly ttlMs?: number
}

/** An RFC 7396 merge patch: `null` removes, arrays are replaced, `undefined` is ignored. */
export type MergePatch<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: MergePatch<T[K]> | null | undefined }
    : T

/** What `update` may change. `null` removes an optional field; `metadata` and `config` are merged key by key. */
export interface StreamPatch<M = Metadata> {
  readonly name?: string | null | undefined
  readonly codec?: string | null | undefined
  readonly sourceAddr?: string | undefined
  readonly sourcePort?: number | null | undefined
  readonly videoCodec?: string | null | undefined
  readonly resolution?: string | null | undefined
  readonly bitrate?: number | null | undefined
  readonly frameRate?: number | null | undefined
  readonly metadata?: MergePatch<M> | undefined
  readonly tags?: readonly string[] | undefined
  readonly config?: MergePatch<StreamConfig> | undefined
}

/** Whether the stream is `active` or `connecting`. */
export function isActive(stream: Pick<Stream<unknown>, 'status'>): boolean {
  return stream.status === 'active' || stream.status === 'connecting'
}
