import type { Entry, Rec } from '../core/store.js'

/** An index entry as the scripts take it, see lua/lib/record.lua. */
export function encodeEntry(entry: Entry): string {
  switch (entry.kind) {
    case 'equality':
      return `e${entry.index}:${entry.value}`
    case 'counter':
      return `c${entry.index}:${entry.value}`
    case 'number':
      return `n${entry.index}=${encodeScore(entry.value)}`
    case 'side':
      return `s${entry.index}=${entry.field}|${encodeScore(entry.missing)}`
    case 'text':
      return `t${entry.index}=${entry.value === null ? '~' : `v${entry.value}`}`
  }
}

/** A number as a sorted set's score; a missing one sorts last. */
function encodeScore(value: number | null): string {
  return value === null ? '+inf' : String(value)
}

/** The head of a record's bookkeeping: what a client needs of it. */
export function decodeBookkeeping(text: string): Pick<Rec, 'token' | 'fence' | 'ttlMs'> | undefined {
  const [token, fence, ttl, order, lapsed] = text.split('\0', 5)
  if (!token || !fence || order === undefined || lapsed === undefined) return undefined
  return { token, fence, ttlMs: Number(ttl) }
}

/** The entries of a record's bookkeeping, encoded. */
export function bookkeptEntries(text: string): string[] {
  return text.split('\0').slice(5, -1)
}
