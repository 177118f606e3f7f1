import { compareText } from '../core/model/text.js'

/** A member of an index: sorted by rank, then by id. All ranks of one index are of one type. */
export interface Item {
  readonly rank: number | string
  readonly id: string
}

const CHUNK_SIZE = 512

/**
 * A sorted list in chunks. O(log n + chunk) to add, remove and find; adding at the end, the usual case of what is
 * sorted by time, costs a push.
 */
export class SortedItems {
  readonly #chunks: Item[][] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(item: Item): void {
    this.#size += 1
    const at = this.#chunkOf(item)
    const chunk = this.#chunks[at]
    if (chunk === undefined) {
      this.#append(item)
      return
    }
    chunk.splice(lowerBound(chunk, item), 0, item)
    if (chunk.length > CHUNK_SIZE) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK_SIZE / 2))
  }

  /** An item beyond the last one. Full chunks stay full, as nothing will come between. */
  #append(item: Item): void {
    const last = this.#chunks.at(-1)
    if (last === undefined || last.length >= CHUNK_SIZE) this.#chunks.push([item])
    else last.push(item)
  }

  delete(item: Item): boolean {
    const at = this.#chunkOf(item)
    const chunk = this.#chunks[at]
    if (chunk === undefined) return false
    const place = lowerBound(chunk, item)
    const found = chunk[place]
    if (found === undefined || compareItems(found, item) !== 0) return false
    chunk.splice(place, 1)
    this.#size -= 1
    if (chunk.length === 0) this.#chunks.splice(at, 1)
    return true
  }

  has(item: Item): boolean {
    const chunk = this.#chunks[this.#chunkOf(item)]
    const found = chunk?.[lowerBound(chunk, item)]
    return found !== undefined && compareItems(found, item) === 0
  }

  /** The items after `after` (exclusive), or all, in order. The list must not change meanwhile. */
  *from(after?: Item): Generator<Item, void, undefined> {
    let at = after === undefined ? 0 : this.#chunkOf(after)
    const first = this.#chunks[at]
    let place = after === undefined || first === undefined ? 0 : lowerBound(first, after)
    for (; at < this.#chunks.length; at++, place = 0) {
      const chunk = this.#chunks[at] ?? []
      for (; place < chunk.length; place++) {
        const item = chunk[place]
        if (item !== undefined && (after === undefined || compareItems(item, after) > 0)) yield item
      }
    }
  }

  /** The items before `before` (exclusive), or all, the last one first. The list must not change meanwhile. */
  *downFrom(before?: Item): Generator<Item, void, undefined> {
    let at = before === undefined ? this.#chunks.length - 1 : this.#chunkOf(before)
    const first = this.#chunks[at]
    let place = before === undefined || first === undefined ? undefined : lowerBound(first, before)
    for (; at >= 0; at--, place = undefined) {
      const chunk = this.#chunks[at] ?? []
      for (let i = (place ?? chunk.length) - 1; i >= 0; i--) {
        const item = chunk[i]
        if (item !== undefined) yield item
      }
    }
  }

  /** How many items come before `item`. O(chunks). */
  countBefore(item: Item): number {
    const at = this.#chunkOf(item)
    let count = 0
    for (let i = 0; i < at; i++) count += this.#chunks[i]?.length ?? 0
    const chunk = this.#chunks[at]
    return count + (chunk === undefined ? 0 : lowerBound(chunk, item))
  }

  /** The first chunk whose last item is not before `item`; one past the end when all are. */
  #chunkOf(item: Item): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const last = this.#chunks[middle]?.at(-1)
      if (last !== undefined && compareItems(last, item) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

function lowerBound(chunk: readonly Item[], item: Item): number {
  let low = 0
  let high = chunk.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const candidate = chunk[middle]
    if (candidate !== undefined && compareItems(candidate, item) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** By rank, then by id. */
export function compareItems(a: Item, b: Item): number {
  if (a.rank !== b.rank) {
    if (typeof a.rank === 'number' && typeof b.rank === 'number') return a.rank < b.rank ? -1 : 1
    return compareText(String(a.rank), String(b.rank))
  }
  if (a.id === b.id) return 0
  return a.id < b.id ? -1 : 1
}
