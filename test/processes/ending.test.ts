import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { CreateRegistryConfig } from '@mirror/stream-registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisCluster, startCluster } from '../support/redis-cluster.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { type BuiltLibrary, buildLibrary } from './support/library.ts'

const PROGRAM = fileURLToPath(new URL('./support/guest.ts', import.meta.url))
const ENDS_WITHIN_MS = 2_000
const GIVE_UP_MS = 4_000
const CREATED_THEN_FAILED = /^created\n(UNAVAILABLE|TIMEOUT|OUTCOME_UNKNOWN)\n$/

type When = 'at-once' | 'later' | 'after-a-call'

/** How a program ended, and how long that took from its last piece of work on. */
interface Ending {
  readonly code: number | null
  readonly output: string
  readonly tookMs: number
}

let library: BuiltLibrary | undefined
let redis: RedisServer
let cluster: RedisCluster
const children: ChildProcess[] = []

beforeAll(async () => {
  library = buildLibrary()
  ;[redis, cluster] = await Promise.all([startRedis(), startCluster()])
})

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await redis?.stop()
  await cluster?.stop()
  library?.remove()
})

/** Runs the program to its end; `meanwhile` happens after its create, and before its input ends. */
async function run(
  config: CreateRegistryConfig,
  when: When,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<Ending> {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM], {
    env: { ...process.env, LIBRARY_URL: library?.url, CONFIG: JSON.stringify(config), WHEN: when },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  children.push(child)
  let output = ''
  child.stderr.on('data', (data: Buffer) => {
    output += data.toString()
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString()
      if (output.includes('created')) resolve()
    })
    child.once('exit', () => resolve())
  })
  await meanwhile()
  const from = performance.now()
  child.stdin.end()
  const giveUp = setTimeout(() => child.kill('SIGKILL'), GIVE_UP_MS)
  const code = await ended
  clearTimeout(giveUp)
  return { code, output, tookMs: performance.now() - from }
}

function expectItsOwnEnd({ code, output, tookMs }: Ending, expected = /^created\n$/): void {
  expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(expected) })
  expect(tookMs).toBeLessThan(ENDS_WITHIN_MS)
}

describe('a process that does not close its registry ends by itself', () => {
  const standalone = (): CreateRegistryConfig => ({ redis: { url: redis.url } })
  const clustered = (): CreateRegistryConfig => ({ redis: { addresses: cluster.addresses }, partitions: 3 })

  it('embedded', async () => {
    expectItsOwnEnd(await run({}, 'at-once'))
  })

  it('on one Redis', async () => {
    expectItsOwnEnd(await run(standalone(), 'at-once'))
  })

  it('on one Redis, some time after its last call', async () => {
    expectItsOwnEnd(await run(standalone(), 'later'))
  })

  it('on one Redis, over several connections', async () => {
    expectItsOwnEnd(await run({ redis: { url: redis.url, poolSize: 3 } }, 'at-once'))
  })

  it('on a cluster', async () => {
    expectItsOwnEnd(await run(clustered(), 'at-once'))
  })

  it('on a cluster, some time after its last call', async () => {
    expectItsOwnEnd(await run(clustered(), 'later'))
  })

  it('when its Redis has gone', async () => {
    expectItsOwnEnd(await run(standalone(), 'later', () => redis.kill()))
  })

  it('when a call has failed because its Redis has gone', async () => {
    await redis.restart()
    const ending = await run(standalone(), 'after-a-call', () => redis.kill())
    expectItsOwnEnd(ending, CREATED_THEN_FAILED)
  })

  it('when its cluster has gone', async () => {
    const kill = (): Promise<unknown> => Promise.all(cluster.nodes.map((node) => node.kill()))
    expectItsOwnEnd(await run(clustered(), 'later', kill))
  })

  it('when a call has failed because its cluster has gone', async () => {
    await cluster.stop()
    cluster = await startCluster()
    const kill = (): Promise<unknown> => Promise.all(cluster.nodes.map((node) => node.kill()))
    expectItsOwnEnd(await run(clustered(), 'after-a-call', kill), CREATED_THEN_FAILED)
  })
})
