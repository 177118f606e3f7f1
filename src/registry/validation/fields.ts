import { z } from 'zod'
import { streamIdProblem, tagProblem } from '../../core/model/ids.js'
import {
  type JsonLimits,
  type JsonObject,
  type JsonReading,
  readJsonObject,
  readJsonPatch,
} from '../../core/model/json.js'
import { LIMITS } from '../../core/model/limits.js'
import { INTEGER_STATISTICS, REAL_STATISTICS, type StreamStatistics } from '../../core/model/statistics.js'
import type { Measures } from '../../core/model/stream.js'
import { textProblem } from '../../core/model/text.js'

/** A string that a function of the core finds nothing wrong with. */
export function checkedString(problemOf: (value: string) => string | undefined): z.ZodType<string> {
  return z.string('must be text').check((context) => {
    const message = problemOf(context.value)
    if (message !== undefined) context.issues.push({ code: 'custom', message, input: context.value })
  })
}

export const streamId: z.ZodType<string> = checkedString(streamIdProblem)
export const token: z.ZodType<string> = checkedString(tagProblem)

function textFieldProblem(value: string): string | undefined {
  if (value.length === 0) return 'must not be empty'
  if (value.length > LIMITS.maxTextLength) return `must be at most ${LIMITS.maxTextLength} characters`
  return textProblem(value)
}

export const text: z.ZodType<string> = checkedString(textFieldProblem)
export const count: z.ZodType<number> = z.int('must be an integer').min(0, 'must not be negative')
export const measure: z.ZodType<number> = z.number('must be a finite number').min(0, 'must not be negative')
export const port: z.ZodType<number> = z
  .int('must be an integer')
  .min(0, 'must not be negative')
  .max(LIMITS.maxPort, `must be at most ${LIMITS.maxPort}`)
export const ttlMs: z.ZodType<number> = z
  .int('must be an integer of milliseconds')
  .min(LIMITS.minTtlMs, `must be at least ${LIMITS.minTtlMs} ms`)
  .max(LIMITS.maxTtlMs, `must be at most ${LIMITS.maxTtlMs} ms`)
export const tags: z.ZodType<string[]> = z
  // Beyond this, even with repeats, it is no list of tags, and not worth a look at each.
  .array(token, 'must be an array')
  .max(LIMITS.maxTags * 4, `must be at most ${LIMITS.maxTags} tags`)
  .check((context) => {
    if (new Set(context.value).size <= LIMITS.maxTags) return
    context.issues.push({
      code: 'custom',
      message: `must be at most ${LIMITS.maxTags} tags`,
      input: context.value,
    })
  })

function checkedJson(read: (value: unknown, limits: JsonLimits) => JsonReading): z.ZodType<JsonObject> {
  return z.unknown().transform((value, context): JsonObject => {
    const { json, issues } = read(value, LIMITS.json)
    for (const { path, message } of issues) {
      context.issues.push({ code: 'custom', message, path: [...path], input: value })
    }
    return json
  }) as z.ZodType<JsonObject>
}

/** A copy of a JSON object within the limits of metadata. */
export const jsonObject: z.ZodType<JsonObject> = checkedJson(readJsonObject)

/** A copy of a merge patch of JSON. */
export const jsonPatch: z.ZodType<JsonObject> = checkedJson(readJsonPatch)

export const measures: z.ZodType<Measures> = z
  .record(
    z.string().regex(/^[a-z][A-Za-z0-9]{0,63}$/, 'must be camelCase'),
    z.number('must be a finite number'),
  )
  .check((context) => {
    if (Object.keys(context.value).length <= LIMITS.maxMeasures) return
    context.issues.push({
      code: 'custom',
      message: `must be at most ${LIMITS.maxMeasures} measures`,
      input: context.value,
    })
  })

const statisticsShape = Object.fromEntries<z.ZodType<number | undefined>>([
  ...INTEGER_STATISTICS.map((field) => [field, count.optional()] as const),
  ...REAL_STATISTICS.map((field) => [field, measure.optional()] as const),
])

export const statistics: z.ZodType<Partial<StreamStatistics>> = z.strictObject(statisticsShape) as z.ZodType<
  Partial<StreamStatistics>
>
