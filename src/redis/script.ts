import { createHash } from 'node:crypto'
import type { RedisClient } from './client.js'
import { isUnknownScript } from './driver-errors.js'

/** A Lua script: a constant text and its digest. */
export class Script {
  readonly #source: string
  readonly #sha: string

  /** @param parts - the included libraries, then the script itself. */
  constructor(...parts: readonly string[]) {
    this.#source = parts.join('\n')
    this.#sha = createHash('sha1').update(this.#source).digest('hex')
  }

  /** Runs the script over one key and those derived from it. One round trip; two when the server lacks it. */
  async run(client: RedisClient, key: string, args: readonly string[]): Promise<unknown> {
    try {
      return await client.evalsha(this.#sha, 1, key, ...args)
    } catch (error) {
      if (!isUnknownScript(error)) throw error
      return await client.eval(this.#source, 1, key, ...args)
    }
  }
}
