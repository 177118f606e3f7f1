import { isRegistryError, type Registry, type Stream } from '@mirror/stream-registry'
import { type Judgement, judge } from './judge.ts'
import type { RtpHeader } from './rtp-packet.ts'
import { type RtpSource, sourceLabel, streamInputOf } from './rtp-source.ts'
import { type RtpSample, RtpStreamStats } from './rtp-stream-stats.ts'

const VIDEO_CLOCK_HZ = 90_000

/** Where a handler tells what happens. */
export interface IngestListener {
  log(message: string): void
  /** The stream was unregistered; this is its last record. */
  ended(stream: Stream, reason: string): void
}

/** What a session works with. */
export interface SessionOptions {
  readonly registry: Registry
  readonly listener: IngestListener
}

/**
 * One RTP source, and its stream in the registry.
 *
 * Packets are counted as they come. Registry calls run one after the other, beside the packets: a slow or failing
 * registry delays reports, never the media. A registry error is told to the listener, and the next report tries again.
 */
export class StreamSession {
  readonly #options: SessionOptions
  readonly #stats = new RtpStreamStats(VIDEO_CLOCK_HZ, performance.now())
  #calls: Promise<void> = Promise.resolve()
  #pendingCalls = 0
  #streamId: string | undefined
  #source: RtpSource
  #isKnown = false
  #isActive = false
  #reported: Judgement | undefined
  #lastPacketMs = performance.now()
  #quietAtPackets: number | undefined
  #phase: 'open' | 'ending' | 'abandoned' = 'open'

  constructor(source: RtpSource, options: SessionOptions) {
    this.#source = source
    this.#options = options
  }

  /** As long as it is registered. */
  get streamId(): string | undefined {
    return this.#streamId
  }

  /** Whether it has ended, and the registry knows. */
  get isOver(): boolean {
    return this.#phase === 'ending' && this.#pendingCalls === 0
  }

  /** Whether the last report still says it all: a heartbeat is enough. */
  get isUnchanged(): boolean {
    const isIdle = this.#phase === 'open' && this.#pendingCalls === 0
    return isIdle && this.#streamId !== undefined && this.#quietAtPackets === this.#stats.packets
  }

  silentForMs(nowMs: number): number {
    return nowMs - this.#lastPacketMs
  }

  receive(header: RtpHeader, bytes: number, nowMs: number): void {
    if (this.#phase !== 'open') return
    this.#lastPacketMs = nowMs
    this.#stats.receive(header, bytes, nowMs)
    // One packet may be anything that looks like RTP. Packets in sequence are a source.
    if (this.#isKnown || !this.#stats.isValid) return
    this.#isKnown = true
    this.#enqueue(async () => void (await this.#ensureRegistered()))
  }

  rename(name: string): void {
    if (name === this.#source.name || this.#phase !== 'open') return
    this.#source = { ...this.#source, name }
    this.#enqueue(async () => {
      // Not registered yet: then the registration brings the name.
      if (this.#streamId !== undefined) await this.#options.registry.update(this.#streamId, { name })
    })
  }

  /** Tells the registry how the stream runs, which renews its lease. */
  report(): void {
    // While earlier calls wait, one more would say nothing that the next report does not say better.
    if (this.#phase !== 'open' || !this.#isKnown || this.#pendingCalls > 0) return
    this.#enqueue(async () => {
      const id = await this.#ensureRegistered()
      const sample = await this.#reportStatistics(id)
      await this.#reportState(id, sample)
      this.#quietAtPackets = sample.newPackets === 0 ? sample.packetsReceived : undefined
    })
  }

  /** The lease ran out although this handler is alive: the registry was out of reach for too long. */
  lapsed(): void {
    this.#streamId = undefined
    this.#isActive = false
    this.#reported = undefined
  }

  /** Ends the stream in order: last figures, how it ended, and out of the registry. */
  end(reason: string, endedBy: 'source' | 'handler'): Promise<void> {
    if (this.#phase !== 'open') return this.#calls
    this.#phase = 'ending'
    this.#enqueue(async () => {
      const { registry, listener } = this.#options
      const id = this.#streamId
      if (id === undefined) return
      await this.#reportStatistics(id)
      // Without this, `unregister` ends it as `terminated`: ended by us.
      if (endedBy === 'source') await registry.updateStatus(id, 'closed', { reason })
      listener.ended(await registry.unregister(id), reason)
    })
    return this.#calls
  }

  /** Goes no further, as if the process had been killed: the registry hears of nothing that was not under way. */
  abandon(): void {
    this.#phase = 'abandoned'
  }

  #enqueue(call: () => Promise<void>): void {
    this.#pendingCalls++
    this.#calls = this.#calls
      .then(() => (this.#phase === 'abandoned' ? undefined : call()))
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#pendingCalls--
      })
  }

  #failed(error: unknown): void {
    if (this.#phase === 'abandoned') return
    if (isRegistryError(error) && error.code === 'STREAM_NOT_FOUND') this.lapsed()
    this.#options.listener.log(
      `${sourceLabel(this.#source)}: ${error instanceof Error ? error.message : String(error)}`,
    )
  }

  async #ensureRegistered(): Promise<string> {
    if (this.#streamId !== undefined) return this.#streamId
    const { registry, listener } = this.#options
    const { id } = await registry.register(streamInputOf(this.#source))
    this.#streamId = id
    listener.log(`${sourceLabel(this.#source)}: registered as ${id}, SSRC ${this.#source.ssrc}`)
    return id
  }

  async #reportStatistics(id: string): Promise<RtpSample> {
    const sample = this.#stats.sample(performance.now())
    const { bytesReceived, packetsReceived, packetsLost, jitterMs, bitrateBps: bitrate } = sample
    const statistics = { bytesReceived, packetsReceived, packetsLost, jitterMs, bitrate }
    await this.#options.registry.updateStats(id, statistics)
    return sample
  }

  async #reportState(id: string, sample: RtpSample): Promise<void> {
    const { registry, listener } = this.#options
    if (!this.#isActive) {
      await registry.updateStatus(id, 'active')
      this.#isActive = true
    }
    const { currentState, health } = judge(sample)
    if (this.#reported?.currentState === currentState && this.#reported.health === health) return
    const packetLossPercent = Math.round(sample.lossPercent * 10) / 10
    await registry.updateState(id, { currentState, health, quality: { packetLossPercent } })
    this.#reported = { currentState, health }
    const why = sample.newPackets === 0 ? 'no packets' : `${packetLossPercent} % lost`
    listener.log(`${sourceLabel(this.#source)}: ${currentState}, ${health}, ${why} in the last second`)
  }
}
