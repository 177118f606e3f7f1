import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { redisBinary } from './redis-binary.ts'

/** Below those that the system gives to outgoing connections: a killed server finds its port free again. */
const FIRST_PORT = 10_240
const LAST_PORT = 22_239
/** Where a cluster's bus is, beside the port. */
const BUS_OFFSET = 10_000

/** A port of 127.0.0.1 that is free now, and the one of a cluster's bus beside it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT))
    if ((await isFree(port)) && (await isFree(port + BUS_OFFSET))) return port
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** A redis-server process of ours. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  readonly pid: number
  /** SIGKILL, as in a crash. */
  kill(): Promise<void>
  /** Starts it again on the same port, over the same folder. */
  restart(): Promise<void>
  /** SIGSTOP and SIGCONT. */
  freeze(): void
  thaw(): void
  cli(...args: string[]): string
  stop(): Promise<void>
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a redis-server on a free port of 127.0.0.1, with nothing saved unless `args` say so. */
export async function startRedis(args: readonly string[] = []): Promise<RedisServer> {
  const port = await freePort()
  const dir = mkdtempSync(join(tmpdir(), 'stream-registry-'))
  const { server, cli, env } = redisBinary()
  let child = await launch(server, port, dir, args, env)
  const stopChild = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGCONT')
    child.kill(signal)
    await exited
  }
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return child.pid ?? 0
    },
    kill: () => stopChild('SIGKILL'),
    restart: async () => {
      await stopChild('SIGKILL')
      child = await launch(server, port, dir, args, env)
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    cli: (...cliArgs) =>
      execFileSync(cli, ['-p', String(port), ...cliArgs], { env, encoding: 'utf8' }).trim(),
    stop: async () => {
      await stopChild('SIGKILL')
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Where it can be had: the kernel ends the server when the process that started it dies, however it dies. */
function diesWithParent(): string[] {
  return existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL'] : []
}

async function launch(
  server: string,
  port: number,
  dir: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<ChildProcess> {
  const config = join(dir, 'redis.conf')
  const isSentinel = args.includes('--sentinel')
  writeFileSync(config, isSentinel ? args.filter((arg) => arg !== '--sentinel').join('\n') : '', {
    flag: isSentinel ? 'w' : 'a',
  })
  const common = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir]
  const own = isSentinel ? ['--sentinel'] : ['--save', '', '--appendonly', 'no', ...args]
  const [command = server, ...wrapped] = [...diesWithParent(), server, config, ...common, ...own]
  const child = spawn(command, wrapped, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  let output = ''
  await new Promise<void>((resolve, reject) => {
    const onData = (data: Buffer): void => {
      output += data.toString()
      if (/Ready to accept connections|Sentinel ID is/.test(output)) resolve()
    }
    child.stdout?.on('data', onData)
    child.stderr?.on('data', onData)
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`redis-server ended:\n${output}`)))
  })
  return child
}
