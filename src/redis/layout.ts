import { ValidationError } from '../core/errors.js'
import type { IndexDeclaration, IndexKind } from '../core/store.js'
import type { RedisClient } from './client.js'
import { isCluster } from './client.js'
import { LAYOUT_FORMAT, layoutKey, type PartitionKeys } from './keys.js'
import { scripts } from './scripts.js'

/** A declared index, and whether every record has its entries in it yet. */
interface LayoutIndex extends IndexDeclaration {
  readonly isReady: boolean
}

/** What a partition's users must know: every declared index, and the version under which that is all. */
export interface PartitionLayout {
  readonly version: string
  readonly indexes: readonly LayoutIndex[]
}

/** What a layout is made of, as one registry wants it. */
export interface LayoutRequest {
  readonly prefix: string
  readonly partitions: number
  readonly indexes: readonly IndexDeclaration[]
}

/** Whether the partitions' keys carry hash tags. */
export function isTagged(client: RedisClient, partitions: number): boolean {
  return partitions > 1 || isCluster(client)
}

/** Claims the prefix, or checks that it is laid out as asked for. @throws ValidationError */
export async function claimLayout(client: RedisClient, { prefix, partitions }: LayoutRequest): Promise<void> {
  const naming = isTagged(client, partitions) ? 'tagged' : 'plain'
  const wanted = [LAYOUT_FORMAT, String(partitions), naming]
  const found = (await scripts.claim.run(client, layoutKey(prefix), wanted)) as string[]
  if (found[0] !== LAYOUT_FORMAT) {
    throw refuse(
      'keyPrefix',
      `"${prefix}" holds layout format ${found[0]}, this release writes ${LAYOUT_FORMAT}`,
    )
  }
  if (found[1] !== wanted[1]) {
    throw refuse('partitions', `is ${partitions}, but "${prefix}" is laid out with ${found[1]} partitions`)
  }
  if (found[2] !== naming) {
    throw refuse(
      'keyPrefix',
      `"${prefix}" has ${found[2]} key names, a client of this kind writes ${naming} ones`,
    )
  }
}

/** Declares the indexes on a partition and learns of everybody else's. @throws ValidationError */
export async function declareIndexes(
  client: RedisClient,
  keys: PartitionKeys,
  { indexes }: LayoutRequest,
): Promise<{ readonly layout: PartitionLayout; readonly serverNow: number }> {
  const args = indexes.flatMap(({ field, kind }) => [field, kind])
  const [state, serverNow, ...rest] = (await scripts.declare.run(client, keys.active, args)) as string[]
  if (state === 'foreign')
    throw refuse('keyPrefix', `is taken: ${keys.active} holds a ${rest[0]} that is not ours`)
  if (state === 'mismatch')
    throw refuse('indexes', `declares ${rest[0]} anew: it is declared as ${rest[1]} already`)
  const declared: LayoutIndex[] = []
  for (let i = 1; i < rest.length; i += 3) {
    declared.push({
      field: rest[i] ?? '',
      kind: rest[i + 1] as IndexKind,
      isReady: rest[i + 2] === 'ready',
    })
  }
  return { layout: { version: rest[0] ?? '', indexes: declared }, serverNow: Number(serverNow) }
}

function refuse(path: string, message: string): ValidationError {
  return new ValidationError([{ path: [path], message }])
}
