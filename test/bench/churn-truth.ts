/** Clocks of one machine are read at both ends; this much of rounding is forgiven, milliseconds. */
const ROUNDING_MS = 2

/** What surely was, and what may have been, of one stream: a call takes effect some time between its start and its end. */
interface Life {
  readonly id: string
  readonly ttlMs: number
  /** When its registration was acknowledged. */
  registered: number
  /** When the last acknowledged sign of life was sent: the lease reaches from there at least. */
  signSent: number
  /** Until when a sign of life may have taken effect, and how many are under way. */
  signLatest: number
  signing: number
  endSent: number
  endDone: number
  isActive: boolean
  /** Since when it surely has its status; infinite while a change is under way. */
  statusSince: number
}

/** What an answer must hold, and what it may hold. */
export interface Bounds {
  readonly mustHold: ReadonlySet<string>
  readonly mayHold: ReadonlySet<string>
}

/** Knows of each stream what anybody who asked at some time must have been told. */
export class ChurnTruth {
  readonly #lives = new Map<string, Life>()

  async register(id: string, ttlMs: number, call: () => Promise<unknown>): Promise<void> {
    const signSent = Date.now()
    const life: Life = {
      id,
      ttlMs,
      registered: Number.POSITIVE_INFINITY,
      signSent,
      signLatest: signSent,
      signing: 1,
      endSent: Number.POSITIVE_INFINITY,
      endDone: Number.POSITIVE_INFINITY,
      isActive: true,
      statusSince: signSent,
    }
    this.#lives.set(id, life)
    await call()
    const now = Date.now()
    life.registered = now
    life.signLatest = now
    life.signing = 0
  }

  /** A sign of life that is refused, as the stream has just ended, is none. */
  async sign(id: string, call: () => Promise<unknown>): Promise<void> {
    const sent = Date.now()
    if (await this.#signing(id, call)) this.#life(id).signSent = sent
  }

  /** Whether it is a sign of life too is for the contender to say: it may be. */
  async change(id: string, isActive: boolean, call: () => Promise<unknown>): Promise<void> {
    const life = this.#life(id)
    life.statusSince = Number.POSITIVE_INFINITY
    await this.#signing(id, call)
    life.isActive = isActive
    life.statusSince = Date.now()
  }

  async end(id: string, call: () => Promise<unknown>): Promise<void> {
    this.#life(id).endSent = Date.now()
    await call()
    this.#life(id).endDone = Date.now()
  }

  /** What a query between these times must hold, and may hold: all streams, or the active ones. */
  bounds(from: number, to: number, which: 'all' | 'active'): Bounds {
    const mustHold = new Set<string>()
    const mayHold = new Set<string>()
    for (const life of this.#lives.values()) {
      const { isActive, statusSince } = life
      const isSettled = statusSince <= from - ROUNDING_MS
      if (!surelyDead(life, from) && (which === 'all' || isActive || !isSettled)) mayHold.add(life.id)
      if (surelyLive(life, from, to) && (which === 'all' || (isActive && isSettled))) mustHold.add(life.id)
    }
    return { mustHold, mayHold }
  }

  async #signing(id: string, call: () => Promise<unknown>): Promise<boolean> {
    const life = this.#life(id)
    life.signing += 1
    const isTaken = await call().then(
      () => true,
      () => false,
    )
    life.signing -= 1
    if (isTaken) life.signLatest = Date.now()
    return isTaken
  }

  #life(id: string): Life {
    const life = this.#lives.get(id)
    if (life === undefined) throw new RangeError(`no stream ${id}`)
    return life
  }
}

function surelyLive({ registered, signSent, ttlMs, endSent }: Life, from: number, to: number): boolean {
  return registered < from && endSent > to && signSent + ttlMs > to + ROUNDING_MS
}

function surelyDead({ signLatest, signing, ttlMs, endDone }: Life, at: number): boolean {
  return endDone < at || (signing === 0 && signLatest + ttlMs < at - ROUNDING_MS)
}
