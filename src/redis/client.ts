/**
 * What the store needs of a Redis client: ioredis 5 and 6, standalone, Sentinel or Cluster, have it.
 *
 * Written down structurally, so that the types of this package need no ioredis when none is installed.
 */
export interface RedisClient {
  readonly status: string
  readonly options: object
  evalsha(sha: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>
  get(key: string): Promise<string | null>
  type(key: string): Promise<string>
  del(key: string): Promise<number>
  incrby(key: string, increment: number): Promise<number>
  xrange(
    key: string,
    start: string,
    end: string,
    count: 'COUNT',
    limit: number,
  ): Promise<[string, string[]][]>
  xtrim(key: string, strategy: 'MINID', precision: '~', threshold: number): Promise<number>
  scan(
    cursor: string,
    match: 'MATCH',
    pattern: string,
    count: 'COUNT',
    size: number,
  ): Promise<[string, string[]]>
  zscan(key: string, cursor: string, count: 'COUNT', size: number): Promise<[string, string[]]>
  hscan(key: string, cursor: string, count: 'COUNT', size: number): Promise<[string, string[]]>
  info(section: string): Promise<string>
  on(event: 'ready', listener: () => void): unknown
  off(event: 'ready', listener: () => void): unknown
  /** Of a Cluster only. */
  nodes?(role: 'master'): RedisClient[]
}

/** The clients that a store uses in turn. */
export interface ClientSource {
  /** Rejects when no client can be made at all. */
  clients(): Promise<readonly RedisClient[]>
  /** Closes what the source opened itself. */
  close(): Promise<void>
}

/** The host's own client: used as it is, never closed. */
export function hostClient(client: RedisClient): ClientSource {
  return { clients: async () => [client], close: async () => {} }
}

/** Whether the client is one of a cluster. */
export function isCluster(client: RedisClient): client is RedisClient & Required<Pick<RedisClient, 'nodes'>> {
  return typeof client.nodes === 'function'
}

/** The number of the database that a client uses. */
export function databaseOf({ options }: RedisClient): number {
  return (options as { readonly db?: number }).db ?? 0
}

/** The clients of all masters: the client itself, unless it is a cluster's. */
export function masters(client: RedisClient): RedisClient[] {
  return isCluster(client) ? client.nodes('master') : [client]
}
