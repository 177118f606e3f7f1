import { equalityKey, isWholeKey } from '../indexes.js'
import type { IndexDeclaration, IndexKind } from '../store.js'
import { fieldOf } from './fields.js'
import type { Scalar } from './tree.js'

/** The index over a field, as queries use it. */
export interface FieldIndex {
  readonly name: string
  readonly kind: IndexKind
  /** Whether all its documents have a value of the index's type or none: only then is its order that of a sort. */
  readonly isPure: boolean
  /** Under which key an equality index has a value, and whether it has only that value there. */
  keyOf(value: Scalar): { readonly key: string; readonly isWhole: boolean } | undefined
}

const wholeText = (value: Scalar): { key: string; isWhole: boolean } => ({
  key: String(value),
  isWhole: true,
})

function builtIn(name: string, kind: IndexKind): FieldIndex {
  return { name, kind, isPure: true, keyOf: wholeText }
}

/** The index that holds every record, in the default order. */
export const CREATED_AT: FieldIndex = builtIn('created_at', 'number')

const BUILT_IN: ReadonlyMap<string, FieldIndex> = new Map([
  ['status', builtIn('status', 'equality')],
  ['type', builtIn('type', 'equality')],
  ['protocol', builtIn('protocol', 'equality')],
  ['state.health', builtIn('health', 'equality')],
  ['owner', builtIn('owner', 'equality')],
  ['tags', builtIn('tag', 'equality')],
  ['createdAt', CREATED_AT],
  ['sourceAddr', builtIn('source_addr', 'text')],
])

/** The fields that are indexed without being declared. */
export const INDEXED_FIELDS: readonly string[] = [...BUILT_IN.keys()]

/** The names of the indexes that every store has. */
export const BUILT_IN_INDEXES: readonly string[] = [...BUILT_IN.values()].map(({ name }) => name)

/** The index over each field that has one. */
export function fieldIndexes(
  declared: readonly IndexDeclaration[],
): (field: string) => FieldIndex | undefined {
  const extra = new Map(declared.map((declaration) => [declaration.field, declaredIndex(declaration)]))
  return (field) => BUILT_IN.get(field) ?? extra.get(field)
}

function declaredIndex({ field, kind }: IndexDeclaration): FieldIndex {
  return {
    name: field,
    kind,
    isPure: fieldOf(field).kind !== 'json',
    keyOf(value) {
      const key = equalityKey(value)
      return key === undefined ? undefined : { key, isWhole: isWholeKey(value) }
    },
  }
}
