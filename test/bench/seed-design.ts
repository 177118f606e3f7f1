import type { Redis } from 'ioredis'

interface SeedStream {
  readonly id: string
  readonly status: string
  readonly type: string
  readonly protocol: string
  readonly sourceAddr: string
  readonly tags: readonly string[]
  readonly createdAt: Date
}

/** Creates a stream as the seed's design does: one MULTI of SET, SADDs, ZADD and two PUBLISHes. */
export async function seedCreate(
  redis: Redis,
  prefix: string,
  stream: SeedStream,
  json: string,
): Promise<void> {
  const { id } = stream
  const event = `{"type":"stream.created","stream_id":"${id}","timestamp":"${stream.createdAt.toISOString()}","data":${json},"source":"bench","version":1}`
  const transaction = redis
    .multi()
    .set(`${prefix}:${id}`, json, 'PX', 3_600_000)
    .sadd(`${prefix}:active`, id)
    .sadd(`${prefix}:idx:status:${stream.status}`, id)
    .sadd(`${prefix}:idx:type:${stream.type}`, id)
    .sadd(`${prefix}:idx:protocol:${stream.protocol}`, id)
    .sadd(`${prefix}:idx:source:${stream.sourceAddr}`, id)
  for (const tag of stream.tags) transaction.sadd(`${prefix}:idx:tag:${tag}`, id)
  await transaction
    .zadd(`${prefix}:idx:time`, Math.floor(stream.createdAt.getTime() / 1_000), id)
    .publish('streams:events', event)
    .publish(`stream:${id}:events`, event)
    .exec()
}
