import { MockRegistry, type Registry, type RegistryStats } from '@mirror/stream-registry'
import type { ObservedStream } from './observer.ts'
import { alignColumns } from './table.ts'

/** What the registry saw, as lines of text. */
export async function closingReport(
  registry: Registry,
  observed: readonly ObservedStream[],
): Promise<string[]> {
  const [stats, { checked, problems }] = await Promise.all([registry.stats(), registry.verify()])
  return [
    '',
    'What the registry saw:',
    '',
    ...endings(observed),
    '',
    `stats()   ${describeStats(stats)}`,
    `verify()  ${checked} checked, ${problems.length === 0 ? 'no problems' : `${problems.length} problems:`}`,
    ...problems.map(({ message }) => `          ${message}`),
    ...(registry instanceof MockRegistry ? [`events    ${describeEvents(registry)}`] : []),
  ]
}

/** How many streams are live, in words. */
export function describeStats({ total, byStatus }: RegistryStats): string {
  const counts = Object.entries(byStatus).map(([status, count]) => `${count} ${status}`)
  return [`${total} live`, ...counts].join(', ')
}

function endings(observed: readonly ObservedStream[]): string[] {
  const rows = observed.map(({ last, ending = 'still live' }) => {
    const { packetsReceived, bytesReceived, packetsLost } = last.statistics
    const counters = [packetsReceived, bytesReceived, packetsLost].map(String)
    return [last.name ?? '-', ...counters, last.status, ending, last.id]
  })
  const headings = ['NAME', 'PACKETS', 'BYTES', 'LOST', 'LAST STATUS', 'ENDING', 'ID']
  return alignColumns([headings, ...rows], (column) => (column >= 1 && column <= 3 ? 'right' : 'left'))
}

function describeEvents(registry: MockRegistry): string {
  const counts = new Map<string, number>()
  for (const { type } of registry.recordedEvents) counts.set(type, (counts.get(type) ?? 0) + 1)
  return [...counts].map(([type, count]) => `${count} ${type}`).join(', ')
}
