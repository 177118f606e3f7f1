import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { unpackDebianPackages } from './debian-packages.ts'

/** How to run redis-server and redis-cli here. */
export interface RedisBinary {
  readonly server: string
  readonly cli: string
  readonly env: NodeJS.ProcessEnv
  readonly version: string
}

const PACKAGES = ['redis-server', 'redis-tools', 'liblzf1', 'libjemalloc2', 'libatomic1']
const HELP = 'install redis-server 7 or newer, or set REDIS_SERVER_BIN to one'

let found: RedisBinary | undefined

/** In order: `REDIS_SERVER_BIN`, what is on the PATH, Debian's package unpacked into a cache. Fails with advice. */
export function redisBinary(): RedisBinary {
  found ??= fromEnvironment() ?? fromPath() ?? fromDebian()
  return found
}

function fromEnvironment(): RedisBinary | undefined {
  const server = process.env.REDIS_SERVER_BIN
  if (!server) return undefined
  const binary = tryBinary(server, server.replace(/-server$/, '-cli'), process.env)
  if (binary === undefined) throw new Error(`REDIS_SERVER_BIN=${server} does not run; ${HELP}`)
  return binary
}

function fromPath(): RedisBinary | undefined {
  return (
    tryBinary('redis-server', 'redis-cli', process.env) ??
    tryBinary('valkey-server', 'valkey-cli', process.env)
  )
}

function fromDebian(): RedisBinary {
  let root: string
  try {
    root = unpackDebianPackages('redis', PACKAGES)
  } catch (cause) {
    throw new Error(`no redis-server here, and none to be had by apt-get download; ${HELP}`, { cause })
  }
  const libraries = ['x86_64-linux-gnu', 'aarch64-linux-gnu']
    .map((arch) => join(root, 'usr/lib', arch))
    .join(':')
  const env = { ...process.env, LD_LIBRARY_PATH: libraries }
  const binary = tryBinary(join(root, 'usr/bin/redis-server'), join(root, 'usr/bin/redis-cli'), env)
  if (binary === undefined) throw new Error(`Debian's redis-server does not run here; ${HELP}`)
  return binary
}

function tryBinary(server: string, cli: string, env: NodeJS.ProcessEnv): RedisBinary | undefined {
  try {
    const output = execFileSync(server, ['--version'], { env, encoding: 'utf8', stdio: 'pipe' })
    return { server, cli, env, version: /v=(\S+)/.exec(output)?.[1] ?? output.trim() }
  } catch {
    return undefined
  }
}
