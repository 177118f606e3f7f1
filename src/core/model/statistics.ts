/** What the stream's handler measured. Counters are totals since the stream was created. */
export interface StreamStatistics {
  /** Bytes received, an integer. Default 0. */
  readonly bytesReceived: number
  /** Packets received, an integer. Default 0. */
  readonly packetsReceived: number
  /** Packets lost, an integer. Default 0. */
  readonly packetsLost: number
  /** Measured bit rate in bits per second, an integer. Default 0. */
  readonly bitrate: number
  /** Packets sent again by the source, an integer. */
  readonly packetsRetransmitted?: number
  /** Packets thrown away on arrival (late, corrupt), an integer. */
  readonly packetsDropped?: number
  /** Frames received, an integer. */
  readonly framesReceived?: number
  /** Frames dropped, an integer. */
  readonly framesDropped?: number
  /** Measured frames per second. */
  readonly frameRate?: number
  /** Interarrival jitter in milliseconds. */
  readonly jitterMs?: number
  /** Round-trip time in milliseconds. */
  readonly rttMs?: number
}

/** The statistics that count things and are therefore integers. */
export const INTEGER_STATISTICS = [
  'bytesReceived',
  'packetsReceived',
  'packetsLost',
  'bitrate',
  'packetsRetransmitted',
  'packetsDropped',
  'framesReceived',
  'framesDropped',
] as const

/** The statistics that may have a fraction. */
export const REAL_STATISTICS = ['frameRate', 'jitterMs', 'rttMs'] as const

/** The statistics of a stream that reported none yet. */
export const NO_STATISTICS: StreamStatistics = {
  bytesReceived: 0,
  packetsReceived: 0,
  packetsLost: 0,
  bitrate: 0,
}
