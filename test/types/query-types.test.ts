import {
  createRegistry,
  type FieldName,
  type FieldValue,
  type Group,
  type GroupedQuery,
  type JsonValue,
  type MeasureField,
  type Metadata,
  MockRegistry,
  type NumberField,
  type OperandOf,
  type Operator,
  type OperatorOf,
  type Query,
  type QueryTree,
  type Scalar,
  type SortField,
  type Stream,
  type StreamFields,
  type StreamFilter,
  type StreamStatistics,
  type StreamStatus,
  type StreamType,
} from '@mirror/stream-registry'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

interface Camera {
  readonly region: string
  readonly viewers?: number
  readonly live: boolean
  readonly tier: 'gold' | 'silver'
  readonly labels: readonly string[]
  readonly encoder?: { readonly name: string; readonly gop?: { readonly length: number } }
}

const never = (): boolean => false
const cameras = {} as Query<Camera>
const open = {} as Query<Metadata>

/** What a stream holds at a path, without what stands for missing. */
type ValueAt<T, P extends string> = P extends keyof T
  ? NonNullable<T[P]>
  : P extends `${infer K}.${infer Rest}`
    ? K extends keyof T
      ? ValueAt<NonNullable<T[K]>, Rest>
      : never
    : never

describe('the fields of a stream', () => {
  it('hold what the stream holds at their paths, each of them', () => {
    expectTypeOf<StreamFields>().toEqualTypeOf<{ [F in keyof StreamFields]: ValueAt<Stream, F> }>()
  })

  it('are every plain member of a stream, of its state and of its last error', () => {
    type Plain<T> = {
      [K in keyof T & string]-?: NonNullable<T[K]> extends Scalar | Date | readonly string[] ? K : never
    }[keyof T & string]
    type State = Stream['state']
    expectTypeOf<keyof StreamFields>().toEqualTypeOf<
      Plain<Stream> | `state.${Plain<State>}` | `state.lastError.${Plain<NonNullable<State['lastError']>>}`
    >()
  })

  it('are the statistics, too, as numbers', () => {
    expectTypeOf<`statistics.${keyof StreamStatistics}`>().toExtend<FieldName<Camera>>()
    expectTypeOf<FieldValue<Camera, `statistics.${keyof StreamStatistics}`>>().toEqualTypeOf<number>()
  })

  it('have short names', () => {
    type Short =
      | 'errorCount'
      | 'health'
      | 'currentState'
      | 'previousState'
      | 'bytesReceived'
      | 'packetsReceived'
      | 'packetsLost'
    expectTypeOf<Short>().toExtend<FieldName<Camera>>()
    expectTypeOf<FieldValue<Camera, 'health'>>().toEqualTypeOf<FieldValue<Camera, 'state.health'>>()
    expectTypeOf<FieldValue<Camera, 'errorCount'>>().toEqualTypeOf<number>()
  })

  it('complete as dotted paths of the metadata, optional members included', () => {
    expectTypeOf<Extract<FieldName<Camera>, `metadata.${string}`>>().toEqualTypeOf<
      | 'metadata.region'
      | 'metadata.viewers'
      | 'metadata.live'
      | 'metadata.tier'
      | 'metadata.labels'
      | 'metadata.encoder.name'
      | 'metadata.encoder.gop.length'
    >()
  })

  it('hold what the metadata says', () => {
    type At<P extends string> = FieldValue<Camera, `metadata.${P}`>
    expectTypeOf<At<'region'>>().toEqualTypeOf<string>()
    expectTypeOf<At<'viewers'>>().toEqualTypeOf<number>()
    expectTypeOf<At<'live'>>().toEqualTypeOf<boolean>()
    expectTypeOf<At<'tier'>>().toEqualTypeOf<'gold' | 'silver'>()
    expectTypeOf<At<'labels'>>().toEqualTypeOf<readonly string[]>()
    expectTypeOf<At<'encoder.name'>>().toEqualTypeOf<string>()
    expectTypeOf<At<'encoder.gop.length'>>().toEqualTypeOf<number>()
  })

  it('are any of the configuration, and any measure', () => {
    expectTypeOf<FieldValue<Camera, 'config.latencyMs'>>().toEqualTypeOf<JsonValue>()
    expectTypeOf<FieldValue<Camera, 'state.quality.score'>>().toEqualTypeOf<number>()
    expectTypeOf<FieldValue<Camera, 'state.resources.cpuPercent'>>().toEqualTypeOf<number>()
  })

  it('are any of metadata that nothing is known of', () => {
    expectTypeOf<'metadata.a' | 'metadata.a.b.c'>().toExtend<FieldName<Metadata>>()
    expectTypeOf<FieldValue<Metadata, 'metadata.a.b'>>().toEqualTypeOf<JsonValue>()
    // @ts-expect-error metadata is not a field itself
    expectTypeOf<'metadata'>().toExtend<FieldName<Metadata>>()
  })

  it('come with the registry’s schema', () => {
    const schema = z.object({ region: z.string(), viewers: z.number().optional() })
    const registry = new MockRegistry({ metadataSchema: schema })
    if (never()) {
      registry.query().where('metadata.viewers', 'gt', 5)
      // @ts-expect-error the schema knows no such member
      registry.query().where('metadata.veiwers', 'gt', 5)
      createRegistry().query().where('metadata.anything', 'gt', 5)
    }
    expectTypeOf(registry.query).returns.toEqualTypeOf<
      Query<{ region: string; viewers?: number | undefined }>
    >()
  })
})

describe('the operators of a field', () => {
  type Ordered = 'eq' | 'ne' | 'in' | 'nin' | 'exists' | 'gt' | 'gte' | 'lt' | 'lte'

  it('are those that its values take', () => {
    expectTypeOf<OperatorOf<number>>().toEqualTypeOf<Ordered>()
    expectTypeOf<OperatorOf<Date>>().toEqualTypeOf<Ordered>()
    expectTypeOf<OperatorOf<string>>().toEqualTypeOf<Ordered | 'like' | 'contains'>()
    expectTypeOf<OperatorOf<StreamStatus>>().toEqualTypeOf<Ordered | 'like' | 'contains'>()
    expectTypeOf<OperatorOf<boolean>>().toEqualTypeOf<'eq' | 'ne' | 'in' | 'nin' | 'exists'>()
    expectTypeOf<OperatorOf<readonly string[]>>().toEqualTypeOf<'contains' | 'exists'>()
    expectTypeOf<OperatorOf<JsonValue>>().toEqualTypeOf<Operator>()
  })

  it('take values of its type', () => {
    expectTypeOf<OperandOf<StreamType, 'eq'>>().toEqualTypeOf<StreamType>()
    expectTypeOf<OperandOf<StreamType, 'in'>>().toEqualTypeOf<readonly StreamType[]>()
    expectTypeOf<OperandOf<StreamType, 'like'>>().toEqualTypeOf<string>()
    expectTypeOf<OperandOf<StreamType, 'gt'>>().toEqualTypeOf<string>()
    expectTypeOf<OperandOf<Date, 'gt'>>().toEqualTypeOf<Date>()
    expectTypeOf<OperandOf<Date, 'in'>>().toEqualTypeOf<readonly Date[]>()
    expectTypeOf<OperandOf<number, 'lte'>>().toEqualTypeOf<number>()
    expectTypeOf<OperandOf<boolean, 'eq'>>().toEqualTypeOf<boolean>()
    expectTypeOf<OperandOf<readonly string[], 'contains'>>().toEqualTypeOf<string>()
    expectTypeOf<OperandOf<number, 'exists'>>().toEqualTypeOf<boolean>()
    expectTypeOf<OperandOf<JsonValue, 'eq'>>().toEqualTypeOf<Scalar>()
    expectTypeOf<OperandOf<JsonValue, 'gt'>>().toEqualTypeOf<string | number>()
  })
})

describe('where', () => {
  it('takes what a field can be compared with', () => {
    if (never()) {
      cameras
        .where('status', 'eq', 'active')
        .where('type', 'in', ['srt', 'rtp'])
        .where('health', 'nin', ['unknown'])
        .where('errorCount', 'gt', 10)
        .where('createdAt', 'gte', new Date())
        .where('startedAt', 'in', [new Date()])
        .where('tags', 'contains', 'vip')
        .where('tags', 'exists', true)
        .where('name', 'like', 'Cam*')
        .where('name', 'contains', 'era')
        .where('type', 'like', 'rt*')
        .where('status', 'gt', 'b')
        .where('statistics.rttMs', 'lt', 50)
        .where('state.lastError.at', 'gt', new Date())
        .where('metadata.viewers', 'lte', 5)
        .where('metadata.tier', 'eq', 'gold')
        .where('metadata.live', 'eq', true)
        .where('metadata.labels', 'contains', 'x')
        .where('metadata.encoder.gop.length', 'gt', 5)
        .where('config.anything', 'eq', 5)
        .where('state.quality.score', 'gte', 0.5)
    }
    expectTypeOf(() => cameras.where('name', 'eq', 'x')).returns.toEqualTypeOf<Query<Camera>>()
  })

  it('refuses fields that are none', () => {
    if (never()) {
      // @ts-expect-error misspelt
      cameras.where('stauts', 'eq', 'active')
      // @ts-expect-error an object
      cameras.where('state', 'exists', true)
      // @ts-expect-error there is no such statistic
      cameras.where('statistics.bytes', 'gt', 5)
      // @ts-expect-error the metadata has no such member
      cameras.where('metadata.regoin', 'eq', 'eu')
      // @ts-expect-error nor there
      cameras.where('metadata.encoder.nmae', 'eq', 'x')
      // @ts-expect-error an object of the metadata
      cameras.where('metadata.encoder', 'exists', true)
      // @ts-expect-error a history
      cameras.where('state.stateTransitions', 'exists', true)
    }
  })

  it('refuses operators that a field does not take', () => {
    if (never()) {
      // @ts-expect-error there is no such operator
      cameras.where('name', 'is', 'x')
      // @ts-expect-error a number is like nothing
      cameras.where('bitrate', 'like', '5*')
      // @ts-expect-error a number contains nothing
      cameras.where('errorCount', 'contains', 5)
      // @ts-expect-error a time is like nothing
      cameras.where('createdAt', 'like', '2024*')
      // @ts-expect-error tags have no order
      cameras.where('tags', 'gt', 'a')
      // @ts-expect-error tags are several: they contain
      cameras.where('tags', 'eq', 'a')
      // @ts-expect-error yes and no have no order
      cameras.where('metadata.live', 'gt', true)
      // @ts-expect-error labels are several
      cameras.where('metadata.labels', 'in', ['x'])
    }
  })

  it('refuses values of another type', () => {
    if (never()) {
      // @ts-expect-error the status is none of the known ones
      cameras.where('status', 'eq', 'running')
      // @ts-expect-error one of them is none
      cameras.where('status', 'in', ['active', 'running'])
      // @ts-expect-error several are a list
      cameras.where('status', 'in', 'active')
      // @ts-expect-error one is no list
      cameras.where('status', 'eq', ['active'])
      // @ts-expect-error the health is none of the known ones
      cameras.where('health', 'ne', 'fine')
      // @ts-expect-error a count is a number
      cameras.where('errorCount', 'gt', '10')
      // @ts-expect-error a time is a Date
      cameras.where('createdAt', 'gt', '2024-01-15T14:30:52Z')
      // @ts-expect-error nor is it a number
      cameras.where('createdAt', 'gt', 5)
      // @ts-expect-error tags are text
      cameras.where('tags', 'contains', 5)
      // @ts-expect-error it is there or not
      cameras.where('name', 'exists', 'yes')
      // @ts-expect-error undefined is no value
      cameras.where('name', 'eq', undefined)
      // @ts-expect-error nor is null
      cameras.where('name', 'eq', null)
      // @ts-expect-error the tier is none of the known ones
      cameras.where('metadata.tier', 'eq', 'bronze')
      // @ts-expect-error viewers are a number, optional or not
      cameras.where('metadata.viewers', 'eq', '5')
      // @ts-expect-error a measure is a number
      cameras.where('state.quality.score', 'gt', 'high')
    }
  })

  it('takes any scalar for open metadata', () => {
    if (never()) {
      open
        .where('metadata.x', 'eq', 5)
        .where('metadata.x.y', 'eq', 'a')
        .where('metadata.x', 'in', [1, 'a', true])
        .where('metadata.x', 'contains', 'a')
        .where('metadata.x', 'like', 'a*')
        .where('metadata.x', 'gt', 5)
        .where('metadata.x', 'exists', false)
      // @ts-expect-error metadata is JSON: it holds no Date
      open.where('metadata.x', 'eq', new Date())
      // @ts-expect-error yes and no have no order
      open.where('metadata.x', 'gt', true)
      // @ts-expect-error null counts as missing
      open.where('metadata.x', 'eq', null)
    }
  })
})

describe('filter and or', () => {
  it('take the fields of a filter', () => {
    if (never()) {
      cameras.filter({
        status: 'active',
        type: ['srt', 'rtp'],
        tags: ['a'],
        tagsAny: true,
        health: 'healthy',
      })
      cameras.filter({ createdAfter: new Date(), createdBefore: undefined, owner: ['a'], sourcePort: 9_000 })
      // @ts-expect-error there is no such field
      cameras.filter({ stauts: 'active' })
      // @ts-expect-error the status is none of the known ones
      cameras.filter({ status: 'running' })
      // @ts-expect-error one of them is none
      cameras.filter({ type: ['srt', 'hls'] })
      // @ts-expect-error a time is a Date
      cameras.filter({ createdAfter: 5 })
      // @ts-expect-error tags are a list
      cameras.filter({ tags: 'a' })
    }
    expectTypeOf(cameras.filter).parameter(0).toEqualTypeOf<StreamFilter>()
  })

  it('take alternatives over the same fields', () => {
    if (never()) {
      cameras.or(
        (q) => q.where('metadata.viewers', 'gt', 5).filter({ type: 'srt' }),
        (q) => q.or((o) => o.where('metadata.region', 'eq', 'eu')),
      )
      // @ts-expect-error the metadata has no such member
      cameras.or((q) => q.where('metadata.nope', 'eq', 'x'))
      // @ts-expect-error an alternative has conditions only
      cameras.or((q) => q.limit(5))
      // @ts-expect-error an alternative is its conditions
      cameras.or(() => undefined)
    }
    expectTypeOf(() => cameras.or((q) => q)).returns.toEqualTypeOf<Query<Camera>>()
  })
})

describe('sortBy', () => {
  it('takes fields of one value', () => {
    if (never()) {
      cameras.sortBy('createdAt').sortBy('health', 'desc').sortBy('metadata.viewers', 'asc')
      cameras.sortBy('metadata.encoder.name').sortBy('metadata.live').sortBy('statistics.bitrate')
      cameras.sortBy('config.x').sortBy('state.quality.score')
      open.sortBy('metadata.x.y')
      // @ts-expect-error there is no such field
      cameras.sortBy('nope')
      // @ts-expect-error tags are several
      cameras.sortBy('tags')
      // @ts-expect-error an object
      cameras.sortBy('state')
      // @ts-expect-error an object of the metadata
      cameras.sortBy('metadata.encoder')
      // @ts-expect-error labels are several
      cameras.sortBy('metadata.labels')
      // @ts-expect-error there is no such direction
      cameras.sortBy('name', 'up')
    }
    expectTypeOf<Exclude<keyof StreamFields, 'tags'>>().toExtend<SortField<Camera>>()
  })
})

describe('groupBy and aggregate', () => {
  it('group by fields of one value', () => {
    if (never()) {
      cameras.groupBy('type', 'metadata.region').groupBy('createdAt')
      // @ts-expect-error tags are several
      cameras.groupBy('tags')
      // @ts-expect-error there is no such field
      cameras.groupBy('type', 'nope')
    }
    expectTypeOf(() => cameras.groupBy('type')).returns.toEqualTypeOf<GroupedQuery<Camera>>()
    expectTypeOf<GroupedQuery<Camera>['execute']>().returns.resolves.toEqualTypeOf<Group[]>()
  })

  it('count all, and nothing else', () => {
    if (never()) {
      cameras.aggregate('count', '*').aggregate('count', '*')
      // @ts-expect-error all are counted
      cameras.aggregate('count', 'bitrate')
      // @ts-expect-error only count takes all
      cameras.aggregate('sum', '*')
      // @ts-expect-error there is no such figure
      cameras.aggregate('median', 'bitrate')
    }
  })

  it('sum and average numbers only', () => {
    if (never()) {
      cameras.aggregate('sum', 'bitrate').aggregate('avg', 'errorCount').aggregate('avg', 'metadata.viewers')
      cameras.groupBy('type').aggregate('sum', 'state.quality.score').aggregate('avg', 'config.x')
      open.aggregate('sum', 'metadata.x')
      // @ts-expect-error times have no sum
      cameras.aggregate('sum', 'createdAt')
      // @ts-expect-error nor an average
      cameras.aggregate('avg', 'startedAt')
      // @ts-expect-error text has no sum
      cameras.aggregate('sum', 'name')
      // @ts-expect-error nor has a region
      cameras.aggregate('sum', 'metadata.region')
      // @ts-expect-error nor have tags
      cameras.groupBy('type').aggregate('avg', 'tags')
    }
    expectTypeOf<'createdAt'>().not.toExtend<NumberField<Camera>>()
  })

  it('find the least and the most of numbers and times', () => {
    if (never()) {
      cameras.aggregate('min', 'bitrate').aggregate('max', 'createdAt').aggregate('max', 'metadata.viewers')
      // @ts-expect-error text has an order, but no least
      cameras.aggregate('min', 'name')
      // @ts-expect-error nor have statuses
      cameras.aggregate('max', 'status')
      // @ts-expect-error nor have tags
      cameras.aggregate('max', 'tags')
    }
    expectTypeOf<'createdAt' | 'state.lastError.at' | 'metadata.viewers'>().toExtend<MeasureField<Camera>>()
    expectTypeOf<'name' | 'tags' | 'metadata.live'>()
      .exclude<MeasureField<Camera>>()
      .toEqualTypeOf<'name' | 'tags' | 'metadata.live'>()
  })

  it('give figures by the names that were asked for', () => {
    expectTypeOf<Group['count']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<NonNullable<Group['sum']>[string]>().toEqualTypeOf<number>()
    expectTypeOf<NonNullable<Group['avg']>[string]>().toEqualTypeOf<number | null>()
    expectTypeOf<NonNullable<Group['max']>[string]>().toEqualTypeOf<number | Date | null>()
    expectTypeOf<Group['key'][string]>().toEqualTypeOf<Scalar | Date | null>()
  })
})

describe('the calls that run a query', () => {
  it('answer streams of the metadata’s type', () => {
    expectTypeOf(cameras.execute).returns.resolves.toEqualTypeOf<Stream<Camera>[]>()
    expectTypeOf(cameras.first).returns.resolves.toEqualTypeOf<Stream<Camera> | undefined>()
    expectTypeOf(cameras.page).returns.resolves.toExtend<{
      readonly streams: Stream<Camera>[]
      readonly nextCursor?: string
    }>()
    expectTypeOf(cameras.ids).returns.resolves.toEqualTypeOf<string[]>()
    expectTypeOf(cameras.count).returns.resolves.toEqualTypeOf<number>()
    expectTypeOf(cameras.iterate).returns.toEqualTypeOf<AsyncGenerator<Stream<Camera>, void, undefined>>()
    expectTypeOf(cameras.toJSON).returns.toEqualTypeOf<QueryTree>()
  })

  it('take a signal and a timeout, all of them', () => {
    const bounds = { signal: new AbortController().signal, timeoutMs: 5 }
    type Run = 'execute' | 'first' | 'page' | 'ids' | 'count' | 'iterate' | 'explain'
    expectTypeOf(bounds).toExtend<NonNullable<Parameters<Query<Camera>[Run]>[0]>>()
    expectTypeOf(bounds).toExtend<NonNullable<Parameters<GroupedQuery<Camera>['execute']>[0]>>()
  })

  it('give trees that nobody changes', () => {
    const touch = (tree: QueryTree): void => {
      // @ts-expect-error trees are readonly
      tree.limit = 5
      // @ts-expect-error their conditions, too
      tree.where.push({ field: 'name', op: 'eq', value: 'x' })
    }
    expectTypeOf(touch).toBeFunction()
  })
})
