/**
 * Where a stream stands in its life. The union of both seed specifications.
 *
 * `terminated` (ended by us) and `closed` (ended by the source) are terminal.
 */
export type StreamStatus = (typeof STREAM_STATUSES)[number]

/** Every {@link StreamStatus}, in the order of a stream's life. */
export const STREAM_STATUSES = [
  'pending',
  'connecting',
  'active',
  'paused',
  'error',
  'terminating',
  'terminated',
  'closed',
] as const

/** A status from which no move leads on. */
export type TerminalStatus = 'terminated' | 'closed'

const ENDINGS = ['terminating', 'terminated', 'closed'] as const

/**
 * The status machine: for each status, the statuses a stream may move to.
 *
 * Staying where it is is always allowed and does nothing.
 */
export const STATUS_TRANSITIONS: Readonly<Record<StreamStatus, readonly StreamStatus[]>> = {
  pending: ['connecting', 'active', 'error', ...ENDINGS],
  connecting: ['active', 'error', ...ENDINGS],
  active: ['connecting', 'paused', 'error', ...ENDINGS],
  paused: ['active', 'error', ...ENDINGS],
  error: ['connecting', 'active', ...ENDINGS],
  terminating: ['error', 'terminated', 'closed'],
  terminated: [],
  closed: [],
}

/** Whether the status is `terminated` or `closed`. */
export function isTerminalStatus(status: StreamStatus): status is TerminalStatus {
  return status === 'terminated' || status === 'closed'
}
