import type { StreamInput } from '@mirror/stream-registry'
import { sampleStream } from './sample-streams.ts'

/** How many of the oldest streams are paused: nobody else is. */
const PAUSED = 2_000

/** Streams with what the queries of the benchmark look for; the first is the oldest. */
export function queryStream(i: number, total: number): StreamInput & { readonly id: string } {
  const stream = sampleStream(i)
  const tags = [...(stream.tags ?? [])]
  if (i % Math.ceil(total / 20) === 7) tags.push('rare')
  // Two tags of a tenth each, with three streams in common.
  if (i % 10 === 3 || i < 3) tags.push('alpha')
  if (i % 10 === 6 || i < 3) tags.push('beta')
  const isNear = i % Math.ceil(total / 10) === 5
  return {
    ...stream,
    tags,
    status: i < Math.min(PAUSED, total / 5) ? 'paused' : i % 20 === 3 ? 'connecting' : 'active',
    sourceAddr: isNear ? `192.168.7.${i % 251}:9000` : stream.sourceAddr,
    statistics: { bitrate: (i * 7_919) % 10_000_019 },
  }
}
