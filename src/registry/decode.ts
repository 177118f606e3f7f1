import { CorruptRecordError, isRegistryError } from '../core/errors.js'
import type { Stream } from '../core/model/stream.js'
import { streamFromStored } from '../core/model/wire.js'
import type { Match, Stored } from '../core/store.js'

/** The stream of a live record. @throws CorruptRecordError */
export function decodeLive<M>(id: string, { doc, side, deadline }: Stored): Stream<M> {
  try {
    const stream = streamFromStored<M>(doc, side, deadline)
    if (stream.id === id) return stream
  } catch (cause) {
    throw new CorruptRecordError(id, 'not a stream', { cause })
  }
  throw new CorruptRecordError(id, 'the record of another id')
}

/** The stream of a match whose document was read; `undefined` for a corrupt one. */
export function decodeMatch<M>({ id, rec }: Match): Stream<M> | undefined {
  if (rec === undefined) return undefined
  try {
    return decodeLive<M>(id, rec)
  } catch (error) {
    if (isRegistryError(error) && error.code === 'CORRUPT') return undefined
    throw error
  }
}
