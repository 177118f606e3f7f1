import {
  createRegistry,
  type JsonObject,
  type Metadata,
  MockRegistry,
  RedisRegistry,
  type RedisRegistryOptions,
  type Registry,
  type Stream,
  type StreamInput,
  type StreamStatus,
  type StreamType,
} from '@mirror/stream-registry'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

const metadataSchema = z.object({ region: z.string(), viewers: z.number().optional() })
type Camera = z.infer<typeof metadataSchema>

/** Never called: only its types are looked at. */
const redisRegistry = (redis: RedisRegistryOptions<Camera>['redis']) =>
  new RedisRegistry({ redis, metadataSchema })
const plainRedisRegistry = (redis: RedisRegistryOptions<Metadata>['redis']) => new RedisRegistry({ redis })

describe('the metadata type', () => {
  it('comes from the schema, for a registry of every kind', () => {
    const mock = new MockRegistry({ metadataSchema })
    expectTypeOf(mock).toEqualTypeOf<MockRegistry<Camera>>()
    expectTypeOf(mock).toExtend<Registry<Camera>>()
    const embedded = createRegistry({ metadataSchema })
    expectTypeOf(embedded).toEqualTypeOf<Registry<Camera>>()
    expectTypeOf(redisRegistry).returns.toEqualTypeOf<RedisRegistry<Camera>>()
    expectTypeOf(redisRegistry).returns.toExtend<Registry<Camera>>()
  })

  it('is any JSON object without one', () => {
    expectTypeOf(new MockRegistry()).toEqualTypeOf<MockRegistry<Metadata>>()
    expectTypeOf(createRegistry()).toEqualTypeOf<Registry<Metadata>>()
    expectTypeOf(createRegistry({ defaultTtlMs: 5 })).toEqualTypeOf<Registry<Metadata>>()
    expectTypeOf(plainRedisRegistry).returns.toEqualTypeOf<RedisRegistry<Metadata>>()
    expectTypeOf<Metadata>().toEqualTypeOf<JsonObject>()
    expectTypeOf<Stream>().toEqualTypeOf<Stream<Metadata>>()
  })

  it('can be named instead', () => {
    expectTypeOf(createRegistry<Camera>()).toEqualTypeOf<Registry<Camera>>()
    expectTypeOf(new MockRegistry<Camera>()).toEqualTypeOf<MockRegistry<Camera>>()
  })

  it('is what a schema that transforms gives back', () => {
    const upper = z.object({ since: z.string().transform((text) => text.length) })
    expectTypeOf(createRegistry({ metadataSchema: upper })).toEqualTypeOf<Registry<{ since: number }>>()
  })

  it('keeps registries of different streams apart', () => {
    // @ts-expect-error a registry of cameras does not take any metadata
    expectTypeOf<Registry<Camera>>().toExtend<Registry<{ region: number }>>()
    // @ts-expect-error another instance shares the metadata type
    const share = (mock: MockRegistry<Camera>) => new MockRegistry<{ region: number }>({ sharedWith: mock })
    expectTypeOf(share).toBeFunction()
  })
})

describe('the calls of a registry', () => {
  type Cameras = Registry<Camera>

  it('answer streams with the metadata type', () => {
    for (const name of ['create', 'register', 'get', 'update', 'unregister'] as const) {
      expectTypeOf<Awaited<ReturnType<Cameras[typeof name]>>>().toEqualTypeOf<Stream<Camera>>()
    }
    expectTypeOf<Cameras['find']>().returns.resolves.toEqualTypeOf<Stream<Camera> | undefined>()
    expectTypeOf<Cameras['list']>().returns.resolves.toEqualTypeOf<Stream<Camera>[]>()
    expectTypeOf<Cameras['listPaginated']>().returns.resolves.toExtend<{
      readonly streams: Stream<Camera>[]
      readonly nextCursor?: string
    }>()
    expectTypeOf<Stream<Camera>['metadata']['viewers']>().toEqualTypeOf<number | undefined>()
  })

  it('answer what they say else', () => {
    expectTypeOf<Cameras['has']>().returns.resolves.toEqualTypeOf<boolean>()
    expectTypeOf<Cameras['delete']>().returns.resolves.toEqualTypeOf<boolean>()
    expectTypeOf<Cameras['count']>().returns.resolves.toEqualTypeOf<number>()
    expectTypeOf<Cameras['heartbeat']>().returns.resolves.toEqualTypeOf<void>()
    expectTypeOf<Cameras['updateStats']>().returns.resolves.toEqualTypeOf<void>()
    expectTypeOf<Cameras['close']>().returns.resolves.toEqualTypeOf<void>()
    expectTypeOf<Cameras['instanceId']>().toEqualTypeOf<string>()
    expectTypeOf<Cameras['heartbeatMany']>().returns.resolves.toExtend<{
      readonly alive: string[]
      readonly missing: string[]
      readonly stale: string[]
    }>()
    type Stats = Awaited<ReturnType<Cameras['stats']>>
    expectTypeOf<Stats['byStatus']>().toEqualTypeOf<Partial<Record<StreamStatus, number>>>()
    expectTypeOf<Stats['byType']>().toEqualTypeOf<Partial<Record<StreamType, number>>>()
  })

  it('take a signal and a timeout, all of them', () => {
    const bounds = { signal: new AbortController().signal, timeoutMs: 5 }
    type LastOf<K extends keyof Cameras> = Cameras[K] extends (...args: infer A) => unknown
      ? Exclude<Required<A> extends [...unknown[], infer L] ? L : never, undefined>
      : never
    type Call = Exclude<keyof Cameras, 'instanceId' | 'close'>
    expectTypeOf(bounds).toExtend<LastOf<Call>>()
  })
})

describe('a wrong input is an error of the types', () => {
  const registry = {} as Registry<Camera>
  const input = { type: 'srt', sourceAddr: '10.0.0.1:9000' } as const
  const never = (): boolean => false

  it('of create and register', () => {
    if (never()) {
      void registry.create({ ...input, metadata: { region: 'eu' } })
      // @ts-expect-error the type is none of the known ones
      void registry.create({ ...input, type: 'hls' })
      // @ts-expect-error the source is missing
      void registry.create({ type: 'srt' })
      // @ts-expect-error the status is none of the known ones
      void registry.create({ ...input, status: 'running' })
      // @ts-expect-error there is no such field
      void registry.create({ ...input, nmae: 'x' })
      // @ts-expect-error the registry stamps the record
      void registry.create({ ...input, createdAt: new Date() })
      // @ts-expect-error a time to live is a number
      void registry.create({ ...input, ttlMs: '5m' })
      // @ts-expect-error the schema asks for a region
      void registry.create({ ...input, metadata: { viewers: 1 } })
      // @ts-expect-error metadata is JSON
      void createRegistry().create({ ...input, metadata: { at: new Date() } })
      // @ts-expect-error takeover is yes or no
      void registry.register({ ...input, id: 'cam1' }, { takeover: 'yes' })
    }
    expectTypeOf<StreamInput<Camera>['metadata']>().toEqualTypeOf<Camera | undefined>()
  })

  it('of the reports', () => {
    if (never()) {
      // @ts-expect-error the status is none of the known ones
      void registry.updateStatus('cam1', 'running')
      // @ts-expect-error the state is none of the known ones
      void registry.updateState('cam1', { currentState: 'running' })
      // @ts-expect-error the health is none of the known ones
      void registry.updateState('cam1', { health: 'fine' })
      // @ts-expect-error there is no such statistic
      void registry.updateStats('cam1', { bytes: 5 })
      // @ts-expect-error ids are text
      void registry.heartbeatMany([5])
    }
  })

  it('of the registries', () => {
    if (never()) {
      // @ts-expect-error a client is needed
      void new RedisRegistry({})
      // @ts-expect-error this is no client
      void new RedisRegistry({ redis: 'redis://127.0.0.1' })
      // @ts-expect-error there is no such option
      void new MockRegistry({ ttl: 5 })
      // @ts-expect-error there is no such kind of index
      void new MockRegistry({ indexes: [{ field: 'name', kind: 'unique' }] })
      // @ts-expect-error there is no such option
      void createRegistry({ defaultTtl: 5 })
    }
  })
})
