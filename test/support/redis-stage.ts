import { createRegistry, RedisRegistry, type Registry } from '@mirror/stream-registry'
import { Redis, type RedisOptions } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest'
import { type RedisServer, startRedis } from './redis-server.ts'

interface StageOptions {
  readonly partitions?: number
  readonly maxEvents?: number
}

/** A Redis for each test, registries on it, and an end to all of it; no rejection may be left unhandled. */
export class RedisStage {
  server!: RedisServer
  readonly unhandled: unknown[] = []
  #options: StageOptions = {}
  readonly #closing: (() => unknown)[] = []

  /** To be called where tests are described. */
  static use(): RedisStage {
    const stage = new RedisStage()
    const note = (error: unknown): void => void stage.unhandled.push(error)
    beforeAll(() => void process.on('unhandledRejection', note))
    afterAll(() => void process.off('unhandledRejection', note))
    beforeEach(() => {
      stage.#options = {}
      stage.unhandled.splice(0)
    })
    afterEach(async () => {
      vi.restoreAllMocks()
      for (const close of stage.#closing.splice(0)) await close()
      expect(stage.unhandled).toEqual([])
    })
    return stage
  }

  /** Closed at the end of the test, the last one first. */
  atEnd(close: () => unknown): void {
    this.#closing.unshift(close)
  }

  async start(args: readonly string[] = [], options: StageOptions = {}): Promise<void> {
    this.server = await startRedis(args)
    this.atEnd(() => this.server.stop())
    this.#options = options
  }

  /** A registry with a connection of its own. */
  owned(port = this.server.port): Registry {
    return this.kept(createRegistry({ redis: { url: `redis://127.0.0.1:${port}` }, ...this.#options }))
  }

  /** A registry on its host's connection. */
  hosted(port = this.server.port, login: RedisOptions = {}): Registry {
    const redis = new Redis(port, { retryStrategy: () => 20, ...login })
    redis.on('error', () => {})
    this.atEnd(() => redis.disconnect())
    return this.kept(new RedisRegistry({ redis, ...this.#options }))
  }

  /** Closed at the end of the test. */
  kept(registry: Registry): Registry {
    this.atEnd(() => registry.close())
    return registry
  }
}
