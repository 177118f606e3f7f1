import type { StreamInput } from '@mirror/stream-registry'

const TYPES = ['srt', 'rtp', 'rtmp', 'webrtc'] as const
const STATUSES = ['active', 'active', 'active', 'connecting', 'paused', 'error'] as const
const REGIONS = ['eu-central', 'eu-west', 'us-east', 'us-west', 'ap-south']

/** A typical stream: three tags, and about 700 bytes as stored. */
export function sampleStream(i: number): StreamInput & { readonly id: string } {
  const type = TYPES[i % TYPES.length] ?? 'srt'
  const address = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`
  return {
    id: `${type}_20240115_143052_${String(i).padStart(7, '0')}`,
    type,
    status: STATUSES[i % STATUSES.length] ?? 'active',
    sourceAddr: `${address}:${9_000 + (i % 1_000)}`,
    videoCodec: 'h264',
    resolution: '1920x1080',
    bitrate: 4_000_000 + i,
    frameRate: 29.97,
    state: { currentState: 'streaming', health: 'healthy' },
    tags: ['live', `channel-${i % 1_000}`, REGIONS[i % REGIONS.length] ?? 'eu-west'],
    metadata: { region: REGIONS[i % REGIONS.length] ?? 'eu-west', title: `Camera ${i}`, shift: i % 3 },
    ttlMs: 3_600_000,
  }
}
