import type { Entry } from '../core/store.js'
import { type Item, SortedItems } from './sorted-items.js'

/** An entry in its place: under which name, and with which rank. */
export interface PlacedEntry {
  readonly key: string
  readonly rank: number | string
  readonly kind: Entry['kind']
}

/** Where an entry belongs. Equality entries are sorted by the document's order, as in Redis. */
export function placeEntry(entry: Entry, order: number): PlacedEntry {
  switch (entry.kind) {
    case 'equality':
    case 'counter':
      return { kind: entry.kind, key: `${entry.index}:${entry.value}`, rank: order }
    case 'number':
    case 'side':
      return { kind: entry.kind, key: entry.index, rank: entry.value ?? Number.POSITIVE_INFINITY }
    case 'text':
      // Missing sorts last: `~` comes after `v`.
      return { kind: entry.kind, key: entry.index, rank: entry.value === null ? '~' : `v${entry.value}` }
  }
}

/** Every index of a store in memory, and its counters. */
export class MemoryIndexes {
  readonly #lists = new Map<string, SortedItems>()
  readonly #counts = new Map<string, number>()

  list(key: string): SortedItems | undefined {
    return this.#lists.get(key)
  }

  keys(): Iterable<string> {
    return this.#lists.keys()
  }

  counts(): ReadonlyMap<string, number> {
    return this.#counts
  }

  add(entry: PlacedEntry, id: string): void {
    if (entry.kind === 'counter') {
      this.#bump(entry.key, 1)
      return
    }
    let list = this.#lists.get(entry.key)
    if (list === undefined) {
      list = new SortedItems()
      this.#lists.set(entry.key, list)
    }
    list.add({ rank: entry.rank, id })
  }

  remove(entry: PlacedEntry, id: string): void {
    if (entry.kind === 'counter') {
      this.#bump(entry.key, -1)
      return
    }
    const list = this.#lists.get(entry.key)
    list?.delete({ rank: entry.rank, id })
    if (list?.size === 0) this.#lists.delete(entry.key)
  }

  has(entry: PlacedEntry, id: string): boolean {
    return this.#lists.get(entry.key)?.has({ rank: entry.rank, id }) ?? false
  }

  removeItem(key: string, item: Item): void {
    this.#lists.get(key)?.delete(item)
  }

  setCount(key: string, count: number): void {
    if (count > 0) this.#counts.set(key, count)
    else this.#counts.delete(key)
  }

  #bump(key: string, by: number): void {
    this.setCount(key, (this.#counts.get(key) ?? 0) + by)
  }
}
