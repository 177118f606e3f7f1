import { isPlainObject, jsonClone } from '../model/json.js'

/**
 * RFC 7396, JSON Merge Patch, with one addition: `undefined` is ignored.
 *
 * Neither argument is changed, nothing of the patch is shared with the result.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isPlainObject(patch)) return jsonClone(patch)
  const merged: Record<string, unknown> = isPlainObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue
    if (value === null) delete merged[key]
    else if (key === '__proto__') continue
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}
