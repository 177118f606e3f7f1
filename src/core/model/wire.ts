import { ValidationError } from '../errors.js'
import { isPlainObject, type JsonObject, type JsonValue } from './json.js'
import { HEALTH_STATUSES, PROCESSING_STATES } from './processing.js'
import { INTEGER_STATISTICS, NO_STATISTICS, REAL_STATISTICS, type StreamStatistics } from './statistics.js'
import { STREAM_STATUSES } from './status.js'
import {
  type Measures,
  type Metadata,
  STREAM_TYPES,
  type Stream,
  type StreamError,
  type StreamState,
  type Transition,
} from './stream.js'
import { parseTime, timeText } from './time.js'

/** A stream as it leaves the process: the seeds' snake_case JSON, times in RFC 3339. */
export type StreamJSON = JsonObject

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Json = Record<string, unknown>

const STATISTICS = [...INTEGER_STATISTICS, ...REAL_STATISTICS].map((key) => [key, snakeCase(key)] as const)

/**
 * The wire form of a stream, lossless: `streamFromJSON(streamToJSON(stream))` equals `stream`.
 *
 * Field names are snake_case, times RFC 3339 strings. Keys inside `metadata` and `config` are the user's and
 * stay as they are.
 *
 * @example
 * streamToJSON(stream).source_addr // '10.0.0.1:9000'
 */
export function streamToJSON(stream: Stream<unknown>): StreamJSON {
  return {
    ...documentToJSON(stream),
    last_heartbeat: timeText(stream.lastHeartbeat),
    statistics: statisticsToJSON(stream.statistics),
  }
}

/** The part of the wire form that is stored as the record's document; lease and statistics are stored beside it. */
export function documentToJSON(stream: Stream<unknown>): StreamJSON {
  const json: Record<string, JsonValue> = {
    id: stream.id,
    type: stream.type,
    protocol: stream.protocol,
    source_addr: stream.sourceAddr,
    status: stream.status,
    state: stateToJSON(stream.state),
    created_at: timeText(stream.createdAt),
    updated_at: timeText(stream.updatedAt),
    metadata: stream.metadata as JsonObject,
    tags: stream.tags,
    config: stream.config,
    ttl_ms: stream.ttlMs,
    epoch: stream.epoch,
    revision: stream.revision,
  }
  if (stream.name !== undefined) json.name = stream.name
  if (stream.codec !== undefined) json.codec = stream.codec
  if (stream.videoCodec !== undefined) json.video_codec = stream.videoCodec
  if (stream.resolution !== undefined) json.resolution = stream.resolution
  if (stream.owner !== undefined) json.owner = stream.owner
  if (stream.sourcePort !== undefined) json.source_port = stream.sourcePort
  if (stream.bitrate !== undefined) json.bitrate = stream.bitrate
  if (stream.frameRate !== undefined) json.frame_rate = stream.frameRate
  if (stream.startedAt) json.started_at = timeText(stream.startedAt)
  if (stream.endedAt) json.ended_at = timeText(stream.endedAt)
  return json
}

function stateToJSON(state: StreamState): JsonObject {
  const { previousState, lastError } = state
  const json: Record<string, JsonValue> = {
    current_state: state.currentState,
    state_transitions: state.stateTransitions.map(transitionToJSON),
    status_transitions: state.statusTransitions.map(transitionToJSON),
    error_count: state.errorCount,
    health: state.health,
    quality: measuresToJSON(state.quality),
    resources: measuresToJSON(state.resources),
  }
  if (previousState !== undefined) json.previous_state = previousState
  if (lastError !== undefined) json.last_error = { ...lastError, at: timeText(lastError.at) }
  return json
}

function transitionToJSON(transition: Transition<string>): JsonObject {
  return { ...transition, at: timeText(transition.at) }
}

/** The wire form of what is known of the statistics: a flat object of numbers. */
export function statisticsToJSON(statistics: Partial<StreamStatistics>): Record<string, number> {
  const json: Record<string, number> = {}
  for (const [field, name] of STATISTICS) {
    const value = statistics[field]
    if (value !== undefined) json[name] = value
  }
  return json
}

function measuresToJSON(measures: Measures): Record<string, number> {
  const json: Record<string, number> = {}
  for (const key of Object.keys(measures)) json[snakeCase(key)] = measures[key] ?? 0
  return json
}

/** The wire name of a field. */
export function snakeCase(camel: string): string {
  return camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function camelCase(snake: string): string {
  return snake.includes('_') ? snake.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) : snake
}

/**
 * A stream from its wire form, as an object or as text.
 *
 * Fields that this release does not know are left out. Metadata is taken as it is, not validated against a schema.
 *
 * @throws {@link ValidationError} naming the first field that is not what it should be.
 */
export function streamFromJSON<M = Metadata>(json: unknown): Stream<M> {
  const source = parseObject(json)
  const statistics = source.statistics == null ? undefined : object(source.statistics, 'statistics')
  return readStream(source, statisticsFromJSON(statistics), undefined)
}

/** The stream that a stored document is, with what is stored beside it. @throws {@link ValidationError} */
export function streamFromStored<M = Metadata>(
  doc: string,
  side: string | undefined,
  deadline: number,
): Stream<M> {
  return readStream(parseObject(doc), statisticsFromJSON(side), deadline)
}

/** The last renewal: the lease runs for `ttlMs` from it. Never before the creation, which the client stamps. */
export function lastHeartbeat(createdAt: Date, ttlMs: number, deadline: number): Date {
  return new Date(Math.max(createdAt.getTime(), deadline - ttlMs))
}

/** The hot path of every read: one object literal, nothing copied twice, every field read by its own name. */
function readStream<M>(source: Json, statistics: StreamStatistics, deadline: number | undefined): Stream<M> {
  const createdAt = date(source.created_at, 'created_at')
  const ttlMs = number(source.ttl_ms, 'ttl_ms')
  const stream: Mutable<Stream<M>> = {
    id: text(source.id, 'id'),
    type: oneOf(source.type, 'type', STREAM_TYPES),
    protocol: text(source.protocol, 'protocol'),
    sourceAddr: text(source.source_addr, 'source_addr'),
    status: oneOf(source.status, 'status', STREAM_STATUSES),
    state: stateFromJSON(object(source.state, 'state')),
    createdAt,
    updatedAt: date(source.updated_at, 'updated_at'),
    lastHeartbeat:
      deadline === undefined
        ? date(source.last_heartbeat, 'last_heartbeat')
        : lastHeartbeat(createdAt, ttlMs, deadline),
    statistics,
    metadata: object(source.metadata, 'metadata') as M,
    tags: array(source.tags, 'tags', (tag) => (typeof tag === 'string' ? tag : fail('tags', 'text'))),
    config: object(source.config, 'config') as JsonObject,
    ttlMs,
    epoch: number(source.epoch, 'epoch'),
    revision: number(source.revision, 'revision'),
  }
  if (source.name != null) stream.name = text(source.name, 'name')
  if (source.codec != null) stream.codec = text(source.codec, 'codec')
  if (source.video_codec != null) stream.videoCodec = text(source.video_codec, 'video_codec')
  if (source.resolution != null) stream.resolution = text(source.resolution, 'resolution')
  if (source.owner != null) stream.owner = text(source.owner, 'owner')
  if (source.source_port != null) stream.sourcePort = number(source.source_port, 'source_port')
  if (source.bitrate != null) stream.bitrate = number(source.bitrate, 'bitrate')
  if (source.frame_rate != null) stream.frameRate = number(source.frame_rate, 'frame_rate')
  if (source.started_at != null) stream.startedAt = date(source.started_at, 'started_at')
  if (source.ended_at != null) stream.endedAt = date(source.ended_at, 'ended_at')
  return stream
}

function stateFromJSON(json: Json): StreamState {
  const state: Mutable<StreamState> = {
    currentState: oneOf(json.current_state, 'current_state', PROCESSING_STATES),
    stateTransitions: array(json.state_transitions, 'state_transitions', (item) =>
      transitionFromJSON('state_transitions', item, PROCESSING_STATES),
    ),
    statusTransitions: array(json.status_transitions, 'status_transitions', (item) =>
      transitionFromJSON('status_transitions', item, STREAM_STATUSES),
    ),
    errorCount: number(json.error_count, 'error_count'),
    health: oneOf(json.health, 'health', HEALTH_STATUSES),
    quality: measuresFromJSON(object(json.quality, 'quality')),
    resources: measuresFromJSON(object(json.resources, 'resources')),
  }
  if (json.previous_state != null)
    state.previousState = oneOf(json.previous_state, 'previous_state', PROCESSING_STATES)
  if (json.last_error != null) state.lastError = errorFromJSON(object(json.last_error, 'last_error'))
  return state
}

function transitionFromJSON<S extends string>(
  field: string,
  json: unknown,
  states: readonly S[],
): Transition<S> {
  const source = isPlainObject(json) ? json : fail(field, 'a list of objects')
  return {
    from: oneOf(source.from, 'from', states),
    to: oneOf(source.to, 'to', states),
    at: date(source.at, 'at'),
    ...(source.reason != null && { reason: text(source.reason, 'reason') }),
  }
}

function errorFromJSON(json: Json): StreamError {
  return {
    message: text(json.message, 'message'),
    ...(json.code != null && { code: text(json.code, 'code') }),
    at: date(json.at, 'at'),
  }
}

/** Statistics from their wire form, as an object or as text; what is missing is 0 or left out. @throws {@link ValidationError} */
export function statisticsFromJSON(json: unknown): StreamStatistics {
  if (json == null) return { ...NO_STATISTICS }
  const source = parseObject(json)
  const statistics: Mutable<StreamStatistics> = { ...NO_STATISTICS }
  for (const [field, name] of STATISTICS)
    if (source[name] != null) statistics[field] = number(source[name], name)
  return statistics
}

function measuresFromJSON(json: Json): Measures {
  const measures: Record<string, number> = {}
  for (const key of Object.keys(json)) measures[camelCase(key)] = number(json[key], key)
  return measures
}

function parseObject(json: unknown): Json {
  const value: unknown = typeof json === 'string' ? parse(json) : json
  return isPlainObject(value) ? value : fail('value', 'an object')
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new ValidationError([{ path: [], message: 'is not JSON' }], { cause })
  }
}

function fail(field: string, expected: string): never {
  throw new ValidationError([{ path: [field], message: `is not ${expected}` }])
}

function text(value: unknown, field: string): string {
  return typeof value === 'string' ? value : fail(field, 'text')
}

function number(value: unknown, field: string): number {
  return typeof value === 'number' ? value : fail(field, 'a number')
}

function date(value: unknown, field: string): Date {
  return parseTime(value) ?? fail(field, 'an RFC 3339 time')
}

function object(value: unknown, field: string): Json {
  return isPlainObject(value) ? value : fail(field, 'an object')
}

function array<T>(value: unknown, field: string, item: (value: unknown) => T): T[] {
  return Array.isArray(value) ? value.map(item) : fail(field, 'an array')
}

function oneOf<T extends string>(value: unknown, field: string, allowed: readonly T[]): T {
  return allowed.includes(value as T) ? (value as T) : fail(field, `one of ${allowed.join(', ')}`)
}
