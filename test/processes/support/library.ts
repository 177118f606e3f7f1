import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const CACHE = join(ROOT, 'node_modules/.cache')

/** The library as a user gets it: built, so that a plain node process can load it. */
export interface BuiltLibrary {
  /** What a process imports. */
  readonly url: string
  remove(): void
}

/** Builds the library into a folder of its own, below the repository so that bare imports resolve. About half a second. */
export function buildLibrary(): BuiltLibrary {
  mkdirSync(CACHE, { recursive: true })
  const folder = mkdtempSync(join(CACHE, `stream-registry-worker-${process.pid}-`))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  const args = ['--silent', '--no-dts', '--no-treeshake', '--format', 'esm', '--out-dir', folder]
  try {
    execFileSync(join(ROOT, 'node_modules/.bin/tsup'), args, { cwd: ROOT, stdio: 'pipe' })
  } catch (error) {
    remove()
    throw error
  }
  return { url: pathToFileURL(join(folder, 'index.js')).href, remove }
}
