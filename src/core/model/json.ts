import { textProblem, utf8Length } from './text.js'

/** A JSON value: what `JSON.parse` can return. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/** Limits on a user's JSON. */
export interface JsonLimits {
  readonly maxBytes: number
  readonly maxDepth: number
  readonly maxKeys: number
}

/** Something wrong in an input: where, and what. */
export interface Issue {
  readonly path: readonly (string | number)[]
  readonly message: string
}

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Whether the value is an object literal: not an array, a class instance or `null`. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || isForeignObjectPrototype(prototype)
}

/** `Object.prototype` of another realm (a worker's or a vm context's object). */
function isForeignObjectPrototype(prototype: unknown): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
}

/** Everything that keeps a value from being a JSON object within the limits; empty when it is one. */
export function jsonObjectIssues(value: unknown, limits: JsonLimits): Issue[] {
  if (!isPlainObject(value)) return [{ path: [], message: 'must be a JSON object' }]
  const issues: Issue[] = []
  collectIssues(value, [], limits, issues)
  if (issues.length > 0) return issues
  if (Object.keys(value).length > limits.maxKeys) {
    issues.push({ path: [], message: `must have at most ${limits.maxKeys} keys` })
  } else if (sizeBound(value) > limits.maxBytes && utf8Length(JSON.stringify(value)) > limits.maxBytes) {
    issues.push({ path: [], message: `must be at most ${limits.maxBytes} bytes of JSON` })
  }
  return issues
}

/** Everything that keeps a value from being a merge patch of JSON; members that are `undefined` do not count. */
export function jsonPatchIssues(value: unknown, limits: JsonLimits): Issue[] {
  if (!isPlainObject(value)) return [{ path: [], message: 'must be a JSON object' }]
  const issues: Issue[] = []
  collectIssues(value, [], { ...limits, skipUndefined: true }, issues)
  return issues
}

/** No fewer bytes than the JSON has: an escaped character takes six, a number at most 25. */
function sizeBound(value: unknown): number {
  if (typeof value === 'string') return 2 + value.length * 6
  if (typeof value !== 'object' || value === null) return 25
  let bound = 2
  for (const [key, child] of Object.entries(value)) bound += 4 + key.length * 6 + sizeBound(child)
  return bound
}

/** `path` is where `value` stands; it is the same array all along, and copied where something is wrong. */
function collectIssues(
  value: unknown,
  path: (string | number)[],
  limits: JsonLimits & { readonly skipUndefined?: boolean },
  issues: Issue[],
): void {
  const problem = valueProblem(value, path.length, limits)
  if (problem !== undefined) {
    issues.push({ path: [...path], message: problem })
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    const child: unknown = (value as Record<string | number, unknown>)[key]
    if (child === undefined && limits.skipUndefined) continue
    path.push(key)
    const keyProblem = typeof key === 'string' ? nameProblem(key) : undefined
    if (keyProblem !== undefined) issues.push({ path: [...path], message: keyProblem })
    else collectIssues(child, path, limits, issues)
    path.pop()
  }
}

function nameProblem(key: string): string | undefined {
  return FORBIDDEN_KEYS.has(key) ? 'is not allowed as a key' : textProblem(key)
}

function valueProblem(value: unknown, depth: number, limits: JsonLimits): string | undefined {
  switch (typeof value) {
    case 'string':
      return textProblem(value)
    case 'number':
      return numberProblem(value)
    case 'boolean':
      return undefined
    case 'object':
      if (value === null) return undefined
      if (depth >= limits.maxDepth) return `must be nested at most ${limits.maxDepth} deep`
      return Array.isArray(value) || isPlainObject(value) ? undefined : 'must be JSON, not a class instance'
    default:
      return `must be JSON, not ${value === undefined ? 'undefined' : `a ${typeof value}`}`
  }
}

function numberProblem(value: number): string | undefined {
  if (!Number.isFinite(value)) return 'must be a finite number'
  if (Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 2 ** 63) {
    return 'is an integer beyond 2^53-1, which JSON cannot hold exactly'
  }
  return undefined
}

/** Deep equality of JSON values (and `undefined`): key order does not count. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every(
    (key) =>
      Object.hasOwn(b, key) &&
      jsonEqual((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  )
}

/** A deep copy of a JSON value, so that nobody else's later change reaches it. */
export function jsonClone<T>(value: T): T {
  if (Array.isArray(value)) return value.map(jsonClone) as T
  if (typeof value !== 'object' || value === null) return value
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) copy[key] = jsonClone((value as Record<string, unknown>)[key])
  return copy as T
}
