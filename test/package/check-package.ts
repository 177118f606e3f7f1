/** Checks the package as its users get it: packed, installed, type-checked and run. Needs a build. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedis } from '../support/redis-server.ts'
import { checkConsumers } from './consumers.ts'
import { ROOT, run, runTool, step } from './run.ts'

async function pack(folder: string): Promise<string> {
  if (!existsSync(join(ROOT, 'dist/index.js'))) throw new Error('there is no dist: npm run build first')
  await run('npm', ['pack', '--pack-destination', folder])
  const file = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  if (file === undefined) throw new Error('npm pack made no tarball')
  return join(folder, file)
}

async function checkSize(tarball: string): Promise<void> {
  // The one name, without a version in it, that .size-limit.json knows the tarball by.
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  copyFileSync(tarball, join(ROOT, '.cache/package.tgz'))
  await runTool('size-limit', [])
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'check-package-'))
  const redis = await startRedis()
  try {
    const tarball = await step('packs', () => pack(folder))
    await step('publint', () => runTool('publint', ['run', tarball, '--strict']))
    // The profile leaves out the resolution of Node 10, which knows no exports and hence no ./testing.
    await step('attw', () => runTool('attw', [tarball, '--profile', 'node16']))
    await step('size', () => checkSize(tarball))
    await checkConsumers(tarball, folder, redis.url)
  } finally {
    await redis.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
