import { generateStreamId } from '../core/model/ids.js'
import type { StreamType } from '../core/model/stream.js'
import type { Call, Store } from '../core/store.js'
import { SharedTask } from './shared-task.js'

const BLOCK_SIZE = 100

/** Mints stream ids that no other process mints: the store hands out blocks of counters. */
export class IdMinter {
  readonly #store: Store
  #next = 1
  #end = 1
  readonly #reserving = new SharedTask<void>()

  constructor(store: Store) {
    this.#store = store
  }

  async mint(type: StreamType, sourceAddr: string, call: Call): Promise<string> {
    const counter = await this.#counter(call)
    return generateStreamId(type, sourceAddr, { now: new Date(this.#store.now()), counter })
  }

  async #counter(call: Call): Promise<number> {
    while (this.#next >= this.#end) await this.#reserve(call)
    return this.#next++
  }

  #reserve(call: Call): Promise<void> {
    return this.#reserving.run(call, async (shared) => {
      this.#next = await this.#store.reserveNumbers(BLOCK_SIZE, shared)
      this.#end = this.#next + BLOCK_SIZE
    })
  }
}
