import type { Registry, StreamSession } from '@mirror/stream-registry'
import { sampleStream } from '../sample-streams.ts'

/** What each stream of a fleet causes. */
export interface FleetMix {
  /** Each session renews its lease that often, and sends what it counted, seconds. */
  readonly beatEverySeconds: number
  /** Status changes of each stream in an hour; and as many come and go as `livesHours` says. */
  readonly changesAnHour: number
  readonly livesHours: number
  /** Lookups by id of each stream in an hour. */
  readonly getsAnHour: number
}

/** A stream that lives for an hour, beats every 10 s, and is looked up twice a minute. */
export const MIX: FleetMix = { beatEverySeconds: 10, changesAnHour: 6, livesHours: 1, getsAnHour: 120 }

/** Queries of the whole fleet, a second: dashboards and schedulers. Each asks every shard. */
export const FLEET_QUERIES_A_SECOND = 50

/** Kinds of load, each with how many a second so many streams make. */
export interface Pace {
  readonly name: string
  readonly perSecond: (streams: number) => number
  /** Whether it is caused by each stream, or by the fleet as a whole. */
  readonly by: 'stream' | 'fleet'
}

export const PACES = {
  beats: {
    name: 'heartbeat with statistics',
    by: 'stream',
    perSecond: (streams) => streams / MIX.beatEverySeconds,
  },
  changes: {
    name: 'status change',
    by: 'stream',
    perSecond: (streams) => (streams * MIX.changesAnHour) / 3_600,
  },
  lives: {
    name: 'a stream that comes and goes',
    by: 'stream',
    perSecond: (streams) => streams / (MIX.livesHours * 3_600),
  },
  gets: { name: 'get', by: 'stream', perSecond: (streams) => (streams * MIX.getsAnHour) / 3_600 },
  queries: { name: 'newest 10 of type + status', by: 'fleet', perSecond: () => FLEET_QUERIES_A_SECOND },
  counts: { name: 'count of a status', by: 'fleet', perSecond: () => FLEET_QUERIES_A_SECOND },
} as const satisfies Record<string, Pace>

export type Load = keyof typeof PACES

/** Does one of a kind; beats come by themselves, from the sessions. */
export class Driver {
  readonly #registry: Registry
  readonly #sessions: readonly StreamSession[]
  #next = 0

  constructor(registry: Registry, sessions: readonly StreamSession[]) {
    this.#registry = registry
    this.#sessions = sessions
  }

  once(load: Exclude<Load, 'beats'>): Promise<unknown> {
    this.#next += 1
    return this.#actions[load]()
  }

  readonly #actions: Record<Exclude<Load, 'beats'>, () => Promise<unknown>> = {
    changes: () => {
      const session = this.#any()
      return session.setStatus(session.stream.status === 'active' ? 'paused' : 'active')
    },
    lives: async () => {
      const { id } = sampleStream(5_000_000 + this.#next)
      await this.#registry.create({ ...sampleStream(5_000_000 + this.#next) })
      await this.#registry.unregister(id)
    },
    gets: () => this.#registry.get(this.#any().id),
    queries: () =>
      this.#registry
        .query()
        .filter({ type: 'srt', status: 'active' })
        .sortBy('createdAt', 'desc')
        .limit(10)
        .execute(),
    counts: () => this.#registry.count({ status: 'active' }),
  }

  /** Reports what a session counted since its last beat. */
  report(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#next += 1
      void this.#any().updateStats({ bytesReceived: 1_316 * this.#next, packetsLost: this.#next % 7 })
    }
  }

  #any(): StreamSession {
    const session = this.#sessions[(this.#next * 7_919) % this.#sessions.length]
    if (session === undefined) throw new RangeError('no session')
    return session
  }
}
