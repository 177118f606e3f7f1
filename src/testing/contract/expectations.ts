import assert from 'node:assert/strict'
import { type ErrorCode, isRegistryError, type RegistryError } from '../../core/errors.js'
import type { Stream, StreamInput } from '../../core/model/stream.js'
import type { Query } from '../../registry/query/query.js'
import type { Registry } from '../../registry/registry.js'

/** A usual stream to create. */
export function input<M>(id: string, more: Partial<StreamInput<M>> = {}): StreamInput<M> {
  return { id, type: 'srt', sourceAddr: '10.0.0.1:9000', ...more }
}

/** That the promise rejects with a registry error of this code; answers the error. */
export async function rejectsWith(code: ErrorCode, promise: Promise<unknown>): Promise<RegistryError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('value' in outcome) assert.fail(`expected ${code}, but it resolved`)
  const { error } = outcome
  if (!isRegistryError(error)) throw error
  assert.equal(error.code, code, error.message)
  return error
}

/** That a builder refuses at once. */
export function assertRefused(what: string, build: () => unknown): void {
  const isQueryError = (error: unknown): boolean => isRegistryError(error) && error.code === 'QUERY'
  assert.throws(build, isQueryError, what)
}

/** Creates all of them at once. */
export async function createAll(registry: Registry, streams: readonly StreamInput[]): Promise<void> {
  await Promise.all(streams.map((stream) => registry.create(stream)))
}

/** The ids of streams, in their order. */
export function idsOf(streams: readonly Stream[]): string[] {
  return streams.map(({ id }) => id)
}

/** That every way to run the query, which is sorted by id, finds these. */
export async function assertFinds(query: Query, expected: readonly string[], what: string): Promise<void> {
  const [streams, ids, count, first] = await Promise.all([
    query.execute(),
    query.ids(),
    query.count(),
    query.first(),
  ])
  assert.deepEqual(
    [idsOf(streams), ids, count, first?.id],
    [expected, expected, expected.length, expected[0]],
    what,
  )
}

/** Lets time pass until the condition holds. */
export async function until(
  space: { advance(ms: number): Promise<void> },
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 10_000,
): Promise<void> {
  for (let passed = 0; !(await condition()); passed += 10) {
    assert.ok(passed < limitMs, `waited ${limitMs} ms for ${what}`)
    await space.advance(10)
    // What time has set off in this process goes on in turns of its own.
    await new Promise((resolve) => setTimeout(resolve))
  }
}

/** Lets time pass in small steps, so that what happens on the way can set off more. */
export async function pass(space: { advance(ms: number): Promise<void> }, ms: number): Promise<void> {
  const end = Math.ceil(ms / 10)
  let steps = 0
  await until(space, 'time to pass', () => steps++ >= end, Number.POSITIVE_INFINITY)
}
