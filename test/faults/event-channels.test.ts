import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import {
  type Metadata,
  RedisRegistry,
  type RedisRegistryOptions,
  type Stream,
  type StreamJSON,
  streamFromJSON,
} from '@mirror/stream-registry'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ContractSpace } from '../../src/testing/contract/driver.ts'
import { redisBinary } from '../support/redis-binary.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

interface Envelope {
  readonly type: string
  readonly stream_id: string
  readonly timestamp: string
  readonly data: StreamJSON
  readonly source: string
  readonly version: number
}

interface Message {
  readonly channel: string
  readonly text: string
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

let server: RedisServer
let redis: Redis
let prefixes = 0
const listeners = new Set<ChildProcess>()

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.port)
})

afterEach(async () => {
  for (const child of listeners) child.kill()
  listeners.clear()
  await redis.flushall()
})

afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

function registryOf(options: Partial<RedisRegistryOptions<Metadata>> = {}): RedisRegistry {
  if (options.keyPrefix === undefined) prefixes += 1
  const all = { redis, keyPrefix: `p${prefixes}`, instanceId: 'ingest-1', ...options }
  return new RedisRegistry(all)
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** What a plain redis-cli prints that listens: of each message the kind, the channel and the text, line by line. */
async function listen(command: 'SUBSCRIBE' | 'PSUBSCRIBE', channel: string): Promise<Message[]> {
  const { cli, env } = redisBinary()
  const child = spawn(cli, ['-p', String(server.port), command, channel], { env })
  listeners.add(child)
  const messages: Message[] = []
  const head = command === 'SUBSCRIBE' ? 2 : 3
  let lines: string[] = []
  let isListening = false
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    if (!isListening && lines.length === 3) {
      isListening = true
      lines = []
    }
    if (!isListening || lines.length <= head) return
    messages.push({ channel: lines[head - 1] ?? '', text: lines[head] ?? '' })
    lines = []
  })
  await until(() => isListening)
  return messages
}

function parsed({ text }: Message): Envelope {
  return JSON.parse(text) as Envelope
}

const streamOf = ({ data }: Envelope): Stream => streamFromJSON(data)

/** The end of what is published: whatever came before it has arrived. */
async function flush(messages: Message[], channel: string): Promise<Message[]> {
  const publish = (): Promise<number> => redis.publish(channel, 'end')
  await publish()
  await until(() => messages.some(({ text }) => text === 'end'))
  return messages.filter(({ text }) => text !== 'end')
}

describe('the channel of all streams', () => {
  it('carries the envelope of each change, whose data is the stream', async () => {
    const messages = await listen('SUBSCRIBE', 'streams:events')
    const registry = registryOf()
    const created = await registry.create({
      id: 'cam1',
      type: 'srt',
      sourceAddr: '10.0.0.1:9000',
      name: 'Bühne "3"\n\u{1F3A5} \u0001',
      metadata: { list: [], nested: { empty: {} }, big: 9_007_199_254_740_991 },
      statistics: { bytesReceived: 9_007_199_254_740_991, jitterMs: 0.1 },
      status: 'active',
    })
    const updated = await registry.update('cam1', { tags: ['x'] })
    await registry.updateStats('cam1', { packetsLost: 3, rttMs: 1e-7 })
    const paused = await registry.updateStatus('cam1', 'paused')
    const extended = await registry.extendTtl('cam1', 90_000)
    const last = await registry.unregister('cam1')
    const seen = (await flush(messages, 'streams:events')).map(parsed)
    expect(seen.map(({ type }) => type)).toEqual(
      ['created', 'started', 'updated', 'paused', 'updated', 'terminated', 'deleted'].map(
        (type) => `stream.${type}`,
      ),
    )
    expect(seen.map(streamOf)).toEqual([created, created, updated, paused, extended, last, last])
    for (const envelope of seen) {
      expect(Object.keys(envelope).sort()).toEqual(
        ['data', 'source', 'stream_id', 'timestamp', 'type', 'version'].sort(),
      )
      expect(envelope).toMatchObject({ stream_id: 'cam1', source: 'ingest-1', version: 1 })
      expect(envelope.timestamp).toMatch(RFC3339)
      expect(envelope.data).toMatchObject({
        source_addr: '10.0.0.1:9000',
        last_heartbeat: expect.any(String),
      })
    }
    const history = await registry.history('cam1')
    expect(seen.map(({ timestamp }) => timestamp)).toEqual(
      history.map(({ timestamp }) => timestamp.toISOString()),
    )
    await registry.close()
  })

  it('carries the last record of what lapsed, of an earlier life, and of what is deleted', async () => {
    const messages = await listen('SUBSCRIBE', 'streams:events')
    const registry = registryOf()
    const input = { type: 'srt', sourceAddr: 'a:1' } as const
    const lapsed = await registry.create({ ...input, id: 'cam1', ttlMs: 50, statistics: { bitrate: 5 } })
    await registry.create({ ...input, id: 'cam2' })
    const closed = await registry.updateStatus('cam2', 'closed')
    const anew = await registry.register({ ...input, id: 'cam2' })
    await registry.delete('cam2')
    await new Promise((resolve) => setTimeout(resolve, 70))
    await new ContractSpace({} as never, '').sweep(registry)
    const seen = (await flush(messages, 'streams:events')).map(parsed).slice(3)
    expect(seen.map(({ type, stream_id, source }) => [type, stream_id, source])).toEqual([
      ['stream.deleted', 'cam2', 'ingest-1'],
      ['stream.created', 'cam2', 'ingest-1'],
      ['stream.deleted', 'cam2', 'ingest-1'],
      ['stream.expired', 'cam1', 'sweeper'],
    ])
    expect(seen.map(streamOf)).toEqual([closed, anew, anew, lapsed])
    await registry.close()
  })

  it('carries takeovers under the new owner', async () => {
    const messages = await listen('SUBSCRIBE', 'streams:events')
    const registry = registryOf()
    const other = registryOf({ instanceId: 'ingest-2', keyPrefix: `p${prefixes}` })
    await registry.create({ id: 'cam1', type: 'srt', sourceAddr: 'a:1' })
    const input = { id: 'cam1', type: 'srt', sourceAddr: 'a:1' } as const
    const taken = await other.register(input, { takeover: true })
    const [, envelope] = (await flush(messages, 'streams:events')).map(parsed)
    expect(envelope).toMatchObject({ type: 'stream.owner.changed', source: 'ingest-2' })
    expect(streamOf(envelope as Envelope)).toEqual(taken)
    await Promise.all([registry.close(), other.close()])
  })

  it.each(['{}', '{"id":', '{"hello":1}', '{"a":[}', '[]', 'x'])(
    'carries nothing that is no JSON, also when a record with %j is deleted',
    async (document) => {
      const messages = await listen('SUBSCRIBE', 'streams:events')
      const registry = registryOf()
      await registry.create({ id: 'cam1', type: 'srt', sourceAddr: 'a:1' })
      await redis.set(`p${prefixes}:cam1`, document)
      await registry.delete('cam1')
      const seen = await flush(messages, 'streams:events')
      for (const message of seen) expect(() => parsed(message), message.text).not.toThrow()
      await registry.close()
    },
  )
})

describe('the channels of single streams', () => {
  it('carry the same, each for its stream', async () => {
    const [all, single] = await Promise.all([
      listen('SUBSCRIBE', 'streams:events'),
      listen('PSUBSCRIBE', 'stream:*:events'),
    ])
    const registry = registryOf({ partitions: 4 })
    for (const id of ['cam1', 'cam2', 'cam3']) {
      await registry.create({ id, type: 'srt', sourceAddr: 'a:1', status: 'active' })
      await registry.delete(id)
    }
    const everything = await flush(all, 'streams:events')
    const one = await flush(single, 'stream:end:events')
    expect(one.map(({ text }) => text)).toEqual(everything.map(({ text }) => text))
    expect(one).toHaveLength(9)
    for (const message of one) expect(message.channel).toBe(`stream:${parsed(message).stream_id}:events`)
    await registry.close()
  })
})

describe('the names of the channels', () => {
  async function channelsOf(
    eventChannels: RedisRegistryOptions<Metadata>['eventChannels'],
  ): Promise<string[]> {
    const messages = await listen('PSUBSCRIBE', '*')
    const registry = registryOf(eventChannels === undefined ? {} : { eventChannels })
    await registry.create({ id: 'cam1', type: 'srt', sourceAddr: 'a:1' })
    const seen = await flush(messages, 'the-end')
    await registry.close()
    return seen.map(({ channel }) => channel).filter((channel) => !channel.includes(':log:'))
  }

  it.each([
    [undefined, ['streams:events', 'stream:cam1:events']],
    [{}, ['streams:events', 'stream:cam1:events']],
    [false, []],
    [{ all: 'video', stream: 'video/<id>/x' }, ['video', 'video/cam1/x']],
    [{ all: '' }, ['stream:cam1:events']],
    [{ stream: '' }, ['streams:events']],
    [{ all: '', stream: '' }, []],
    [{ all: 'Bühne %s "x"' }, ['Bühne %s "x"', 'stream:cam1:events']],
    [{ all: '', stream: 'video.<id>' }, ['video.cam1']],
    [{ stream: '<id>.events' }, ['streams:events', 'cam1.events']],
    [{ all: '', stream: '<id>' }, ['cam1']],
  ])('are those of the options: %j', async (eventChannels, expected) => {
    expect(await channelsOf(eventChannels as RedisRegistryOptions<Metadata>['eventChannels'])).toEqual(
      expected,
    )
  })

  it.each([{ stream: 'stream:events' }, { stream: '<id><id>' }, { all: 'a\0b' }, { every: 'x' }, true])(
    'are refused when they cannot be: %j',
    (eventChannels) => {
      const build = (): unknown => registryOf({ eventChannels } as object)
      expect(build).toThrow(expect.objectContaining({ code: 'VALIDATION' }))
    },
  )
})

describe('the log behind the channels, where it was cut', () => {
  const input = { type: 'srt', sourceAddr: 'a:1' } as const

  it('says once what retention took, and goes on right behind it', async () => {
    const registry = registryOf({ maxEvents: 10 })
    const sub = await registry.subscribe()
    for (let n = 0; n < 250; n++) await registry.create({ ...input, id: `cam${n}` })
    const { value: gap } = await sub.next()
    expect(gap).toMatchObject({ type: 'gap', reason: 'trimmed' })
    const kept = (await new ContractSpace({} as never, '').log(registry)).map(({ id }) => id)
    expect(kept.length).toBeLessThan(250)
    const behind = await registry.subscribe({ from: gap?.type === 'gap' ? gap.cursor : '' })
    for (const id of kept) {
      expect((await sub.next()).value).toMatchObject({ streamId: id })
      expect((await behind.next()).value).toMatchObject({ streamId: id })
    }
    await registry.close()
  })

  it('says that it began anew after Redis lost it, and misses nothing of the new one', async () => {
    const registry = registryOf()
    const sub = await registry.subscribe()
    for (let n = 0; n < 3; n++) await registry.create({ ...input, id: `cam${n}` })
    for (let n = 0; n < 3; n++) await sub.next()
    await redis.flushall()
    const other = registryOf({ keyPrefix: `p${prefixes}` })
    await other.create({ ...input, id: 'cam9' })
    expect((await sub.next()).value).toMatchObject({ type: 'gap', reason: 'rewound' })
    expect((await sub.next()).value).toMatchObject({ type: 'stream.created', streamId: 'cam9' })
    await Promise.all([registry.close(), other.close()])
  })
})

describe('the time in an envelope', () => {
  const read = (name: string): string =>
    readFileSync(new URL(`../../lua/lib/${name}.lua`, import.meta.url), 'utf8')
  const script = [
    ...['time', 'side', 'channels'].map(read),
    'local texts = {}',
    'for i = 1, #ARGV do texts[i] = rfc3339(tonumber(ARGV[i])) end',
    'return texts',
  ].join('\n')

  async function compare(times: readonly number[]): Promise<void> {
    const texts = await redis.eval(script, 0, ...times)
    expect(texts).toEqual(times.map((ms) => new Date(ms).toISOString()))
  }

  it('is right on odd days: leap days, and the first and last moments of every year', async () => {
    const times: number[] = []
    for (let year = 1970; year <= 2200; year++) {
      const first = Date.UTC(year, 0, 1)
      const march = Date.UTC(year, 2, 1)
      times.push(first, first + 1, Date.UTC(year + 1, 0, 1) - 1, march, march - 1, march - 86_400_000)
    }
    await compare(times)
  })

  it('is right at any moment from 1970 to 2200', async () => {
    const moment = fc.integer({ min: 0, max: Date.UTC(2201, 0, 1) - 1 })
    const moments = fc.array(moment, { minLength: 100, maxLength: 500 })
    await fc.assert(fc.asyncProperty(moments, compare), { numRuns: 100 })
  })
})
