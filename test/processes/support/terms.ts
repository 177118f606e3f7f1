import type { Note } from './campaign.ts'

/** A time in which a candidate led, as it noted. */
export interface LedTerm {
  readonly token: number
  readonly candidate: string
  readonly began: number
  /** When it knew that it was over; `undefined` for one that could not say. */
  readonly ended: number | undefined
}

/** The terms in the order of their beginnings. */
export function termsOf(notes: readonly Note[]): LedTerm[] {
  const ends = new Map(
    notes.flatMap(({ kind, token, at }): [number, number][] => (kind === 'revoked' ? [[token, at]] : [])),
  )
  return notes
    .filter(({ kind }) => kind === 'elected')
    .map(({ token, candidate, at }) => ({ token, candidate, began: at, ended: ends.get(token) }))
    .toSorted((a, b) => a.began - b.began)
}

/** What contradicts that there is one leader at a time, and that each has a higher token. */
export function faultsOfTerms(notes: readonly Note[]): string[] {
  const terms = termsOf(notes)
  const faults: string[] = []
  for (const [i, term] of terms.entries()) {
    const next = terms[i + 1]
    if (next !== undefined && next.token <= term.token)
      faults.push(`${next.candidate} began with ${next.token} after ${term.candidate} with ${term.token}`)
  }
  // Of a process that was frozen the end says little: it saw itself lead, or not, at moments that it can tell.
  const seen = notes.filter(({ kind }) => kind === 'saw').toSorted((a, b) => a.at - b.at)
  let latest = -1
  for (const { token, candidate, at } of seen) {
    while ((terms[latest + 1]?.began ?? Number.POSITIVE_INFINITY) < at) latest += 1
    const current = terms[latest]
    if (current !== undefined && current.token > token)
      faults.push(
        `${candidate} saw itself lead with ${token}, ${at - current.began} ms after ${current.candidate} began`,
      )
  }
  return faults
}
