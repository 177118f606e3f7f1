import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Unpacks Debian packages into a cache folder of ours, without root and without a change to the system.
 * Answers the folder that they were unpacked to.
 */
export function unpackDebianPackages(name: string, packages: readonly string[]): string {
  const target = join(
    process.env.XDG_CACHE_HOME ?? join(process.env.HOME ?? tmpdir(), '.cache'),
    'stream-registry',
    name,
  )
  if (existsSync(target)) return target
  const work = `${target}.${process.pid}`
  mkdirSync(join(work, 'root'), { recursive: true })
  try {
    download(packages, work)
    for (const file of readdirSync(work).filter((file) => file.endsWith('.deb'))) {
      execFileSync('dpkg-deb', ['-x', join(work, file), join(work, 'root')], { stdio: 'pipe' })
    }
    renameSync(join(work, 'root'), target)
  } catch (error) {
    if (!existsSync(target)) throw error
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return target
}

function download(packages: readonly string[], cwd: string): void {
  const get = (): void =>
    void execFileSync('apt-get', ['download', '-qq', ...packages], { cwd, stdio: 'pipe' })
  try {
    get()
  } catch {
    // A bare machine has no package lists yet.
    execFileSync('apt-get', ['update', '-qq'], { stdio: 'pipe' })
    get()
  }
}
