import { QueryError } from '../core/errors.js'
import type { Stream } from '../core/model/stream.js'
import type { Call, Identified, Page, Position, Store } from '../core/store.js'

/** By creation time, then by id: the default order. */
function comparePositions(a: Position, b: Position): number {
  if (a.order !== b.order) return a.order - b.order
  if (a.id === b.id) return 0
  return a.id < b.id ? -1 : 1
}

/** Where a stream stands in the default order. */
export function positionOf({ createdAt, id }: Stream<unknown>): Position {
  return { order: createdAt.getTime(), id }
}

/** The part of one partition that was read and not yet given on. */
interface Lane<M> {
  readonly partition: number
  streams: Stream<M>[]
  last: Position | undefined
  finished: boolean
  /** How much is asked for next: more after a page on which everything had lapsed. */
  size: number
  /** The next page, on its way while the last one is worked on. */
  ahead?: Promise<Page>
}

/** What {@link readInOrder} reads. */
export interface OrderedRead<M> {
  readonly after: Position | undefined
  readonly pageSize: number
  /** Whether everything will be read: then the next page is asked for before the last one is worked on. */
  readonly all: boolean
  /** The stream of a record, or `undefined` to leave it out. */
  readonly decode: (record: Identified) => Stream<M> | undefined
}

/** Reads all partitions at once and gives their live streams on in the default order, page by page. */
export async function* readInOrder<M>(
  store: Store,
  { after, pageSize, all, decode }: OrderedRead<M>,
  call: Call,
): AsyncGenerator<Stream<M>[], void, undefined> {
  const size = Math.ceil(pageSize / store.partitions)
  const fetch = (lane: Lane<M>): Promise<Page> => store.page(lane.partition, lane.last, lane.size, call)
  const lanes = Array.from({ length: store.partitions }, (_, partition): Lane<M> => {
    return { partition, streams: [], last: after, finished: false, size }
  })
  const refill = async (lane: Lane<M>): Promise<void> => {
    if (lane.finished || lane.streams.length > 0) return
    const { records, last, finished } = await (lane.ahead ?? fetch(lane))
    lane.last = last ?? lane.last
    lane.finished = finished
    if (all && !finished) {
      lane.ahead = handled(fetch(lane))
      // The request must leave before decoding keeps this thread busy.
      await new Promise(setImmediate)
    }
    lane.size = records.length === 0 ? lane.size * 2 : size
    lane.streams = records.map(decode).filter((stream) => stream !== undefined)
  }
  while (lanes.some(({ finished, streams }) => !finished || streams.length > 0)) {
    await Promise.all(lanes.map(refill))
    const page = takePage(lanes)
    if (page.length > 0) yield page
  }
}

/** The same promise. Whoever awaits it later meets its failure; until then it must not count as unhandled. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** Everything up to where the least advanced unfinished lane was read: nothing can come before it any more. */
function takePage<M>(lanes: readonly Lane<M>[]): Stream<M>[] {
  const [only] = lanes
  if (lanes.length === 1 && only !== undefined) return only.streams.splice(0)
  const frontiers = lanes.flatMap(({ finished, last }) => (finished || last === undefined ? [] : [last]))
  const frontier = frontiers.reduce<Position | undefined>(
    (least, position) => (least === undefined || comparePositions(position, least) < 0 ? position : least),
    undefined,
  )
  const page: Stream<M>[] = []
  for (const { streams } of lanes) {
    const stop = frontier && streams.findIndex((stream) => comparePositions(positionOf(stream), frontier) > 0)
    page.push(...streams.splice(0, stop === undefined || stop < 0 ? streams.length : stop))
  }
  return page.sort((a, b) => comparePositions(positionOf(a), positionOf(b)))
}

/** A position as a cursor: opaque to users. */
export function encodeCursor({ order, id }: Position): string {
  return Buffer.from(`list:${order}:${id}`).toString('base64url')
}

/** The position of a cursor. @throws QueryError */
export function decodeCursor(cursor: string): Position {
  const match = /^list:(-?\d{1,16}):([A-Za-z0-9._~-]{1,128})$/.exec(
    Buffer.from(String(cursor), 'base64url').toString(),
  )
  if (match === null) throw new QueryError('the cursor is none of listPaginated')
  return { order: Number(match[1]), id: match[2] ?? '' }
}
