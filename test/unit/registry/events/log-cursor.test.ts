import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeLogCursor, encodeLogCursor } from '../../../../src/registry/events/log-cursor.ts'
import { thrownBy } from '../../support/streams.ts'

describe('a cursor', () => {
  it('is the id of the log entry where there is one partition', () => {
    expect(encodeLogCursor(['1705329052000-17'])).toBe('1705329052000-17')
    expect(decodeLogCursor('1705329052000-17', 1)).toEqual(['1705329052000-17'])
  })

  it('stands before everything where nothing was read', () => {
    expect(encodeLogCursor([undefined])).toBe('0-0')
    expect(encodeLogCursor([undefined, '5-1', undefined])).toBe('0-0.5-1.0-0')
  })

  it('gives the positions back that it was made of', () => {
    const id = fc
      .tuple(fc.nat(Number.MAX_SAFE_INTEGER), fc.nat(Number.MAX_SAFE_INTEGER))
      .map(([ms, sequence]) => `${ms}-${sequence}`)
    fc.assert(
      fc.property(fc.array(id, { minLength: 1, maxLength: 20 }), (positions) => {
        expect(decodeLogCursor(encodeLogCursor(positions), positions.length)).toEqual(positions)
      }),
    )
  })

  it.each([
    ['', 1],
    ['now', 1],
    ['5', 1],
    ['5-', 1],
    ['-5', 1],
    ['5-1-2', 1],
    ['+5-1', 1],
    [' 5-1', 1],
    ['5-1\n', 1],
    ['0x5-1', 1],
    ['12345678901234567-1', 1],
    ['5-1.6-1', 1],
    ['5-1', 2],
    ['5-1.', 2],
    ['5-1.6-1.7-1', 2],
  ])('is refused when it is %j, with %d partitions', (cursor, partitions) => {
    expect(thrownBy(() => decodeLogCursor(cursor, partitions))).toMatchObject({
      code: 'VALIDATION',
      issues: [{ path: ['from'] }],
    })
  })
})
