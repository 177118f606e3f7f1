import { expect } from 'vitest'
import { type RedisServer, startRedis } from './redis-server.ts'

const PATIENCE = { timeout: 15_000, interval: 50 }

/** Takes what is to be stopped at the end of a test. */
type AtEnd = (close: () => unknown) => void

/** Three sentinels that watch one master, called `main`. */
export interface Sentinels {
  readonly addresses: string[]
  readonly cli: (...args: string[]) => string
}

/** Starts sentinels, and waits until they know each other and the replica. */
export async function startSentinels(
  master: RedisServer,
  replica: RedisServer,
  atEnd: AtEnd,
): Promise<Sentinels> {
  const config = (): string[] => [
    '--sentinel',
    `sentinel monitor main 127.0.0.1 ${master.port} 2`,
    'sentinel down-after-milliseconds main 500',
    'sentinel failover-timeout main 2000',
  ]
  await expect.poll(() => replica.cli('info', 'replication'), PATIENCE).toContain('master_link_status:up')
  const sentinels = await Promise.all([startRedis(config()), startRedis(config()), startRedis(config())])
  for (const sentinel of sentinels) atEnd(() => sentinel.stop())
  for (const { cli } of sentinels) {
    await expect.poll(() => cli('sentinel', 'sentinels', 'main').split('runid').length, PATIENCE).toBe(3)
    await expect.poll(() => cli('sentinel', 'replicas', 'main'), PATIENCE).toContain(String(replica.port))
  }
  const cli = (...args: string[]): string => sentinels[0]?.cli(...args) ?? ''
  return { addresses: sentinels.map(({ port }) => `127.0.0.1:${port}`), cli }
}

/** A master and its replica. */
export async function startReplicated(atEnd: AtEnd): Promise<[RedisServer, RedisServer]> {
  const master = await startRedis(['--repl-diskless-sync-delay', '0'])
  atEnd(() => master.stop())
  const replica = await startRedis(['--replicaof', '127.0.0.1', String(master.port)])
  atEnd(() => replica.stop())
  return [master, replica]
}
