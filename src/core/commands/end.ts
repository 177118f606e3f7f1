import { isTerminalStatus, type TerminalStatus } from '../model/status.js'
import type { Metadata, Stream } from '../model/stream.js'
import { type Context, type Decision, eventOf } from './decision.js'
import { moveStatus } from './report.js'

/** `unregister`: the orderly end. What is not terminal becomes so first: `terminated`, if nothing else is said. */
export function decideUnregister<M = Metadata>(
  current: Stream<M>,
  context: Context,
  status: TerminalStatus = 'terminated',
): Decision<M> {
  if (isTerminalStatus(current.status)) {
    return { kind: 'remove', last: current, events: [eventOf('stream.deleted')] }
  }
  return {
    kind: 'remove',
    last: moveStatus(current, status, {}, context),
    events: [eventOf('stream.terminated'), eventOf('stream.deleted')],
  }
}
