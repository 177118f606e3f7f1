import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { type BuiltLibrary, buildLibrary } from './support/library.ts'

let library: BuiltLibrary
let server: RedisServer

beforeAll(async () => {
  library = buildLibrary()
  server = await startRedis()
})

afterAll(async () => {
  library.remove()
  await server.stop()
})

/** A module that lets the examples import the library that was built for this test. */
function resolver(): string {
  const hook = `export const resolve = (name, context, next) =>
    name === '@mirror/stream-registry' ? { url: '${library.url}', shortCircuit: true } : next(name, context)`
  const module = `import { register } from 'node:module'
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)})`
  return `data:text/javascript,${encodeURIComponent(module)}`
}

/** What an example printed until it ended by itself. */
function run(name: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const file = fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', '--import', resolver(), file], {
    env: { ...process.env, REDIS_URL: undefined, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString()
  })
  return new Promise((resolve, reject) =>
    child.once('close', (code) => (code === 0 ? resolve(text.trim().split('\n')) : reject(new Error(text)))),
  )
}

describe.each(['in memory', 'on Redis'])('the examples, %s', (where) => {
  const env = (): NodeJS.ProcessEnv => (where === 'on Redis' ? { REDIS_URL: server.url } : {})

  it('watch: shows how the newest active streams change', async () => {
    expect(await run('watch', env())).toEqual([
      '+ cam1  ~ -  - -  => cam1',
      '+ cam2  ~ -  - -  => cam2 cam1',
      '+ cam3  ~ -  - cam1  => cam3 cam2',
      '+ cam4  ~ -  - cam2  => cam4 cam3',
      '+ cam2  ~ -  - cam3  => cam4 cam2',
      '+ -  ~ cam4  - -  => cam4 cam2',
      '+ -  ~ -  - cam2  => cam4',
      'after a second: cam4 (1 in all, stale: false)',
    ])
  })

  it('session: keeps a stream, and ends it in order', async () => {
    expect(await run('session', env())).toEqual([
      'active after reports',
      'afterwards: 0 streams, ended as stream.deleted',
    ])
  })

  it('leader-tasks: finishes orphans, and counts', async () => {
    const printed = await run('leader-tasks', env())
    expect(printed[0]).toBe('leader: this process')
    expect(printed).toContain('orphan expired, it was active')
    expect(printed).toContain('1 streams {"active":1}, 0 errors each')
    expect(printed.slice(-2)).toEqual(['0 repaired', 'leader: undefined'])
  })
})

describe('failover', () => {
  it('moves the streams of a killed process to the one that waits', async () => {
    const streams = (owner: string): string =>
      ['cam1', 'cam2', 'cam3'].map((id) => `${id}: ${owner}, active`).join('; ')
    expect(await run('failover', { REDIS_URL: server.url })).toEqual([
      streams('first'),
      'first ended by SIGKILL',
      streams('second'),
      'taken over in time',
      'second ended',
      'at the end: 0 streams',
    ])
  })
})
