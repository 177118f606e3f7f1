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

/** What was read of a value that should be JSON: a copy of it, and everything that is wrong. */
export interface JsonReading {
  readonly json: JsonObject
  readonly issues: readonly Issue[]
}

/** Reads a JSON object within the limits. The copy shares nothing with the value, and is what was checked. */
export function readJsonObject(value: unknown, limits: JsonLimits): JsonReading {
  const reader = new JsonReader(limits, false)
  const json = reader.readObject(value)
  if (reader.issues.length > 0) return { json, issues: reader.issues }
  if (Object.keys(json).length > limits.maxKeys) reader.refuse(`must have at most ${limits.maxKeys} keys`)
  else if (reader.mayExceed(limits.maxBytes) && utf8Length(JSON.stringify(json)) > limits.maxBytes) {
    reader.refuse(tooLarge(limits))
  }
  return { json, issues: reader.issues }
}

/** Reads a merge patch of JSON; members that are `undefined` do not count. */
export function readJsonPatch(value: unknown, limits: JsonLimits): JsonReading {
  const reader = new JsonReader(limits, true)
  return { json: reader.readObject(value), issues: reader.issues }
}

/** Everything that keeps a value from being a JSON object within the limits; empty when it is one. */
export function jsonObjectIssues(value: unknown, limits: JsonLimits): readonly Issue[] {
  return readJsonObject(value, limits).issues
}

function tooLarge({ maxBytes }: JsonLimits): string {
  return `must be at most ${maxBytes} bytes of JSON`
}

/** More would only make the message unreadable, and the check slow. */
const MAX_ISSUES = 20

/** Copies and checks in one go, so that no getter can answer the check one thing and the copy another. */
class JsonReader {
  readonly issues: Issue[] = []
  readonly #limits: JsonLimits
  readonly #skipUndefined: boolean
  readonly #path: (string | number)[] = []
  /** Bytes that are left: every value takes one at least, a text as many as it has characters. */
  #budget: number
  #values = 0

  constructor(limits: JsonLimits, skipUndefined: boolean) {
    this.#limits = limits
    this.#skipUndefined = skipUndefined
    this.#budget = limits.maxBytes
  }

  /** Whether the JSON may take more bytes: an escaped character takes six, a value at most 25 besides. */
  mayExceed(bytes: number): boolean {
    return this.#values * 25 + (this.#limits.maxBytes - this.#budget) * 6 > bytes
  }

  refuse(message: string): void {
    this.issues.push({ path: [...this.#path], message })
  }

  readObject(value: unknown): JsonObject {
    if (isPlainObject(value)) return this.#read(value) as JsonObject
    this.refuse('must be a JSON object')
    return {}
  }

  #read(value: unknown): JsonValue {
    this.#values += 1
    if (this.#spend(typeof value === 'string' ? value.length + 2 : 1)) return null
    const problem = valueProblem(value, this.#path.length, this.#limits)
    if (problem !== undefined) {
      this.refuse(problem)
      return null
    }
    if (Array.isArray(value)) return this.#readArray(value)
    return typeof value === 'object' && value !== null ? this.#readMembers(value) : (value as JsonValue)
  }

  #readArray(array: readonly unknown[]): JsonValue[] {
    const copy: JsonValue[] = []
    for (let i = 0; i < array.length && !this.#isOver(); i++) copy.push(this.#readAt(i, array[i]))
    return copy
  }

  #readMembers(object: object): JsonObject {
    const copy: Record<string, JsonValue> = {}
    for (const key of Object.keys(object)) {
      if (this.#isOver()) break
      if (this.#spend(key.length)) break
      const value: unknown = (object as Record<string, unknown>)[key]
      if (value === undefined && this.#skipUndefined) continue
      const problem = FORBIDDEN_KEYS.has(key) ? 'is not allowed as a key' : textProblem(key)
      if (problem === undefined) copy[key] = this.#readAt(key, value)
      else this.issues.push({ path: [...this.#path, key], message: problem })
    }
    return copy
  }

  #readAt(key: string | number, value: unknown): JsonValue {
    this.#path.push(key)
    const copy = this.#read(value)
    this.#path.pop()
    return copy
  }

  /** Whether that was too much. Said once. */
  #spend(bytes: number): boolean {
    if (this.#budget < 0) return true
    this.#budget -= bytes
    if (this.#budget >= 0) return false
    this.refuse(tooLarge(this.#limits))
    return true
  }

  #isOver(): boolean {
    return this.#budget < 0 || this.issues.length >= MAX_ISSUES
  }
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
