import type { Entry } from '../core/store.js'
import { type Item, SortedItems } from './sorted-items.js'

/** All entries of one value in an equality or counter index, or of a whole number or text index. */
export interface MemoryList {
  readonly kind: Entry['kind']
  readonly index: string
  readonly value: string
  readonly items: SortedItems
  /** Counter indexes only count. */
  count: number
}

/** An entry in its place. */
export interface PlacedEntry {
  readonly list: MemoryList
  readonly item: Item
}

/** Every index of a store in memory, and its counters. */
export class MemoryIndexes {
  readonly #lists = new Map<string, Map<string, MemoryList>>()

  /**
   * Where the entries of a document belong. Equality entries are sorted by the document's order, as in Redis; all
   * of them share one item.
   */
  place(entries: readonly Entry[], id: string, order: number, side: string | undefined): PlacedEntry[] {
    const byOrder: Item = { rank: order, id }
    return entries.map((entry) => this.#placeOne(entry, byOrder, side))
  }

  #placeOne(entry: Entry, byOrder: Item, side: string | undefined): PlacedEntry {
    const { id } = byOrder
    switch (entry.kind) {
      case 'equality':
      case 'counter':
        return { list: this.#listOf(entry, entry.value), item: byOrder }
      case 'number':
      case 'side': {
        const value = entry.kind === 'side' ? (sideValue(side, entry.field) ?? entry.missing) : entry.value
        const rank = value ?? Number.POSITIVE_INFINITY
        return { list: this.#listOf(entry, ''), item: rank === byOrder.rank ? byOrder : { rank, id } }
      }
      case 'text':
        // Missing sorts last: `~` comes after `v`.
        return {
          list: this.#listOf(entry, ''),
          item: { rank: entry.value === null ? '~' : `v${entry.value}`, id },
        }
    }
  }

  #listOf({ kind, index }: Entry, value: string): MemoryList {
    let values = this.#lists.get(index)
    if (values === undefined) {
      values = new Map()
      this.#lists.set(index, values)
    }
    let list = values.get(value)
    if (list === undefined) {
      list = { kind, index, value, items: new SortedItems(), count: 0 }
      values.set(value, list)
    }
    return list
  }

  /** The list of a number or text index, or of one value of an equality index. */
  list(index: string, value = ''): SortedItems | undefined {
    return this.#lists.get(index)?.get(value)?.items
  }

  /** Every list of an index, or of all. */
  *lists(index?: string): Generator<MemoryList, void, undefined> {
    if (index !== undefined) yield* this.#lists.get(index)?.values() ?? []
    else for (const values of this.#lists.values()) yield* values.values()
  }

  /** Takes the entries of a document away and adds those of the one in its place; what stays is left alone. */
  replace(before: readonly PlacedEntry[], after: readonly PlacedEntry[]): void {
    if (before === after) return
    for (const entry of before) if (!isAmong(after, entry)) this.remove(entry)
    for (const entry of after) if (!isAmong(before, entry)) this.add(entry)
  }

  add({ list, item }: PlacedEntry): void {
    if (isEmpty(list)) this.#keep(list)
    if (list.kind === 'counter') list.count += 1
    else list.items.add(item)
  }

  /** It may have been empty, and dropped, since the entry was placed. */
  #keep(list: MemoryList): void {
    const values = this.#lists.get(list.index)
    if (!values?.has(list.value)) values?.set(list.value, list)
  }

  remove({ list, item }: PlacedEntry): void {
    if (list.kind === 'counter') list.count -= 1
    else list.items.delete(item)
    if (isEmpty(list)) this.#lists.get(list.index)?.delete(list.value)
  }
}

function isEmpty({ items, count }: MemoryList): boolean {
  return items.size === 0 && count <= 0
}

function isAmong(entries: readonly PlacedEntry[], entry: PlacedEntry): boolean {
  for (const other of entries) if (samePlace(other, entry)) return true
  return false
}

/** Whether both are the same place. */
export function samePlace(a: PlacedEntry, b: PlacedEntry): boolean {
  return a.list === b.list && a.item.rank === b.item.rank
}

function sideValue(side: string | undefined, field: string): number | undefined {
  return side === undefined ? undefined : (JSON.parse(side) as Record<string, number>)[field]
}
