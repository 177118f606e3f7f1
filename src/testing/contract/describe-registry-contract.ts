import { cleaning } from './cleaning.js'
import { counting } from './counting.js'
import { creating } from './creating.js'
import { type Chapter, type ContractDriver, type ContractHarness, ContractSpace } from './driver.js'
import { electing } from './electing.js'
import { ending } from './ending.js'
import { eventStatistics, eventStream } from './event-stream.js'
import { grouping } from './grouping.js'
import { identifying } from './identifying.js'
import { leasing } from './leasing.js'
import { listing } from './listing.js'
import { losingSessions } from './losing-sessions.js'
import { measuring } from './measuring.js'
import { mirroring } from './mirroring.js'
import { moving } from './moving.js'
import { paging } from './paging.js'
import { querying } from './querying.js'
import { racing } from './racing.js'
import { refusing } from './refusing.js'
import { registering } from './registering.js'
import { reporting } from './reporting.js'
import { holdingSessions } from './sessions.js'
import { settling } from './settling.js'
import { handlingEvents, subscribing } from './subscribing.js'
import { updating } from './updating.js'
import { validating } from './validating.js'
import { verifying } from './verifying.js'

const CHAPTERS: Readonly<Record<string, Chapter>> = {
  creating,
  identifying,
  registering,
  updating,
  'reporting status and state': reporting,
  'measuring statistics': measuring,
  leasing,
  ending,
  listing,
  counting,
  querying,
  'refusing queries': refusing,
  'moving through indexes': moving,
  'sorting and paging': paging,
  grouping,
  'telling of events': eventStream,
  'telling of statistics': eventStatistics,
  subscribing,
  'handling events': handlingEvents,
  mirroring,
  'holding sessions': holdingSessions,
  'losing sessions': losingSessions,
  validating,
  racing,
  electing,
  cleaning,
  'settling calls': settling,
  verifying,
}

let spaces = 0

/**
 * Defines the tests that every registry must pass, whatever holds its records.
 *
 * @example
 * describeRegistryContract({
 *   name: 'MockRegistry',
 *   runner: { describe, it, beforeAll, afterAll }, // of vitest, say
 *   start: async () => mockHarness(),
 * })
 */
export function describeRegistryContract({ name, runner, start }: ContractDriver): void {
  runner.describe(`registry contract: ${name}`, () => {
    let harness: ContractHarness | undefined
    runner.beforeAll(async () => {
      harness = await start()
    })
    runner.afterAll(async () => {
      await harness?.stop()
    })
    for (const [title, chapter] of Object.entries(CHAPTERS)) {
      runner.describe(title, () => {
        chapter((test, body) => {
          runner.it(test, async () => {
            if (harness === undefined) throw new Error('the driver did not start')
            spaces += 1
            await inSpace(new ContractSpace(harness, `contract${spaces}`), body)
          })
        })
      })
    }
  })
}

async function inSpace(space: ContractSpace, body: (space: ContractSpace) => Promise<void>): Promise<void> {
  try {
    await body(space)
  } finally {
    await space.close()
  }
}
