/** What the pipeline behind a stream is doing. */
export type ProcessingState = (typeof PROCESSING_STATES)[number]

/** Every {@link ProcessingState}, in the order of a pipeline's life. */
export const PROCESSING_STATES = [
  'initializing',
  'connecting',
  'buffering',
  'streaming',
  'recovering',
  'draining',
  'stopping',
] as const

/** How well a stream runs, as its handler judges it. */
export type HealthStatus = (typeof HEALTH_STATUSES)[number]

/** Every {@link HealthStatus}. */
export const HEALTH_STATUSES = ['healthy', 'degraded', 'unhealthy', 'unknown'] as const

/**
 * The processing machine: for each state, the states a pipeline may move to.
 *
 * `stopping` is the end: a pipeline that starts again belongs to a new incarnation of the stream.
 */
export const PROCESSING_TRANSITIONS: Readonly<Record<ProcessingState, readonly ProcessingState[]>> = {
  initializing: ['connecting', 'buffering', 'streaming', 'recovering', 'draining', 'stopping'],
  connecting: ['buffering', 'streaming', 'recovering', 'draining', 'stopping'],
  buffering: ['connecting', 'streaming', 'recovering', 'draining', 'stopping'],
  streaming: ['connecting', 'buffering', 'recovering', 'draining', 'stopping'],
  recovering: ['connecting', 'buffering', 'streaming', 'draining', 'stopping'],
  draining: ['stopping'],
  stopping: [],
}
