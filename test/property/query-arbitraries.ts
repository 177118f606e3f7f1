import {
  HEALTH_STATUSES,
  type IndexDeclaration,
  type JsonValue,
  PROCESSING_STATES,
  STREAM_STATUSES,
  STREAM_TYPES,
  type StateReport,
  type StreamInput,
  type StreamPatch,
  type StreamStatistics,
  type StreamStatus,
} from '@mirror/stream-registry'
import fc from 'fast-check'

/** A time that a registry's own stream has, moved a little: the `of`th one of those that have the field. */
export interface TimeOf {
  readonly field: string
  readonly of: number
  readonly shiftMs: number
}

type Plain = string | number | boolean
/** A value to compare with, as plain data. */
export type Operand = Plain | TimeOf | readonly (Plain | TimeOf)[]

/** Plain data for `filter()`. */
export type FilterSpec = Readonly<Record<string, Operand | undefined>>

/** One call of the builder. */
export type Clause =
  | { readonly where: readonly [field: string, op: string, operand: Operand] }
  | { readonly filter: FilterSpec }
  | { readonly or: readonly (readonly Clause[])[] }

/** A figure of a grouped query. */
export type FigureSpec = readonly [fn: 'count' | 'sum' | 'avg' | 'min' | 'max', field: string]

/** A query as plain data, and how it is run. */
export interface QuerySpec {
  readonly clauses: readonly Clause[]
  readonly sort: readonly (readonly [field: string, direction: 'asc' | 'desc'])[]
  readonly limit?: number | undefined
  readonly offset?: number | undefined
  /** The sizes of the pages, used in turn. */
  readonly pageSizes: readonly number[]
  readonly groups: readonly string[]
  readonly figures: readonly FigureSpec[]
  /** What is asked besides `execute`, `ids` and `count`. */
  readonly also: readonly (typeof WAYS)[number][]
}

const WAYS = ['first', 'iterate', 'page', 'after', 'group', 'json'] as const

/** What happens to a stream after its creation. */
export type Action =
  | { readonly name: 'update'; readonly patch: StreamPatch }
  | { readonly name: 'updateStatus'; readonly status: StreamStatus; readonly error: string | undefined }
  | { readonly name: 'updateState'; readonly report: StateReport }
  | { readonly name: 'updateStats'; readonly statistics: Partial<StreamStatistics> }
  | { readonly name: 'takeover' | 'delete' | 'unregister' }

/** A stream's whole life. */
export interface Life {
  readonly input: StreamInput & { readonly id: string }
  readonly instance: 'node-a' | 'node-b'
  readonly actions: readonly Action[]
  /** Left without a heartbeat until its lease has run out. */
  readonly lapses: boolean
}

/** What a field holds, which decides what can be asked of it. */
type Kind = 'text' | 'number' | 'date' | 'list' | 'json'

/** A field, under the name that the query gives it. */
export interface FieldSpec {
  readonly name: string
  readonly kind: Kind
  readonly operand: fc.Arbitrary<Plain | TimeOf>
  /** The only values it can be asked to equal. */
  readonly values?: readonly string[]
}

const LONG = 'x'.repeat(128)
const CAMERAS = '\u{1F3A5}'.repeat(128)
const TEXTS = [
  ...'a ab abc abd b A Z 1 10 2 true null ~ \x7f v w va \x01 a\x01'.split(' '),
  ...'a*b a?b axb axxb * ? ** a.b [a] (a|b)+ a:b=c|d %61 \\ "'.split(' '),
  ...'é e\u0301 ß ſ Σ \u07FF \u0800 \uD7FF \uE000 \uFFFD \uFFFE \uFFFF \uFFFFa'.split(' '),
  ...'\u{10000} \u{10000}b \u{1F3A5} \u{1F3A5}\u{1F3A5} a\u{1F3A5} \u{10FFFF} \u{10FFFF}a'.split(' '),
  ...[' ', 'a b', '\n'],
]
/** They differ only behind what an index may keep of them. */
export const LONG_TEXTS: readonly string[] = [
  LONG,
  `${LONG}y`,
  `${LONG}z`,
  CAMERAS,
  `${CAMERAS}a`,
  `${CAMERAS}b`,
]
const PATTERNS = [
  ...'* ** ? ?? ?* *? a* a? a?? *b a*b a?b a**b *a* ?b* *.* [a]* (a|b)+ *a*b* *a?c* *0* v* x*y'.split(' '),
  ...'\u{1F3A5}* ?\u{1F3A5} *\u{1F3A5} \uFFFF* \u{10FFFF}* \uD7FF* e\u0301 e? \\* \x01* a\x01* c*'.split(' '),
  ...['', ' *', `${LONG}?`, `${LONG}*`, `${CAMERAS}*`, `${CAMERAS.slice(0, 20)}*`],
]
const LARGE = [1e21, -1e21, 1e300, -1e300, Number.MAX_SAFE_INTEGER - 1, Number.MIN_SAFE_INTEGER]
const SMALL = [1e-7, -1e-7, 5e-324, 0.1, 0.2, 0.3, -0.5, 1.5, 2.5, 1 / 3, 123_456_789.125]
const NUMBERS = [0, 1, -1, 2, 3, -0, 5, 10, Number.MAX_SAFE_INTEGER, ...SMALL, ...LARGE]
const COUNTS = [0, 1, 2, 3, 10, 1_000, 4_294_967_296, Number.MAX_SAFE_INTEGER]
const REALS = [0, 0.1, 0.25, 29.97, 30, 1e-9, 1e9, 123.456]
const TAGS = ['live', 'hd', 'HD', 'eu-1', 'a.b', 'a', 'x~', '1']
const PROTOCOLS = ['srt', 'rtp', 'whip', 'a.b', 'RTP']
const INSTANCES = ['node-a', 'node-b'] as const
const DATES = ['createdAt', 'updatedAt', 'startedAt', 'endedAt', 'lastHeartbeat', 'state.lastError.at']

const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 1, arbitrary: fc.constantFrom(...LONG_TEXTS) },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: fc.constantFrom('a', 'b', '*', '\uFFFF', '\u{1F3A5}', '\uE000', 'é'), maxLength: 5 })
      .map((value) => value || 'a'),
  },
)
const number = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 1, arbitrary: fc.integer({ min: -5, max: 15 }) },
)
const count = fc.constantFrom(...COUNTS)
const real = fc.constantFrom(...REALS)
const few = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values.slice(0, 5))

const scalar = fc.oneof(text, fc.constant(''), number, fc.boolean())
const member = fc.oneof(
  { weight: 5, arbitrary: scalar },
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom<JsonValue>([], ['a'], { a: 1 }) },
)
/** Anything that JSON can say, all in one field. */
const mixed: fc.Arbitrary<JsonValue> = fc.oneof(
  { weight: 4, arbitrary: number },
  { weight: 4, arbitrary: text },
  { weight: 2, arbitrary: few(NUMBERS) },
  { weight: 2, arbitrary: few(TEXTS) },
  { weight: 2, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 2, arbitrary: fc.array(member, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom<JsonValue>({}, { a: 'a' }, { a: { a: 1 } }) },
)
const metadata = fc.record(
  {
    mix: mixed,
    level: fc.oneof({ weight: 9, arbitrary: number }, { weight: 1, arbitrary: mixed }),
    region: fc.oneof({ weight: 9, arbitrary: text }, { weight: 1, arbitrary: mixed }),
    deep: fc.oneof(
      { weight: 6, arbitrary: fc.record({ a: mixed, b: text }, { requiredKeys: [], noNullPrototype: true }) },
      { weight: 1, arbitrary: mixed },
    ),
    length: few(NUMBERS),
  },
  { requiredKeys: [], noNullPrototype: true },
)
const config = fc.record({ profile: mixed }, { requiredKeys: [], noNullPrototype: true })
const measures = fc.record({ score: number, jitterMs: real }, { requiredKeys: [], noNullPrototype: true })
const statistics = fc.record(
  {
    bytesReceived: count,
    packetsReceived: few(COUNTS),
    packetsLost: few(COUNTS),
    bitrate: count,
    packetsRetransmitted: count,
    framesDropped: few(COUNTS),
    frameRate: real,
    jitterMs: real,
    rttMs: real,
  },
  { requiredKeys: [], noNullPrototype: true },
)
const state = fc.record(
  {
    currentState: fc.constantFrom(...PROCESSING_STATES),
    health: fc.constantFrom(...HEALTH_STATUSES),
    quality: measures,
    resources: measures,
  },
  { requiredKeys: [], noNullPrototype: true },
)
const described = {
  name: text,
  codec: few(TEXTS),
  sourcePort: few([0, 1, 80, 9_000, 65_535]),
  videoCodec: text,
  resolution: few(['1920x1080', '1280x720', '640x360']),
  bitrate: count,
  frameRate: real,
  tags: fc.array(fc.constantFrom(...TAGS), { maxLength: 4 }),
  metadata,
  config,
}
const input = fc.record(
  {
    type: fc.constantFrom(...STREAM_TYPES),
    sourceAddr: text,
    protocol: fc.constantFrom(...PROTOCOLS),
    status: fc.constantFrom(...STREAM_STATUSES),
    state,
    statistics,
    ttlMs: few([3_600_000, 7_200_000, 10_000_000_000]),
    ...described,
  },
  { requiredKeys: ['type', 'sourceAddr', 'ttlMs'], noNullPrototype: true },
)
const patch = fc.record(
  {
    ...described,
    sourceAddr: text,
    name: fc.option(text),
    bitrate: fc.option(count),
    metadata: fc.record(
      { mix: fc.option(mixed), level: fc.option(number), region: fc.option(text) },
      { requiredKeys: [], noNullPrototype: true },
    ),
  },
  { requiredKeys: [], noNullPrototype: true },
) as fc.Arbitrary<StreamPatch>

const error = fc.oneof(text, fc.record({ message: text, code: few(TEXTS) }, { noNullPrototype: true }))
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ name: fc.constant('update' as const), patch }) },
  {
    weight: 4,
    arbitrary: fc.record({
      name: fc.constant('updateStatus' as const),
      status: fc.constantFrom(...STREAM_STATUSES),
      error: fc.option(text, { nil: undefined }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      name: fc.constant('updateState' as const),
      report: fc
        .tuple(state, error)
        .map(([report, reported]): StateReport => ({ ...report, error: reported })),
    }),
  },
  { weight: 3, arbitrary: fc.record({ name: fc.constant('updateStats' as const), statistics }) },
  { weight: 1, arbitrary: fc.record({ name: fc.constant('takeover' as const) }) },
  { weight: 1, arbitrary: fc.record({ name: fc.constantFrom('delete' as const, 'unregister' as const) }) },
)
const life = fc.record({
  prefix: fc.constantFrom('cam', 'Cam', 'c.', 'c~', 'c_', '0-', 'Z', 'c'),
  input,
  instance: fc.constantFrom(...INSTANCES),
  actions: fc.array(action, { maxLength: 4 }),
  lapses: fc.integer({ min: 1, max: 12 }).map((chance) => chance === 1),
})

/** Their sum is 1.5, unless it is rounded on the way. */
const CANCELLING = [1e300, 1, 1e21, 0.5, -1e300, -1e21]

/** The lives of some streams; the same seed gives the same ones. */
export function livesOf(seed: number, size: number): Life[] {
  const drawn = fc.sample(life, { seed, numRuns: size })
  for (const [i, level] of CANCELLING.entries()) {
    const { prefix, instance, input: rest } = drawn[i]!
    const kept = { ...rest, name: 'cancelling', metadata: { ...rest.metadata, level } }
    drawn[i] = { prefix, instance, input: kept, actions: [], lapses: false }
  }
  return drawn.map(({ prefix, lapses, actions, input: described, ...rest }, i) => ({
    ...rest,
    lapses,
    input: { ...described, id: `${prefix}${i}`, ...(lapses && { ttlMs: 1 + (i % 5) }) } as Life['input'],
    actions: lapses ? [] : actions,
  }))
}

/** The declared indexes of the populations, one set each. */
export const INDEX_SETS: readonly (readonly IndexDeclaration[])[] = [
  [
    { field: 'metadata.mix', kind: 'number' },
    { field: 'metadata.region', kind: 'text' },
    { field: 'metadata.level', kind: 'equality' },
    { field: 'statistics.rttMs', kind: 'number' },
    { field: 'updatedAt', kind: 'number' },
    { field: 'state.errorCount', kind: 'number' },
    { field: 'name', kind: 'text' },
    { field: 'state.lastError.at', kind: 'number' },
  ],
  [
    { field: 'metadata.mix', kind: 'text' },
    { field: 'metadata.region', kind: 'equality' },
    { field: 'metadata.level', kind: 'number' },
    { field: 'statistics.bytesReceived', kind: 'number' },
    { field: 'startedAt', kind: 'number' },
    { field: 'sourcePort', kind: 'equality' },
    { field: 'resolution', kind: 'text' },
    { field: 'state.errorCount', kind: 'equality' },
  ],
  [
    { field: 'metadata.mix', kind: 'equality' },
    { field: 'metadata.region', kind: 'number' },
    { field: 'metadata.level', kind: 'text' },
    { field: 'metadata.deep.a', kind: 'number' },
    { field: 'metadata.deep.b', kind: 'text' },
    { field: 'statistics.jitterMs', kind: 'number' },
    { field: 'bitrate', kind: 'number' },
    { field: 'endedAt', kind: 'number' },
    { field: 'id', kind: 'text' },
    { field: 'codec', kind: 'equality' },
    { field: 'state.quality.score', kind: 'number' },
    { field: 'config.profile', kind: 'text' },
  ],
  [],
]

const time = (field: string): fc.Arbitrary<TimeOf> =>
  fc.record(
    { field: fc.constant(field), of: fc.nat(160), shiftMs: fc.constantFrom(0, 0, 0, 1, -1, 3_600_000) },
    { noNullPrototype: true },
  )

const texts = (operand: fc.Arbitrary<string>, ...names: string[]): FieldSpec[] =>
  names.map((name) => ({ name, kind: 'text', operand }))
const listed = (name: string, values: readonly string[]): FieldSpec => ({
  name,
  kind: 'text',
  operand: fc.constantFrom(...values),
  values,
})
const numbers = (operand: fc.Arbitrary<number>, ...names: string[]): FieldSpec[] =>
  names.map((name) => ({ name, kind: 'number', operand }))
const jsons = (...names: string[]): FieldSpec[] =>
  names.map((name) => ({ name, kind: 'json', operand: scalar }))

const id = fc
  .tuple(fc.constantFrom('cam', 'Cam', 'c.', 'c~', 'c_', '0-', 'Z', 'c'), fc.nat(160))
  .map(([p, i]) => `${p}${i}`)

/** Every field, and the short names of some. */
export const FIELDS: readonly FieldSpec[] = [
  ...texts(text, 'name', 'videoCodec', 'sourceAddr', 'state.lastError.message'),
  ...texts(few(TEXTS), 'codec', 'state.lastError.code'),
  ...texts(id, 'id'),
  ...texts(fc.constantFrom(...PROTOCOLS, 'none'), 'protocol'),
  ...texts(fc.constantFrom(...INSTANCES, 'none'), 'owner'),
  ...texts(fc.constantFrom('1920x1080', '1280x720', '640x360', '1'), 'resolution'),
  listed('type', STREAM_TYPES),
  listed('status', STREAM_STATUSES),
  listed('state.currentState', PROCESSING_STATES),
  listed('currentState', PROCESSING_STATES),
  listed('previousState', PROCESSING_STATES),
  listed('health', HEALTH_STATUSES),
  listed('state.health', HEALTH_STATUSES),
  ...numbers(fc.oneof(count, number), 'bitrate', 'bytesReceived', 'packetsReceived', 'packetsLost'),
  ...numbers(fc.oneof(count, number), 'statistics.bytesReceived', 'statistics.framesDropped'),
  ...numbers(fc.oneof(count, number), 'statistics.packetsRetransmitted', 'statistics.bitrate'),
  ...numbers(real, 'frameRate', 'statistics.frameRate', 'statistics.jitterMs', 'statistics.rttMs'),
  ...numbers(fc.constantFrom(0, 1, 80, 9_000, 65_535), 'sourcePort'),
  ...numbers(fc.constantFrom(3_600_000, 7_200_000, 10_000_000_000, 1), 'ttlMs'),
  ...numbers(fc.integer({ min: -1, max: 5 }), 'epoch', 'revision', 'errorCount', 'state.errorCount'),
  ...numbers(number, 'state.quality.score', 'state.resources.score'),
  ...numbers(real, 'state.quality.jitterMs'),
  ...DATES.map((name): FieldSpec => ({ name, kind: 'date', operand: time(name) })),
  { name: 'tags', kind: 'list', operand: fc.constantFrom(...TAGS, 'none') },
  ...jsons('metadata.mix', 'metadata.mix', 'metadata.mix', 'metadata.level', 'metadata.level'),
  ...jsons('metadata.region', 'metadata.region', 'metadata.deep.a', 'metadata.deep.b', 'metadata.deep'),
  ...jsons('config.profile', 'metadata.length', 'metadata.mix.a', 'metadata.none', 'metadata.toString'),
]

const ORDERING = ['gt', 'gte', 'lt', 'lte'] as const
const EQUALITY = ['eq', 'ne', 'in', 'nin', 'exists'] as const
const OPERATORS: Readonly<Record<Kind, readonly string[]>> = {
  text: [...EQUALITY, ...ORDERING, 'like', 'contains'],
  number: [...EQUALITY, ...ORDERING],
  date: [...EQUALITY, ...ORDERING],
  list: ['contains', 'exists'],
  json: [...EQUALITY, ...ORDERING, 'like', 'contains'],
}

function operandOf({ kind, operand }: FieldSpec, op: string): fc.Arbitrary<Operand> {
  switch (op) {
    case 'exists':
      return fc.boolean()
    case 'in':
    case 'nin':
      return fc.oneof(
        { weight: 9, arbitrary: fc.array(operand, { minLength: 1, maxLength: 8 }) },
        { weight: 1, arbitrary: fc.constant([]) },
      )
    case 'like':
      return fc.oneof(fc.constantFrom(...PATTERNS), text)
    case 'contains':
      return kind === 'text' ? fc.oneof(text, fc.constant('')) : operand
    case 'eq':
    case 'ne':
      return operand
    default:
      return operand.filter((value) => typeof value !== 'boolean')
  }
}

const comparison: fc.Arbitrary<Clause> = fc
  .constantFrom(...FIELDS)
  .chain((field) =>
    fc
      .constantFrom(...OPERATORS[field.kind])
      .chain((op) => operandOf(field, op).map((operand): Clause => ({ where: [field.name, op, operand] }))),
  )

const oneOrMany = (values: readonly string[]): fc.Arbitrary<string | string[]> =>
  fc.oneof(fc.constantFrom(...values), fc.array(fc.constantFrom(...values), { maxLength: 4 }))

const filter: fc.Arbitrary<Clause> = fc
  .record(
    {
      status: oneOrMany(STREAM_STATUSES),
      type: oneOrMany(STREAM_TYPES),
      protocol: oneOrMany([...PROTOCOLS, 'none']),
      sourceAddr: text,
      sourcePort: fc.constantFrom(0, 1, 80, 9_000, 65_535),
      createdAfter: time('createdAt'),
      createdBefore: time('createdAt'),
      tags: fc.array(fc.constantFrom(...TAGS), { maxLength: 3 }),
      tagsAny: fc.boolean(),
      health: oneOrMany(HEALTH_STATUSES),
      owner: oneOrMany([...INSTANCES, 'none']),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  // All at once match nothing: few are enough.
  .chain((all) => fc.subarray(Object.keys(all), { maxLength: 3 }).map((kept) => pick(all, kept)))
  .map((kept): Clause => ({ filter: kept }))

function pick(all: FilterSpec, kept: readonly string[]): FilterSpec {
  return Object.fromEntries(kept.map((name) => [name, all[name]]))
}

/** Conditions that must all hold; now and then none, which always hold. */
function alternative(conditions: fc.Arbitrary<Clause>): fc.Arbitrary<Clause[]> {
  return fc.oneof(
    { weight: 15, arbitrary: fc.array(conditions, { minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: fc.constant<Clause[]>([]) },
  )
}

const { clause } = fc.letrec<{ clause: Clause; or: Clause }>((tie) => ({
  clause: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 6, arbitrary: comparison },
    { weight: 2, arbitrary: filter },
    { weight: 3, arbitrary: tie('or') },
  ),
  or: fc.record(
    { or: fc.array(alternative(tie('clause')), { minLength: 1, maxLength: 4 }) },
    { noNullPrototype: true },
  ),
}))

const broad: fc.Arbitrary<Clause> = fc
  .oneof(
    fc.constantFrom(...TAGS).map((tag) => ['tags', 'contains', tag] as const),
    fc.subarray([...STREAM_STATUSES], { minLength: 1 }).map((any) => ['status', 'in', any] as const),
    fc.subarray([...HEALTH_STATUSES], { minLength: 1 }).map((any) => ['health', 'in', any] as const),
    fc.constantFrom(...STREAM_TYPES).map((type) => ['type', 'eq', type] as const),
    fc.constantFrom(...PROTOCOLS).map((protocol) => ['protocol', 'ne', protocol] as const),
    time('createdAt').map((at) => ['createdAt', 'gte', at] as const),
    time('updatedAt').map((at) => ['updatedAt', 'lt', at] as const),
    fc.constantFrom(...TEXTS).map((value) => ['sourceAddr', 'gt', value] as const),
    scalar.map((value) => ['metadata.mix', 'eq', value] as const),
    fc.constantFrom(...LONG_TEXTS).map((value) => ['metadata.region', 'eq', value] as const),
    few(NUMBERS).map((value) => ['metadata.level', 'gte', value] as const),
    few(TEXTS).map((value) => ['metadata.region', 'gte', value] as const),
  )
  .map((where): Clause => ({ where }))

/** Alternatives that share many streams, and that indexes can answer. */
const overlapping: fc.Arbitrary<Clause> = fc
  .array(broad, { minLength: 2, maxLength: 4 })
  .map((alternatives) => ({ or: alternatives.map((only) => [only]) }))

const single = FIELDS.filter(({ kind }) => kind !== 'list').map(({ name }) => name)
const measured = FIELDS.filter(({ kind }) => kind === 'number' || kind === 'json').map(({ name }) => name)
const timed = [...measured, ...DATES]

const figure: fc.Arbitrary<FigureSpec> = fc.oneof(
  fc.constant<FigureSpec>(['count', '*']),
  fc.tuple(fc.constantFrom('sum' as const, 'avg' as const), fc.constantFrom(...measured)),
  fc.tuple(fc.constantFrom('min' as const, 'max' as const), fc.constantFrom(...timed)),
)
const countersKeys = ['status', 'type']

/** Any query. */
export const query: fc.Arbitrary<QuerySpec> = fc.record(
  {
    clauses: fc.oneof(
      { weight: 1, arbitrary: fc.constant<Clause[]>([]) },
      { weight: 15, arbitrary: fc.array(clause, { minLength: 1, maxLength: 2 }) },
      { weight: 5, arbitrary: fc.array(overlapping, { minLength: 1, maxLength: 1 }) },
      { weight: 2, arbitrary: fc.tuple(overlapping, clause) },
      { weight: 4, arbitrary: fc.array(broad, { minLength: 1, maxLength: 2 }) },
    ),
    sort: fc.array(fc.tuple(fc.constantFrom(...single), fc.constantFrom('asc' as const, 'desc' as const)), {
      maxLength: 3,
    }),
    limit: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
    offset: fc.option(fc.nat(30), { nil: undefined }),
    pageSizes: fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 60 })), {
      minLength: 1,
      maxLength: 4,
    }),
    groups: fc.oneof(
      fc.uniqueArray(fc.constantFrom(...single), { maxLength: 3 }),
      fc.uniqueArray(fc.constantFrom(...countersKeys), { maxLength: 2 }),
    ),
    figures: fc.oneof(
      fc.constant<FigureSpec[]>([['count', '*']]),
      fc.array(figure, { minLength: 1, maxLength: 4 }),
    ),
    also: fc.shuffledSubarray([...WAYS], { minLength: 2, maxLength: 2 }),
  },
  { noNullPrototype: true },
)
