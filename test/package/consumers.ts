import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, run, runTool, step } from './run.ts'

/** A project that has the packed package installed, with one version of ioredis or none. */
interface Variant {
  readonly name: string
  readonly packages: readonly string[]
  /** What is run, from the folder `consumer`: each a source that stands for an ES module and a CommonJS one. */
  readonly sources: readonly string[]
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
const SOURCES = join(ROOT, 'test/package/consumer')
const BOTH_BUILDS = 'both-builds.mts'

const VARIANTS: readonly Variant[] = [
  { name: 'ioredis-5', packages: [installable('ioredis')], sources: ['embedded', 'redis'] },
  { name: 'ioredis-6', packages: [installable('ioredis-6')], sources: ['embedded', 'redis'] },
  { name: 'no-ioredis', packages: [], sources: ['embedded', 'no-ioredis'] },
]

/** What `npm install` takes, for the version that is used here. */
function installable(name: string): string {
  const version = { ...manifest.dependencies, ...manifest.devDependencies }[name]
  if (version === undefined) throw new Error(`package.json does not name ${name}`)
  return version.startsWith('npm:') ? version.slice('npm:'.length) : `${name}@${version}`
}

/** Installs, type-checks and runs every consumer of the tarball. */
export async function checkConsumers(tarball: string, folder: string, redisUrl: string): Promise<void> {
  for (const variant of VARIANTS) {
    const project = join(folder, variant.name)
    writeProject(variant, project)
    await step(`${variant.name}: installs`, () => install(variant, tarball, project))
    await step(`${variant.name}: type-checks`, () => runTool('tsc', ['-p', '.'], { cwd: project }))
    await step(`${variant.name}: runs`, () => runAll(variant, project, redisUrl))
  }
}

function writeProject({ name, sources }: Variant, project: string): void {
  mkdirSync(project, { recursive: true })
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }))
  for (const file of ['tsconfig.json', BOTH_BUILDS]) copyFileSync(join(SOURCES, file), join(project, file))
  for (const source of sources) {
    for (const kind of ['mts', 'cts']) {
      copyFileSync(join(SOURCES, `${source}.ts`), join(project, `${source}.${kind}`))
    }
  }
}

async function install({ packages }: Variant, tarball: string, project: string): Promise<void> {
  const all = [tarball, installable('zod'), installable('@types/node'), ...packages]
  const options = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts']
  await run('npm', ['install', ...options, ...all], { cwd: project })
}

async function runAll({ name, sources }: Variant, project: string, redisUrl: string): Promise<void> {
  const files = [
    BOTH_BUILDS.replace('mts', 'mjs'),
    ...sources.flatMap((source) => [`${source}.mjs`, `${source}.cjs`]),
  ]
  for (const file of files) {
    const env = { REDIS_URL: redisUrl, KEY_PREFIX: `${name}:${file}` }
    await run(process.execPath, [join('out', file)], { cwd: project, env })
  }
}
