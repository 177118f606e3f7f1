import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergePatch } from '../../../src/core/commands/merge-patch.ts'

// RFC 7396, appendix A: original, patch, result.
const RFC_EXAMPLES: [unknown, unknown, unknown][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
]

describe('a merge patch', () => {
  it.each(RFC_EXAMPLES)('of %j with %j is %j, as RFC 7396 has it', (target, patch, result) => {
    expect(mergePatch(target, patch)).toStrictEqual(result)
  })

  it('ignores undefined, at any depth', () => {
    expect(mergePatch({ a: 1, b: { c: 2 } }, { a: undefined, b: { c: undefined } })).toStrictEqual({
      a: 1,
      b: { c: 2 },
    })
    expect(mergePatch({}, { a: undefined })).toStrictEqual({})
  })

  it('keeps null inside arrays', () => {
    expect(mergePatch({}, { a: [null, { b: null }] })).toStrictEqual({ a: [null, { b: null }] })
  })

  it('takes keys that every object inherits for what they are', () => {
    expect(mergePatch({}, { toString: { a: 1 }, valueOf: 'x' })).toStrictEqual({
      toString: { a: 1 },
      valueOf: 'x',
    })
  })

  it('pollutes no prototype', () => {
    const patch = JSON.parse('{"__proto__":{"admin":true},"a":{"__proto__":{"admin":true}}}')
    const merged = mergePatch({}, patch) as { a: object }
    expect(merged).toStrictEqual({ a: {} })
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype)
    expect(Object.getPrototypeOf(merged.a)).toBe(Object.prototype)
    expect('admin' in {}).toBe(false)
  })

  it('changes neither argument and shares nothing of the patch', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const before = JSON.stringify([target, patch])
        const merged = mergePatch(target, patch)
        expect(JSON.stringify([target, patch])).toBe(before)
        for (const object of objectsIn(merged)) expect(objectsIn(patch)).not.toContain(object)
      }),
    )
  })

  it('of a document with itself is the document, where it holds no null', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(!JSON.stringify(value).includes('null') && !JSON.stringify(value).includes('__proto__'))
        expect(mergePatch(value, value)).toEqual(value)
      }),
    )
  })
})

function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return []
  return [value, ...Object.values(value).flatMap(objectsIn)]
}
