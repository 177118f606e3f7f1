import { QueryError } from '../errors.js'
import { isPlainObject } from '../model/json.js'
import type { HealthStatus } from '../model/processing.js'
import type { StreamStatus } from '../model/status.js'
import type { StreamType } from '../model/stream.js'
import { comparison } from './check.js'
import type { Condition } from './tree.js'

/** What streams must have; a field left `undefined` does not filter. Lists: any of their members. */
export interface StreamFilter {
  readonly status?: StreamStatus | readonly StreamStatus[] | undefined
  readonly type?: StreamType | readonly StreamType[] | undefined
  readonly protocol?: string | readonly string[] | undefined
  readonly sourceAddr?: string | undefined
  readonly sourcePort?: number | undefined
  /** Exclusive. */
  readonly createdAfter?: Date | undefined
  /** Exclusive. */
  readonly createdBefore?: Date | undefined
  /** All of them, or any with `tagsAny`. An empty list does not filter. */
  readonly tags?: readonly string[] | undefined
  readonly tagsAny?: boolean | undefined
  readonly health?: HealthStatus | readonly HealthStatus[] | undefined
  readonly owner?: string | readonly string[] | undefined
}

const EQUAL = {
  status: 'status',
  type: 'type',
  protocol: 'protocol',
  sourceAddr: 'sourceAddr',
  sourcePort: 'sourcePort',
  health: 'state.health',
  owner: 'owner',
} as const

/** The conditions of a filter. @throws QueryError */
export function filterConditions(filter: unknown): Condition[] {
  if (!isPlainObject(filter)) throw new QueryError('filter takes an object')
  const conditions: Condition[] = []
  for (const [name, value] of Object.entries(filter)) {
    if (value === undefined && isFilterField(name)) continue
    switch (name) {
      case 'createdAfter':
        conditions.push(comparison('createdAt', 'gt', value))
        break
      case 'createdBefore':
        conditions.push(comparison('createdAt', 'lt', value))
        break
      case 'tags':
        conditions.push(...tagConditions(value, filter.tagsAny))
        break
      case 'tagsAny':
        if (typeof value !== 'boolean') throw new QueryError('tagsAny takes true or false')
        break
      default:
        if (!isEqualField(name)) throw new QueryError(`unknown filter: ${name.slice(0, 64)}`)
        conditions.push(comparison(EQUAL[name], Array.isArray(value) ? 'in' : 'eq', value))
    }
  }
  return conditions
}

function isEqualField(name: string): name is keyof typeof EQUAL {
  return Object.hasOwn(EQUAL, name)
}

function isFilterField(name: string): boolean {
  return isEqualField(name) || ['createdAfter', 'createdBefore', 'tags', 'tagsAny'].includes(name)
}

function tagConditions(tags: unknown, any: unknown): Condition[] {
  if (!Array.isArray(tags)) throw new QueryError('tags takes an array')
  const conditions = Array.from(tags, (tag: unknown) => comparison('tags', 'contains', tag))
  return any === true && conditions.length > 0
    ? [{ or: conditions.map((condition) => [condition]) }]
    : conditions
}
