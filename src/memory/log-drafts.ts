import type { Commit, Rec } from '../core/store.js'
import type { LogDraft } from './memory-log.js'
import type { MemoryRecord } from './memory-record.js'

/** The events of a commit: what they show is the record before it, the one after it, or the last document. */
export function draftEvents(
  { write, events, source, opId }: Commit,
  before: MemoryRecord | undefined,
  after: MemoryRecord | undefined,
): LogDraft[] {
  const lastDoc = write.kind === 'remove' ? write.lastDoc : undefined
  const drafts: LogDraft[] = []
  for (const { type, shows, changes } of events) {
    const shown = shows === 'stored' ? before : (after ?? before)
    if (shown === undefined) continue
    const doc = shows === 'written' && lastDoc !== undefined ? lastDoc : shown.doc
    const draft: Mutable<LogDraft> = { type, id: shown.id, doc, deadline: shown.deadline, source, opId }
    if (shown.side !== undefined) draft.side = shown.side
    if (changes !== undefined) draft.changes = changes
    drafts.push(draft)
  }
  return drafts
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** The event that shows this record. */
export function draftOf({ id, doc, side, deadline }: Rec, type: string, source: string): LogDraft {
  return { type, id, doc, deadline, source, ...(side !== undefined && { side }) }
}
