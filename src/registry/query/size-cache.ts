import { nameOf } from '../../core/query/plan.js'
import type { Call, Section, Store } from '../../core/store.js'

/** For how long a size is believed, milliseconds. Plans need no more than its order of magnitude. */
const BELIEVED_MS = 1_000
const MAX_SIZES = 1_000

interface KnownSize {
  readonly size: number
  readonly at: number
}

/** Sizes of sections as lately told, so that a query that is asked again and again takes one round trip less. */
export class SizeCache {
  readonly #store: Store
  readonly #known = new Map<string, KnownSize>()

  constructor(store: Store) {
    this.#store = store
  }

  async sizes(sections: readonly Section[], call: Call): Promise<readonly number[]> {
    const since = performance.now() - BELIEVED_MS
    const known = sections.map((section) => this.#known.get(nameOf(section)))
    if (known.every((size) => size !== undefined && size.at > since))
      return known.map((size) => size?.size ?? 0)
    const sizes = await this.#store.sizes(sections, call)
    if (this.#known.size + sections.length > MAX_SIZES) this.#known.clear()
    const at = performance.now()
    for (const [i, section] of sections.entries())
      this.#known.set(nameOf(section), { size: sizes[i] ?? 0, at })
    return sizes
  }
}
