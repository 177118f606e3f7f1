import { ValidationError } from '../core/errors.js'
import { isCluster, masters, type RedisClient } from './client.js'

/** Where warnings go. */
export type Warn = (message: string) => void

interface ClientOptions {
  readonly keyPrefix?: string
  readonly enableAutoPipelining?: boolean
  readonly scaleReads?: unknown
  readonly redisOptions?: ClientOptions
}

/** Refuses a client that the registry cannot work with. Sends nothing. @throws ValidationError */
export function requireUsableClient(client: RedisClient): void {
  if (typeof client?.evalsha !== 'function') {
    throw new ValidationError([{ path: ['redis'], message: 'must be a client of ioredis' }])
  }
  const options = client.options as ClientOptions
  if (options.keyPrefix || options.redisOptions?.keyPrefix) {
    throw new ValidationError([
      {
        path: ['redis'],
        message:
          'must not have a keyPrefix: it rewrites only some of the keys of a script; use the registry’s keyPrefix',
      },
    ])
  }
}

/** Warns of settings under which the registry is slower, or not what it promises. */
export async function inspectClient(client: RedisClient, warn: Warn): Promise<void> {
  const options = client.options as ClientOptions
  if (options.enableAutoPipelining) {
    warn(
      'the Redis client has enableAutoPipelining, which makes scripts slower; give the registry a client without it',
    )
  }
  if (isCluster(client) && options.scaleReads !== undefined && options.scaleReads !== 'master') {
    warn('the Redis Cluster client reads from replicas (scaleReads): reads may show what is past')
  }
  for (const policy of await evictionPolicies(client)) {
    if (policy !== 'noeviction') {
      warn(`Redis has maxmemory-policy ${policy}: eviction tears records from their indexes; set noeviction`)
      return
    }
  }
}

async function evictionPolicies(client: RedisClient): Promise<string[]> {
  try {
    const infos = await Promise.all(masters(client).map((master) => master.info('memory')))
    return infos.flatMap((info) => /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? [])
  } catch {
    // Some hosts may not run INFO. It is advice only.
    return []
  }
}
