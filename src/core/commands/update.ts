import { ConflictError } from '../errors.js'
import { jsonEqual } from '../model/json.js'
import type { Metadata, Stream, StreamPatch } from '../model/stream.js'
import { type Context, changed, type Decision, eventOf } from './decision.js'
import { mergePatch } from './merge-patch.js'

const MERGED_FIELDS: ReadonlySet<string> = new Set(['metadata', 'config'])

/** Checks a revision that the caller insists on. @throws ConflictError */
export function requireRevision(current: Stream<unknown>, ifRevision: number | undefined): void {
  if (ifRevision !== undefined && ifRevision !== current.revision) {
    throw new ConflictError(current.id, ifRevision, current.revision)
  }
}

/**
 * `update`: a validated merge patch. It is an edit, not a sign of life: the lease stays as it is.
 *
 * @param metadata - the patched metadata, where a schema had its say on it.
 */
export function decideUpdate<M = Metadata>(
  current: Stream<M>,
  patch: StreamPatch<M>,
  context: Context,
  metadata?: M,
): Decision<M> {
  const next: Stream<M> = { ...current }
  const changes: string[] = []
  for (const [field, value] of Object.entries(patch)) {
    if (value === undefined) continue
    const before = current[field as keyof Stream<M>]
    const after = field === 'metadata' && metadata !== undefined ? metadata : patchField(field, before, value)
    if (jsonEqual(before, after)) continue
    changes.push(field)
    if (after === undefined) Reflect.deleteProperty(next, field)
    else Object.assign(next, { [field]: after })
  }
  if (changes.length === 0) return { kind: 'none', stream: current, renew: false }
  return {
    kind: 'put',
    next: changed(next, {}, context),
    events: [eventOf('stream.updated', changes)],
    renew: false,
    newFence: false,
    statistics: 'keep',
  }
}

function patchField(field: string, before: unknown, value: unknown): unknown {
  if (MERGED_FIELDS.has(field)) return mergePatch(before, value)
  if (value === null) return undefined
  return field === 'tags' ? [...new Set(value as string[])] : value
}

/** `extendTtl`: sets the time to live and renews the lease. */
export function decideExtendTtl<M = Metadata>(
  current: Stream<M>,
  ttlMs: number,
  context: Context,
): Decision<M> {
  if (ttlMs === current.ttlMs) return { kind: 'none', stream: current, renew: true }
  return {
    kind: 'put',
    next: changed(current, { ttlMs } as Partial<Stream<M>>, context),
    events: [eventOf('stream.updated', ['ttlMs'])],
    renew: true,
    newFence: false,
    statistics: 'keep',
  }
}
