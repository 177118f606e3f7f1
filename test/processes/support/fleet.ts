import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Reply, Request, Space, TaskInput, TaskName, TaskOutput } from './protocol.ts'

const PROGRAM = fileURLToPath(new URL('./worker.ts', import.meta.url))
/** Long enough for every process to have got the message. */
const LEAD_MS = 60

interface Pending {
  resolve(output: unknown): void
  reject(error: Error): void
}

/** A process of ours that runs tasks. */
export class Worker {
  readonly #child: ChildProcess
  readonly #pending = new Map<number, Pending>()
  #calls = 0
  #output = ''
  readonly ready: Promise<void>
  readonly ended: Promise<void>

  constructor(env: NodeJS.ProcessEnv) {
    this.#child = spawn(process.execPath, ['--import', 'tsx', PROGRAM], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (data: Buffer) => {
        this.#output += data.toString()
      })
    }
    this.ended = new Promise((resolve) => this.#child.once('exit', () => resolve(this.#onExit())))
    this.ready = new Promise((resolve, reject) => {
      this.#pending.set(0, { resolve: () => resolve(), reject })
    })
    this.#child.on('message', (reply: Reply) => this.#onReply(reply))
  }

  /** Runs a task. Rejects when the task does, and when the process ends first. */
  call<N extends TaskName>(name: N, space: Space, input: TaskInput<N>): Promise<TaskOutput<N>> {
    this.#calls += 1
    const request: Request = { kind: 'task', call: this.#calls, name, space, input: input ?? {} }
    return new Promise<unknown>((resolve, reject) => {
      this.#pending.set(request.call, { resolve, reject })
      this.#child.send(request, (error) => error && reject(error))
    }) as Promise<TaskOutput<N>>
  }

  /** Asks running tasks to finish. */
  stop(): void {
    this.#child.send({ kind: 'stop' } satisfies Request)
  }

  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  #onReply(reply: Reply): void {
    const call = reply.kind === 'ready' ? 0 : reply.call
    const pending = this.#pending.get(call)
    this.#pending.delete(call)
    if (reply.kind === 'failed') pending?.reject(new Error(`in a worker: ${reply.error}`))
    else pending?.resolve(reply.kind === 'done' ? reply.output : undefined)
  }

  #onExit(): void {
    const { exitCode, signalCode } = this.#child
    for (const { reject } of this.#pending.values())
      reject(new Error(`worker ended (${signalCode ?? exitCode}):\n${this.#output}`))
    this.#pending.clear()
  }
}

/** The worker processes of a test file. */
export class Fleet {
  readonly #env: NodeJS.ProcessEnv
  readonly #workers: Worker[] = []
  readonly #onExit = (): void => {
    for (const worker of this.#workers) void worker.kill()
  }

  constructor(libraryUrl: string, redisUrl: string) {
    this.#env = { LIBRARY_URL: libraryUrl, REDIS_URL: redisUrl }
    process.once('exit', this.#onExit)
  }

  async start(count: number): Promise<Worker[]> {
    const started = Array.from({ length: count }, () => new Worker(this.#env))
    this.#workers.push(...started)
    await Promise.all(started.map(({ ready }) => ready))
    return started
  }

  /** Kills every process, also frozen ones. */
  async close(): Promise<void> {
    process.off('exit', this.#onExit)
    await Promise.all(this.#workers.map((worker) => worker.kill()))
  }
}

/** The same task in every worker, begun at the same moment over connections that are open. */
export async function together<N extends TaskName>(
  workers: readonly Worker[],
  name: N,
  space: Space,
  input: (at: number, index: number) => TaskInput<N>,
): Promise<TaskOutput<N>[]> {
  await Promise.all(workers.map((worker) => worker.call('connect', space, undefined)))
  const at = Date.now() + LEAD_MS
  return Promise.all(workers.map((worker, index) => worker.call(name, space, input(at, index))))
}
