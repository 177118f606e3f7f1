import { UnavailableError } from '../core/errors.js'
import type { Call } from '../core/store.js'
import { bounded } from './bounded.js'

/**
 * Work that many calls need and one does for all: connecting, loading a layout.
 *
 * Each caller waits within its own bounds. When it fails, whoever has time left tries again itself.
 */
export class SharedTask<T> {
  #running: Promise<T> | undefined

  async run(call: Call, work: (call: Call) => Promise<T>): Promise<T> {
    for (;;) {
      const isMine = this.#running === undefined
      const { deadline, isBackground } = call
      // Whoever waits for it and is not of the background keeps the process alive by waiting.
      this.#running ??= work({ deadline, ...(isBackground && { isBackground }) }).finally(() => {
        this.#running = undefined
      })
      const settled = await bounded(this.#running, call)
      if (settled.kind === 'value') return settled.value
      if (settled.kind === 'aborted') throw settled.reason
      if (settled.kind === 'timeout') throw new UnavailableError('Redis cannot be reached')
      if (isMine) throw settled.error
    }
  }
}
