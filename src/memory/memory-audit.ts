import type { AuditReport, Describe, EntriesOf, Problem } from '../core/store.js'
import { type MemoryIndexes, type MemoryList, type PlacedEntry, samePlace } from './memory-indexes.js'
import type { MemoryRecord } from './memory-record.js'
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
  const wanted = describe(id, record.doc)
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
    if (entry.list.kind === 'counter' || entry.list.items.has(entry.item)) continue
    report('missing-entry', `${id} in ${entry.list.index}`, id)
    if (repair) indexes.add(entry)
  }
  if (repair) records.set(id, { ...record, entries })
}

function auditLists({ records, indexes, leases }: MemoryParts, repair: boolean, report: Report): void {
  for (const list of [...indexes.lists()]) {
    for (const item of [...list.items.from()]) {
      const entry: PlacedEntry = { list, item }
      if (records.get(item.id)?.entries.some((kept) => samePlace(kept, entry))) continue
      report('dangling-entry', `${item.id} in ${list.index}`, item.id)
      if (repair) list.items.delete(item)
    }
  }
  for (const lease of [...leases.from()]) {
    if (records.get(lease.id)?.deadline === lease.rank) continue
    report('dangling-entry', `lease of ${lease.id}`, lease.id)
    if (repair) leases.delete(lease)
  }
}

function auditCounters({ records, indexes }: MemoryParts, repair: boolean, report: Report): void {
  const expected = new Map<MemoryList, number>()
  for (const { entries } of records.values()) {
    for (const { list } of entries)
      if (list.kind === 'counter') expected.set(list, (expected.get(list) ?? 0) + 1)
  }
  for (const list of indexes.lists()) {
    const count = expected.get(list) ?? 0
    if (list.kind !== 'counter' || list.count === count) continue
    report('wrong-counter', `${list.index}:${list.value}`)
    if (repair) list.count = count
  }
}
