import type { Rec } from '../core/store.js'
import type { PlacedEntry } from './memory-indexes.js'

/** A record as kept in memory. */
export interface MemoryRecord extends Rec {
  readonly order: number
  readonly onLapsed: string
  readonly entries: readonly PlacedEntry[]
}
