import type { Metadata, Stream, StreamState } from '@mirror/stream-registry'
import type { CreateCommand } from '../../../src/core/commands/create.ts'
import type { Context, Decision } from '../../../src/core/commands/decision.ts'

/** When the sample streams were created: 2024-01-15T14:30:52Z. */
export const CREATED_MS: number = Date.UTC(2024, 0, 15, 14, 30, 52)

/** One minute after the sample streams were created, on the instance that owns them. */
export const LATER: Context = { now: CREATED_MS + 60_000, instanceId: 'ingest-1' }

/** A state in which nothing was reported yet. */
export function stateWith(more: Partial<StreamState> = {}): StreamState {
  return {
    currentState: 'initializing',
    stateTransitions: [],
    statusTransitions: [],
    errorCount: 0,
    health: 'unknown',
    quality: {},
    resources: {},
    ...more,
  }
}

/** A pending stream of `ingest-1`, as it is right after its creation. */
export function streamWith(more: Partial<Stream> = {}): Stream {
  const at = new Date(CREATED_MS)
  return {
    id: 'cam1',
    type: 'srt',
    protocol: 'srt',
    sourceAddr: '10.0.0.1:9000',
    status: 'pending',
    state: stateWith(),
    createdAt: at,
    updatedAt: at,
    lastHeartbeat: at,
    statistics: { bytesReceived: 0, packetsReceived: 0, packetsLost: 0, bitrate: 0 },
    metadata: {},
    tags: [],
    config: {},
    ttlMs: 300_000,
    owner: 'ingest-1',
    epoch: 1,
    revision: 1,
    ...more,
  }
}

/** The command that creates {@link streamWith}. */
export function commandWith(more: Partial<CreateCommand<Metadata>> = {}): CreateCommand<Metadata> {
  return { id: 'cam1', type: 'srt', sourceAddr: '10.0.0.1:9000', ttlMs: 300_000, ...more }
}

/** The types of a decision's events, without `stream.` in front. */
export function eventsOf(decision: Decision<never> | Decision): string[] {
  if (decision.kind === 'none') return []
  return decision.events.map(({ type }) => type.replace(/^stream\./, ''))
}

/** A decision that writes a record. Fails the test for any other. */
export function requirePut<M>(decision: Decision<M>): Extract<Decision<M>, { kind: 'put' }> {
  if (decision.kind !== 'put') throw new Error(`expected the decision to put, it is ${decision.kind}`)
  return decision
}

/** What a function throws. Fails the test when it returns. */
export function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('expected it to throw')
}
