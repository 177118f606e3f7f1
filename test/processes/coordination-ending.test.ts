import { type ChildProcess, spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, type RedisServer, startRedis } from '../support/redis-server.ts'
import { type BuiltLibrary, buildLibrary } from './support/library.ts'

const GIVE_UP_MS = 6_000

let library: BuiltLibrary
let redis: RedisServer
const children: ChildProcess[] = []

beforeAll(async () => {
  library = buildLibrary()
  redis = await startRedis()
})

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await redis?.stop()
  library?.remove()
})

/** How a program ended that never closes its registry: its exit code, or `null` when it had to be killed. */
async function run(port: number, body: string): Promise<number | null> {
  const program = `
    const { createRegistry, LeaderElection, TTLManager } = await import(${JSON.stringify(library.url)})
    const registry = createRegistry({ redis: { url: 'redis://127.0.0.1:${port}' } })
    ${body}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' })
  children.push(child)
  const giveUp = setTimeout(() => child.kill('SIGKILL'), GIVE_UP_MS)
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  clearTimeout(giveUp)
  return code
}

const STARTS = {
  'an election': 'new LeaderElection(registry).start()',
  'a manager': 'new TTLManager(registry).start()',
}

describe('a program comes to its end', () => {
  for (const [name, start] of Object.entries(STARTS)) {
    it(`with ${name} that works`, async () => {
      const body = `await registry.count()\n${start}\nawait new Promise((resolve) => setTimeout(resolve, 300))`
      expect(await run(redis.port, body)).toBe(0)
    })

    it(`with ${name} that has never reached Redis`, async () => {
      expect(await run(await freePort(), start)).toBe(0)
    })
  }
})
