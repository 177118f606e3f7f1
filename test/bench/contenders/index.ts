import { colyseus } from './colyseus.ts'
import type { Entrant } from './contender.ts'
import { idiomatic } from './idiomatic.ts'
import { moleculer } from './moleculer.ts'
import { nohm } from './nohm.ts'
import { oursInMemory, oursOnRedis } from './ours.ts'
import { raw } from './raw.ts'
import { seed } from './seed.ts'

/** All that are compared; ours first. */
export const entrants: readonly Entrant[] = [
  oursOnRedis,
  oursInMemory,
  raw,
  seed,
  idiomatic,
  colyseus,
  nohm,
  moleculer,
]
