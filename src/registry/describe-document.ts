import { lapsedEvent } from '../core/commands/decision.js'
import { entriesOf } from '../core/indexes.js'
import type { Describe } from '../core/store.js'
import { decodeLive } from './decode.js'

/** What a document asks to have beside it, for the audit of a store. */
export const describeDocument: Describe = (id, doc) => {
  try {
    const stream = decodeLive(id, { doc, deadline: 0 })
    return {
      order: stream.createdAt.getTime(),
      ttlMs: stream.ttlMs,
      entries: entriesOf(stream),
      onLapsed: lapsedEvent(stream),
    }
  } catch {
    return undefined
  }
}
