import { NO_STATISTICS, type StreamStatistics } from './model/statistics.js'
import { STREAM_STATUSES } from './model/status.js'
import { STREAM_TYPES, type Stream } from './model/stream.js'
import { snakeCase } from './model/wire.js'
import { keysOf, scalarOf, valueAt } from './query/values.js'
import type { EntriesOf, Entry, IndexDeclaration, SideScore } from './store.js'

/** The counter index behind `stats()`: its values are `<status>|<type>`. */
export const STATUS_TYPE_COUNTER = 'status|type'

/** Equality keys hold at most this many characters of a value; queries check the rest on the document. */
const MAX_KEY_CHARACTERS = 128

type Statistics = Partial<StreamStatistics>

/** Every index entry of a stream: the built-in ones, then the declared ones. */
export function entriesOf(document: Stream<unknown>): EntriesOf {
  return (declared) => {
    const { status, type, protocol, state, owner, tags, createdAt, sourceAddr } = document
    const entries: Entry[] = [
      equality('status', status),
      equality('type', type),
      equality('protocol', protocol),
      equality('health', state.health),
    ]
    if (owner !== undefined) entries.push(equality('owner', owner))
    for (const tag of tags) entries.push(equality('tag', tag))
    entries.push(
      { kind: 'number', index: 'created_at', value: createdAt.getTime() },
      { kind: 'text', index: 'source_addr', value: sourceAddr },
      { kind: 'counter', index: STATUS_TYPE_COUNTER, value: `${status}|${type}` },
    )
    for (const declaration of declared) entries.push(...declaredEntry(declaration, document))
    return entries
  }
}

/** What a document has in declared indexes alone. */
export function addedEntries(entries: EntriesOf, declared: readonly IndexDeclaration[]): readonly Entry[] {
  return entries(declared).slice(entries([]).length)
}

/** What a report moves in the declared indexes over statistics. */
export function statisticsScores(reported: Statistics): EntriesOf<SideScore> {
  return (declared) =>
    declared.flatMap((declaration) => {
      const field = statisticsField(declaration)
      const value = field && reported[field]
      return value === undefined ? [] : [{ index: declaration.field, value }]
    })
}

function equality(index: string, value: string): Entry {
  return { kind: 'equality', index, value }
}

/** The value of an equality index, beside a number or text index, that holds what has a value of another type. */
export const OTHER_TYPE = 'other'

function declaredEntry(declaration: IndexDeclaration, document: Stream<unknown>): Entry[] {
  const { field: index, kind } = declaration
  const measured = statisticsField(declaration)
  if (measured !== undefined) return [sideEntry(index, measured)]
  const value = scalarOf(valueAt(document, keysOf(index)))
  switch (kind) {
    case 'number':
      if (typeof value === 'number') return [{ kind, index, value }]
      return value === undefined ? [{ kind, index, value: null }] : [equality(index, OTHER_TYPE)]
    case 'text':
      if (typeof value === 'string') return [{ kind, index, value }]
      return value === undefined ? [{ kind, index, value: null }] : [equality(index, OTHER_TYPE)]
    case 'equality': {
      const key = equalityKey(value)
      return key === undefined ? [] : [equality(index, key)]
    }
  }
}

function sideEntry(index: string, field: keyof StreamStatistics): Entry {
  return { kind: 'side', index, field: snakeCase(field), missing: NO_STATISTICS[field] ?? null }
}

function statisticsField({ field }: IndexDeclaration): keyof StreamStatistics | undefined {
  return field.startsWith('statistics.')
    ? (field.slice('statistics.'.length) as keyof StreamStatistics)
    : undefined
}

/** The key of a scalar in a declared equality index; its first letter keeps `1`, `'1'` and `true` apart. */
export function equalityKey(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return `s${cutKey(value)}`
    case 'number':
      return `n${value === 0 ? 0 : value}`
    case 'boolean':
      return `b${value}`
    default:
      return undefined
  }
}

/** Whether the key stands for this value alone, and not for every value that begins like it. */
export function isWholeKey(value: unknown): boolean {
  return typeof value !== 'string' || value.length < MAX_KEY_CHARACTERS
}

function cutKey(text: string): string {
  if (text.length <= MAX_KEY_CHARACTERS) return text
  return Array.from(text.slice(0, MAX_KEY_CHARACTERS * 2))
    .slice(0, MAX_KEY_CHARACTERS)
    .join('')
}

/** The live streams by status and type, from the values of {@link STATUS_TYPE_COUNTER}. */
export function splitStatusTypeCounter(value: string): [status: string, type: string] | undefined {
  const [status = '', type = ''] = value.split('|')
  const known =
    (STREAM_STATUSES as readonly string[]).includes(status) &&
    (STREAM_TYPES as readonly string[]).includes(type)
  return known ? [status, type] : undefined
}
