import { setTimeout as sleep } from 'node:timers/promises'
import { ChurnTruth } from './churn-truth.ts'
import type { BenchStream, Contender, Entrant } from './contenders/contender.ts'
import { ServerGauge } from './server-gauge.ts'
import { benchStreams } from './streams.ts'

const LASTS_MS = 5_000
const TTL_MS = 1_000
const BEAT_MS = 300
const LIVING = 200
const STEP_MS = 10
const ASK_MS = 8
const CUT_MS = 700
/** How long late events are waited for. */
const SETTLE_MS = 2_000

/** What a contender told while streams came, changed, ended and died. */
export interface Churned {
  readonly entrant: string
  readonly answers: number
  /** Answers that showed a stream whose lease had surely lapsed, or that had surely ended. */
  readonly ghosts: number
  /** Answers in which a stream that surely lived throughout was missing. */
  readonly missed: number
  readonly counts: number
  readonly wrongCounts: number
  readonly registered: number
  readonly cuts: number
  /** Registrations that a listener was not told of; undefined where there are no events. */
  readonly lost: number | undefined
  readonly twice: number | undefined
}

/** Lets 200 streams live for a while, with 50 changes a second, and asks all the time. */
export async function churn(entrant: Entrant): Promise<Churned> {
  const gauge = entrant.onRedis ? await ServerGauge.start() : undefined
  const contender = await entrant.open(gauge?.port ?? 0)
  const told = new Map<string, number>()
  const stopListening = await contender.listenToNew?.((id) => told.set(id, (told.get(id) ?? 0) + 1))
  const stopMaintaining = contender.maintain?.()
  const scene = new Scene(contender, await benchStreams(100_000))
  const until = Date.now() + LASTS_MS
  const [, , , cuts] = await Promise.all([
    scene.live(until),
    scene.beat(until),
    scene.ask(until),
    gauge ? cut(gauge, until) : 0,
  ])
  await sleep(SETTLE_MS)
  await stopListening?.()
  await stopMaintaining?.()
  await contender.close()
  await gauge?.stop()
  const hears = stopListening !== undefined
  return {
    entrant: entrant.key,
    ...scene.seen,
    registered: scene.registered.length,
    cuts,
    lost: hears ? scene.registered.filter((id) => !told.has(id)).length : undefined,
    twice: hears ? [...told.values()].filter((times) => times > 1).length : undefined,
  }
}

/** Cuts the connections that listen, now and then. */
async function cut(gauge: ServerGauge, until: number): Promise<number> {
  let cuts = 0
  for (; Date.now() + CUT_MS < until; cuts++) {
    await sleep(CUT_MS)
    await gauge.cutListeners()
  }
  return cuts
}

class Scene {
  readonly registered: string[] = []
  readonly seen = { answers: 0, ghosts: 0, missed: 0, counts: 0, wrongCounts: 0 }
  readonly #contender: Contender
  readonly #stream: (i: number) => BenchStream
  readonly #truth = new ChurnTruth()
  /** Those that are neither dead nor about to be. */
  readonly #healthy: string[] = []
  readonly #paused = new Set<string>()
  #next = 2_000 // where active ones begin

  constructor(contender: Contender, stream: (i: number) => BenchStream) {
    this.#contender = contender
    this.#stream = stream
  }

  /** Streams come, change their status, are taken back, or fall silent. */
  async live(until: number): Promise<void> {
    while (this.#healthy.length < LIVING) await this.#register()
    for (let step = 0; Date.now() < until; step++) {
      if (step % 4 === 0) await this.#register()
      else if (step % 8 === 1) await this.#remove()
      else if (step % 8 === 5)
        this.#pick() // and is never heard of again
      else await this.#change()
      await sleep(STEP_MS)
    }
  }

  async beat(until: number): Promise<void> {
    while (Date.now() < until) {
      const beats = this.#healthy.map((id) =>
        this.#truth.sign(id, async () => this.#contender.heartbeat?.(id, TTL_MS)),
      )
      await Promise.all(beats)
      await sleep(BEAT_MS)
    }
  }

  async ask(until: number): Promise<void> {
    while (Date.now() < until) {
      await this.#askForAll()
      await this.#askForCount()
      await sleep(ASK_MS)
    }
  }

  async #askForAll(): Promise<void> {
    const from = Date.now()
    const listed = await this.#contender.list?.()
    const { mustHold, mayHold } = this.#truth.bounds(from, Date.now(), 'all')
    const answer = new Set(listed?.map(({ id }) => String(id)))
    this.seen.answers += 1
    if (!isSubset(answer, mayHold)) this.seen.ghosts += 1
    if (!isSubset(mustHold, answer)) this.seen.missed += 1
  }

  async #askForCount(): Promise<void> {
    const from = Date.now()
    const count = (await this.#contender.countOf?.('active')) ?? 0
    const { mustHold, mayHold } = this.#truth.bounds(from, Date.now(), 'active')
    this.seen.counts += 1
    if (count < mustHold.size || count > mayHold.size) this.seen.wrongCounts += 1
  }

  async #register(): Promise<void> {
    const { id, input, record } = this.#activeStream()
    this.registered.push(id)
    await this.#truth.register(id, TTL_MS, () =>
      this.#contender.register({
        id,
        input: { ...input, ttlMs: TTL_MS },
        record: { ...record, ttl_ms: TTL_MS },
      }),
    )
    this.#healthy.push(id)
  }

  #activeStream(): BenchStream {
    for (;;) {
      const stream = this.#stream(this.#next++)
      if (stream.record.status === 'active') return stream
    }
  }

  async #remove(): Promise<void> {
    const id = this.#pick()
    const stream = this.#stream(Number(id.slice(-7)))
    await this.#truth.end(id, () => this.#contender.remove(stream))
  }

  async #change(): Promise<void> {
    const id = this.#healthy[Math.floor(Math.random() * this.#healthy.length)] ?? ''
    const resumes = this.#paused.delete(id)
    if (!resumes) this.#paused.add(id)
    await this.#truth.change(id, resumes, async () =>
      this.#contender.setStatus?.(id, resumes ? 'active' : 'paused'),
    )
  }

  /** Takes one out of those that are kept alive. */
  #pick(): string {
    const [id = ''] = this.#healthy.splice(Math.floor(Math.random() * this.#healthy.length), 1)
    return id
  }
}

function isSubset(inner: ReadonlySet<string>, outer: ReadonlySet<string>): boolean {
  for (const id of inner) if (!outer.has(id)) return false
  return true
}
