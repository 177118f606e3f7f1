/** How the keys of one partition begin. Internal names hold a second `:`, which no stream id can. */
export interface PartitionKeys {
  /** `<prefix>:`; a document's key is this and its id. */
  readonly base: string
  /** The leases: every id, scored by its deadline. Scripts derive all other keys from this one. */
  readonly active: string
  readonly records: string
  readonly statistics: string
  readonly counts: string
  readonly log: string
}

/** The key layout's version. */
export const LAYOUT_FORMAT = '1'

/**
 * The keys of a partition. With a hash tag (always on a cluster, and with several partitions) all of them are in
 * one slot, so that a script is atomic over the partition.
 */
export function partitionKeys(prefix: string, partition: number, tagged: boolean): PartitionKeys {
  const base = tagged ? `{${prefix}:${partition}}:` : `${prefix}:`
  return {
    base,
    active: `${base}active`,
    records: `${base}idx:rec`,
    statistics: `${base}idx:stats`,
    counts: `${base}idx:counts`,
    log: `${base}log:events`,
  }
}

/** Where the prefix says how it is laid out. */
export function layoutKey(prefix: string): string {
  return `${prefix}:idx:layout`
}

/** The pub/sub channels that say that there is something to read. */
export interface BellChannels {
  /** Rung when something was logged: partition, last log id. */
  readonly log: string
  /** Rung when statistics were reported: the ids of the streams. */
  readonly statistics: string
  /** Rung when a leader gives its lease up: what it led. */
  readonly leads: string
}

/** The channels of a prefix. Pub/sub knows no databases: the names do. */
export function bellChannels(prefix: string, db: number): BellChannels {
  return {
    log: `${prefix}:log:bell@${db}`,
    statistics: `${prefix}:log:stats@${db}`,
    leads: `${prefix}:log:leads@${db}`,
  }
}

/**
 * The partition of an id: FNV-1a (32 bit) of its bytes, modulo the number of partitions.
 *
 * Wire format: every process, in whatever language, must compute the same.
 */
export function partitionOf(id: string, partitions: number): number {
  if (partitions === 1) return 0
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % partitions
}
