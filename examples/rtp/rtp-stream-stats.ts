import type { RtpHeader } from './rtp-packet.ts'

/** How many packets must come in sequence before a source is believed. */
const MIN_SEQUENTIAL = 2
/** A gap of up to this many packets is loss; a longer one is a source that started anew. */
const MAX_DROPOUT = 3_000
/** How far behind a packet may be and still be a late one of this source. */
const MAX_MISORDER = 100
const SEQUENCE_MODULUS = 65_536

/** Totals of a stream, and what happened since the sample before. */
export interface RtpSample {
  readonly packetsReceived: number
  /** Whole RTP packets, headers included. */
  readonly bytesReceived: number
  readonly packetsLost: number
  readonly jitterMs: number
  /** Packets that arrived since the sample before. */
  readonly newPackets: number
  /** Share of the packets expected since the sample before that did not arrive. */
  readonly lossPercent: number
  /** Since the sample before. */
  readonly bitrateBps: number
}

/**
 * Counts one RTP source by RFC 3550: sequence numbers as in appendix A.1, loss as in A.3, jitter as in A.8.
 *
 * A late packet is taken back from the losses. Duplicates count as received, so the RFC's loss may be negative;
 * here it is 0 then.
 */
export class RtpStreamStats {
  readonly #clockRateHz: number
  #packets = 0
  #bytes = 0
  /** Of the runs of sequence numbers before the present one. */
  #expectedBefore = 0
  #base = 0
  #highest = 0
  #cycles = 0
  #probation = MIN_SEQUENTIAL
  /** The packet that would confirm a jump of the sequence numbers. */
  #afterJump: number | undefined
  #jitter = 0
  #latest: { readonly arrival: number; readonly timestamp: number } | undefined
  #sampled = { packets: 0, bytes: 0, expected: 0, atMs: 0 }

  /** @param nowMs - on the same monotonic clock as all times given later. */
  constructor(clockRateHz: number, nowMs: number) {
    this.#clockRateHz = clockRateHz
    this.#sampled.atMs = nowMs
  }

  /** Whether enough packets came in sequence to call this a stream. */
  get isValid(): boolean {
    return this.#probation === 0
  }

  get packets(): number {
    return this.#packets
  }

  receive({ sequence, timestamp }: RtpHeader, bytes: number, arrivalMs: number): void {
    const accepted = this.#packets === 0 ? this.#restart(sequence) : this.#follow(sequence)
    if (!accepted) return
    this.#packets++
    this.#bytes += bytes
    this.#trackJitter(timestamp, arrivalMs)
  }

  /** The totals, and the rates since the sample before. */
  sample(nowMs: number): RtpSample {
    const before = this.#sampled
    const expected = this.#expected()
    this.#sampled = { packets: this.#packets, bytes: this.#bytes, expected, atMs: nowMs }
    const newPackets = this.#packets - before.packets
    const newExpected = expected - before.expected
    const newLost = Math.max(0, newExpected - newPackets)
    const seconds = (nowMs - before.atMs) / 1_000
    return {
      packetsReceived: this.#packets,
      bytesReceived: this.#bytes,
      packetsLost: Math.max(0, expected - this.#packets),
      jitterMs: (this.#jitter / this.#clockRateHz) * 1_000,
      newPackets,
      lossPercent: newExpected > 0 ? (100 * newLost) / newExpected : 0,
      bitrateBps: seconds > 0 ? Math.round((8 * (this.#bytes - before.bytes)) / seconds) : 0,
    }
  }

  #expected(): number {
    if (this.#packets === 0) return 0
    return this.#expectedBefore + this.#cycles + this.#highest - this.#base + 1
  }

  /** Begins a run of sequence numbers; what the run before expected stays counted. */
  #restart(sequence: number): true {
    this.#expectedBefore = this.#expected()
    this.#base = sequence
    this.#highest = sequence
    this.#cycles = 0
    this.#afterJump = undefined
    this.#latest = undefined
    if (this.#probation > 0) this.#probation = MIN_SEQUENTIAL - 1
    return true
  }

  /** Whether the packet belongs to the stream. */
  #follow(sequence: number): boolean {
    const ahead = (sequence - this.#highest + SEQUENCE_MODULUS) % SEQUENCE_MODULUS
    if (this.#probation > 0) {
      if (ahead !== 1) return this.#restart(sequence)
      this.#probation--
    }
    if (ahead < MAX_DROPOUT) {
      if (sequence < this.#highest) this.#cycles += SEQUENCE_MODULUS
      this.#highest = sequence
      return true
    }
    const isLate = ahead > SEQUENCE_MODULUS - MAX_MISORDER
    if (isLate) return true
    // One far-off packet may be a stray. Two in sequence are a source that started anew.
    if (sequence === this.#afterJump) return this.#restart(sequence)
    this.#afterJump = (sequence + 1) % SEQUENCE_MODULUS
    return false
  }

  #trackJitter(timestamp: number, arrivalMs: number): void {
    const arrival = (arrivalMs * this.#clockRateHz) / 1_000
    if (this.#latest !== undefined) {
      // `| 0` takes the difference modulo 2^32, as a signed number: RTP timestamps wrap around.
      const sent = (timestamp - this.#latest.timestamp) | 0
      const deviation = Math.abs(arrival - this.#latest.arrival - sent)
      this.#jitter += (deviation - this.#jitter) / 16
    }
    this.#latest = { arrival, timestamp }
  }
}
