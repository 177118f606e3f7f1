import { z } from 'zod'
import type { CreateCommand } from '../core/commands/create.js'
import type { Context, Decision } from '../core/commands/decision.js'
import { decideUnregister } from '../core/commands/end.js'
import { mergePatch } from '../core/commands/merge-patch.js'
import { decideState, decideStatus, type StatusReport } from '../core/commands/report.js'
import { decideExtendTtl, decideUpdate, requireRevision } from '../core/commands/update.js'
import type { StreamStatus, TerminalStatus } from '../core/model/status.js'
import type { StateReport, Stream, StreamInput, StreamPatch } from '../core/model/stream.js'
import type { Call, Store } from '../core/store.js'
import { within } from './bounded.js'
import type { Expected } from './command-runner.js'
import { IdMinter } from './id-minter.js'
import type { ResolvedOptions } from './options.js'
import { jsonObject, ttlMs as ttlMsSchema } from './validation/fields.js'
import { stateReport, statusReport, streamInput, streamPatch, streamStatus } from './validation/inputs.js'
import { validateMetadata } from './validation/metadata.js'
import { parse } from './validation/parse.js'

/** Decides what a command does to a live stream. */
export type Change<M> = (current: Stream<M>) => Decision<M> | Promise<Decision<M>>

/** A patch, or what makes one of the stream as it is. */
export type PatchOf<M> = StreamPatch<M> | ((stream: Stream<M>) => StreamPatch<M> | Promise<StreamPatch<M>>)

/** A checked input: what is to be made of it, and what a schema says of its metadata, to be had later. */
export interface Registration<M> {
  /** Its metadata is what was given, if any was. */
  readonly command: CreateCommand<M>
  readonly ttlGiven: boolean
  /** The command for a stream that begins. @throws ValidationError when a schema refuses the metadata. */
  readonly initial: () => CreateCommand<M>
}

const revision = z.int('must be an integer').min(1, 'must be at least 1').optional()

/** Checks what callers say, and makes decisions of it. @throws ValidationError before anything is read or written. */
export class Decisions<M> {
  readonly #options: ResolvedOptions<M>
  readonly #store: Store
  readonly #minter: IdMinter

  constructor(store: Store, options: ResolvedOptions<M>) {
    this.#store = store
    this.#options = options
    this.#minter = new IdMinter(store)
  }

  context(): Context {
    return { now: this.#store.now(), instanceId: this.#options.instanceId }
  }

  status(status: StreamStatus, report: StatusReport): Change<M> {
    parse(streamStatus, status, ['status'])
    const valid = parse(statusReport, report)
    return (current) => decideStatus(current, status, valid, this.context())
  }

  state(report: StateReport): Change<M> {
    const valid = parse(stateReport, report)
    return (current) => decideState(current, valid, this.context())
  }

  extendTtl(ttlMs: number): Change<M> {
    parse(ttlMsSchema, ttlMs, ['ttlMs'])
    return (current) => decideExtendTtl(current, ttlMs, this.context())
  }

  unregister(status?: TerminalStatus): Change<M> {
    return (current) => decideUnregister(current, this.context(), status)
  }

  update(
    patch: PatchOf<M>,
    ifRevision: number | undefined,
    call: Call,
  ): { readonly decide: Change<M>; readonly expected: Expected } {
    parse(revision, ifRevision, ['ifRevision'])
    if (typeof patch !== 'function') {
      const fixed = parse(streamPatch, patch) as StreamPatch<M>
      const decide: Change<M> = (current) => {
        requireRevision(current, ifRevision)
        return this.#patched(current, fixed, call)
      }
      return { decide, expected: 'known' }
    }
    const decide: Change<M> = async (current) => {
      requireRevision(current, ifRevision)
      return this.#patched(current, parse(streamPatch, await patch(current)) as StreamPatch<M>, call)
    }
    return { decide, expected: 'fresh' }
  }

  /**
   * An input with an id and a time to live of its own. Mints the id if there is none.
   *
   * @param begins - whether the stream surely begins. What a schema says of no metadata matters only then.
   */
  async registration(input: StreamInput<M>, begins: boolean, call: Call): Promise<Registration<M>> {
    const valid = parse(streamInput, input) as StreamInput<M>
    const metadata = await settle(this.#validMetadata(valid.metadata ?? {}, call))
    if (begins || valid.metadata !== undefined) metadata()
    const command = await this.#command(valid, call)
    return {
      command: valid.metadata === undefined ? command : { ...command, metadata: metadata() },
      ttlGiven: valid.ttlMs !== undefined,
      initial: () => ({ ...command, metadata: metadata() }),
    }
  }

  async #command(input: StreamInput<M>, call: Call): Promise<CreateCommand<M>> {
    // The store's time stamps the record: without a connection there is none yet.
    await this.#store.open(call)
    const id = input.id ?? (await this.#minter.mint(input.type, input.sourceAddr, call))
    return Object.assign({}, input, { id, ttlMs: input.ttlMs ?? this.#options.defaultTtlMs })
  }

  async #validMetadata(metadata: unknown, call: Call): Promise<M> {
    const { metadataSchema } = this.#options
    return metadataSchema === undefined
      ? (metadata as M)
      : within(validateMetadata(metadataSchema, metadata), call)
  }

  /** A patch is checked once more when it was merged: only then is the result known. */
  #patched(current: Stream<M>, patch: StreamPatch<M>, call: Call): Decision<M> | Promise<Decision<M>> {
    const merged = patch.metadata === undefined ? undefined : mergePatch(current.metadata, patch.metadata)
    const decide = (metadata: M | undefined): Decision<M> => {
      const decision = decideUpdate(current, patch, this.context(), metadata)
      if (decision.kind === 'put') {
        parse(jsonObject, decision.next.config, ['config'])
        parse(jsonObject, decision.next.metadata, ['metadata'])
      }
      return decision
    }
    if (merged === undefined || this.#options.metadataSchema === undefined) return decide(undefined)
    return this.#validMetadata(merged, call).then(decide)
  }
}

/** A promise's outcome, to be had later: its value, or its failure thrown. */
async function settle<T>(promise: Promise<T>): Promise<() => T> {
  try {
    const value = await promise
    return () => value
  } catch (error) {
    return () => {
      throw error
    }
  }
}
