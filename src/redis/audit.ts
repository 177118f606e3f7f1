import { addedEntries } from '../core/indexes.js'
import type { AuditReport, Call, Describe, EntriesOf, Problem } from '../core/store.js'
import type { Caller } from './caller.js'
import { masters, type RedisClient } from './client.js'
import { bookkeptEntries, encodeEntry } from './entries.js'
import type { Partition } from './partition.js'
import { scripts } from './scripts.js'

const SCAN_SIZE = 500
const IN_FLIGHT = 32
/** How often a record or the counters may change under the audit before it lets them be. */
const ATTEMPTS = 20

/** Compares all that a partition holds. Each comparison is atomic, the whole is not: safe beside writers. */
export async function auditPartition(
  caller: Caller,
  partition: Partition,
  describe: Describe,
  repair: boolean,
  call: Call,
): Promise<AuditReport> {
  const audit = new PartitionAudit(caller, partition, describe, repair, call)
  return audit.run()
}

class PartitionAudit {
  readonly #caller: Caller
  readonly #partition: Partition
  readonly #describe: Describe
  readonly #repair: boolean
  readonly #call: Call
  readonly #problems: Problem[] = []

  constructor(caller: Caller, partition: Partition, describe: Describe, repair: boolean, call: Call) {
    this.#caller = caller
    this.#partition = partition
    this.#describe = describe
    this.#repair = repair
    this.#call = call
  }

  async run(): Promise<AuditReport> {
    const { keys } = this.#partition
    await this.#partition.reloadLayout(this.#call)
    const { documents, indexes } = await this.#scanKeys()
    const ids = new Set(documents)
    for (const id of await this.#pairs('zscan', keys.active)) ids.add(id)
    for (const id of await this.#pairs('hscan', keys.records)) ids.add(id)
    for (const id of await this.#pairs('hscan', keys.statistics)) ids.add(id)
    await inFlight([...ids], (id) => this.#auditRecord(id))
    for (const index of indexes) await this.#auditIndex(index)
    await this.#auditCounters()
    return { checked: ids.size, problems: this.#problems }
  }

  #found(problem: Omit<Problem, 'repaired'>): void {
    this.#problems.push({ ...problem, repaired: this.#repair })
  }

  #read<T>(attempt: (client: RedisClient) => Promise<T>): Promise<T> {
    return this.#caller.run('read', this.#call, attempt)
  }

  /** The ids that have a document, and the indexes that have a key. */
  async #scanKeys(): Promise<{ documents: string[]; indexes: string[] }> {
    const { base } = this.#partition.keys
    const documents: string[] = []
    const indexes: string[] = []
    for (const key of await this.#allKeys(`${base.replace(/[\\*?[\]]/g, '\\$&')}*`)) {
      const name = key.slice(base.length)
      if (!name.includes(':')) {
        if (name !== 'active') documents.push(name)
      } else if (
        name.startsWith('idx:') &&
        !/^idx:(rec|stats|counts|layout|ids|build|heard|bridged|tokens|op:.*|lead:.*)$/.test(name)
      ) {
        indexes.push(name.slice('idx:'.length))
      }
    }
    return { documents, indexes }
  }

  async #allKeys(pattern: string): Promise<Set<string>> {
    const [client] = await this.#caller.clients()
    const keys = new Set<string>()
    for (const master of client === undefined ? [] : masters(client)) {
      let cursor = '0'
      do {
        const [next, page] = await this.#read(() => master.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_SIZE))
        for (const key of page) keys.add(key)
        cursor = next
      } while (cursor !== '0')
    }
    return keys
  }

  /** The members of a sorted set, or the fields of a hash with their values. */
  async #pairs(
    command: 'zscan' | 'hscan',
    key: string,
    take?: (value: string, field: string) => void,
  ): Promise<string[]> {
    const names = new Set<string>()
    let cursor = '0'
    do {
      const [next, page] = await this.#read((client) => client[command](key, cursor, 'COUNT', SCAN_SIZE))
      for (let i = 0; i < page.length; i += 2) {
        const name = page[i] ?? ''
        if (!names.has(name)) take?.(page[i + 1] ?? '', name)
        names.add(name)
      }
      cursor = next
    } while (cursor !== '0')
    return [...names]
  }

  async #auditRecord(id: string): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const reply = await this.#compare(id)
      if (reply[0] === 'changed') {
        await this.#partition.reloadLayout(this.#call)
        continue
      }
      for (let i = 0; i < reply.length; i += 2) {
        const kind = reply[i] as Problem['kind']
        const index = reply[i + 1]
        this.#found({
          kind,
          streamId: id,
          ...(index && { index }),
          message: `${kind} of ${id}${index ? `: ${index}` : ''}`,
        })
      }
      return
    }
  }

  async #compare(id: string): Promise<string[]> {
    const { active } = this.#partition.keys
    const { docs, bookkeeping } = await this.#partition.readColumns([id], true, this.#call)
    const [doc, text] = [docs[0], bookkeeping[0]]
    const wanted = typeof doc === 'string' ? this.#describe(id, doc) : undefined
    const { indexes, version } = await this.#partition.layout(this.#call)
    const bookkept = new Set(typeof text === 'string' ? bookkeptEntries(text) : [])
    // Of an index that is being built, records may have their entries or not.
    const encode = (entries: EntriesOf): string[] => [
      ...entries(indexes.filter(({ isReady }) => isReady)).map(encodeEntry),
      ...addedEntries(
        entries,
        indexes.filter(({ isReady }) => !isReady),
      )
        .map(encodeEntry)
        .filter((entry) => bookkept.has(entry)),
    ]
    const args = [
      id,
      typeof text === 'string' ? text : '',
      this.#repair ? '1' : '0',
      wanted === undefined ? '0' : '1',
      String(wanted?.order ?? 0),
      String(wanted?.ttlMs ?? 0),
      wanted?.onLapsed ?? '',
      this.#partition.source,
      ...this.#partition.logArgs,
      version,
      ...(wanted === undefined ? [] : encode(wanted.entries)),
    ]
    return (await this.#read((client) => scripts.auditRecord.run(client, active, args))) as string[]
  }

  async #auditIndex(index: string): Promise<void> {
    const { base, active } = this.#partition.keys
    const key = `${base}idx:${index}`
    const type = await this.#read((client) => client.type(key))
    if (type !== 'zset') {
      if (type !== 'none') await this.#foundForeign(index, key, type)
      return
    }
    const members = await this.#pairs('zscan', key)
    for (let i = 0; i < members.length; i += SCAN_SIZE) {
      const args = [index, this.#repair ? '1' : '0', ...members.slice(i, i + SCAN_SIZE)]
      const dangling = (await this.#read((client) =>
        scripts.auditIndex.run(client, active, args),
      )) as string[]
      for (const member of dangling) {
        const streamId = member.slice(member.indexOf('\0') + 1)
        this.#found({
          kind: 'dangling-entry',
          streamId,
          index,
          message: `dangling-entry of ${streamId}: ${index}`,
        })
      }
    }
  }

  async #foundForeign(index: string, key: string, type: string): Promise<void> {
    this.#found({
      kind: 'dangling-entry',
      index,
      message: `dangling-entry: ${index} holds a foreign ${type}`,
    })
    if (this.#repair) await this.#read((client) => client.del(key))
  }

  /** Under a steady stream of writes the counters cannot be compared, and are let be. */
  async #auditCounters(): Promise<void> {
    const { active, base } = this.#partition.keys
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const last = await this.#read((client) => client.get(`${base}log:last`))
      const expected = await this.#countEntries()
      const args = [last ?? '', this.#repair ? '1' : '0', ...expected]
      const wrong = (await this.#read((client) =>
        scripts.auditCounters.run(client, active, args),
      )) as string[]
      if (wrong[0] === 'changed') continue
      for (const index of wrong)
        this.#found({ kind: 'wrong-counter', index, message: `wrong-counter: ${index}` })
      return
    }
  }

  async #countEntries(): Promise<string[]> {
    const counts = new Map<string, number>()
    await this.#pairs('hscan', this.#partition.keys.records, (bookkeeping) => {
      for (const entry of bookkeptEntries(bookkeeping)) {
        if (entry.startsWith('c')) counts.set(entry.slice(1), (counts.get(entry.slice(1)) ?? 0) + 1)
      }
    })
    return [...counts].flatMap(([counter, count]) => [counter, String(count)])
  }
}

/** Runs `work` over all items, {@link IN_FLIGHT} at a time. */
async function inFlight<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const item of queue) await work(item)
    }),
  )
}
