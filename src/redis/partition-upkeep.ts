import { randomUUID } from 'node:crypto'
import {
  type Call,
  type Fencing,
  type Finished,
  type LeadAnswer,
  type LeadClaim,
  StaleTokenError,
} from '../core/store.js'
import type { Caller } from './caller.js'
import type { BellChannels, PartitionKeys } from './keys.js'
import type { Script } from './script.js'
import { scripts } from './scripts.js'

/** Lapsed records in one call of the sweep, at most: about 3 ms of Redis. */
const SWEEP_LIMIT = 50
/** Leases prolonged in one call, at most: about 1 ms of Redis. */
const BRIDGE_LIMIT = 1_000

type Reply = readonly [state: string, serverNow: string, ...rest: string[]]

/** What keeping a partition in order needs of it. */
export interface UpkeepHost {
  readonly keys: PartitionKeys
  readonly channels: BellChannels
  readonly caller: Caller
  /** What every script that logs an event must know of the log. */
  readonly logArgs: readonly string[]
  readonly maxAgeMs: number
  now(): number
  read(script: Script, call: Call): Promise<Reply>
  write(script: Script, call: Call, args: (serverDeadline: number) => string[]): Promise<Reply>
}

/** Finishes what has lapsed in one partition, keeps its log short, and holds leaders' leases. */
export class PartitionUpkeep {
  readonly #host: UpkeepHost

  constructor(host: UpkeepHost) {
    this.#host = host
  }

  /** Finishes up to `limit` lapsed records, in calls of at most {@link SWEEP_LIMIT}. @throws StaleTokenError */
  async sweep(limit: number, source: string, call: Call, fencing?: Fencing): Promise<Finished[]> {
    const finished: Finished[] = []
    while (finished.length < limit) {
      const batch = Math.min(SWEEP_LIMIT, limit - finished.length)
      const operation = randomUUID()
      const guard = fencing === undefined ? ['', ''] : [fencing.name, String(fencing.token)]
      const [state, , answer = ''] = await this.#host.write(scripts.sweep, call, (deadline) => [
        String(batch),
        source,
        ...this.#host.logArgs,
        String(deadline),
        operation,
        ...guard,
      ])
      if (state === 'stale') {
        // What was finished before must be told by somebody.
        if (finished.length > 0) return finished
        throw new StaleTokenError(`there is a later leader of ${fencing?.name}`)
      }
      const parts = answer === '' ? [] : answer.split('\0')
      for (let i = 0; i < parts.length; i += 2)
        finished.push({ id: parts[i] ?? '', type: parts[i + 1] ?? '' })
      if (parts.length < batch * 2) break
    }
    return finished
  }

  async nextDeadline(call: Call): Promise<number | undefined> {
    const [, , deadline = ''] = await this.#host.read(scripts.nextDeadline, call)
    return deadline === '' ? undefined : Number(deadline)
  }

  async trimLog(call: Call): Promise<void> {
    const { caller, keys, maxAgeMs } = this.#host
    const oldest = Math.max(0, Math.floor(this.#host.now() - maxAgeMs))
    // Done twice it is done once.
    await caller.run('read', call, (client) => client.xtrim(keys.log, 'MINID', '~', oldest))
  }

  /** When a lease was renewed last. */
  async heardAt(call: Call): Promise<number> {
    const { caller, keys } = this.#host
    return Number(await caller.run('read', call, (client) => client.get(`${keys.base}idx:heard`)))
  }

  /** @param heardAt - when a lease was renewed last, in any partition */
  async bridgeSilence(graceMs: number, withinMs: number, heardAt: number, call: Call): Promise<number> {
    const fixed = [graceMs, withinMs, BRIDGE_LIMIT].map(String)
    for (let total = 0, end = ''; ; ) {
      const [, , count, until = ''] = await this.#host.write(scripts.bridgeSilence, call, (deadline) => [
        ...fixed,
        String(deadline),
        this.#host.channels.statistics,
        String(heardAt),
        end,
      ])
      total += Number(count)
      end = until
      if (Number(count) < BRIDGE_LIMIT) return total
    }
  }

  async acquireLead({ name, holder, label }: LeadClaim, leaseMs: number, call: Call): Promise<LeadAnswer> {
    const args = [name, holder, label, String(leaseMs)]
    const [state, , answer = '', left] = await this.#host.write(scripts.acquireLead, call, () => args)
    return state === 'done'
      ? { kind: 'done', token: Number(answer) }
      : { kind: 'held', label: answer, leftMs: Number(left) }
  }

  async renewLead(
    { name, holder, token }: LeadClaim & { readonly token: number },
    leaseMs: number,
    call: Call,
  ): Promise<boolean> {
    const args = [name, holder, String(token), String(leaseMs)]
    const [state] = await this.#host.write(scripts.renewLead, call, () => args)
    return state === 'done'
  }

  async releaseLead(
    { name, holder, token = '' }: LeadClaim & { readonly token?: number | '' },
    call: Call,
  ): Promise<void> {
    const args = [name, holder, String(token), this.#host.channels.leads]
    await this.#host.write(scripts.releaseLead, call, () => args)
  }
}
