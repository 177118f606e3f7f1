import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { RedisClient } from '../../../src/redis/client.ts'
import { unwatchReadiness, watchReadiness } from '../../../src/redis/readiness.ts'

/** As much of a client as readiness needs. */
function emitting(): { client: RedisClient; emitter: EventEmitter } {
  const emitter = new EventEmitter()
  return { client: emitter as unknown as RedisClient, emitter }
}

describe('the readiness of a client', () => {
  it('counts how often it became ready since it is watched', () => {
    const { client, emitter } = emitting()
    emitter.emit('ready')
    const readiness = watchReadiness(client)
    expect(readiness.count).toBe(0)
    emitter.emit('ready')
    emitter.emit('ready')
    expect(readiness.count).toBe(2)
  })

  it('takes one listener for any number of watchers, until the last has gone', () => {
    const { client, emitter } = emitting()
    const watches = Array.from({ length: 20 }, () => watchReadiness(client))
    expect(emitter.listenerCount('ready')).toBe(1)
    for (let left = 19; left > 0; left--) {
      unwatchReadiness(client)
      expect(emitter.listenerCount('ready')).toBe(1)
    }
    emitter.emit('ready')
    expect(watches.every(({ count }) => count === 1)).toBe(true)
    unwatchReadiness(client)
    expect(emitter.listenerCount('ready')).toBe(0)
    expect(emitter.eventNames()).toEqual([])
  })

  it('leaves the listeners of others alone', () => {
    const { client, emitter } = emitting()
    const others = () => {}
    emitter.on('ready', others)
    watchReadiness(client)
    unwatchReadiness(client)
    expect(emitter.listeners('ready')).toEqual([others])
  })

  it('is each client’s own', () => {
    const [a, b] = [emitting(), emitting()]
    const [ofA, ofB] = [watchReadiness(a.client), watchReadiness(b.client)]
    a.emitter.emit('ready')
    expect([ofA.count, ofB.count]).toEqual([1, 0])
    unwatchReadiness(a.client)
    expect(b.emitter.listenerCount('ready')).toBe(1)
  })

  it('can be watched again, and unwatched once too often', () => {
    const { client, emitter } = emitting()
    unwatchReadiness(client)
    watchReadiness(client)
    unwatchReadiness(client)
    unwatchReadiness(client)
    const again = watchReadiness(client)
    emitter.emit('ready')
    expect(again.count).toBe(1)
    expect(emitter.listenerCount('ready')).toBe(1)
  })
})
