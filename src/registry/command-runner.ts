import { randomBytes } from 'node:crypto'
import type { Decision } from '../core/commands/decision.js'
import { toWrite } from '../core/commands/decision.js'
import { aboutStream, CorruptRecordError, StaleOwnerError, TimeoutError } from '../core/errors.js'
import type { Metadata, Stream } from '../core/model/stream.js'
import { lastHeartbeat, statisticsFromJSON } from '../core/model/wire.js'
import type { Call, Commit, CommitAnswer, Found, Guard, Rec, Store, Write } from '../core/store.js'
import { within } from './bounded.js'
import { decodeLive } from './decode.js'
import { RecordCache } from './record-cache.js'

/** Decides what a command does to the live record, if there is one. May refuse by throwing a `RegistryError`. */
export type Decide<M> = (current: Stream<M> | undefined) => Decision<M> | Promise<Decision<M>>

/**
 * What a command starts from: no record, for what usually creates; the last known copy, which is mostly right; or
 * what the store says now, for a decision that shows its start to the user.
 */
export type Expected = 'absent' | 'known' | 'fresh'

/** What a decision starts from: a record or none, and whether the store said so during this call. */
interface View {
  readonly rec: Rec | undefined
  readonly fresh: boolean
}

const ABSENT: View = { rec: undefined, fresh: false }

/** A stream as a command left it, and what it is held under. */
export interface Held<M> {
  readonly stream: Stream<M>
  readonly fence: string
}

type Done = Extract<CommitAnswer, { kind: 'done' }>

/** Runs commands: decide, commit, and decide again when somebody else was faster. */
export class CommandRunner<M = Metadata> {
  readonly #store: Store
  readonly #source: string
  readonly #cache: RecordCache
  readonly #operationPrefix = randomBytes(9).toString('base64url')
  #operations = 0

  constructor(store: Store, source: string, cacheSize: number) {
    this.#store = store
    this.#source = source
    this.#cache = new RecordCache(cacheSize)
  }

  /** @throws what `decide` throws, but only on what the store said during this call. */
  async run(id: string, decide: Decide<M>, call: Call, expected: Expected = 'known'): Promise<Stream<M>> {
    return (await this.hold(id, decide, call, { expected })).stream
  }

  /**
   * As `run`, for who holds a stream.
   *
   * @param fence - what the record was held under: refused where it is held under another by now.
   * @throws StaleOwnerError
   */
  async hold(
    id: string,
    decide: Decide<M>,
    call: Call,
    { expected = 'known', fence }: { readonly expected?: Expected; readonly fence?: string } = {},
  ): Promise<Held<M>> {
    try {
      return await this.#run(id, decide, call, expected, fence)
    } catch (error) {
      throw aboutStream(error, id)
    }
  }

  async #run(
    id: string,
    decide: Decide<M>,
    call: Call,
    expected: Expected,
    fence: string | undefined,
  ): Promise<Held<M>> {
    let view = await this.#firstView(id, expected, call)
    for (;;) {
      if (fence !== undefined && view.rec !== undefined && view.rec.fence !== fence) {
        if (view.fresh) throw new StaleOwnerError(id, decodeLive<M>(id, view.rec).owner)
        view = await this.#read(id, call)
        continue
      }
      const decision = await this.#decide(id, view, decide, call)
      if (decision === undefined) {
        view = await this.#read(id, call)
        continue
      }
      if (decision.kind === 'none' && !decision.renew && view.fresh)
        return { stream: decision.stream, fence: view.rec?.fence ?? '' }
      const write = toWrite(decision)
      const answer = await this.#commit(id, view, decision, write, call)
      if (answer.kind === 'done') return this.#settle(decision, write, answer, view.rec)
      view = this.#look(id, answer.found)
      if (performance.now() >= call.deadline) throw new TimeoutError(`too many others change ${id}`)
    }
  }

  async #firstView(id: string, expected: Expected, call: Call): Promise<View> {
    if (expected === 'absent') return ABSENT
    const rec = expected === 'known' ? this.#cache.get(id) : undefined
    return rec === undefined ? this.#read(id, call) : { rec, fresh: false }
  }

  /** Removes whatever is there. One round trip. Answers whether something was. */
  async remove(id: string, call: Call): Promise<boolean> {
    this.#cache.delete(id)
    const commit: Commit = {
      id,
      opId: this.#operationId(),
      guard: { kind: 'any' },
      write: { kind: 'remove' },
      events: [{ type: 'stream.deleted', shows: 'stored' }],
      source: this.#source,
    }
    try {
      return (await this.#store.commit(commit, call)).kind === 'done'
    } catch (error) {
      throw aboutStream(error, id)
    }
  }

  /** The decision, or `undefined` when it was a refusal that may rest on a stale copy. */
  async #decide(id: string, view: View, decide: Decide<M>, call: Call): Promise<Decision<M> | undefined> {
    const current = view.rec && decodeLive<M>(id, view.rec)
    try {
      const decision = decide(current)
      return decision instanceof Promise ? await within(decision, call) : decision
    } catch (error) {
      if (view.fresh) throw error
      return undefined
    }
  }

  #commit(id: string, { rec }: View, decision: Decision<M>, write: Write, call: Call): Promise<CommitAnswer> {
    const guard: Guard = rec === undefined ? { kind: 'absent' } : { kind: 'token', token: rec.token }
    const events = decision.kind === 'none' ? [] : decision.events
    return this.#store.commit(
      { id, opId: this.#operationId(), guard, write, events, source: this.#source },
      call,
    )
  }

  /** The stream as the commit left it, and the copy to start from next time. */
  #settle(
    decision: Decision<M>,
    write: Write,
    { token, fence, deadline, side }: Done,
    rec: Rec | undefined,
  ): Held<M> {
    const stream = streamOf(decision)
    const doc = write.kind === 'put' ? write.doc : rec?.doc
    if (write.kind === 'remove' || doc === undefined) this.#cache.delete(stream.id)
    else {
      const known = { id: stream.id, doc, token, fence, ttlMs: stream.ttlMs, deadline }
      this.#cache.set(side === undefined ? known : { ...known, side })
    }
    const measured = {
      lastHeartbeat: lastHeartbeat(stream.createdAt, stream.ttlMs, deadline),
      statistics: statisticsFromJSON(side),
    }
    return { stream: { ...stream, ...measured }, fence }
  }

  async #read(id: string, call: Call): Promise<View> {
    const [found = { kind: 'missing' }] = await this.#store.read([id], call)
    return this.#look(id, found)
  }

  #look(id: string, found: Found): View {
    switch (found.kind) {
      case 'live':
        this.#cache.set(found.rec)
        return { rec: found.rec, fresh: true }
      case 'missing':
        this.#cache.delete(id)
        return { rec: undefined, fresh: true }
      case 'corrupt':
        this.#cache.delete(id)
        throw new CorruptRecordError(id, found.why)
    }
  }

  /** Whether an operation that was logged is one of these commands. */
  isOwn(opId: string | undefined): boolean {
    return opId?.startsWith(`${this.#operationPrefix}-`) === true
  }

  #operationId(): string {
    this.#operations += 1
    return `${this.#operationPrefix}-${this.#operations.toString(36)}`
  }
}

function streamOf<M>(decision: Decision<M>): Stream<M> {
  switch (decision.kind) {
    case 'none':
      return decision.stream
    case 'remove':
      return decision.last
    case 'put':
      return decision.next
  }
}
