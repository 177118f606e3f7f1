import { QueryError } from '../core/errors.js'
import type { Call, Position, Store } from '../core/store.js'

/** By creation time, then by id: the default order. */
export function comparePositions(a: Position, b: Position): number {
  if (a.order !== b.order) return a.order - b.order
  if (a.id === b.id) return 0
  return a.id < b.id ? -1 : 1
}

/** The part of one partition that was walked and not yet given on. */
interface Lane {
  readonly partition: number
  positions: Position[]
  last: Position | undefined
  finished: boolean
}

/** Walks all partitions at once and gives their positions on in the default order, in pages of about `pageSize`. */
export async function* walkPositions(
  store: Store,
  after: Position | undefined,
  pageSize: number,
  call: Call,
): AsyncGenerator<Position[], void, undefined> {
  const lanes = Array.from({ length: store.partitions }, (_, partition): Lane => {
    return { partition, positions: [], last: after, finished: false }
  })
  const laneSize = Math.ceil(pageSize / store.partitions)
  for (;;) {
    await Promise.all(lanes.map((lane) => refill(store, lane, laneSize, call)))
    const page = takePage(lanes)
    if (page.length === 0) return
    yield page
  }
}

async function refill(store: Store, lane: Lane, size: number, call: Call): Promise<void> {
  if (lane.finished || lane.positions.length > 0) return
  lane.positions = await store.walk(lane.partition, lane.last, size, call)
  lane.last = lane.positions.at(-1) ?? lane.last
  lane.finished = lane.positions.length < size
}

/** Everything up to where the least advanced unfinished lane was walked: nothing can come before it any more. */
function takePage(lanes: readonly Lane[]): Position[] {
  const [only] = lanes
  if (lanes.length === 1 && only !== undefined) return only.positions.splice(0)
  const frontiers = lanes.flatMap(({ finished, last }) => (finished || last === undefined ? [] : [last]))
  const frontier = frontiers.reduce<Position | undefined>(
    (least, position) => (least === undefined || comparePositions(position, least) < 0 ? position : least),
    undefined,
  )
  const page: Position[] = []
  for (const lane of lanes) {
    const stop = frontier && lane.positions.findIndex((position) => comparePositions(position, frontier) > 0)
    page.push(...lane.positions.splice(0, stop === undefined || stop < 0 ? lane.positions.length : stop))
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
