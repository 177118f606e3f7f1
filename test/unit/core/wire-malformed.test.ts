import { type RegistryError, streamFromJSON, streamToJSON, ValidationError } from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { stateWith, streamWith, thrownBy } from '../support/streams.ts'

const at = new Date(0)
const JSON_OF_STREAM = JSON.parse(
  JSON.stringify(
    streamToJSON(
      streamWith({
        name: 'x',
        startedAt: at,
        state: stateWith({
          lastError: { message: 'lost', at },
          stateTransitions: [{ from: 'initializing', to: 'buffering', at }],
          statusTransitions: [{ from: 'pending', to: 'active', at }],
        }),
      }),
    ),
  ),
)

/** The sample with the value at this path replaced, or left out when it is `undefined`. */
function withValue(path: string, value: unknown): unknown {
  const json = structuredClone(JSON_OF_STREAM)
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  const parent = keys.reduce((object, key) => object[key], json)
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return json
}

function problemOf(json: unknown): ValidationError {
  const error = thrownBy(() => streamFromJSON(json)) as RegistryError
  expect(error).toBeInstanceOf(ValidationError)
  expect(error.code).toBe('VALIDATION')
  return error as ValidationError
}

const TEXT = ['id', 'protocol', 'source_addr', 'state.last_error.message']
const OPTIONAL_TEXT = ['name', 'codec', 'video_codec', 'resolution', 'owner']
const NUMBERS = ['ttl_ms', 'epoch', 'revision', 'state.error_count']
const OPTIONAL_NUMBERS = ['source_port', 'bitrate', 'frame_rate', 'statistics.bitrate', 'statistics.rtt_ms']
const TIMES = [
  'created_at',
  'updated_at',
  'last_heartbeat',
  'state.last_error.at',
  'state.state_transitions.0.at',
]
const OPTIONAL_TIMES = ['started_at', 'ended_at']
const WORDS = ['type', 'status', 'state.current_state', 'state.health', 'state.status_transitions.0.to']
const OBJECTS = ['state', 'metadata', 'config', 'state.quality', 'state.resources']
const LISTS = ['tags', 'state.state_transitions', 'state.status_transitions']

const rows: [string, unknown][] = [
  ...[...TEXT, ...OPTIONAL_TEXT].flatMap((path) =>
    [5, {}, [], true].map((value): [string, unknown] => [path, value]),
  ),
  ...[...NUMBERS, ...OPTIONAL_NUMBERS].flatMap((path) =>
    ['5', {}, [], true].map((value): [string, unknown] => [path, value]),
  ),
  ...[...TIMES, ...OPTIONAL_TIMES].flatMap((path) =>
    ['yesterday', '', '2024-13-01T00:00:00Z', 1_705_329_052, {}].map((value): [string, unknown] => [
      path,
      value,
    ]),
  ),
  ...WORDS.flatMap((path) =>
    ['fine', '', 5, 'toString', null].map((value): [string, unknown] => [path, value]),
  ),
  ...OBJECTS.flatMap((path) => ['x', 5, [], null].map((value): [string, unknown] => [path, value])),
  ...LISTS.flatMap((path) => ['x', 5, {}, null].map((value): [string, unknown] => [path, value])),
]
const required = [...TEXT, ...NUMBERS, ...TIMES, ...WORDS, ...OBJECTS, ...LISTS]

/** The last name in a path: what an issue must tell. */
function fieldOf(path: string): string {
  return path.split('.').at(-1) ?? ''
}

describe('a malformed wire form', () => {
  it.each(rows)('is refused for %s: %j, and the field is named', (path, value) => {
    const { issues, message } = problemOf(withValue(path, value))
    expect(issues).toHaveLength(1)
    expect(issues[0]?.path.at(-1)).toBe(fieldOf(path))
    expect(message).toContain(fieldOf(path))
  })

  it.each(required.map((path) => [path]))('is refused without %s, and the field is named', (path) => {
    expect(problemOf(withValue(path, undefined)).issues[0]?.path.at(-1)).toBe(fieldOf(path))
  })

  it.each([[5], [[]], [{}], [null]])('is refused for a tag that is %j', (tag) => {
    expect(problemOf(withValue('tags', ['ok', tag])).issues[0]?.path).toContain('tags')
  })

  it.each([
    ['statistics', 5],
    ['statistics', 'x'],
    ['statistics', []],
    ['state.state_transitions', [5]],
    ['state.status_transitions', ['x']],
    ['state.status_transitions', [null]],
  ])('is refused where %s is %j, and the field is named', (path, value) => {
    expect(problemOf(withValue(path, value)).issues[0]?.path).toContain(fieldOf(path))
  })

  it.each([
    ['without a zone', '2024-01-15T14:30:52'],
    ['in words', 'January 15, 2024'],
    ['that is only a year', '2024'],
  ])('is refused for a time %s, which is not RFC 3339', (_, time) => {
    expect(problemOf(withValue('created_at', time)).issues[0]?.path).toEqual(['created_at'])
  })

  it.each([undefined, null, 5, true, [], new Date(0), new Map()])(
    'is refused when it is no object: %j',
    (json) => {
      expect(problemOf(json).message).toContain('is not an object')
    },
  )

  it.each(['', 'x', '{"id":', '{} {}'])('is refused when it is not JSON: %j', (json) => {
    const error = problemOf(json)
    expect(error.message).toContain('is not JSON')
    expect(error.cause).toBeInstanceOf(SyntaxError)
  })

  it.each(['5', 'null', '[]', '"{}"'])('is refused when it is the JSON of no object: %s', (json) => {
    expect(problemOf(json).message).toContain('is not an object')
  })
})
