import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { LocalMirror, type Registry } from '@mirror/stream-registry'
import { Churn } from './event-history.ts'
import { Pulse, Witness, watchedQueries } from './mirror-witness.ts'

const PATIENCE_MS = 20_000

/** A mirror, and who watches it: the first of them all streams. */
export interface Watched {
  readonly mirror: LocalMirror
  readonly witnesses: readonly Witness[]
}

/** Mirrors each reader, and watches the mirrors with queries of every kind. */
export function watchedMirrors(writer: Registry, readers: readonly Registry[]): Promise<Watched[]> {
  return Promise.all(
    readers.map(async (reader) => {
      const mirror = await LocalMirror.start(reader)
      const witnesses = watchedQueries(writer).map((query) => new Witness(mirror, query))
      return { mirror, witnesses }
    }),
  )
}

/** Everything that is wrong with a mirror whose registry nobody changes. */
export async function mirrorFaults({ mirror, witnesses }: Watched, registry: Registry): Promise<string[]> {
  await mirror.sync()
  const [listed, held] = [await registry.list(), mirror.query().all()]
  const isSame = isDeepStrictEqual(held, listed) && mirror.size === listed.length
  const different = isSame ? [] : [`holds\n${JSON.stringify(held)}\nof\n${JSON.stringify(listed)}`]
  const told = await Promise.all(witnesses.map((witness) => witness.conclude(registry)))
  return [...different, ...told.flat()]
}

/** Who writes all the time, and mirrors that are watched. */
export class MirrorScene {
  readonly writer: Registry
  readonly watched: readonly Watched[]
  readonly #churn: Churn
  readonly #pulse: Pulse

  private constructor(writer: Registry, watched: readonly Watched[], churn: Churn, pulse: Pulse) {
    this.writer = writer
    this.watched = watched
    this.#churn = churn
    this.#pulse = pulse
  }

  static async start(writer: Registry, readers: readonly Registry[], seed: number): Promise<MirrorScene> {
    await writer.count()
    const [churn, pulse] = [new Churn(writer, seed), new Pulse(writer, seed)]
    const scene = new MirrorScene(writer, await watchedMirrors(writer, readers), churn, pulse)
    await scene.followed(30)
    return scene
  }

  get mirrors(): LocalMirror[] {
    return this.watched.map(({ mirror }) => mirror)
  }

  /** How often streams have left the mirrors: those with this id, or all. */
  removals(only?: string): number[] {
    return this.watched.map(
      ({ witnesses: [all] }) =>
        all?.removed.filter((id) => only === undefined || id === only).length ?? Number.NaN,
    )
  }

  /** Waits until every mirror has told of so many changes more. */
  async followed(more: number): Promise<void> {
    const all = this.watched.flatMap(({ witnesses: [first] }) => (first ? [first] : []))
    const goals = all.map(({ changes }) => changes + more)
    await until(() => all.every(({ changes }, i) => changes >= (goals[i] ?? 0)), `${more} changes more`)
  }

  async stop(): Promise<void> {
    await Promise.all([this.#churn.stop(), this.#pulse.stop()])
  }

  /** Ends the churn and compares each mirror with its registry. Answers everything that is wrong. */
  async conclude(): Promise<unknown[]> {
    const { writer, mirrors } = this
    await this.stop()
    await until(() => mirrors.every(({ stale }) => !stale), 'mirrors that are not stale')
    // Nothing lapses while it is compared.
    await writer.heartbeatMany(await writer.query().ids())
    const faults = await Promise.all(this.watched.map((each) => mirrorFaults(each, writer)))
    return [...this.#churn.surprises, ...this.#pulse.surprises, ...faults.flat()]
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (; !condition(); await sleep(20))
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
}
