import { generateStreamId } from '../core/model/ids.js'
import type { StreamType } from '../core/model/stream.js'
import type { Call, Store } from '../core/store.js'

const BLOCK_SIZE = 100

/** Mints stream ids that no other process mints: the store hands out blocks of counters. */
export class IdMinter {
  readonly #store: Store
  #next = 1
  #end = 1

  constructor(store: Store) {
    this.#store = store
  }

  async mint(type: StreamType, sourceAddr: string, call: Call): Promise<string> {
    const counter = await this.#counter(call)
    return generateStreamId(type, sourceAddr, { now: new Date(this.#store.now()), counter })
  }

  async #counter(call: Call): Promise<number> {
    if (this.#next < this.#end) return this.#next++
    const first = await this.#store.reserveNumbers(BLOCK_SIZE, call)
    // Calls that waited alongside each got a block: the last one is used up first, the others are lost.
    this.#next = first + 1
    this.#end = first + BLOCK_SIZE
    return first
  }
}
