import assert from 'node:assert/strict'
import { RedisRegistry } from '@mirror/stream-registry'
import { describeRegistryContract, type Fault, FaultProxy } from '@mirror/stream-registry/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type ContractHarness, ContractSpace } from '../../src/testing/contract/driver.ts'
import { seededRandom, testSeed } from '../support/random.ts'
import { redisHarness } from '../support/redis-harness.ts'
import { startRedis } from '../support/redis-server.ts'

/** Something happens to about half of all script calls. */
function chaos(random: () => number): Fault {
  const chance = random()
  if (chance < 0.12) return { kind: 'lose-reply' }
  if (chance < 0.16) return { kind: 'lose-request' }
  if (chance < 0.32) return { kind: 'twice' }
  if (chance < 0.5) return { kind: 'delay', ms: 1 + random() * 4 }
  return { kind: 'pass' }
}

/** Tests run side by side: each on a wire of its own, mostly. */
const WIRES = 6

let losses = 0

/** A client whose calls something happens to. */
interface Wire {
  readonly redis: Redis
  readonly harness: ContractHarness
  close(): Promise<void>
}

async function openWire(port: number, random: () => number): Promise<Wire> {
  const proxy = new FaultProxy({ port })
  proxy.plan = (command) => {
    const fault: Fault = command.startsWith('eval') ? chaos(random) : { kind: 'pass' }
    if (fault.kind !== 'pass') losses += 1
    return fault
  }
  const redis = new Redis(await proxy.listen(), { retryStrategy: () => 1 })
  redis.on('error', () => {})
  const close = async (): Promise<void> => {
    redis.disconnect()
    await proxy.close()
  }
  return { redis, harness: redisHarness(redis, 1, close), close }
}

describeRegistryContract({
  name: 'RedisRegistry through a network that loses, repeats and delays',
  runner: { describe, it: it.concurrent, beforeAll, afterAll },
  start: async () => {
    const server = await startRedis()
    const random = seededRandom(testSeed('faults'))
    const wires = await Promise.all(Array.from({ length: WIRES }, () => openWire(server.port, random)))
    const spaces = new Map<string, Wire>()
    return {
      ...redisHarness(wires[0]?.redis as Redis, 1, async () => {
        for (const wire of wires) await wire.close()
        const direct = new Redis(server.port)
        for (const space of spaces.keys()) await assertAtMostOnce(direct, space)
        assert.ok(losses > 500, `only ${losses} faults`)
        direct.disconnect()
        await server.stop()
      }),
      registry: (space, options) => {
        const wire = spaces.get(space) ?? (wires[spaces.size % WIRES] as Wire)
        spaces.set(space, wire)
        return wire.harness.registry(space, options)
      },
    }
  },
})

/** Every operation stands in the log once, and no number of the log is missing. */
async function assertAtMostOnce(redis: Redis, space: string): Promise<void> {
  const registry = new RedisRegistry({ redis, keyPrefix: space })
  const log = await new ContractSpace({} as never, space).log(registry)
  const applied = log.filter(({ opId }) => opId !== undefined).map(({ opId, type }) => `${opId} ${type}`)
  assert.equal(new Set(applied).size, applied.length, `an operation of ${space} was applied twice`)
  assert.deepEqual(
    log.map(({ logId }) => Number(logId.split('-')[1])),
    log.map((_, i) => i + 1),
  )
  await registry.close()
}
