import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SortPosition } from '../../../../src/core/query/sort.ts'
import type { QueryTree } from '../../../../src/core/query/tree.ts'
import { decodeCursor, encodeCursor } from '../../../../src/registry/query/cursor.ts'
import { text, word } from '../../support/arbitraries.ts'

const QUERY = expect.objectContaining({ code: 'QUERY' })
const tree: QueryTree = {
  where: [{ field: 'type', op: 'eq', value: 'srt' }],
  sort: [
    { field: 'name', direction: 'asc' },
    { field: 'bitrate', direction: 'desc' },
  ],
  limit: 10,
}
const position: SortPosition = { values: ['Kamera 😀', undefined], id: 'cam1' }
const cursor = encodeCursor(tree, position)

describe('a cursor', () => {
  it('gives the position back, whatever is sorted by', () => {
    const real = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0))
    const value = fc.oneof(text, real, fc.boolean(), fc.constant(undefined))
    fc.assert(
      fc.property(fc.tuple(value, value), word, (values, id) => {
        expect(decodeCursor(tree, encodeCursor(tree, { values, id }))).toEqual({ values, id })
      }),
    )
  })

  it('of a query without order has the one value of the default order', () => {
    const unsorted = { ...tree, sort: [] }
    const place = { values: [5], id: 'cam1' }
    expect(decodeCursor(unsorted, encodeCursor(unsorted, place))).toEqual(place)
  })

  it('can be put into an address', () => {
    expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/)
  })

  it('serves pages of any size', () => {
    const { limit: _, ...unlimited } = tree
    for (const other of [
      unlimited,
      { ...tree, limit: 3 },
      { ...tree, after: cursor },
      { ...tree, offset: 0 },
    ])
      expect(decodeCursor(other, cursor)).toEqual(position)
  })

  it.each<[string, QueryTree]>([
    ['other conditions', { ...tree, where: [{ field: 'type', op: 'eq', value: 'rtp' }] }],
    ['no conditions', { ...tree, where: [] }],
    [
      'another direction',
      { ...tree, sort: tree.sort.map(({ field }) => ({ field, direction: 'asc' as const })) },
    ],
    ['another order of the sort keys', { ...tree, sort: tree.sort.toReversed() }],
    ['fewer sort keys', { ...tree, sort: tree.sort.slice(0, 1) }],
    ['another offset', { ...tree, offset: 1 }],
  ])('of a query with %s is refused', (_, other) => {
    expect(() => decodeCursor(other, cursor)).toThrow(QUERY)
    expect(() => decodeCursor(other, cursor)).toThrow('the cursor is of another query')
  })
})

describe('a cursor that was tampered with is refused', () => {
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

  it('at every character, whatever it is changed into', () => {
    const accepted: string[] = []
    for (let i = 0; i < cursor.length; i++) {
      for (const character of `${ALPHABET}=+/ `) {
        const changed = cursor.slice(0, i) + character + cursor.slice(i + 1)
        if (changed === cursor) continue
        try {
          decodeCursor(tree, changed)
          accepted.push(changed)
        } catch (error) {
          expect(error).toEqual(QUERY)
        }
      }
    }
    expect(accepted).toEqual([])
  })

  it.each([
    ['cut at the end', cursor.slice(0, -1)],
    ['cut in the middle', cursor.slice(0, 20)],
    ['cut at the front', cursor.slice(1)],
    ['made longer', `${cursor}A`],
    ['padded', `${cursor}=`],
    ['with a line break', `${cursor}\n`],
    ['twice', cursor + cursor],
    ['of the other base64 alphabet', Buffer.from(cursor, 'base64url').toString('base64')],
    ['empty', ''],
    ['of a word', 'tomorrow'],
    ['of an id', 'cam1'],
    ['of anything beyond ASCII', '😀'],
  ])('when it is %s', (_, changed) => {
    expect(() => decodeCursor(tree, changed)).toThrow(QUERY)
  })

  it.each<[string, SortPosition]>([
    ['an id that no stream can have', { values: ['x', 1], id: 'not valid' }],
    ['too few values', { values: ['x'], id: 'cam1' }],
    ['too many values', { values: ['x', 1, 2], id: 'cam1' }],
    ['a value that no stream is sorted by', { values: [['x'] as unknown as string, 1], id: 'cam1' }],
  ])('also when its digests fit, for %s', (_, forged) => {
    expect(() => decodeCursor(tree, encodeCursor(tree, forged))).toThrow('the cursor is none of a page')
  })
})
