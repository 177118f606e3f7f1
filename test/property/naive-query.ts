import type { Stream, StreamFilter } from '@mirror/stream-registry'
import type { Clause, FigureSpec, Operand, QuerySpec, TimeOf } from './query-arbitraries.ts'

/** A value that is compared with, times resolved. */
export type Value = string | number | boolean | Date

/** A call of the builder, times resolved. */
export type NaiveClause =
  | { readonly where: readonly [field: string, op: string, operand: Value | readonly Value[]] }
  | { readonly filter: StreamFilter }
  | { readonly or: readonly (readonly NaiveClause[])[] }

/** A group, as a grouped query answers it. */
export interface NaiveGroup {
  readonly key: Readonly<Record<string, unknown>>
  readonly [figure: string]: unknown
}

const FALLBACK_TIME = new Date(Date.UTC(2024, 0, 15))

/** The clauses with each time taken from the streams that are asked. */
export function resolveClauses(clauses: readonly Clause[], streams: readonly Stream[]): NaiveClause[] {
  return clauses.map((clause): NaiveClause => {
    if ('or' in clause) return { or: clause.or.map((alternative) => resolveClauses(alternative, streams)) }
    if ('where' in clause) {
      const [field, op, operand] = clause.where
      return { where: [field, op, resolveOperand(operand, streams)] }
    }
    const members = Object.entries(clause.filter).map(([name, value]) => [
      name,
      value === undefined ? undefined : resolveOperand(value, streams),
    ])
    return { filter: Object.fromEntries(members) as StreamFilter }
  })
}

function resolveOperand(operand: Operand, streams: readonly Stream[]): Value | readonly Value[] {
  return Array.isArray(operand)
    ? operand.map((member: Exclude<Operand, readonly unknown[]>) => resolveValue(member, streams))
    : resolveValue(operand as Exclude<Operand, readonly unknown[]>, streams)
}

function resolveValue(operand: string | number | boolean | TimeOf, streams: readonly Stream[]): Value {
  if (typeof operand !== 'object') return operand
  const times = streams.map((stream) => read(stream, operand.field)).filter((time) => time instanceof Date)
  const time = times[operand.of % Math.max(1, times.length)] ?? FALLBACK_TIME
  return new Date(time.getTime() + operand.shiftMs)
}

const SHORT_NAMES: Readonly<Record<string, string>> = {
  errorCount: 'state.errorCount',
  health: 'state.health',
  currentState: 'state.currentState',
  previousState: 'state.previousState',
  bytesReceived: 'statistics.bytesReceived',
  packetsReceived: 'statistics.packetsReceived',
  packetsLost: 'statistics.packetsLost',
}

/** What a stream has under a name; `undefined` where it has nothing. */
function read(stream: Stream, name: string): unknown {
  let value: unknown = stream
  for (const key of (SHORT_NAMES[name] ?? name).split('.')) {
    const members = typeof value === 'object' && value !== null ? Object.entries(value) : []
    value = members.find(([own]) => own === key)?.[1]
  }
  return value ?? undefined
}

/** A value that can be compared; lists and objects have no place in an order. */
type Comparable = string | number | boolean | undefined

function comparable(value: unknown): Comparable {
  if (value instanceof Date) return value.getTime()
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return undefined
}

/** Numbers and times, then text by its UTF-8 bytes, then false and true, then what is missing. */
function order(a: Comparable, b: Comparable): number {
  const types = ['number', 'string', 'boolean', 'undefined']
  const byType = types.indexOf(typeof a) - types.indexOf(typeof b)
  if (byType !== 0 || a === undefined || b === undefined) return byType
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return Number(a > b) - Number(a < b)
}

/** Whether the whole text is like the pattern, character by character. */
function isLike(text: readonly string[], pattern: readonly string[]): boolean {
  let reached = [true, ...text.map(() => false)]
  for (const wanted of pattern) {
    const next = [wanted === '*' && reached[0] === true]
    for (const [i, character] of text.entries()) {
      next.push(
        wanted === '*'
          ? reached[i + 1] === true || next[i] === true
          : reached[i] === true && (wanted === '?' || wanted === character),
      )
    }
    reached = next
  }
  return reached.at(-1) === true
}

function compares(found: unknown, op: string, operand: Value | readonly Value[]): boolean {
  const value = comparable(found)
  const operands = [operand].flat().map(comparable)
  const [wanted] = operands
  const isOneOf = value !== undefined && operands.some((other) => other === value)
  const isOrdered = value !== undefined && typeof value === typeof wanted
  switch (op) {
    case 'eq':
    case 'in':
      return isOneOf
    case 'ne':
    case 'nin':
      return !isOneOf
    case 'gt':
      return isOrdered && order(value, wanted) > 0
    case 'gte':
      return isOrdered && order(value, wanted) >= 0
    case 'lt':
      return isOrdered && order(value, wanted) < 0
    case 'lte':
      return isOrdered && order(value, wanted) <= 0
    case 'exists':
      return (found !== undefined) === operand
    case 'like':
      return typeof found === 'string' && isLike([...found], [...String(operand)])
    case 'contains':
      if (Array.isArray(found)) return found.some((member) => member === operand)
      return typeof found === 'string' && typeof operand === 'string' && found.indexOf(operand) >= 0
    default:
      throw new Error(`no such operator: ${op}`)
  }
}

function passes(stream: Stream, filter: StreamFilter): boolean {
  const { createdAfter, createdBefore, tags = [], tagsAny = false, health, ...equal } = filter
  if (createdAfter !== undefined && !(stream.createdAt > createdAfter)) return false
  if (createdBefore !== undefined && !(stream.createdAt < createdBefore)) return false
  const has = (tag: string): boolean => stream.tags.indexOf(tag) >= 0
  if (tags.length > 0 && !(tagsAny ? tags.filter(has).length > 0 : tags.filter(has).length === tags.length))
    return false
  return Object.entries({ ...equal, 'state.health': health }).every(
    ([field, wanted]) => wanted === undefined || compares(read(stream, field), 'in', wanted as Value),
  )
}

/** Whether all clauses hold for a stream. */
export function holds(stream: Stream, clauses: readonly NaiveClause[]): boolean {
  return clauses.every((clause) => {
    if ('or' in clause) return clause.or.some((alternative) => holds(stream, alternative))
    if ('filter' in clause) return passes(stream, clause.filter)
    const [field, op, operand] = clause.where
    return compares(read(stream, field), op, operand)
  })
}

/** All matches in order, neither limited nor shifted. */
export function matchesInOrder(
  streams: readonly Stream[],
  clauses: readonly NaiveClause[],
  sort: QuerySpec['sort'],
): Stream[] {
  return sorted(
    streams.filter((stream) => holds(stream, clauses)),
    sort,
  )
}

/** By the keys, then by id in the direction of the last key. */
function sorted(streams: readonly Stream[], sort: QuerySpec['sort']): Stream[] {
  const keys = sort.length === 0 ? ([['createdAt', 'asc']] as const) : sort
  const last = keys.at(-1)?.[1]
  const byId = ['id', last === 'desc' ? 'desc' : 'asc'] as const
  const rows = streams.map((stream) => ({
    stream,
    values: [...keys, byId].map(([field]) => comparable(read(stream, field))),
  }))
  rows.sort((a, b) => {
    for (const [i, [, direction]] of [...keys, byId].entries()) {
      const by = order(a.values[i], b.values[i])
      if (by !== 0) return direction === 'desc' ? -by : by
    }
    return 0
  })
  return rows.map(({ stream }) => stream)
}

/** The groups of the streams, in order of their keys. */
export function groupsOf(
  streams: readonly Stream[],
  groups: readonly string[],
  figures: readonly FigureSpec[],
): NaiveGroup[] {
  const found: { values: Comparable[]; streams: Stream[] }[] =
    groups.length === 0 ? [{ values: [], streams: [] }] : []
  for (const stream of streams) {
    const values = groups.map((field) => comparable(read(stream, field)))
    const group = found.find((other) => other.values.every((value, i) => value === values[i]))
    if (group === undefined) found.push({ values, streams: [stream] })
    else group.streams.push(stream)
  }
  found.sort((a, b) => {
    for (const [i, value] of a.values.entries())
      if (order(value, b.values[i]) !== 0) return order(value, b.values[i])
    return 0
  })
  return found.map(({ values, streams: members }) => ({
    key: Object.fromEntries(
      groups.map((field, i) => {
        const sample = members[0] && read(members[0], field)
        return [field, sample instanceof Date ? sample : (values[i] ?? null)]
      }),
    ),
    ...figuresOf(members, figures),
  }))
}

function figuresOf(streams: readonly Stream[], figures: readonly FigureSpec[]): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [fn, field] of figures) {
    if (fn === 'count') result.count = streams.length
    else result[fn] = { ...(result[fn] as object | undefined), [field]: figureOf(fn, streams, field) }
  }
  return result
}

function figureOf(fn: FigureSpec[0], streams: readonly Stream[], field: string): number | Date | null {
  const values = streams
    .map((stream) => read(stream, field))
    .filter((value) => typeof value === 'number' || value instanceof Date)
  const ascending = values.sort((a, b) => order(Number(a), Number(b)))
  const numbers = ascending.filter((value) => typeof value === 'number')
  switch (fn) {
    case 'min':
      return ascending[0] ?? null
    case 'max':
      return ascending.at(-1) ?? null
    case 'avg':
      return numbers.length === 0 ? null : exactQuotient(numbers, numbers.length)
    default:
      return exactQuotient(numbers, 1)
  }
}

// Every number is a whole multiple of the least one above zero.
const LEAST_EXPONENT = 1074

/** The sum of the numbers divided by a whole number, without rounding on the way. */
function exactQuotient(numbers: readonly number[], divisor: number): number {
  const extra = 80n
  let sum = 0n
  for (const number of numbers) sum += wholeMultiple(number)
  return toNumber((sum << extra) / BigInt(divisor), -LEAST_EXPONENT - Number(extra))
}

function wholeMultiple(number: number): bigint {
  let mantissa = number
  let exponent = 0
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2
    exponent -= 1
  }
  return BigInt(mantissa) << BigInt(exponent + LEAST_EXPONENT)
}

/** `value * 2 ** exponent`. */
function toNumber(value: bigint, exponent: number): number {
  const length = (value < 0n ? -value : value).toString(2).length
  const dropped = Math.max(0, length - 60)
  const scale = exponent + dropped
  const half = Math.trunc(scale / 2)
  return Number(value >> BigInt(dropped)) * 2 ** half * 2 ** (scale - half)
}
