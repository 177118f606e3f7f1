import type {
  Found,
  IndexDeclaration,
  LogEvent,
  LogRecord,
  Rec,
  Renewal,
  RenewalAnswer,
  Stored,
  Write,
} from '../core/store.js'
import { decodeBookkeeping } from './entries.js'

export const FOUND_MISSING: Found<never> = { kind: 'missing' }

/** What read.lua returns. */
export type ReadReply = readonly [state: string, now: string, ...columns: (readonly unknown[])[]]

/** What was read of some ids, column by column. */
export interface Columns {
  readonly now: number
  readonly deadlines: readonly unknown[]
  readonly sides: readonly unknown[]
  readonly docs: readonly unknown[]
  readonly bookkeeping: readonly unknown[]
}

/** The letters of renew.lua. */
export const RENEWAL_ANSWERS: Readonly<Record<string, RenewalAnswer>> = {
  a: 'alive',
  m: 'missing',
  s: 'stale',
}

/** write, renew, document, order, ttl, lapsed event, new fence, side value */
export function encodeWrite(write: Write): string[] {
  switch (write.kind) {
    case 'none':
      return ['none', write.renew ? '1' : '0', '', '', '', '', '0', '']
    case 'remove':
      return ['remove', '0', write.lastDoc ?? '', '', '', '', '0', '']
    case 'put':
      return [
        'put',
        write.renew ? '1' : '0',
        write.doc,
        String(write.order),
        String(write.ttlMs),
        write.onLapsed,
        write.newFence ? '1' : '0',
        write.side ?? '',
      ]
  }
}

/** type, shows, changes */
export function encodeEvent({ type, shows, changes }: LogEvent): string[] {
  return [type, shows, changes?.join(',') ?? '']
}

/** Most renewals are plain heartbeats: the ids come first, and what few have besides is listed behind, by place. */
export function encodeRenewals(renewals: readonly Renewal[], indexes: readonly IndexDeclaration[]): string[] {
  const ids: string[] = []
  const fences: string[] = []
  const sides: string[] = []
  for (const [i, { id, fence, side }] of renewals.entries()) {
    ids.push(id)
    if (fence !== undefined) fences.push(String(i + 1), fence)
    if (side === undefined) continue
    const scores = side.scores(indexes)
    sides.push(String(i + 1), side.json, String(scores.length))
    for (const { index, value } of scores) sides.push(index, String(value))
  }
  return [String(ids.length), ...ids, String(fences.length / 2), ...fences, ...sides]
}

/** The record that a commit met instead. */
export function decodeConflict(id: string, [token, fence, ttl, deadline, doc, side]: string[]): Rec {
  return {
    id,
    token: token ?? '',
    fence: fence ?? '',
    ttlMs: Number(ttl),
    deadline: Number(deadline),
    doc: doc ?? '',
    ...(side && { side }),
  }
}

/** What was found under an id, for a reader. */
export function toFound(now: number, score: unknown, side: unknown, doc: unknown): Found<Stored> {
  if (score == null) return doc == null ? FOUND_MISSING : { kind: 'corrupt', why: 'a value without a lease' }
  const deadline = Number(score)
  if (deadline <= now) return FOUND_MISSING
  if (typeof doc !== 'string') return { kind: 'corrupt', why: 'no document' }
  return { kind: 'live', rec: typeof side === 'string' ? { doc, deadline, side } : { doc, deadline } }
}

/** The same for a writer. */
export function withBookkeeping(id: string, found: Found<Stored>, text: unknown): Found {
  if (found.kind !== 'live') return found
  const bookkeeping = typeof text === 'string' ? decodeBookkeeping(text) : undefined
  if (bookkeeping === undefined) return { kind: 'corrupt', why: 'no bookkeeping' }
  return { kind: 'live', rec: { id, ...found.rec, ...bookkeeping } }
}

/** An entry of the log. */
export function decodeLogRecord(logId: string, fields: readonly string[]): LogRecord {
  const values: Record<string, string> = {}
  for (let i = 0; i < fields.length; i += 2) values[fields[i] ?? ''] = fields[i + 1] ?? ''
  const {
    t: type = '',
    i: id = '',
    d: doc = '',
    x: side,
    l: deadline,
    s: source = '',
    c: changes,
    o: opId,
    v: version,
  } = values
  return {
    logId,
    type,
    id,
    doc,
    deadline: Number(deadline),
    source,
    ...(side && { side }),
    ...(changes && { changes: changes.split(',') }),
    ...(opId && { opId }),
    ...(version && { version: Number(version) }),
  }
}
