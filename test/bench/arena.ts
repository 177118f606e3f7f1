import type { Registry } from '@mirror/stream-registry'
import type { Entrant } from './contenders/contender.ts'
import { entrants } from './contenders/index.ts'
import { type Ours, oursOnRedis } from './contenders/ours.ts'
import { Contestant } from './contestant.ts'
import { ServerGauge } from './server-gauge.ts'

/** A contender that holds so many streams, in a process and on a redis-server of its own. */
export interface Loaded {
  readonly entrant: Entrant
  readonly size: number
  readonly contestant: Contestant
  readonly gauge: ServerGauge | undefined
  /** How long it took to register all, milliseconds, 64 under way. */
  readonly loadMs: number
  /** What Redis took for each stream, bytes. What is bounded, such as a log, is not counted. */
  readonly bytesPerStream: number | undefined
}

/** Registers the same streams with all contenders, for each of the sizes that they are up to. */
export async function load(
  sizes: readonly number[],
  among: readonly Entrant[] = entrants,
): Promise<Loaded[]> {
  const contestants = new Map(among.map((entrant) => [entrant, new Contestant()]))
  const loaded: Loaded[] = []
  for (const size of sizes) {
    for (const [entrant, contestant] of contestants) {
      if (size <= mostOf(entrant)) loaded.push(await loadOne(entrant, size, contestant))
    }
  }
  return loaded
}

function mostOf({ most }: Entrant): number {
  return most?.streams ?? Number.POSITIVE_INFINITY
}

async function loadOne(entrant: Entrant, size: number, contestant: Contestant): Promise<Loaded> {
  const gauge = entrant.onRedis ? await ServerGauge.start() : undefined
  const empty = await gauge?.usedBytes()
  const ms = await contestant.ask({ do: 'open', entrant: entrant.key, size, port: gauge?.port ?? 0 })
  const bytes = await gauge?.usedBytes()
  const bytesPerStream = bytes === undefined || empty === undefined ? undefined : (bytes - empty) / size
  return { entrant, size, contestant, gauge, loadMs: Number(ms), bytesPerStream }
}

export async function unload(loaded: readonly Loaded[]): Promise<void> {
  for (const contestant of new Set(loaded.map((each) => each.contestant))) await contestant.close()
  for (const { gauge } of loaded) await gauge?.stop()
}

/** Those of ours that are on Redis, in ascending size. */
export function oursOf(loaded: readonly Loaded[]): (Loaded & { readonly gauge: ServerGauge })[] {
  return loaded.flatMap((each) => {
    const { entrant, gauge } = each
    return entrant.key === oursOnRedis.key && gauge ? { ...each, gauge } : []
  })
}

/** Lets something look at a registry of ours from this process. */
export async function withRegistry<T>(port: number, work: (registry: Registry) => Promise<T>): Promise<T> {
  const ours = (await oursOnRedis.open(port)) as Ours
  try {
    return await work(ours.registry)
  } finally {
    await ours.close()
  }
}
