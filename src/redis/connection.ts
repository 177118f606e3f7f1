import type { ClusterOptions, Redis, RedisOptions } from 'ioredis'
import { UnavailableError } from '../core/errors.js'
import type { ClientSource, RedisClient } from './client.js'
import { keepConnected } from './keep-connected.js'
import { letProcessEnd } from './let-process-end.js'
import { retryPauseMs } from './retry-pause.js'

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
/** A client of our own, and what closes it. */
interface OwnClient {
  readonly client: RedisClient
  readonly close: () => void
}

const SOCKET_TIMEOUT_MS = 3_000
const DISCONNECT_TIMEOUT_MS = 100

/** Clients of our own: opened by the first call, closed by `close`. The one place that loads ioredis. */
export function configuredClients(config: ConnectionConfig): ClientSource {
  let opened: Promise<readonly OwnClient[]> | undefined
  let clients: Promise<readonly RedisClient[]> | undefined
  return {
    clients: () => {
      opened ??= openClients(config)
      clients ??= opened.then((own) => own.map(({ client }) => client))
      return clients
    },
    close: async () => {
      const own = await opened?.catch(() => [])
      for (const { close } of own ?? []) close()
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
  return { client: cluster, close: keepConnected(cluster) }
}

/** A failover must be noticed in seconds: the driver's own defaults wait for a frozen master for minutes. */
function commonOptions({ username, password, db, dialTimeoutMs, tls }: ConnectionConfig): RedisOptions {
  return {
    lazyConnect: true,
    connectTimeout: dialTimeoutMs,
    socketTimeout: SOCKET_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    retryStrategy: retryPauseMs,
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
    sentinelRetryStrategy: retryPauseMs,
    failoverDetector: true,
    ...(password !== undefined && { sentinelPassword: password }),
  }
}

function clusterOptions({ lazyConnect, retryStrategy: _, ...redisOptions }: RedisOptions): ClusterOptions {
  return {
    lazyConnect: lazyConnect === true,
    // The driver's timer for closing a connection must not outlast our pauses between reconnects.
    redisOptions: { ...redisOptions, disconnectTimeout: DISCONNECT_TIMEOUT_MS },
    clusterRetryStrategy: retryPauseMs,
    slotsRefreshTimeout: redisOptions.connectTimeout ?? 2_000,
    retryDelayOnFailover: 100,
  }
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
  return { client, close: keepConnected(client) }
}

/** Calls report what went wrong; without a listener the driver would print it. */
function ignore(): void {}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined
}
