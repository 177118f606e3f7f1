import type { JsonObject, JsonValue } from '../model/json.js'
import type { HealthStatus, ProcessingState } from '../model/processing.js'
import type { StreamStatistics } from '../model/statistics.js'
import type { StreamStatus } from '../model/status.js'
import type { StreamType } from '../model/stream.js'
import type { FIELD_ALIASES } from './fields.js'
import type { Operator, Scalar } from './tree.js'

/** The fields of every stream by their dotted paths, with what they hold. */
export interface StreamFields {
  id: string
  name: string
  type: StreamType
  protocol: string
  codec: string
  sourceAddr: string
  sourcePort: number
  status: StreamStatus
  createdAt: Date
  updatedAt: Date
  startedAt: Date
  endedAt: Date
  lastHeartbeat: Date
  videoCodec: string
  resolution: string
  bitrate: number
  frameRate: number
  tags: readonly string[]
  ttlMs: number
  owner: string
  epoch: number
  revision: number
  'state.currentState': ProcessingState
  'state.previousState': ProcessingState
  'state.lastError.message': string
  'state.lastError.code': string
  'state.lastError.at': Date
  'state.errorCount': number
  'state.health': HealthStatus
}

type StatisticsFields = {
  [K in keyof StreamStatistics as `statistics.${K}`]-?: NonNullable<StreamStatistics[K]>
}

type Aliases = typeof FIELD_ALIASES

type NamedFields = StreamFields & StatisticsFields

/** Members with names of the user's choice. */
type OpenField = `config.${string}` | `state.quality.${string}` | `state.resources.${string}`

type Leaf = Scalar | Date | null | undefined | readonly unknown[]
type Deeper = [never, 0, 1, 2, 3, 4, 5, 6, 7]

/** The dotted paths of the plain values and arrays in `T`, as deep as metadata may go. */
type PathOf<T, Depth extends number = 8> = [Depth] extends [never]
  ? never
  : T extends Leaf
    ? never
    : {
        [K in keyof T & string]:
          | (NonNullable<T[K]> extends infer V ? (V extends Leaf ? K : never) : never)
          | `${K}.${PathOf<NonNullable<T[K]>, Deeper[Depth]>}`
      }[keyof T & string]

type ValueAt<T, P extends string> = T extends Leaf
  ? never
  : P extends keyof T
    ? NonNullable<T[P]>
    : P extends `${infer K}.${infer Rest}`
      ? K extends keyof T
        ? ValueAt<NonNullable<T[K]>, Rest>
        : never
      : never

/** Whether nothing is known of the metadata but that it is JSON. */
type IsOpen<M> = string extends keyof M ? true : false

type MetadataField<M> = IsOpen<M> extends true ? `metadata.${string}` : `metadata.${PathOf<M>}`

/** A field of a stream that queries know: a dotted path, or one of the short names. */
export type FieldName<M = JsonObject> = keyof NamedFields | keyof Aliases | OpenField | MetadataField<M>

/** What a field holds where it is not missing. */
export type FieldValue<M, F> = F extends keyof NamedFields
  ? NamedFields[F]
  : F extends keyof Aliases
    ? NamedFields[Aliases[F]]
    : F extends `metadata.${infer P}`
      ? IsOpen<M> extends true
        ? JsonValue
        : ValueAt<M, P>
      : F extends `config.${string}`
        ? JsonValue
        : number

type Equality = 'eq' | 'ne' | 'in' | 'nin' | 'exists'
type Ordering = 'gt' | 'gte' | 'lt' | 'lte'

/** Whether a field can hold anything that JSON can. */
type IsJson<V> = [JsonValue] extends [V] ? true : false

/** The operators that a field takes. */
export type OperatorOf<V> =
  IsJson<V> extends true
    ? Operator
    : [V] extends [readonly unknown[]]
      ? 'contains' | 'exists'
      : [V] extends [boolean]
        ? Equality
        : [V] extends [number | Date]
          ? Equality | Ordering
          : [V] extends [string]
            ? Equality | Ordering | 'like' | 'contains'
            : Operator

type EqualTo<V> = IsJson<V> extends true ? Scalar : Extract<V, Scalar | Date>
type Widened<V> = V extends string ? string : V extends number ? number : V extends Date ? Date : never

/** What an operator compares a field with. */
export type OperandOf<V, O> = O extends 'exists'
  ? boolean
  : O extends 'in' | 'nin'
    ? readonly EqualTo<V>[]
    : O extends 'like'
      ? string
      : O extends 'contains'
        ? V extends readonly (infer Member)[]
          ? Extract<Member, Scalar>
          : string
        : O extends Ordering
          ? IsJson<V> extends true
            ? string | number
            : Widened<V>
          : EqualTo<V>

/** The fields of every stream that hold what is wanted: known without the metadata, so also in generic code. */
type NamedHolding<Wanted> = {
  [F in keyof NamedFields | keyof Aliases]: [FieldValue<JsonObject, F>] extends [Wanted] ? F : never
}[keyof NamedFields | keyof Aliases]

type MetadataHolding<M, Wanted> = {
  [F in MetadataField<M>]: FieldValue<M, F> extends infer V
    ? IsJson<V> extends true
      ? F
      : [V] extends [Wanted]
        ? F
        : never
    : never
}[MetadataField<M>]

type FieldHolding<M, Wanted> = NamedHolding<Wanted> | OpenField | MetadataHolding<M, Wanted>

/** The fields that have one value: queries sort and group by them. */
export type SortField<M = JsonObject> = FieldHolding<M, Scalar | Date>

/** The fields that hold numbers: `sum` and `avg` take them. */
export type NumberField<M = JsonObject> = FieldHolding<M, number>

/** The fields that hold numbers or times: `min` and `max` take them. */
export type MeasureField<M = JsonObject> = FieldHolding<M, number | Date>
