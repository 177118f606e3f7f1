import type { z } from 'zod'
import { ValidationError } from '../../core/errors.js'

/** The parsed input. @throws ValidationError with everything that is wrong, `path` in front. */
export function parse<T>(schema: z.ZodType<T>, input: unknown, path: readonly (string | number)[] = []): T {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  throw new ValidationError(
    result.error.issues.flatMap((issue) => {
      const at = [...path, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))]
      return issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ path: [...at, key], message: 'is not a field that can be set here' }))
        : [{ path: at, message: issue.message }]
    }),
  )
}
