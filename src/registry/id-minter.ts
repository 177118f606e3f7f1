import { generateStreamId } from '../core/model/ids.js'
import type { StreamType } from '../core/model/stream.js'
import type { Call, Store } from '../core/store.js'

const BLOCK_SIZE = 100

/** Mints stream ids that no other process mints: the store hands out blocks of counters. */
export class IdMinter {
  readonly #store: Store
  #next = 1
  #end = 1
  #reserving: Promise<void> | undefined

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

  /** One reservation serves all that wait for it, so no single caller may abort it. */
  #reserve({ deadline }: Call): Promise<void> {
    this.#reserving ??= this.#store
      .reserveNumbers(BLOCK_SIZE, { deadline })
      .then((first) => {
        this.#next = first
        this.#end = first + BLOCK_SIZE
      })
      .finally(() => {
        this.#reserving = undefined
      })
    return this.#reserving
  }
}
