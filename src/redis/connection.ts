import type { ClusterOptions, Redis, RedisOptions } from 'ioredis'
import { UnavailableError } from '../core/errors.js'
import type { ClientSource, RedisClient } from './client.js'
import { letProcessEnd } from './let-process-end.js'

/** How to reach Redis, checked. */
export interface ConnectionConfig {
  readonly url?: string | undefined
  readonly addresses?: readonly string[] | undefined
  readonly sentinel?: { readonly name: string; readonly password?: string | undefined } | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly db?: number | undefined
  readonly poolSize: number
  readonly dialTimeoutMs: number
  readonly tls?: boolean | Readonly<Record<string, unknown>> | undefined
}

type Driver = Pick<typeof import('ioredis'), 'Redis' | 'Cluster'>
interface OwnClient extends RedisClient {
  disconnect(): void
}

const SOCKET_TIMEOUT_MS = 3_000
const LONGEST_RETRY_MS = 1_000
const DISCONNECT_TIMEOUT_MS = 100

/** Clients that were closed on purpose. */
const closed = new WeakSet<object>()

/** Clients of our own: opened by the first call, closed by `close`. The one place that loads ioredis. */
export function configuredClients(config: ConnectionConfig): ClientSource {
  let opened: Promise<readonly OwnClient[]> | undefined
  return {
    clients: () => {
      opened ??= openClients(config)
      return opened
    },
    close: async () => {
      const clients = await opened?.catch(() => [])
      for (const client of clients ?? []) {
        closed.add(client)
        client.disconnect()
      }
    },
  }
}

async function openClients(config: ConnectionConfig): Promise<readonly OwnClient[]> {
  const driver = await loadDriver()
  return Array.from({ length: config.poolSize }, () => openClient(driver, config))
}

async function loadDriver(): Promise<Driver> {
  try {
    return await import('ioredis')
  } catch (cause) {
    throw new UnavailableError(
      'the config asks for Redis, but ioredis is not installed: npm install ioredis',
      { cause },
    )
  }
}

function openClient(driver: Driver, config: ConnectionConfig): OwnClient {
  const options = commonOptions(config)
  const [first, ...others] = config.addresses?.map(parseAddress) ?? []
  if (config.url !== undefined) return prepared(new driver.Redis(config.url, options))
  if (config.sentinel !== undefined) {
    return prepared(new driver.Redis({ ...options, ...sentinelOptions(config.sentinel, [first, ...others]) }))
  }
  if (others.length === 0) return prepared(new driver.Redis({ ...options, ...first }))
  const cluster = new driver.Cluster([first, ...others].filter(isDefined), clusterOptions(options))
  cluster.on('error', ignore)
  cluster.on('+node', (node: Redis) => letProcessEnd(node))
  letProcessEnd(cluster)
  return cluster
}

/** A failover must be noticed in seconds: the driver's own defaults wait for a frozen master for minutes. */
function commonOptions({ username, password, db, dialTimeoutMs, tls }: ConnectionConfig): RedisOptions {
  return {
    lazyConnect: true,
    connectTimeout: dialTimeoutMs,
    socketTimeout: SOCKET_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    retryStrategy,
    // A master that became a replica: connect anew, to the new master. Our own retry repeats the command.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(db !== undefined && { db }),
    ...(tls && { tls: tls === true ? {} : tls }),
  }
}

function sentinelOptions(
  { name, password }: { readonly name: string; readonly password?: string | undefined },
  addresses: readonly (Address | undefined)[],
): RedisOptions {
  return {
    name,
    sentinels: addresses.filter(isDefined),
    sentinelCommandTimeout: 1_000,
    sentinelRetryStrategy: retryStrategy,
    failoverDetector: true,
    ...(password !== undefined && { sentinelPassword: password }),
  }
}

function clusterOptions({ lazyConnect, retryStrategy: _, ...redisOptions }: RedisOptions): ClusterOptions {
  return {
    lazyConnect: lazyConnect === true,
    // The driver's timer for closing a connection must not outlast our pauses between reconnects.
    redisOptions: { ...redisOptions, disconnectTimeout: DISCONNECT_TIMEOUT_MS },
    clusterRetryStrategy: retryStrategy,
    slotsRefreshTimeout: redisOptions.connectTimeout ?? 2_000,
    retryDelayOnFailover: 100,
  }
}

/** Full jitter: many clients that lost one server do not come back as one. */
function retryStrategy(attempt: number): number {
  return 10 + Math.random() * Math.min(LONGEST_RETRY_MS, 50 * 2 ** Math.min(attempt, 10))
}

interface Address {
  readonly host: string
  readonly port: number
}

function parseAddress(address: string): Address {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}

function prepared(client: Redis): OwnClient {
  client.on('error', ignore)
  letProcessEnd(client)
  client.on('end', () => revive(client))
  return client
}

/** Calls report what went wrong; without a listener the driver would print it. */
function ignore(): void {}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined
}

/** The driver gives up for good where a failover is told of while it connects: then it is asked to connect anew. */
function revive(client: Redis): void {
  if (closed.has(client)) return
  const connect = (): void => void (closed.has(client) || client.connect().catch(ignore))
  setTimeout(connect, retryStrategy(1)).unref()
}
