import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the package. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** How a command is run. */
export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a command to its end. Rejects with everything it printed when it fails, or takes two minutes. */
export function run(
  command: string,
  args: readonly string[],
  { cwd = ROOT, env }: RunOptions = {},
): Promise<void> {
  const options = { cwd, env: { ...process.env, ...env }, timeout: 120_000 }
  return new Promise((resolve, reject) => {
    execFile(command, [...args], options, (cause, stdout, stderr) => {
      if (cause === null) return resolve()
      const output = `${stdout}${stderr}`.trim() || cause.message
      reject(new Error(`${[command, ...args].join(' ')} failed:\n${output}`))
    })
  })
}

/** Runs a command of a development dependency. */
export function runTool(name: string, args: readonly string[], options?: RunOptions): Promise<void> {
  return run(join(ROOT, 'node_modules/.bin', name), args, options)
}

/** Does one step, and prints how long it took. */
export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now()
  const result = await work()
  console.log(`${name} (${((performance.now() - start) / 1_000).toFixed(1)} s)`)
  return result
}
