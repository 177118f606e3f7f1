import { ValidationError } from '../../core/errors.js'
import type { StandardIssue, StandardSchema } from '../standard-schema.js'
import { jsonObject } from './fields.js'
import { parse } from './parse.js'

/** Metadata as the user's schema gives it back, within the limits. @throws ValidationError */
export async function validateMetadata<M>(
  schema: StandardSchema<M> | undefined,
  metadata: unknown,
): Promise<M> {
  const result = await schema?.['~standard'].validate(metadata)
  if (result?.issues) throw new ValidationError(result.issues.map(toIssue))
  return parse(jsonObject, result === undefined ? metadata : result.value, ['metadata']) as M
}

function toIssue({ path = [], message }: StandardIssue): { path: (string | number)[]; message: string } {
  const keys = path.map((key) => (typeof key === 'object' ? key.key : key))
  return { path: ['metadata', ...keys.map((key) => (typeof key === 'number' ? key : String(key)))], message }
}
