import { execFileSync } from 'node:child_process'
import { redisBinary } from './redis-binary.ts'
import { type RedisServer, startRedis } from './redis-server.ts'

/** A real cluster of local processes. */
export interface RedisCluster {
  readonly nodes: readonly RedisServer[]
  readonly addresses: string[]
  stop(): Promise<void>
}

/** Starts a cluster of masters, each with `replicas` replicas. */
export async function startCluster(masters = 3, replicas = 0): Promise<RedisCluster> {
  const nodes = await Promise.all(
    Array.from({ length: masters * (1 + replicas) }, () =>
      startRedis(['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']),
    ),
  )
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  const { cli, env } = redisBinary()
  const args = ['--cluster', 'create', ...addresses, '--cluster-replicas', String(replicas), '--cluster-yes']
  execFileSync(cli, args, { env, stdio: 'pipe' })
  await Promise.all(nodes.map(untilClusterIsUp))
  return { nodes, addresses, stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))) }
}

async function untilClusterIsUp(node: RedisServer): Promise<void> {
  while (!node.cli('cluster', 'info').includes('cluster_state:ok')) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
