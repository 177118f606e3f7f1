import { splitStatusTypeCounter } from '../core/indexes.js'
import type { RegistryStats } from './registry.js'

/** The answer of `stats`, from the counters by status and type. */
export function toStats(counters: ReadonlyMap<string, number>): RegistryStats {
  const byStatus: Record<string, number> = {}
  const byType: Record<string, number> = {}
  const byStatusAndType: Record<string, Record<string, number>> = {}
  let total = 0
  for (const [value, count] of counters) {
    const parts = splitStatusTypeCounter(value)
    if (parts === undefined || count <= 0) continue
    const [status, type] = parts
    total += count
    byStatus[status] = (byStatus[status] ?? 0) + count
    byType[type] = (byType[type] ?? 0) + count
    byStatusAndType[status] = { ...byStatusAndType[status], [type]: count }
  }
  return { total, byStatus, byType, byStatusAndType }
}
