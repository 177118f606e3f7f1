import { readFileSync } from 'node:fs'
import { arch, cpus, release, totalmem, type } from 'node:os'
import type { Churned } from './churn.ts'
import type { Cell } from './contest.ts'
import type { Heard } from './events.ts'
import type { Figure } from './figure.ts'
import type { Dear } from './sections/queries.ts'

/** What a registry of so many streams took to fill. */
export interface Filling {
  readonly entrant: string
  readonly size: number
  readonly seconds: number
  readonly bytesPerStream: number | null
}

/** Where it was measured. */
export interface Machine {
  readonly date: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
  readonly redis: string
  readonly ioredis: string
}

/** Everything that one run found out. */
export interface Results {
  readonly machine: Machine
  readonly minutes: number
  readonly fillings: readonly Filling[]
  readonly cells: readonly Cell[]
  readonly heard: readonly Heard[]
  readonly churned: readonly Churned[]
  readonly dear: readonly Dear[]
  readonly figures: Readonly<Record<string, readonly Figure[]>>
}

export function describeMachine(redis: string): Machine {
  const [first] = cpus()
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
    redis,
    ioredis: versionOf('ioredis'),
  }
}

function versionOf(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')).version
}
