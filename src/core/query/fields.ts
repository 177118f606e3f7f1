import { QueryError } from '../errors.js'
import { HEALTH_STATUSES, PROCESSING_STATES } from '../model/processing.js'
import { INTEGER_STATISTICS, REAL_STATISTICS } from '../model/statistics.js'
import { STREAM_STATUSES } from '../model/status.js'
import { STREAM_TYPES } from '../model/stream.js'
import { snakeCase } from '../model/wire.js'

/** What a field holds: decides which operators and values it takes. `json`: whatever the user put there. */
type FieldKind = 'text' | 'number' | 'date' | 'list' | 'json'

/** A field that queries know. */
export interface Field {
  /** Its dotted path in a stream. */
  readonly path: string
  readonly kind: FieldKind
  /** The values it can have, where they are few. */
  readonly values?: readonly string[]
}

/** The seeds' short names of fields. */
export const FIELD_ALIASES = {
  errorCount: 'state.errorCount',
  health: 'state.health',
  currentState: 'state.currentState',
  previousState: 'state.previousState',
  bytesReceived: 'statistics.bytesReceived',
  packetsReceived: 'statistics.packetsReceived',
  packetsLost: 'statistics.packetsLost',
} as const

const MAX_PATH_LENGTH = 256

const FIELDS: readonly Field[] = [
  ...of('text', 'id', 'name', 'protocol', 'codec', 'sourceAddr', 'videoCodec', 'resolution', 'owner'),
  ...of('text', 'state.lastError.message', 'state.lastError.code'),
  { path: 'type', kind: 'text', values: STREAM_TYPES },
  { path: 'status', kind: 'text', values: STREAM_STATUSES },
  { path: 'state.currentState', kind: 'text', values: PROCESSING_STATES },
  { path: 'state.previousState', kind: 'text', values: PROCESSING_STATES },
  { path: 'state.health', kind: 'text', values: HEALTH_STATUSES },
  ...of('number', 'sourcePort', 'bitrate', 'frameRate', 'ttlMs', 'epoch', 'revision', 'state.errorCount'),
  ...of('number', ...[...INTEGER_STATISTICS, ...REAL_STATISTICS].map((name) => `statistics.${name}`)),
  ...of('date', 'createdAt', 'updatedAt', 'startedAt', 'endedAt', 'lastHeartbeat', 'state.lastError.at'),
  { path: 'tags', kind: 'list' },
]

/** Whose members are the user's. */
const OPEN: readonly Field[] = [
  ...of('json', 'metadata', 'config'),
  ...of('number', 'state.quality', 'state.resources'),
]

const BY_NAME: ReadonlyMap<string, Field> = new Map(
  [
    ...FIELDS.map((field) => [field.path, field] as const),
    ...Object.entries(FIELD_ALIASES).map(([alias, path]) => [alias, known(path)] as const),
  ].flatMap(([name, field]) => [[name, field] as const, [snakePath(name), field] as const]),
)

function of(kind: FieldKind, ...paths: readonly string[]): Field[] {
  return paths.map((path) => ({ path, kind }))
}

function known(path: string): Field {
  const field = FIELDS.find((candidate) => candidate.path === path)
  if (field === undefined) throw new RangeError(path)
  return field
}

function snakePath(path: string): string {
  return path.split('.').map(snakeCase).join('.')
}

/** The field of a name: its path, a short name, or either in snake_case. @throws QueryError */
export function fieldOf(name: unknown): Field {
  const field = typeof name === 'string' ? findField(name) : undefined
  if (field === undefined) throw new QueryError(`unknown field: ${describeName(name)}`)
  return field
}

/** As {@link fieldOf}, but `undefined` for what is no field. */
export function findField(name: string): Field | undefined {
  return BY_NAME.get(name) ?? openField(name)
}

function openField(name: string): Field | undefined {
  if (name.length > MAX_PATH_LENGTH) return undefined
  const open = OPEN.find(({ path }) => name.startsWith(`${path}.`))
  if (open === undefined || name.split('.').includes('')) return undefined
  return { path: name, kind: open.kind }
}

function describeName(name: unknown): string {
  return typeof name === 'string' ? name.slice(0, 64) : typeof name
}
