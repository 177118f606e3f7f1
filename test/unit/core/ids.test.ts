import { generateStreamId, STREAM_TYPES } from '@mirror/stream-registry'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { instanceIdProblem, streamIdProblem, tagProblem } from '../../../src/core/model/ids.ts'
import { word } from '../support/arbitraries.ts'

const AT = new Date('2024-01-15T14:30:52.999Z')

describe('a generated stream id', () => {
  it('has the form of the seeds', () => {
    expect(generateStreamId('srt', '10.0.0.1:9000', { now: AT, counter: 1 })).toBe('srt_20240115_143052_001')
  })

  it.each(STREAM_TYPES)('begins with the type %s', (type) => {
    expect(generateStreamId(type, '10.0.0.1:9000', { now: AT, counter: 42 })).toBe(
      `${type}_20240115_143052_042`,
    )
  })

  it('is in UTC, whatever zone the time was given in', () => {
    const now = new Date('2024-12-31T23:30:00-02:00')
    expect(generateStreamId('rtp', 'a', { now, counter: 1 })).toBe('rtp_20250101_013000_001')
  })

  it('pads every part', () => {
    const now = new Date('0987-03-04T05:06:07Z')
    expect(generateStreamId('rtp', 'a', { now, counter: 9 })).toBe('rtp_09870304_050607_009')
  })

  it.each([
    [1, '001'],
    [99, '099'],
    [999, '999'],
    [1_000, '1000'],
    [1_234_567, '1234567'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ])('writes the counter %d as %s: at least three digits, as many as it takes', (counter, digits) => {
    expect(generateStreamId('srt', 'a', { now: AT, counter })).toBe(`srt_20240115_143052_${digits}`)
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    'refuses the counter %d',
    (counter) => {
      expect(() => generateStreamId('srt', 'a', { now: AT, counter })).toThrow(RangeError)
    },
  )

  it('counts on by itself, and takes the time it is', () => {
    const before = new Date()
    const ids = Array.from({ length: 1_100 }, () => generateStreamId('srt', '10.0.0.1:9000'))
    const first = generateStreamId('srt', 'a', { now: before, counter: 1 }).slice(0, 19)
    const last = generateStreamId('srt', 'a', { counter: 1 }).slice(0, 19)
    const counters = ids.map((id) => Number(id.slice(20)))
    expect(counters).toEqual(counters.map((_, i) => (counters[0] ?? 0) + i))
    expect(ids.every((id) => id.slice(0, 19) >= first && id.slice(0, 19) <= last)).toBe(true)
  })

  it('is always a valid id', () => {
    const times = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    const counters = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(fc.constantFrom(...STREAM_TYPES), times, counters, (type, now, counter) => {
        const id = generateStreamId(type, 'a', { now, counter })
        expect(id).toMatch(/^(srt|rtp|rtmp|webrtc)_\d{8}_\d{6}_\d{3,}$/)
        expect(streamIdProblem(id)).toBeUndefined()
      }),
    )
  })
})

const CHECKS = { 'a stream id': streamIdProblem, 'a tag': tagProblem, 'an instance id': instanceIdProblem }
const LENGTHS = { 'a stream id': 128, 'a tag': 64, 'an instance id': 128 }

describe.each(Object.keys(CHECKS) as (keyof typeof CHECKS)[])('%s', (what) => {
  const problemOf = CHECKS[what]
  const longest = LENGTHS[what]

  it.each(['a', 'Z', '0', 'cam1', 'a.b_c~d-e', '9-', 'srt_20240115_143052_001'])('may be %s', (token) => {
    expect(problemOf(token)).toBeUndefined()
  })

  it('may be any word of its alphabet', () => {
    fc.assert(
      fc.property(
        word.filter((token) => !['active', 'idx', 'log'].includes(token)),
        (token) => problemOf(token) === undefined,
      ),
    )
  })

  it(`has at most ${longest} characters`, () => {
    expect(problemOf('x'.repeat(longest))).toBeUndefined()
    expect(problemOf('x'.repeat(longest + 1))).toBe(`must be at most ${longest} characters`)
  })

  it.each(['.a', '_a', '~a', '-a', 'a b', 'a:b', 'a/b', 'a{b}', 'ä', 'a\n', '\na', 'a\0', 'a*', '日本'])(
    'must not be %j',
    (token) => {
      expect(problemOf(token)).toMatch(/^must be of A-Z a-z 0-9/)
    },
  )

  it('must not be empty', () => {
    expect(problemOf('')).toBe('must not be empty')
  })

  it.each([undefined, null, 5, true, {}, ['cam1'], new String('cam1')])(
    'must not be %j, which is no text',
    (token) => {
      expect(problemOf(token)).toBe('must be a string')
    },
  )
})

describe('a word that the key layout needs', () => {
  it.each(['active', 'idx', 'log'])('cannot be an id: %s', (reserved) => {
    expect(streamIdProblem(reserved)).toContain('key layout')
    expect(tagProblem(reserved)).toBeUndefined()
    expect(streamIdProblem(`${reserved}2`)).toBeUndefined()
    expect(streamIdProblem(reserved.toUpperCase())).toBeUndefined()
  })
})
