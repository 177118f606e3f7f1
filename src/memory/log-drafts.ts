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
  return events.flatMap(({ type, shows, changes }) => {
    const shown = shows === 'stored' ? before : (after ?? before)
    if (shown === undefined) return []
    const doc = shows === 'written' && lastDoc !== undefined ? lastDoc : shown.doc
    return [{ ...draftOf(shown, type, source), doc, opId, ...(changes && { changes }) }]
  })
}

/** The event that shows this record. */
export function draftOf({ id, doc, side, deadline }: Rec, type: string, source: string): LogDraft {
  return { type, id, doc, deadline, source, ...(side !== undefined && { side }) }
}
