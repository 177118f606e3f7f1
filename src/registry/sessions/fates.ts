import { compareLogIds, sequenceOfLogId, timeOfLogId } from '../../core/log-id.js'
import type { Call, LogRecord, Store } from '../../core/store.js'

/** A stream that a session held and that is live no more. */
export interface Missing {
  readonly id: string
  /** The log id of the commit by which the session held it. */
  readonly fence: string
  /** When it was surely alive and held, by the store's time. */
  readonly aliveAt: number
}

/**
 * What became of it: `lost` by the store, or lapsed with nobody else in its place; `ended` on purpose; `taken` by
 * another; or `unknown`, as the log does not reach back so far.
 */
export type Fate = 'lost' | 'ended' | 'taken' | 'unknown'

/** Estimates of the store's time are this much off at most, milliseconds. */
const MARGIN_MS = 1_000
const SLICE = 1_000

/**
 * Looks up in the log of a partition what became of streams. O(entries since they were alive).
 *
 * @param isOwn - whether an operation was one of this registry.
 */
export async function fatesOf(
  store: Store,
  partition: number,
  missing: readonly Missing[],
  isOwn: (opId: string | undefined) => boolean,
  call: Call,
): Promise<Map<string, Fate>> {
  const since = missing.reduce((least, { aliveAt }) => Math.min(least, aliveAt), Number.POSITIVE_INFINITY)
  const from = Math.max(0, Math.floor(since - MARGIN_MS))
  const [oldest] = (await store.readLog(partition, undefined, 1, call)).records
  // Of an empty log, the end tells whether it ever held anything.
  const begin = oldest?.logId ?? (await store.logEnds(call))[partition] ?? ''
  const isWhole = oldest === undefined ? sequenceOfLogId(begin) === 0 : sequenceOfLogId(begin) === 1
  const reachesBack = isWhole || (oldest !== undefined && timeOfLogId(oldest.logId) <= from)
  const wanted = new Map(missing.map((each) => [each.id, each]))
  const fates = new Map<string, Fate>(missing.map(({ id }) => [id, reachesBack ? 'lost' : 'unknown']))
  for (let after = `${from}-0`; ; ) {
    const { records, next } = await store.readLog(partition, after, SLICE, call)
    for (const record of records) {
      const known = wanted.get(record.id)
      if (known === undefined || timeOfLogId(record.logId) < from) continue
      // Of a log that began anew, everything came after.
      if (compareLogIds(record.logId, known.fence) > 0)
        fates.set(record.id, turn(fates.get(record.id), record, isOwn(record.opId)))
    }
    if (records.length < SLICE) return fates
    after = next
  }
}

/** What an event makes of a fate. */
function turn(fate: Fate | undefined, { type }: LogRecord, isOwn: boolean): Fate {
  switch (type) {
    case 'stream.created':
    case 'stream.owner.changed':
      // Its own: of a restoration, the answer to which was lost.
      return isOwn ? 'lost' : 'taken'
    case 'stream.deleted':
      return fate === 'taken' ? 'taken' : 'ended'
    case 'stream.expired':
      // A lease that ran out under this session tells that nobody else had come before.
      return fate === 'taken' ? 'taken' : 'lost'
    default:
      return fate ?? 'unknown'
  }
}
