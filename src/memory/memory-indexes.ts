import type { Entry } from '../core/store.js'
import { type Item, SortedItems } from './sorted-items.js'

/** An entry in its place: under which name, and as which item. */
export interface PlacedEntry {
  readonly kind: Entry['kind']
  readonly key: string
  readonly item: Item
}

/**
 * Where the entries of a document belong. Equality entries are sorted by the document's order, as in Redis; all of
 * them share one item.
 */
export function placeEntries(entries: readonly Entry[], id: string, order: number): PlacedEntry[] {
  const byOrder: Item = { rank: order, id }
  return entries.map((entry) => placeEntry(entry, byOrder))
}

/** Where one entry belongs. */
export function placeEntry(entry: Entry, byOrder: Item): PlacedEntry {
  const { kind, index } = entry
  const { id, rank: order } = byOrder
  switch (entry.kind) {
    case 'equality':
    case 'counter':
      return { kind, key: `${index}:${entry.value}`, item: byOrder }
    case 'number':
    case 'side': {
      const rank = entry.value ?? Number.POSITIVE_INFINITY
      return { kind, key: index, item: rank === order ? byOrder : { rank, id } }
    }
    case 'text':
      // Missing sorts last: `~` comes after `v`.
      return { kind, key: index, item: { rank: entry.value === null ? '~' : `v${entry.value}`, id } }
  }
}

/** Whether both are the same place. */
export function samePlace(a: PlacedEntry, b: PlacedEntry): boolean {
  return a.key === b.key && a.kind === b.kind && a.item.rank === b.item.rank
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

  add(entry: PlacedEntry): void {
    if (entry.kind === 'counter') {
      this.#bump(entry.key, 1)
      return
    }
    let list = this.#lists.get(entry.key)
    if (list === undefined) {
      list = new SortedItems()
      this.#lists.set(entry.key, list)
    }
    list.add(entry.item)
  }

  remove(entry: PlacedEntry): void {
    if (entry.kind === 'counter') {
      this.#bump(entry.key, -1)
      return
    }
    const list = this.#lists.get(entry.key)
    list?.delete(entry.item)
    if (list?.size === 0) this.#lists.delete(entry.key)
  }

  has(entry: PlacedEntry): boolean {
    return this.#lists.get(entry.key)?.has(entry.item) ?? false
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
