import { Redis } from 'ioredis'
import { ServiceBroker } from 'moleculer'
import type { BenchStream, Contender, Entrant } from './contender.ts'

const PREFIX = 'MOL-DSCVR'

interface Discoverer {
  sendHeartbeat(): Promise<void>
}

/** One node of a mesh, as many others as there are streams: with each heartbeat a node looks who else beats. */
class Moleculer implements Contender {
  readonly #redis: Redis
  readonly #broker: ServiceBroker
  readonly #discoverer: Discoverer

  constructor(port: number, broker: ServiceBroker) {
    this.#redis = new Redis(port)
    this.#broker = broker
    this.#discoverer = (broker.registry as unknown as { discoverer: Discoverer }).discoverer
  }

  /** What another node would have written. */
  async register({ id }: BenchStream): Promise<void> {
    const sender = { sender: id, ver: '4', instanceID: id }
    await this.#redis
      .multi()
      .set(`${PREFIX}-INFO:${id}`, JSON.stringify({ ...sender, services: [], config: {}, seq: 1 }))
      .set(`${PREFIX}-BEAT:${id}|${id}|1`, JSON.stringify({ ...sender, cpu: 1, seq: 1 }))
      .exec()
  }

  remove({ id }: BenchStream): Promise<unknown> {
    return this.#redis.del(`${PREFIX}-INFO:${id}`, `${PREFIX}-BEAT:${id}|${id}|1`)
  }

  /** Finds the others. */
  async prepare(): Promise<void> {
    await this.#discoverer.sendHeartbeat()
  }

  heartbeat(): Promise<unknown> {
    return this.#discoverer.sendHeartbeat()
  }

  async close(): Promise<void> {
    await this.#broker.stop()
    await this.#redis.quit()
  }
}

export const moleculer: Entrant = {
  key: 'moleculer',
  name: 'Moleculer discoverer',
  what: 'the Redis discoverer of moleculer 0.15.2, a node for each stream: heartbeats only',
  lacks: [
    'keeps no records but those of nodes',
    'each heartbeat scans all keys',
    'no queries',
    'no events of streams',
  ],
  most: { streams: 1_000, because: 'each heartbeat of each node scans the heartbeats of all' },
  isRegistry: false,
  onRedis: true,
  open: async (port) => {
    const broker = new ServiceBroker({
      nodeID: 'bench',
      logger: false,
      transporter: 'Fake',
      registry: { discoverer: { type: 'Redis', options: { redis: { port } } } },
    })
    await broker.start()
    return new Moleculer(port, broker)
  },
}
