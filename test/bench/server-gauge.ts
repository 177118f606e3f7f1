import { Redis } from 'ioredis'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

/** Calls shorter than this are not looked at, microseconds. */
const SLOW_MICROS = 100

/** What is kept for a time only, and bounded: markers of operations, and the log of events. */
const TRIM = `
  local cursor = '0'
  repeat
    local page = redis.call('SCAN', cursor, 'MATCH', '*:idx:op:*', 'COUNT', 1000)
    cursor = page[1]
    if #page[2] > 0 then redis.call('UNLINK', unpack(page[2])) end
  until cursor == '0'
  if redis.call('EXISTS', 'mirror:streams:log:events') == 1 then
    redis.call('XTRIM', 'mirror:streams:log:events', 'MAXLEN', 0)
  end`

/** A redis-server, and what can be read off it. */
export class ServerGauge {
  readonly #server: RedisServer
  readonly #redis: Redis

  private constructor(server: RedisServer) {
    this.#server = server
    this.#redis = new Redis(server.port)
  }

  static async start(): Promise<ServerGauge> {
    return new ServerGauge(
      await startRedis(['--slowlog-log-slower-than', String(SLOW_MICROS), '--slowlog-max-len', '10000']),
    )
  }

  get port(): number {
    return this.#server.port
  }

  /** What Redis holds, bytes, once what is bounded has been left out. */
  async usedBytes(): Promise<number> {
    await this.#redis.eval(TRIM, 0)
    return Number(/used_memory:(\d+)/.exec(await this.#redis.info('memory'))?.[1])
  }

  /** The time that its main thread has worked, microseconds. */
  async cpuMicros(): Promise<number> {
    const text = await this.#redis.info('cpu')
    const seconds = [...text.matchAll(/used_cpu_(?:user|sys)_main_thread:([\d.]+)/g)].map(([, value]) =>
      Number(value),
    )
    return seconds.reduce((sum, value) => sum + value, 0) * 1_000_000
  }

  /** The longest call since this was asked last, milliseconds; zero when none was long enough to be logged. */
  async longestMs(): Promise<number> {
    const calls = (await this.#redis.slowlog('GET', -1)) as [number, number, number][]
    await this.#redis.slowlog('RESET')
    return calls.reduce((longest, [, , micros]) => Math.max(longest, micros), 0) / 1_000
  }

  async version(): Promise<string> {
    return /redis_version:(\S+)/.exec(await this.#redis.info('server'))?.[1] ?? 'unknown'
  }

  /** The log of ours. */
  async log(): Promise<{ events: number; bytes: number }> {
    const key = 'mirror:streams:log:events'
    const bytes = Number(await this.#redis.memory('USAGE', key, 'SAMPLES', 0))
    return { events: await this.#redis.xlen(key), bytes }
  }

  get(key: string): Promise<string | null> {
    return this.#redis.get(key)
  }

  /** From here on, until `scriptMs`, each call of a script is timed. */
  async watchScripts(): Promise<void> {
    await this.#redis.config('SET', 'slowlog-log-slower-than', '0', 'slowlog-max-len', '100000')
    await this.#redis.slowlog('RESET')
  }

  /** How long each of them took, milliseconds. */
  async scriptMs(): Promise<number[]> {
    const calls = (await this.#redis.slowlog('GET', -1)) as [number, number, number, string[]][]
    await this.#redis.config('SET', 'slowlog-log-slower-than', String(SLOW_MICROS))
    await this.#redis.slowlog('RESET')
    return calls.flatMap(([, , micros, [command = '']]) => (/^evalsha/i.test(command) ? micros / 1_000 : []))
  }

  /** Cuts the connections that listen to channels. */
  async cutListeners(): Promise<void> {
    await this.#redis.client('KILL', 'TYPE', 'pubsub')
  }

  async stop(): Promise<void> {
    this.#redis.disconnect()
    await this.#server.stop()
  }
}
