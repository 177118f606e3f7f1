import { MockRegistry } from '@mirror/stream-registry'
import { describeRegistryContract, ManualClock } from '@mirror/stream-registry/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'

describeRegistryContract({
  name: 'MockRegistry',
  runner: { describe, it, beforeAll, afterAll },
  start: async () => {
    const clock = new ManualClock()
    const spaces = new Map<string, MockRegistry<never>>()
    return {
      registry: (space, options) => {
        const first = spaces.get(space)
        const registry = new MockRegistry({
          ...options,
          clock,
          ...(first && { sharedWith: first }),
        } as object)
        if (first === undefined) spaces.set(space, registry as never)
        return registry as never
      },
      advance: async (ms) => clock.advance(ms),
      stop: async () => {},
    }
  },
})
