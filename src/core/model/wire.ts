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

/** A stream as it leaves the process: the seeds' snake_case JSON, times in RFC 3339. */
export type StreamJSON = JsonObject

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Json = Record<string, unknown>

/** Without a zone, a time would mean another instant on every host. */
const ZONED_TIME = /^(?:[+-]\d\d)?\d{4}-\d\d-\d\d[Tt][\d:.]+(?:[Zz]|[+-]\d\d:\d\d)$/

const OPTIONAL_TEXT = [
  ['name', 'name'],
  ['codec', 'codec'],
  ['videoCodec', 'video_codec'],
  ['resolution', 'resolution'],
  ['owner', 'owner'],
] as const
const OPTIONAL_NUMBERS = [
  ['sourcePort', 'source_port'],
  ['bitrate', 'bitrate'],
  ['frameRate', 'frame_rate'],
] as const
const OPTIONAL_DATES = [
  ['startedAt', 'started_at'],
  ['endedAt', 'ended_at'],
] as const

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
    last_heartbeat: stream.lastHeartbeat.toISOString(),
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
    created_at: stream.createdAt.toISOString(),
    updated_at: stream.updatedAt.toISOString(),
    metadata: stream.metadata as JsonObject,
    tags: stream.tags,
    config: stream.config,
    ttl_ms: stream.ttlMs,
    epoch: stream.epoch,
    revision: stream.revision,
  }
  for (const [field, name] of OPTIONAL_TEXT) if (stream[field] !== undefined) json[name] = stream[field]
  for (const [field, name] of OPTIONAL_NUMBERS) if (stream[field] !== undefined) json[name] = stream[field]
  for (const [field, name] of OPTIONAL_DATES) if (stream[field]) json[name] = stream[field].toISOString()
  return json
}

function stateToJSON({ previousState, lastError, ...state }: StreamState): JsonObject {
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
  if (lastError !== undefined) json.last_error = { ...lastError, at: lastError.at.toISOString() }
  return json
}

function transitionToJSON(transition: Transition<string>): JsonObject {
  return { ...transition, at: transition.at.toISOString() }
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
  const statistics = source.statistics == null ? undefined : object(source, 'statistics')
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

/** The hot path of every read: one object literal, nothing copied twice. */
function readStream<M>(source: Json, statistics: StreamStatistics, deadline: number | undefined): Stream<M> {
  const createdAt = date(source, 'created_at')
  const ttlMs = number(source, 'ttl_ms')
  const stream: Mutable<Stream<M>> = {
    id: text(source, 'id'),
    type: oneOf(source, 'type', STREAM_TYPES),
    protocol: text(source, 'protocol'),
    sourceAddr: text(source, 'source_addr'),
    status: oneOf(source, 'status', STREAM_STATUSES),
    state: stateFromJSON(object(source, 'state')),
    createdAt,
    updatedAt: date(source, 'updated_at'),
    lastHeartbeat:
      deadline === undefined ? date(source, 'last_heartbeat') : lastHeartbeat(createdAt, ttlMs, deadline),
    statistics,
    metadata: object(source, 'metadata') as M,
    tags: array(source, 'tags', (tag) => (typeof tag === 'string' ? tag : fail('tags', 'text'))),
    config: object(source, 'config') as JsonObject,
    ttlMs,
    epoch: number(source, 'epoch'),
    revision: number(source, 'revision'),
  }
  for (const [field, name] of OPTIONAL_TEXT) if (source[name] != null) stream[field] = text(source, name)
  for (const [field, name] of OPTIONAL_NUMBERS) if (source[name] != null) stream[field] = number(source, name)
  for (const [field, name] of OPTIONAL_DATES) if (source[name] != null) stream[field] = date(source, name)
  return stream
}

function stateFromJSON(json: Json): StreamState {
  const state: Mutable<StreamState> = {
    currentState: oneOf(json, 'current_state', PROCESSING_STATES),
    stateTransitions: array(json, 'state_transitions', (item) =>
      transitionFromJSON('state_transitions', item, PROCESSING_STATES),
    ),
    statusTransitions: array(json, 'status_transitions', (item) =>
      transitionFromJSON('status_transitions', item, STREAM_STATUSES),
    ),
    errorCount: number(json, 'error_count'),
    health: oneOf(json, 'health', HEALTH_STATUSES),
    quality: measuresFromJSON(object(json, 'quality')),
    resources: measuresFromJSON(object(json, 'resources')),
  }
  if (json.previous_state != null) state.previousState = oneOf(json, 'previous_state', PROCESSING_STATES)
  if (json.last_error != null) state.lastError = errorFromJSON(object(json, 'last_error'))
  return state
}

function transitionFromJSON<S extends string>(
  field: string,
  json: unknown,
  states: readonly S[],
): Transition<S> {
  const source = isPlainObject(json) ? json : fail(field, 'a list of objects')
  return {
    from: oneOf(source, 'from', states),
    to: oneOf(source, 'to', states),
    at: date(source, 'at'),
    ...(source.reason != null && { reason: text(source, 'reason') }),
  }
}

function errorFromJSON(json: Json): StreamError {
  return {
    message: text(json, 'message'),
    ...(json.code != null && { code: text(json, 'code') }),
    at: date(json, 'at'),
  }
}

/** Statistics from their wire form, as an object or as text; what is missing is 0 or left out. @throws {@link ValidationError} */
export function statisticsFromJSON(json: unknown): StreamStatistics {
  if (json == null) return { ...NO_STATISTICS }
  const source = parseObject(json)
  const statistics: Mutable<StreamStatistics> = { ...NO_STATISTICS }
  for (const [field, name] of STATISTICS) if (source[name] != null) statistics[field] = number(source, name)
  return statistics
}

function measuresFromJSON(json: Json): Measures {
  const measures: Record<string, number> = {}
  for (const key of Object.keys(json)) measures[camelCase(key)] = number(json, key)
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

function text(json: Json, field: string): string {
  const value = json[field]
  return typeof value === 'string' ? value : fail(field, 'text')
}

function number(json: Json, field: string): number {
  const value = json[field]
  return typeof value === 'number' ? value : fail(field, 'a number')
}

function date(json: Json, field: string): Date {
  return parseTime(json[field]) ?? fail(field, 'an RFC 3339 time')
}

/** Whether a text can be the time that `toISOString` writes, as nearly all are: quicker than the pattern. */
function isOurTime(text: string): boolean {
  return text.length === 24 && text[10] === 'T' && text[19] === '.' && text[23] === 'Z'
}

/** The time of an RFC 3339 text, or `undefined`. */
export function parseTime(text: unknown): Date | undefined {
  if (typeof text !== 'string' || !(isOurTime(text) || ZONED_TIME.test(text))) return undefined
  const time = new Date(text)
  return Number.isNaN(time.getTime()) || !isDayOfMonth(text) ? undefined : time
}

/** `Date` takes 30 February for 1 March. */
function isDayOfMonth(text: string): boolean {
  const at = text.search(/[Tt]/) - 2
  const day = Number(text.slice(at, at + 2))
  if (day <= 28) return true
  const [year, month] = [Number(text.slice(0, at - 4)), Number(text.slice(at - 3, at - 1))]
  const last = new Date(0)
  last.setUTCFullYear(year, month, 0)
  return day <= last.getUTCDate()
}

function object(json: Json, field: string): Json {
  const value = json[field]
  return isPlainObject(value) ? value : fail(field, 'an object')
}

function array<T>(json: Json, field: string, item: (value: unknown) => T): T[] {
  const value = json[field]
  return Array.isArray(value) ? value.map(item) : fail(field, 'an array')
}

function oneOf<T extends string>(json: Json, field: string, allowed: readonly T[]): T {
  const value = json[field] as T
  return allowed.includes(value) ? value : fail(field, `one of ${allowed.join(', ')}`)
}
