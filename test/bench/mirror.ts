import { LocalMirror, MockRegistry, RedisRegistry, type Registry, type Stream } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { MirrorContent } from '../../src/mirror/mirror-content.ts'
import { startRedis } from '../support/redis-server.ts'
import { inFlight, median } from './measure.ts'
import { sampleStream } from './sample-streams.ts'

const SIZE = 100_000
const ROUNDS = 5
const WATCHES = 100
const CHANGES = 2_000

/** No change is like one before. */
let changes = 0

type Content = MirrorContent<Stream['metadata']>

/** Microseconds of one call, the median of many. */
function microseconds(work: (i: number) => unknown, count = 2_000): number {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const began = performance.now()
    work(i)
    times.push((performance.now() - began) * 1_000)
  }
  return median(times)
}

/** How long a mirror takes to start; answers the last one. */
async function measureStart(name: string, registry: Registry): Promise<LocalMirror> {
  await inFlight(256, SIZE, (i) => registry.create(sampleStream(i)))
  const times: number[] = []
  for (let round = 1; ; round++) {
    const began = performance.now()
    const mirror = await LocalMirror.start(registry)
    times.push(performance.now() - began)
    if (round === ROUNDS) {
      console.log(`${name}: a mirror of ${SIZE} streams starts in ${(median(times) / 1_000).toFixed(2)} s`)
      return mirror
    }
    await mirror.close()
  }
}

function measureQueries(mirror: LocalMirror): void {
  const build = (): ReturnType<LocalMirror['query']> =>
    mirror.query().filter({ status: 'active', type: 'srt' }).sortBy('createdAt', 'desc').limit(10)
  const built = build()
  const rare = mirror.query().filter({ status: 'active', tags: ['channel-7'] })
  const figures = {
    'newest 10 of type + status': microseconds(() => built.all()),
    'the same, built anew': microseconds(() => build().all()),
    'a rare tag + status, newest 10': microseconds(() => rare.sortBy('createdAt', 'desc').limit(10).all()),
    'count of a status': microseconds(() => mirror.query().filter({ status: 'paused' }).count()),
    get: microseconds((i) => mirror.get(sampleStream(i).id)),
  }
  for (const [what, time] of Object.entries(figures)) console.log(`${what}: ${time.toFixed(1)} µs`)
}

/** What a change costs with so many watches; `hits` says whether it is in the answer of all or of none of them. */
function measureWatching(content: Content, streams: readonly Stream[], hits: 'none' | 'all'): void {
  let told = 0
  const region = hits === 'all' ? undefined : 'nowhere'
  const unwatch = Array.from({ length: WATCHES }, (_, i) =>
    content.watch(
      {
        where: Object.freeze([
          { field: 'status', op: 'eq', value: 'active' },
          { field: 'metadata.shift', op: region === undefined ? 'lte' : 'gt', value: 100 + i },
        ] as const),
        sort: [{ field: 'metadata.rank', direction: 'asc' }],
        limit: 10,
      },
      () => {
        told += 1
      },
    ),
  )
  const active = streams.filter(({ status }) => status === 'active')
  const time = microseconds((i) => {
    const stream = active[(i * 17) % active.length]
    if (stream === undefined) return
    changes += 1
    const metadata = { ...stream.metadata, rank: -changes }
    content.follow({ ...stream, metadata, revision: stream.revision + changes }, `9999999999999-${changes}`)
  }, CHANGES)
  for (const stop of unwatch) stop()
  console.log(
    `a change with ${WATCHES} watches, in the answer of ${hits} of them (${told} told): ${time.toFixed(1)} µs`,
  )
}

const server = await startRedis()
const redis = new Redis(server.port)
const registry = new RedisRegistry({ redis })
const embedded = new MockRegistry()
try {
  const mirror = await measureStart('on Redis', registry)
  measureQueries(mirror)
  await (await measureStart('in memory', embedded)).close()
  const streams = mirror.query().all()
  const content: Content = new MirrorContent([], () => {})
  for (const stream of streams) content.follow(stream, '1-1')
  measureWatching(content, streams, 'none')
  measureWatching(content, streams, 'all')
} finally {
  await registry.close()
  await embedded.close()
  redis.disconnect()
  await server.stop()
}
