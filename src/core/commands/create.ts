import { StaleOwnerError, StreamExistsError } from '../errors.js'
import { jsonClone, jsonEqual } from '../model/json.js'
import { NO_STATISTICS } from '../model/statistics.js'
import { isTerminalStatus } from '../model/status.js'
import type { Metadata, Stream, StreamInput, StreamState } from '../model/stream.js'
import { withoutUndefined } from '../model/without-undefined.js'
import { type Context, changed, type Decision, eventOf, type PlannedEvent } from './decision.js'

/** A validated input, with its id and its time to live settled. */
export interface CreateCommand<M> extends StreamInput<M> {
  readonly id: string
  readonly ttlMs: number
}

type Put<M> = Extract<Decision<M>, { kind: 'put' }>

const OPTIONAL_FIELDS = [
  'name',
  'codec',
  'sourcePort',
  'videoCodec',
  'resolution',
  'bitrate',
  'frameRate',
] as const

/** The fields of an input that `register` takes over into a live record. */
const REFRESHED_FIELDS = [
  ...OPTIONAL_FIELDS,
  'type',
  'protocol',
  'sourceAddr',
  'metadata',
  'tags',
  'config',
] as const

/** `create`: refused when the id is live, whoever holds it. */
export function decideCreate<M = Metadata>(
  current: Stream<M> | undefined,
  command: CreateCommand<M>,
  context: Context,
): Decision<M> {
  if (current !== undefined) throw new StreamExistsError(command.id, current.owner)
  return begin(newStream(command, context, 1), [])
}

/** What to register, and how. */
export interface RegisterCommand<M> {
  /** What of it is given refreshes a stream that this instance holds. */
  readonly command: CreateCommand<M>
  readonly takeover: boolean
  readonly ttlGiven: boolean
  /** The command for a stream that begins: with what a schema asks of one. May refuse by throwing. */
  readonly initial: () => CreateCommand<M>
}

/** `register`: creates, refreshes, starts anew or takes over, as the live record demands. */
export function decideRegister<M = Metadata>(
  current: Stream<M> | undefined,
  { command, takeover, ttlGiven, initial }: RegisterCommand<M>,
  context: Context,
): Decision<M> {
  if (current === undefined) return decideCreate(current, initial(), context)
  if (isTerminalStatus(current.status)) {
    return begin(newStream(initial(), context, current.epoch + 1), [
      { type: 'stream.deleted', shows: 'stored' },
    ])
  }
  if (current.owner === context.instanceId) return refresh(current, command, ttlGiven, context)
  if (!takeover) throw new StreamExistsError(command.id, current.owner)
  return claim(current, {}, context)
}

/**
 * `attach`: as `register`, but whoever attaches is a new holder, also where the same instance held the stream: its
 * sessions of before are stale from here on.
 */
export function decideAttach<M = Metadata>(
  current: Stream<M> | undefined,
  register: RegisterCommand<M>,
  context: Context,
): Decision<M> {
  const isOurs = current?.owner === context.instanceId && !isTerminalStatus(current.status)
  if (!isOurs) return decideRegister(current, register, context)
  return claim(current, refreshOf(current, register.command, register.ttlGiven), context)
}

/** The record of a session that the store has lost, as the session knows it: the same stream under a new fence. */
export function decideRestore<M = Metadata>(
  current: Stream<M> | undefined,
  known: Stream<M>,
  context: Context,
): Decision<M> {
  if (current !== undefined) throw new StaleOwnerError(known.id, current.owner)
  return begin(changed(known, { epoch: known.epoch + 1 } as Partial<Stream<M>>, context), [])
}

/**
 * The record of a session that had taken the stream from whoever holds it now, which the store forgot: as the session
 * knows it.
 */
export function decideReclaim<M = Metadata>(
  current: Stream<M> | undefined,
  known: Stream<M>,
  context: Context,
): Decision<M> {
  if (current === undefined) return decideRestore(current, known, context)
  const latest = { ...known, revision: Math.max(current.revision, known.revision) }
  return { ...claim(latest, {}, context), statistics: 'replace' }
}

/** The same record under a new holder. */
function claim<M>(current: Stream<M>, refresh: Partial<Stream<M>>, context: Context): Put<M> {
  const holder = { owner: context.instanceId, epoch: current.epoch + 1 }
  const changes = Object.keys(refresh)
  return {
    kind: 'put',
    next: changed(current, { ...refresh, ...holder } as Partial<Stream<M>>, context),
    events: [
      eventOf('stream.owner.changed'),
      ...(changes.length > 0 ? [eventOf('stream.updated', changes)] : []),
    ],
    renew: true,
    newFence: true,
    statistics: 'keep',
  }
}

function begin<M>(next: Stream<M>, before: readonly PlannedEvent[]): Decision<M> {
  const started = next.status === 'active' ? [eventOf('stream.started')] : []
  return {
    kind: 'put',
    next,
    events: [...before, eventOf('stream.created'), ...started],
    renew: true,
    newFence: true,
    statistics: 'replace',
  }
}

function newStream<M>(command: CreateCommand<M>, { now, instanceId }: Context, epoch: number): Stream<M> {
  const at = new Date(now)
  const status = command.status ?? 'pending'
  // All required fields in one literal, the others after it: objects of one shape are fast to make and to read.
  const stream: { -readonly [K in keyof Stream<M>]: Stream<M>[K] } = {
    id: command.id,
    type: command.type,
    protocol: command.protocol ?? command.type,
    sourceAddr: command.sourceAddr,
    status,
    state: newState(command.state),
    createdAt: at,
    updatedAt: at,
    lastHeartbeat: at,
    statistics: command.statistics
      ? { ...NO_STATISTICS, ...withoutUndefined(command.statistics) }
      : NO_STATISTICS,
    metadata: jsonClone(command.metadata ?? ({} as M)),
    tags: [...new Set(command.tags)],
    config: jsonClone(command.config ?? {}),
    ttlMs: command.ttlMs,
    epoch,
    revision: 1,
    owner: instanceId,
  }
  for (const field of OPTIONAL_FIELDS) if (command[field] !== undefined) assign(stream, field, command[field])
  if (status === 'active') stream.startedAt = at
  if (isTerminalStatus(status)) stream.endedAt = at
  return stream
}

function newState(state: StreamInput['state'] = {}): StreamState {
  return {
    currentState: state.currentState ?? 'initializing',
    stateTransitions: [],
    statusTransitions: [],
    errorCount: 0,
    health: state.health ?? 'unknown',
    quality: { ...state.quality },
    resources: { ...state.resources },
  }
}

function assign<T, K extends keyof T>(target: T, key: K, value: T[K]): void {
  target[key] = value
}

/** What an input changes of a live record. */
function refreshOf<M>(current: Stream<M>, command: CreateCommand<M>, ttlGiven: boolean): Partial<Stream<M>> {
  const change: Record<string, unknown> = {}
  for (const field of REFRESHED_FIELDS) {
    const given = field === 'tags' && command.tags ? [...new Set(command.tags)] : command[field]
    if (given !== undefined && !jsonEqual(given, current[field])) change[field] = jsonClone(given)
  }
  if (ttlGiven && command.ttlMs !== current.ttlMs) change.ttlMs = command.ttlMs
  return change as Partial<Stream<M>>
}

function refresh<M>(
  current: Stream<M>,
  command: CreateCommand<M>,
  ttlGiven: boolean,
  context: Context,
): Decision<M> {
  const change = refreshOf(current, command, ttlGiven)
  const changes = Object.keys(change)
  if (changes.length === 0) return { kind: 'none', stream: current, renew: true }
  return {
    kind: 'put',
    next: changed(current, change, context),
    events: [eventOf('stream.updated', changes)],
    renew: true,
    newFence: false,
    statistics: 'keep',
  }
}
