import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const PAGES = {
  'the README': '../../README.md',
  'the guide to queries': '../../docs/queries.md',
  'the guide to events': '../../docs/events.md',
  'the guide to mirrors': '../../docs/mirror.md',
  'the guide to coordination': '../../docs/coordination.md',
}

function examplesIn(path: string): string[] {
  return [...readFileSync(here(path), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code)
}

let server: RedisServer
let generated = 0

beforeAll(async () => {
  server = await startRedis()
  vi.stubEnv('REDIS_URL', server.url)
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await server.stop()
})

describe.each(Object.entries(PAGES))('%s', (_, path) => {
  const examples = examplesIn(path)

  it('has examples', () => {
    expect(examples.length).toBeGreaterThan(1)
  })

  for (const [i, code] of examples.entries()) {
    it(`runs: ${code.split('\n').find((line) => line.startsWith('const')) ?? i}`, async () => {
      const file = here(`./generated-${process.pid}-${generated++}.ts`)
      const printed: unknown[] = []
      vi.spyOn(console, 'log').mockImplementation((...values) => void printed.push(...values))
      writeFileSync(file, code)
      try {
        await import(/* @vite-ignore */ file)
      } finally {
        rmSync(file)
        vi.restoreAllMocks()
      }
      expect(printed).toMatchSnapshot()
    })
  }
})
