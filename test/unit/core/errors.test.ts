import * as library from '@mirror/stream-registry'
import {
  ConflictError,
  CorruptRecordError,
  type ErrorCode,
  InvalidTransitionError,
  isRegistryError,
  OutcomeUnknownError,
  QueryError,
  RegistryClosedError,
  RegistryError,
  StaleOwnerError,
  StreamExistsError,
  StreamNotFoundError,
  TimeoutError,
  UnavailableError,
  ValidationError,
} from '@mirror/stream-registry'
import { describe, expect, it } from 'vitest'
import { aboutStream } from '../../../src/core/errors.ts'

interface Row {
  readonly error: RegistryError
  readonly name: string
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly message: string
  readonly streamId?: string
}

const ROWS: Row[] = [
  {
    error: new StreamNotFoundError('cam1'),
    name: 'StreamNotFoundError',
    code: 'STREAM_NOT_FOUND',
    retryable: false,
    message: 'stream not found: cam1',
    streamId: 'cam1',
  },
  {
    error: new StreamExistsError('cam1'),
    name: 'StreamExistsError',
    code: 'STREAM_EXISTS',
    retryable: false,
    message: 'stream already exists: cam1',
    streamId: 'cam1',
  },
  {
    error: new ValidationError([
      { path: [], message: 'is not JSON' },
      { path: ['tags', 0], message: 'must not be empty' },
    ]),
    name: 'ValidationError',
    code: 'VALIDATION',
    retryable: false,
    message: 'validation failed: is not JSON; tags.0 must not be empty',
  },
  {
    error: new InvalidTransitionError('cam1', 'closed', 'active'),
    name: 'InvalidTransitionError',
    code: 'INVALID_TRANSITION',
    retryable: false,
    message: 'invalid transition of cam1: closed to active',
    streamId: 'cam1',
  },
  {
    error: new ConflictError('cam1', 3, 4),
    name: 'ConflictError',
    code: 'CONFLICT',
    retryable: false,
    message: 'conflict on cam1: expected revision 3, found 4',
    streamId: 'cam1',
  },
  {
    error: new StaleOwnerError('cam1', 'ingest-2'),
    name: 'StaleOwnerError',
    code: 'STALE_OWNER',
    retryable: false,
    message: 'no longer the owner of cam1: ingest-2 took it over',
    streamId: 'cam1',
  },
  {
    error: new QueryError('the limit is 0'),
    name: 'QueryError',
    code: 'QUERY',
    retryable: false,
    message: 'the limit is 0',
  },
  {
    error: new TimeoutError('no reply'),
    name: 'TimeoutError',
    code: 'TIMEOUT',
    retryable: true,
    message: 'no reply',
  },
  {
    error: new UnavailableError('no connection'),
    name: 'UnavailableError',
    code: 'UNAVAILABLE',
    retryable: true,
    message: 'no connection',
  },
  {
    error: new OutcomeUnknownError('no reply'),
    name: 'OutcomeUnknownError',
    code: 'OUTCOME_UNKNOWN',
    retryable: true,
    message: 'no reply',
  },
  {
    error: new CorruptRecordError('cam1', 'not a stream'),
    name: 'CorruptRecordError',
    code: 'CORRUPT',
    retryable: false,
    message: 'corrupt record: cam1 (not a stream); delete() removes it',
    streamId: 'cam1',
  },
  {
    error: new RegistryClosedError(),
    name: 'RegistryClosedError',
    code: 'CLOSED',
    retryable: false,
    message: 'registry is closed',
  },
]

describe('the errors', () => {
  it.each(ROWS)(
    'have one class each: $name is $code',
    ({ error, name, code, retryable, message, streamId }) => {
      expect(error).toBeInstanceOf(Error)
      expect(error).toBeInstanceOf(RegistryError)
      expect(isRegistryError(error)).toBe(true)
      expect(error.name).toBe(name)
      expect({ code: error.code, retryable: error.retryable }).toEqual({ code, retryable })
      expect(error.message).toBe(message)
      expect(error.streamId).toBe(streamId)
      expect(String(error)).toBe(`${name}: ${message}`)
    },
  )

  it('are exported, all of them and no others', () => {
    const exported = Object.keys(library).filter(
      (name) => name.endsWith('Error') && name !== 'isRegistryError',
    )
    expect(exported.sort()).toEqual(['RegistryError', ...ROWS.map(({ name }) => name)].sort())
  })

  it('have a code each', () => {
    expect(new Set(ROWS.map(({ code }) => code)).size).toBe(12)
  })

  it('say who holds a stream, where it is known', () => {
    expect(new StreamExistsError('cam1', 'ingest-2').message).toBe(
      'stream already exists: cam1 (held by ingest-2)',
    )
    expect(new StaleOwnerError('cam1').message).toBe('no longer the owner of cam1')
  })

  it('carry what they tell of', () => {
    const issues = [{ path: ['a'], message: 'is wrong' }]
    expect(new ValidationError(issues).issues).toBe(issues)
    expect(new InvalidTransitionError('cam1', 'a', 'b')).toMatchObject({ from: 'a', to: 'b' })
    expect(new ConflictError('cam1', 1, 2)).toMatchObject({ expected: 1, actual: 2 })
  })

  it('keep the cause, where there is one', () => {
    const cause = new Error('socket closed')
    expect(new UnavailableError('x', { cause }).cause).toBe(cause)
    expect(new CorruptRecordError('cam1', 'x', { cause })).toMatchObject({ cause, streamId: 'cam1' })
    expect(new TimeoutError('x', { streamId: 'cam1' })).toMatchObject({ streamId: 'cam1' })
    expect('cause' in new UnavailableError('x')).toBe(false)
    expect(new UnavailableError('x').streamId).toBeUndefined()
  })
})

describe('an error that is to say which stream it is about', () => {
  const cause = new Error('socket closed')

  it.each([
    new TimeoutError('no reply', { cause }),
    new UnavailableError('no connection', { cause }),
    new OutcomeUnknownError('no reply', { cause }),
  ])('is another one when many calls may share it: $code', (shared) => {
    const about = aboutStream(shared, 'cam1') as RegistryError
    expect(about).not.toBe(shared)
    expect(about).toBeInstanceOf(shared.constructor)
    expect(about).toMatchObject({ code: shared.code, message: shared.message, streamId: 'cam1' })
    expect(about.cause).toBe(cause)
    expect(shared.streamId).toBeUndefined()
    expect(aboutStream(about, 'cam2')).toBe(about)
  })

  it('has no cause where there was none', () => {
    expect('cause' in (aboutStream(new TimeoutError('no reply'), 'cam1') as RegistryError)).toBe(false)
  })

  it('stays the same when it says so already, cannot say so, or is none of ours', () => {
    const others = [
      new TimeoutError('no reply', { streamId: 'cam2' }),
      new StreamNotFoundError('cam2'),
      new RegistryClosedError(),
      new QueryError('the limit is 0'),
      cause,
      'no reply',
      undefined,
    ]
    for (const other of others) expect(aboutStream(other, 'cam1')).toBe(other)
  })
})

describe('isRegistryError', () => {
  it('lets the code tell what else an error carries', () => {
    const errors: unknown[] = [
      new ValidationError([{ path: ['tags', 0], message: 'must not be empty' }]),
      new ConflictError('cam1', 3, 4),
      new InvalidTransitionError('cam1', 'closed', 'active'),
      new QueryError('the limit is 0'),
      new Error('x'),
    ]
    const carriedBy = (error: unknown): string => {
      if (!isRegistryError(error)) return 'none of ours'
      if (error.code === 'VALIDATION') return error.issues.map(({ path }) => path.join('.')).join()
      if (error.code === 'CONFLICT') return `${error.expected}, ${error.actual}`
      if (error.code === 'INVALID_TRANSITION') return `${error.from}, ${error.to}`
      return error.code
    }
    expect(errors.map(carriedBy)).toEqual(['tags.0', '3, 4', 'closed, active', 'QUERY', 'none of ours'])
  })

  it('knows the errors of another copy of the package', () => {
    const foreign = Object.assign(new Error('stream not found: cam1'), { code: 'STREAM_NOT_FOUND' })
    expect(isRegistryError(foreign)).toBe(false)
    Object.defineProperty(foreign, Symbol.for('@mirror/stream-registry/error'), { value: true })
    expect(foreign).not.toBeInstanceOf(RegistryError)
    expect(isRegistryError(foreign)).toBe(true)
  })

  it('knows nothing else as one', () => {
    const branded = { [Symbol.for('@mirror/stream-registry/error')]: true, code: 'TIMEOUT' }
    for (const other of [undefined, null, 'TIMEOUT', {}, branded, new Error('x'), new TypeError('x')]) {
      expect(isRegistryError(other)).toBe(false)
    }
  })

  it('needs no mark that shows up in logs', () => {
    const shown = { ...new StreamNotFoundError('cam1') }
    expect(Reflect.ownKeys(shown).filter((key) => typeof key === 'symbol')).toEqual([])
  })
})
