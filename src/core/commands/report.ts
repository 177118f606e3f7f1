import { InvalidTransitionError, ValidationError } from '../errors.js'
import type { EventType } from '../events.js'
import { LIMITS } from '../model/limits.js'
import { PROCESSING_TRANSITIONS } from '../model/processing.js'
import { isTerminalStatus, STATUS_TRANSITIONS, type StreamStatus } from '../model/status.js'
import type {
  ErrorReport,
  Measures,
  Metadata,
  StateReport,
  Stream,
  StreamError,
  StreamState,
  Transition,
} from '../model/stream.js'
import { type Context, changed, type Decision, eventOf, type PlannedEvent, timeOfChange } from './decision.js'

/** Why a status changes. */
export interface StatusReport {
  /** Kept with the move in `state.statusTransitions`. */
  readonly reason?: string
  /** Counted, and kept as `state.lastError`. */
  readonly error?: ErrorReport
}

/** `updateStatus`: a move of the status machine. The same status again only renews the lease. */
export function decideStatus<M = Metadata>(
  current: Stream<M>,
  status: StreamStatus,
  report: StatusReport,
  context: Context,
): Decision<M> {
  if (status === current.status) return { kind: 'none', stream: current, renew: true }
  return {
    kind: 'put',
    next: moveStatus(current, status, report, context),
    events: [statusEvent(current, status)],
    renew: true,
    newFence: false,
    statistics: 'keep',
  }
}

/** The stream after a move of its status machine. @throws InvalidTransitionError */
export function moveStatus<M>(
  current: Stream<M>,
  status: StreamStatus,
  { reason, error }: StatusReport,
  context: Context,
): Stream<M> {
  if (!STATUS_TRANSITIONS[current.status].includes(status)) {
    throw new InvalidTransitionError(current.id, current.status, status)
  }
  const at = timeOfChange(current, context)
  const failure = error ?? (status === 'error' ? (reason ?? 'no reason given') : undefined)
  const state: StreamState = {
    ...current.state,
    ...(failure !== undefined && countError(current.state, failure, at)),
    statusTransitions: append(current.state.statusTransitions, {
      from: current.status,
      to: status,
      at,
      ...(reason !== undefined && { reason }),
    }),
  }
  const times = {
    ...(status === 'active' && current.startedAt === undefined && { startedAt: at }),
    ...(isTerminalStatus(status) && { endedAt: at }),
  }
  return changed(current, { status, state, ...times } as Partial<Stream<M>>, context)
}

function statusEvent(current: Stream<unknown>, status: StreamStatus): PlannedEvent {
  const type = statusEventType(current, status)
  return type === 'stream.updated' ? eventOf(type, ['status']) : eventOf(type)
}

function statusEventType(current: Stream<unknown>, status: StreamStatus): EventType {
  switch (status) {
    case 'active':
      if (current.startedAt === undefined) return 'stream.started'
      return current.status === 'paused' ? 'stream.resumed' : 'stream.updated'
    case 'paused':
      return 'stream.paused'
    case 'error':
      return 'stream.error'
    case 'terminated':
    case 'closed':
      return 'stream.terminated'
    default:
      return 'stream.updated'
  }
}

/** `updateState`: a move of the processing machine, health, measures, an error. Saying nothing new only renews. */
export function decideState<M = Metadata>(
  current: Stream<M>,
  report: StateReport,
  context: Context,
): Decision<M> {
  const at = timeOfChange(current, context)
  const { state } = current
  const next: StreamState = {
    ...state,
    ...moveProcessing(current, report, at),
    ...(report.health && { health: report.health }),
    quality: mergeMeasures(state.quality, report.quality),
    resources: mergeMeasures(state.resources, report.resources),
    ...(report.error !== undefined && countError(state, report.error, at)),
  }
  const changes = STATE_FIELDS.filter((field) => next[field] !== state[field]).map(
    (field) => `state.${field}`,
  )
  if (changes.length === 0) return { kind: 'none', stream: current, renew: true }
  const beyondHealth = changes.filter((change) => change !== 'state.health')
  return {
    kind: 'put',
    next: changed(current, { state: next } as Partial<Stream<M>>, context),
    events: [
      ...(beyondHealth.length > 0 ? [eventOf('stream.updated', changes)] : []),
      ...(next.health === state.health ? [] : [eventOf('stream.health.changed')]),
    ],
    renew: true,
    newFence: false,
    statistics: 'keep',
  }
}

const STATE_FIELDS = [
  'currentState',
  'health',
  'quality',
  'resources',
  'errorCount',
] as const satisfies (keyof StreamState)[]

function moveProcessing(
  current: Stream<unknown>,
  { currentState: to, reason }: StateReport,
  at: Date,
): Partial<StreamState> {
  const from = current.state.currentState
  if (to === undefined || to === from) return {}
  if (!PROCESSING_TRANSITIONS[from].includes(to)) throw new InvalidTransitionError(current.id, from, to)
  return {
    currentState: to,
    previousState: from,
    stateTransitions: append(current.state.stateTransitions, {
      from,
      to,
      at,
      ...(reason !== undefined && { reason }),
    }),
  }
}

function append<S extends string>(history: readonly Transition<S>[], move: Transition<S>): Transition<S>[] {
  return [...history, move].slice(-LIMITS.maxTransitions)
}

/** The same object when nothing is new, so that a change can be told by identity. */
function mergeMeasures(measures: Measures, report: Measures | undefined): Measures {
  if (report === undefined) return measures
  const isNew = Object.entries(report).some(([key, value]) => value !== undefined && measures[key] !== value)
  if (!isNew) return measures
  const merged = { ...measures, ...report }
  if (Object.keys(merged).length <= LIMITS.maxMeasures) return merged
  throw new ValidationError([
    { path: [], message: `must not have more than ${LIMITS.maxMeasures} measures in all` },
  ])
}

function countError(
  state: StreamState,
  report: ErrorReport,
  at: Date,
): Pick<StreamState, 'errorCount' | 'lastError'> {
  return { errorCount: state.errorCount + 1, lastError: errorOf(report, at) }
}

function errorOf(report: ErrorReport, at: Date): StreamError {
  if (typeof report === 'string') return { message: report, at }
  const code: unknown = 'code' in report ? report.code : undefined
  return { message: report.message, ...(typeof code === 'string' && { code }), at }
}
