import { LocalMirror, MockRegistry, type Registry, type Stream } from '@mirror/stream-registry'
import { MirrorContent } from '../../../src/mirror/mirror-content.ts'
import { type Loaded, oursOf, withRegistry } from '../arena.ts'
import type { Figure } from '../figure.ts'
import { inFlight, median } from '../measure.ts'
import { sampleStream } from '../sample-streams.ts'

const MOST = 100_000
const STARTS = 3
const CALLS = 2_000
const WATCHES = 100

/** No change is like one before. */
let changes = 0

/** What a mirror of the largest registry costs, and of one in memory of the same size. */
export async function mirrorFigures(all: readonly Loaded[]): Promise<Figure[]> {
  const ours = oursOf(all).findLast(({ size }) => size <= MOST)
  if (ours === undefined) return []
  const onRedis = await withRegistry(ours.gauge.port, async (registry) => [
    await start('on Redis', ours.size, registry),
    ...(await insideFigures(registry)),
  ])
  const embedded = new MockRegistry()
  await inFlight(64, ours.size, (i) => embedded.create(sampleStream(i)))
  const inMemory = await start('in memory', ours.size, embedded)
  await embedded.close()
  return [...onRedis, inMemory]
}

async function start(name: string, size: number, registry: Registry): Promise<Figure> {
  const seconds: number[] = []
  for (let i = 0; i < STARTS; i++) {
    const began = performance.now()
    const mirror = await LocalMirror.start(registry)
    seconds.push((performance.now() - began) / 1_000)
    await mirror.close()
  }
  const what = `a mirror of ${size.toLocaleString('en')} streams starts, ${name}`
  return { what, reached: median(seconds), unit: 's', atMost: 5 }
}

async function insideFigures(registry: Registry): Promise<Figure[]> {
  const mirror = await LocalMirror.start(registry)
  const streams = mirror.query().all()
  const figures = queryFigures(mirror)
  await mirror.close()
  const content = new MirrorContent<Stream['metadata']>([], () => {})
  for (const stream of streams) content.follow(stream, '1-1')
  return [...figures, watching(content, streams, 'none'), watching(content, streams, 'all')]
}

function queryFigures(mirror: LocalMirror): Figure[] {
  const ids = mirror
    .query()
    .limit(CALLS)
    .all()
    .map(({ id }) => id)
  const newest = (): unknown =>
    mirror.query().filter({ status: 'active', type: 'srt' }).sortBy('createdAt', 'desc').limit(10).all()
  const calls: Record<string, (i: number) => unknown> = {
    'newest 10 of type + status': newest,
    'count of a status': () => mirror.query().filter({ status: 'paused' }).count(),
    get: (i) => mirror.get(ids[i] ?? ''),
  }
  return Object.entries(calls).map(([what, call]) => ({
    what,
    reached: microseconds(call),
    unit: 'µs',
    atMost: 50,
  }))
}

/** What a change costs with so many watches; `hits` says whether it is in the answer of all or of none of them. */
function watching(
  content: MirrorContent<Stream['metadata']>,
  streams: readonly Stream[],
  hits: 'none' | 'all',
): Figure {
  const unwatch = Array.from({ length: WATCHES }, (_, i) =>
    content.watch(
      {
        where: Object.freeze([
          { field: 'status', op: 'eq', value: 'active' },
          { field: 'metadata.shift', op: hits === 'all' ? 'lte' : 'gt', value: 100 + i },
        ] as const),
        sort: [{ field: 'metadata.rank', direction: 'asc' }],
        limit: 10,
      },
      () => {},
    ),
  )
  const active = streams.filter(({ status }) => status === 'active')
  const change = (i: number): void => {
    const stream = active[(i * 17) % active.length]
    if (stream === undefined) return
    changes += 1
    const metadata = { ...stream.metadata, rank: -changes }
    content.follow({ ...stream, metadata, revision: stream.revision + changes }, `9999999999999-${changes}`)
  }
  microseconds(change) // to warm up
  const reached = microseconds(change)
  for (const stop of unwatch) stop()
  return {
    what: `a change with ${WATCHES} watches, in the answer of ${hits} of them`,
    reached,
    unit: 'µs',
    atMost: 100,
  }
}

/** Of one call, the median of many. */
function microseconds(call: (i: number) => unknown): number {
  const times: number[] = []
  for (let i = 0; i < CALLS; i++) {
    const began = performance.now()
    call(i)
    times.push((performance.now() - began) * 1_000)
  }
  return median(times)
}
