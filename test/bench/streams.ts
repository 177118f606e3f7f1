import { MockRegistry, type StreamInput, streamToJSON } from '@mirror/stream-registry'
import type { BenchRecord, BenchStream } from './contenders/contender.ts'
import { sampleStream } from './sample-streams.ts'

/** How many of the oldest streams are paused: nobody else is. */
const PAUSED = 2_000
/** How many have the rare tag. All are of one type: their order does not depend on how times are rounded. */
const RARE = 20
const TYPES = 4

/** Streams with what the queries of the benchmark look for; the first is the oldest. */
export function queryStream(i: number, total: number): StreamInput & { readonly id: string } {
  const stream = sampleStream(i)
  const tags = [...(stream.tags ?? [])]
  if (i % (Math.ceil(total / RARE / TYPES) * TYPES) === 7) tags.push('rare')
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

/** Answers the i-th of so many streams, with the record that our registry stores of it, byte for byte but for the times. */
export async function benchStreams(total: number): Promise<(i: number) => BenchStream> {
  const template = await storedRecord(queryStream(0, total))
  const began = Date.now() - total
  return (i) => {
    const input = queryStream(i, total)
    return { id: input.id, input, record: recordOf(input, template, new Date(began + i).toISOString()) }
  }
}

async function storedRecord(input: StreamInput): Promise<BenchRecord> {
  const registry = new MockRegistry()
  const record = streamToJSON(await registry.create(input)) as BenchRecord
  await registry.close()
  return record
}

function recordOf(input: ReturnType<typeof queryStream>, template: BenchRecord, time: string): BenchRecord {
  const { id, type, status = 'active', sourceAddr, tags = [], metadata = {}, bitrate, statistics } = input
  return {
    ...template,
    id,
    type,
    protocol: type,
    status,
    source_addr: sourceAddr,
    tags,
    metadata,
    bitrate,
    created_at: time,
    updated_at: time,
    last_heartbeat: time,
    statistics: { ...template.statistics, ...statistics },
  }
}
