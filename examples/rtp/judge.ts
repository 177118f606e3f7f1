import type { HealthStatus, ProcessingState } from '@mirror/stream-registry'
import type { RtpSample } from './rtp-stream-stats.ts'

const DEGRADED_LOSS_PERCENT = 1

/** What a handler makes of its last sample. */
export interface Judgement {
  readonly currentState: ProcessingState
  readonly health: HealthStatus
}

export function judge({ newPackets, lossPercent }: RtpSample): Judgement {
  if (newPackets === 0) return { currentState: 'recovering', health: 'unhealthy' }
  return { currentState: 'streaming', health: lossPercent > DEGRADED_LOSS_PERCENT ? 'degraded' : 'healthy' }
}
