import type { Metadata } from '../../core/model/stream.js'
import type { LogRecord } from '../../core/store.js'
import type { RegistryOptions } from '../../registry/options.js'
import type { Registry } from '../../registry/registry.js'
import { storeOf } from '../../registry/store-registry.js'

/** What the suite needs of a test runner: vitest, jest, mocha and `node:test` have it. */
export interface TestRunner {
  describe(name: string, define: () => void): unknown
  it(name: string, test: () => Promise<void>): unknown
  beforeAll(hook: () => Promise<void>): unknown
  afterAll(hook: () => Promise<void>): unknown
}

/** A kind of registry that the suite is to run on. */
export interface ContractDriver {
  readonly name: string
  readonly runner: TestRunner
  /** Called once, before the first test. */
  start(): Promise<ContractHarness>
}

/** What a started driver can do. */
export interface ContractHarness {
  /** A registry. Those of one `space` share their records, those of different spaces have nothing in common. */
  registry<M>(space: string, options: RegistryOptions<M>): Registry<M>
  /** Lets this much time pass for the registries. */
  advance(ms: number): Promise<void>
  /** Called once, after the last test. The suite closed every registry. */
  stop(): Promise<void>
}

/** What one test of the suite works with: a space of its own. */
export class ContractSpace {
  readonly #harness: ContractHarness
  readonly #name: string
  readonly #opened: { close(): Promise<void> }[] = []

  constructor(harness: ContractHarness, name: string) {
    this.#harness = harness
    this.#name = name
  }

  /** Another instance over the space's records. Default `instanceId`: `a`. */
  registry<M = Metadata>(options: RegistryOptions<M> = {}): Registry<M> {
    const registry = this.#harness.registry<M>(this.#name, { instanceId: 'a', ...options })
    this.#opened.push(registry)
    return registry
  }

  advance(ms: number): Promise<void> {
    return this.#harness.advance(ms)
  }

  /** Everything that was logged, partition by partition. */
  async log(registry: object): Promise<LogRecord[]> {
    const store = storeOf(registry)
    const call = { deadline: performance.now() + 10_000 }
    const records: LogRecord[] = []
    for (let partition = 0; partition < store.partitions; partition++) {
      records.push(...(await store.readLog(partition, undefined, 100_000, call)).records)
    }
    return records
  }

  /** The types of a stream's events, without `stream.` in front. */
  async events(registry: object, id: string): Promise<string[]> {
    const records = await this.log(registry)
    return records.filter((record) => record.id === id).map(({ type }) => type.replace(/^stream\./, ''))
  }

  /** Finishes what has lapsed. */
  async sweep(registry: object): Promise<string[]> {
    const finished = await storeOf(registry).sweep(1_000, 'sweeper', { deadline: performance.now() + 10_000 })
    return finished.map(({ id }) => id)
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((registry) => registry.close()))
  }
}

/** A chapter of the suite. */
export type Chapter = (test: (name: string, body: (space: ContractSpace) => Promise<void>) => void) => void
