import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('./contestant-process.ts', import.meta.url))

/** What a contender is told to do; `size` says with which of its registries. */
export type Request =
  | { readonly do: 'open'; readonly entrant: string; readonly size: number; readonly port: number }
  | { readonly do: 'begin'; readonly size: number; readonly job: string }
  | { readonly do: 'answer'; readonly size: number }
  | { readonly do: 'run'; readonly size: number; readonly width: number; readonly count: number }
  | { readonly do: 'tidy'; readonly size: number; readonly count: number }
  | { readonly do: 'close' }

/** What it says when it is done. */
export type Reply = { readonly value: unknown } | { readonly error: string }

/** A process for each contender: what one keeps in memory costs no other one the time to collect garbage. */
export class Contestant {
  readonly #child: ChildProcess = fork(PROGRAM, {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
  })

  /** One after the other. */
  async ask(request: Request): Promise<unknown> {
    this.#child.send(request)
    const [reply] = (await once(this.#child, 'message')) as [Reply]
    if ('error' in reply) throw new Error(`${request.do}: ${reply.error}`)
    return reply.value
  }

  async close(): Promise<void> {
    await this.ask({ do: 'close' })
    this.#child.disconnect()
  }
}
