import { campaign } from './campaign.ts'
import { churn } from './churn.ts'
import { cleanOn, cleanOnce } from './clean.ts'
import { createAll, increment, mint } from './racing.ts'
import { storm, tend } from './storm.ts'
import type { TaskContext } from './task.ts'
import { everyWrite, freezeWithin, timedUpdates } from './timed.ts'

/** Connects, so that what follows starts at once. Answers who this process is. */
async function connect({ registry }: TaskContext): Promise<string> {
  await registry.count()
  return registry.instanceId
}

/** Whether the stream is there; its answer follows those of everything that this process sent before. */
function has({ registry }: TaskContext, { id }: { readonly id: string }): Promise<boolean> {
  return registry.has(id)
}

/** What a worker can be asked to do, by name. */
export const tasks = {
  connect,
  has,
  createAll,
  increment,
  mint,
  churn,
  campaign,
  cleanOnce,
  cleanOn,
  storm,
  tend,
  everyWrite,
  timedUpdates,
  freezeWithin,
}
