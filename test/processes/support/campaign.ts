import { openSync, readFileSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LeaderElection } from '@mirror/stream-registry'
import { Redis } from 'ioredis'
import { codeOf, type TaskContext } from './task.ts'

/**
 * What a candidate notes, with milliseconds of the clock that all processes of a machine share.
 *
 * `elected`, `revoked`: when the handler ran. `saw`: `isLeader` was true between two readings of the clock, `at` the first.
 */
export interface Note {
  readonly kind: 'elected' | 'revoked' | 'saw' | 'broke'
  readonly token: number
  readonly at: number
  readonly until?: number
  readonly candidate: string
}

/** How long a leader pauses between two effects, and a candidate between two looks at itself. */
const PAUSE_MS = 3
const SAMPLE_MS = 2

/** Does the effect unless a higher token was seen. */
const EFFECT = `
  local seen = tonumber(redis.call('GET', KEYS[1]) or '0')
  if seen > tonumber(ARGV[1]) then redis.call('INCR', KEYS[3]) return 0 end
  redis.call('SET', KEYS[1], ARGV[1])
  redis.call('RPUSH', KEYS[2], ARGV[1] .. ' ' .. ARGV[2])
  return 1`

/** The keys of what leaders do: the highest token seen, what landed, and how many were refused. */
export const EFFECT_KEYS = ['effects:token', 'effects:landed', 'effects:refused'] as const

/** Milliseconds of CLOCK_MONOTONIC, the same in all processes of a machine. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** All that was noted; what a process was writing when it was killed is left out. */
export function readNotes(file: string): Note[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Note)
}

/** Is a candidate until it is told to stop: notes when it leads, and has an effect again and again while it does. */
export async function campaign(
  { registry, library, stop }: TaskContext,
  {
    candidate,
    leaseMs,
    file,
  }: { readonly candidate: string; readonly leaseMs: number; readonly file: string },
): Promise<number> {
  const output = openSync(file, 'a')
  const note = (what: Omit<Note, 'candidate'>): void =>
    void writeSync(output, `${JSON.stringify({ ...what, candidate })}\n`)
  const election = new library.LeaderElection(registry, { leaseMs })
  election.on('elected', ({ token }) => note({ kind: 'elected', token, at: sharedNow() }))
  election.on('revoked', ({ token }) => note({ kind: 'revoked', token, at: sharedNow() }))
  const sampling = setInterval(() => sample(election, note), SAMPLE_MS)
  const redis = new Redis(process.env.REDIS_URL ?? '', { maxRetriesPerRequest: 0, retryStrategy: () => 50 })
  redis.on('error', () => {})
  let terms = 0
  election.start()
  try {
    while (!stop.aborted) {
      const working = election.run(async ({ token, signal }) => {
        terms += 1
        while (!signal.aborted) {
          await redis.eval(EFFECT, EFFECT_KEYS.length, ...EFFECT_KEYS, token, candidate).catch(() => {})
          await sleep(PAUSE_MS)
        }
      })
      const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve()))
      void stopped.then(() => election.stop())
      await working.catch((error: unknown) => {
        if (codeOf(error, library) !== 'UNAVAILABLE') note({ kind: 'broke', token: 0, at: sharedNow() })
      })
    }
    await election.stop()
  } finally {
    clearInterval(sampling)
    redis.disconnect()
  }
  return terms
}

/** Looks whether this candidate leads, and notes it. */
function sample(election: LeaderElection, note: (what: Omit<Note, 'candidate'>) => void): void {
  const at = sharedNow()
  const { isLeader, fencingToken } = election
  const until = sharedNow()
  if (!isLeader || fencingToken === undefined) return
  note({ kind: 'saw', token: fencingToken, at, until })
}
