import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTime, timeText } from '../../../src/core/model/time.ts'

describe('the text of a time', () => {
  it('is that of toISOString, and is read back, for every year', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (time) => {
        expect(timeText(time)).toBe(time.toISOString())
        expect(timeText(time)).toBe(time.toISOString())
        if (time.getUTCFullYear() >= 0) expect(parseTime(time.toISOString())).toEqual(time)
      }),
    )
  })

  it('is refused for a time that is none', () => {
    expect(() => timeText(new Date(Number.NaN))).toThrow(RangeError)
  })

  it.each([
    ['2024-02-29T00:00:00.000Z', Date.UTC(2024, 1, 29)],
    ['2023-02-29T00:00:00.000Z', undefined],
    ['2024-04-31T00:00:00.000Z', undefined],
    ['2024-12-31T23:59:59.999Z', Date.UTC(2024, 11, 31, 23, 59, 59, 999)],
    ['2024-13-01T00:00:00.000Z', undefined],
    ['2024-00-01T00:00:00.000Z', undefined],
    ['2024-01-00T00:00:00.000Z', undefined],
    ['2024-01-01T25:00:00.000Z', undefined],
    ['2024-01-01T00:60:00.000Z', undefined],
    ['2024-01-01T00:00:0x.000Z', undefined],
    ['2024/01/01T00:00:00.000Z', undefined],
    ['0099-01-01T00:00:00.000Z', Date.parse('0099-01-01T00:00:00.000Z')],
    ['2024-01-01T00:00:00.000z', Date.UTC(2024, 0, 1)],
    ['2024-01-01T01:00:00.00+01:00', Date.UTC(2024, 0, 1)],
  ])('%s is read as %s', (text, ms) => {
    expect(parseTime(text)?.getTime()).toBe(ms)
  })
})
