import { createRegistry, type Registry } from '@mirror/stream-registry'
import { afterEach, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

let server: RedisServer
const opened: Registry[] = []

afterEach(async () => {
  for (const registry of opened.splice(0)) await registry.close()
  await server.stop()
})

async function start(args: readonly string[] = []): Promise<void> {
  server = await startRedis(args)
}

function owned({ instanceId = 'a' }: { readonly instanceId?: string } = {}): Registry {
  const registry = createRegistry({ redis: { url: server.url }, instanceId })
  opened.push(registry)
  return registry
}

describe('a Redis that comes back as it was some time ago', () => {
  it('before a takeover: whoever took over still holds the stream', async () => {
    await start(['--dbfilename', 'dump.rdb'])
    const registry = owned()
    const other = owned({ instanceId: 'b' })
    const old = await registry.attach({ id: 'cam0', type: 'srt', sourceAddr: 'a:1', ttlMs: 2_000 })
    server.cli('save')
    const session = await other.attach({ id: 'cam0', type: 'srt', sourceAddr: 'b:1' }, { takeover: true })
    await old.heartbeat().catch(() => {})
    expect(old.signal.aborted).toBe(true)
    await server.restart()
    await session.setStatus('active', { timeoutMs: 10_000 })
    expect((await registry.get('cam0')).owner).toBe('b')
  })
})

describe('a Redis that is flushed soon after a takeover', () => {
  for (const first of ['whoever held the stream before', 'whoever took it over']) {
    it(`belongs to who took the stream over, also when ${first} comes back first`, async () => {
      await start()
      const registry = owned()
      const other = owned({ instanceId: 'b' })
      const input = { id: 'cam0', type: 'srt', sourceAddr: 'a:1', ttlMs: 60_000 } as const
      const old = await registry.attach(input)
      const taken = await other.attach(input, { takeover: true })
      server.cli('flushall')
      // The first has not heard of the takeover: its beat is not due for long.
      const order = first === 'whoever took it over' ? [taken, old] : [old, taken]
      for (const session of order) await session.heartbeat().catch(() => {})
      await old.heartbeat().catch(() => {})
      expect([old.signal.aborted, taken.signal.aborted]).toEqual([true, false])
      expect((await other.get('cam0')).owner).toBe('b')
    })
  }
})
