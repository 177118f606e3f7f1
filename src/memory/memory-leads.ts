import type { LeadAnswer, LeadClaim } from '../core/store.js'

interface Lead {
  readonly holder: string
  readonly label: string
  readonly token: number
  readonly until: number
}

/** Leaders' leases in memory. */
export class MemoryLeads {
  readonly #leads = new Map<string, Lead>()
  readonly #listeners = new Set<(name: string) => void>()

  acquire({ name, holder, label }: LeadClaim, leaseMs: number, now: number): LeadAnswer {
    const lead = this.#leads.get(name)
    const isLive = lead !== undefined && lead.until > now
    if (isLive && lead.holder !== holder) return { kind: 'held', label: lead.label, leftMs: lead.until - now }
    const token = isLive ? lead.token : Math.max((lead?.token ?? 0) + 1, Math.floor(now * 1_000))
    this.#leads.set(name, { holder, label, token, until: now + leaseMs })
    return { kind: 'done', token }
  }

  renew({ name, holder, token }: LeadClaim & { token: number }, leaseMs: number, now: number): boolean {
    const lead = this.#leads.get(name)
    if (lead === undefined || lead.holder !== holder || lead.token !== token || lead.until <= now)
      return false
    this.#leads.set(name, { ...lead, until: now + leaseMs })
    return true
  }

  release({ name, holder, token }: LeadClaim & { token?: number }): void {
    const lead = this.#leads.get(name)
    if (lead?.holder !== holder || (token !== undefined && token !== lead.token)) return
    this.#leads.set(name, { ...lead, holder: '', until: 0 })
    for (const listener of this.#listeners) listener(name)
  }

  onReleased(listener: (name: string) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
