import type { AuditReport, Describe, EntriesOf, Problem } from '../core/store.js'
import type { MemoryIndexes, PlacedEntry } from './memory-indexes.js'
import type { MemoryRecord } from './memory-store.js'
import type { SortedItems } from './sorted-items.js'

/** The insides of a store in memory. */
export interface MemoryParts {
  readonly records: Map<string, MemoryRecord>
  readonly indexes: MemoryIndexes
  readonly leases: SortedItems
  readonly place: (entriesOf: EntriesOf, order: number, record: MemoryRecord) => PlacedEntry[]
}

/** Compares all that a store in memory holds: what its documents ask for against what is there. */
export function auditMemory(parts: MemoryParts, describe: Describe, repair: boolean): AuditReport {
  const problems: Problem[] = []
  const report = (kind: Problem['kind'], message: string, streamId?: string): void => {
    problems.push({
      kind,
      message: `${kind}: ${message}`,
      repaired: repair,
      ...(streamId !== undefined && { streamId }),
    })
  }
  for (const record of parts.records.values()) auditRecord(parts, record, describe, repair, report)
  auditLists(parts, repair, report)
  auditCounters(parts, repair, report)
  return { checked: parts.records.size, problems }
}

type Report = (kind: Problem['kind'], message: string, streamId?: string) => void

function auditRecord(
  parts: MemoryParts,
  record: MemoryRecord,
  describe: Describe,
  repair: boolean,
  report: Report,
): void {
  const { records, indexes, leases, place } = parts
  const { id } = record
  const wanted = describe(id, record.doc, record.side)
  if (wanted === undefined) {
    report('corrupt-record', id, id)
    if (repair) records.delete(id)
    return
  }
  if (!leases.has({ rank: record.deadline, id })) {
    report('lost-lease', id, id)
    if (repair) leases.add({ rank: record.deadline, id })
  }
  const entries = place(wanted.entries, wanted.order, record)
  for (const entry of entries) {
    if (entry.kind === 'counter' || indexes.has(entry)) continue
    report('missing-entry', `${id} in ${entry.key}`, id)
    if (repair) indexes.add(entry)
  }
  if (repair) records.set(id, { ...record, entries })
}

function auditLists({ records, indexes, leases }: MemoryParts, repair: boolean, report: Report): void {
  for (const key of [...indexes.keys()]) {
    for (const item of [...(indexes.list(key)?.from() ?? [])]) {
      if (records.get(item.id)?.entries.some((entry) => entry.key === key && entry.item.rank === item.rank))
        continue
      report('dangling-entry', `${item.id} in ${key}`, item.id)
      if (repair) indexes.removeItem(key, item)
    }
  }
  for (const lease of [...leases.from()]) {
    if (records.get(lease.id)?.deadline === lease.rank) continue
    report('dangling-entry', `lease of ${lease.id}`, lease.id)
    if (repair) leases.delete(lease)
  }
}

function auditCounters({ records, indexes }: MemoryParts, repair: boolean, report: Report): void {
  const expected = new Map<string, number>()
  for (const { entries } of records.values()) {
    for (const { kind, key } of entries) {
      if (kind === 'counter') expected.set(key, (expected.get(key) ?? 0) + 1)
    }
  }
  const counters = new Set([...expected.keys(), ...indexes.counts().keys()])
  for (const counter of counters) {
    const count = expected.get(counter) ?? 0
    if (count === (indexes.counts().get(counter) ?? 0)) continue
    report('wrong-counter', counter)
    if (repair) indexes.setCount(counter, count)
  }
}
