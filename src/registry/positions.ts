import { QueryError } from '../core/errors.js'
import type { Call, Page, Placed, Position, Store } from '../core/store.js'

/** By creation time, then by id: the default order. */
function comparePositions(a: Position, b: Position): number {
  if (a.order !== b.order) return a.order - b.order
  if (a.id === b.id) return 0
  return a.id < b.id ? -1 : 1
}

/** The part of one partition that was read and not yet given on. */
interface Lane {
  readonly partition: number
  records: Placed[]
  last: Position | undefined
  finished: boolean
  /** The next page, on its way while the last one is worked on. */
  ahead?: Promise<Page>
}

/** What {@link readInOrder} reads. */
export interface OrderedRead {
  readonly after: Position | undefined
  readonly pageSize: number
  /** Whether everything will be read: then the next page is asked for before the last one is worked on. */
  readonly all: boolean
}

/** Reads all partitions at once and gives their live records on in the default order, page by page. */
export async function* readInOrder(
  store: Store,
  { after, pageSize, all }: OrderedRead,
  call: Call,
): AsyncGenerator<Placed[], void, undefined> {
  const size = Math.ceil(pageSize / store.partitions)
  const fetch = (lane: Lane): Promise<Page> => store.page(lane.partition, lane.last, size, call)
  const lanes = Array.from({ length: store.partitions }, (_, partition): Lane => {
    return { partition, records: [], last: after, finished: false }
  })
  while (lanes.some(({ finished, records }) => !finished || records.length > 0)) {
    await Promise.all(lanes.map((lane) => refill(lane, fetch, all)))
    const page = takePage(lanes)
    if (page.length > 0) yield page
  }
}

async function refill(lane: Lane, fetch: (lane: Lane) => Promise<Page>, all: boolean): Promise<void> {
  if (lane.finished || lane.records.length > 0) return
  const { records, last, finished } = await (lane.ahead ?? fetch(lane))
  lane.records = [...records]
  lane.last = last ?? lane.last
  lane.finished = finished
  if (!all || finished) return
  lane.ahead = fetch(lane)
  // Its failure is met by the next refill; until then it must not count as unhandled.
  lane.ahead.catch(() => {})
}

/** Everything up to where the least advanced unfinished lane was read: nothing can come before it any more. */
function takePage(lanes: readonly Lane[]): Placed[] {
  const [only] = lanes
  if (lanes.length === 1 && only !== undefined) return only.records.splice(0)
  const frontiers = lanes.flatMap(({ finished, last }) => (finished || last === undefined ? [] : [last]))
  const frontier = frontiers.reduce<Position | undefined>(
    (least, position) => (least === undefined || comparePositions(position, least) < 0 ? position : least),
    undefined,
  )
  const page: Placed[] = []
  for (const lane of lanes) {
    const stop = frontier && lane.records.findIndex((record) => comparePositions(record, frontier) > 0)
    page.push(...lane.records.splice(0, stop === undefined || stop < 0 ? lane.records.length : stop))
  }
  return page.sort(comparePositions)
}

/** A position as a cursor: opaque to users. */
export function encodeCursor({ order, id }: Position): string {
  return Buffer.from(`list:${order}:${id}`).toString('base64url')
}

/** The position of a cursor. @throws QueryError */
export function decodeCursor(cursor: string): Position {
  const match = /^list:(\d{1,15}):([A-Za-z0-9._~-]{1,128})$/.exec(
    Buffer.from(String(cursor), 'base64url').toString(),
  )
  if (match === null) throw new QueryError('the cursor is none of listPaginated')
  return { order: Number(match[1]), id: match[2] ?? '' }
}
