import type {
  EventGap,
  EventType,
  ItemOf,
  MockRegistry,
  Registry,
  StatisticsEvent,
  Stream,
  StreamEvent,
  SubscribableType,
  SubscribeOptions,
  Subscription,
  SubscriptionItem,
  UnknownEvent,
} from '@mirror/stream-registry'
import { describe, expectTypeOf, it } from 'vitest'

interface Camera {
  readonly region: string
}

declare const registry: Registry<Camera>
declare const subscription: Subscription<Camera>
declare const item: SubscriptionItem<Camera>

/** Holds code whose types are looked at, and which never runs. */
function typesOnly(_code: () => unknown): void {}

describe('an item of a subscription', () => {
  it('is told apart by its type', () => {
    expectTypeOf<SubscriptionItem['type']>().toEqualTypeOf<EventType | 'stream.stats' | 'unknown' | 'gap'>()
    typesOnly(() => {
      switch (item.type) {
        case 'gap':
          expectTypeOf(item).toEqualTypeOf<EventGap>()
          expectTypeOf(item.reason).toEqualTypeOf<'trimmed' | 'rewound'>()
          return
        case 'unknown':
          expectTypeOf(item).toEqualTypeOf<UnknownEvent>()
          return
        case 'stream.stats':
          expectTypeOf(item).toEqualTypeOf<StatisticsEvent<Camera>>()
          return
        case 'stream.created':
          expectTypeOf(item.data).toEqualTypeOf<Stream<Camera>>()
          expectTypeOf(item.cursor).toEqualTypeOf<string>()
          return
        default:
          expectTypeOf(item).toExtend<StreamEvent<Camera>>()
          expectTypeOf(item.changes).toEqualTypeOf<readonly string[] | undefined>()
      }
    })
  })

  it('has a cursor, unless it tells of statistics', () => {
    expectTypeOf<StreamEvent>().toHaveProperty('cursor')
    expectTypeOf<UnknownEvent>().toHaveProperty('cursor')
    expectTypeOf<EventGap>().toHaveProperty('cursor')
    expectTypeOf<StatisticsEvent>().not.toHaveProperty('cursor')
    // @ts-expect-error not every item has one
    typesOnly(() => item.cursor)
  })

  it('can be had by the name of its type', () => {
    expectTypeOf<ItemOf<'stream.stats', Camera>>().toEqualTypeOf<StatisticsEvent<Camera>>()
    expectTypeOf<ItemOf<'gap'>>().toEqualTypeOf<EventGap>()
    expectTypeOf<ItemOf<'stream.expired', Camera>['data']>().toEqualTypeOf<Stream<Camera>>()
    expectTypeOf<ItemOf<'stream.cloned'>>().toEqualTypeOf<never>()
  })
})

describe('a handler', () => {
  it('takes the item that its name says', () => {
    typesOnly(() =>
      subscription
        .on('stream.created', (event) => {
          expectTypeOf(event.type).toEqualTypeOf<'stream.created'>()
          expectTypeOf(event.data.metadata).toEqualTypeOf<Camera>()
        })
        .once('gap', (gap) => expectTypeOf(gap).toEqualTypeOf<EventGap>())
        .on('unknown', (event) => expectTypeOf(event).toEqualTypeOf<UnknownEvent>())
        .on('error', (error) => expectTypeOf(error).toEqualTypeOf<unknown>())
        .on('stream.stats', async (event) => {
          expectTypeOf(event.data).toEqualTypeOf<Stream<Camera>>()
          // @ts-expect-error statistics have no cursor
          event.cursor
        }),
    )
  })

  it('has a name that there is', () => {
    // @ts-expect-error there is no such event
    typesOnly(() => subscription.on('stream.cloned', () => {}))
    // @ts-expect-error names begin with stream.
    typesOnly(() => subscription.once('created', () => {}))
    const onGap = (_: EventGap): void => {}
    typesOnly(() => subscription.on('gap', onGap).off('gap', onGap))
    // @ts-expect-error a handler of gaps takes no event
    typesOnly(() => subscription.on('stream.created', onGap))
  })
})

describe('subscribing', () => {
  it('takes nothing, a type, a list of types, or options', () => {
    expectTypeOf<Registry<Camera>['subscribe']>().returns.resolves.toEqualTypeOf<Subscription<Camera>>()
    typesOnly(() => {
      registry.subscribe()
      registry.subscribe('stream.stats')
      registry.subscribe(['stream.created', 'stream.stats'], { timeoutMs: 5 })
      registry.subscribe({ from: 'start', streamId: 'cam1', signal: AbortSignal.timeout(5) })
      // @ts-expect-error there is no such event
      registry.subscribe('created')
      // @ts-expect-error there is no such event
      registry.subscribe(['stream.created', 'stream.cloned'])
      // @ts-expect-error a cursor is text
      registry.subscribe({ from: 5 })
      // @ts-expect-error gaps need not be asked for
      registry.subscribe({ types: ['gap'] })
    })
    expectTypeOf<SubscribableType>().toEqualTypeOf<EventType | 'stream.stats'>()
    expectTypeOf<SubscribeOptions>().toHaveProperty('bufferSize')
  })

  it('gives what can be iterated and disposed of', () => {
    expectTypeOf<Subscription<Camera>>().toExtend<AsyncIterable<SubscriptionItem<Camera>>>()
    expectTypeOf<Subscription<Camera>>().toExtend<AsyncDisposable>()
    expectTypeOf<Subscription>().toHaveProperty('cursor').toEqualTypeOf<string>()
    typesOnly(() => {
      // @ts-expect-error the cursor moves by itself
      subscription.cursor = ''
    })
  })

  it('leaves no statistics in the history, nor in what is recorded', () => {
    type Told = Awaited<ReturnType<Registry<Camera>['history']>>
    expectTypeOf<Told>().toEqualTypeOf<(StreamEvent<Camera> | UnknownEvent)[]>()
    expectTypeOf<MockRegistry<Camera>['recordedEvents']>().toEqualTypeOf<StreamEvent<Camera>[]>()
  })
})
