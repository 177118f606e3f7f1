/** Whether a place in the log (or a cursor: one for each partition) is before another. */
export function isBehind(cursor: string, ends: readonly string[]): boolean {
  const positions = cursor.split('.')
  return ends.some((end, i) => {
    const [ms, sequence] = partsOf(positions[i] ?? '0-0')
    const [endMs, endSequence] = partsOf(end)
    return ms === endMs ? sequence < endSequence : ms < endMs
  })
}

function partsOf(logId: string): [ms: number, sequence: number] {
  const dash = logId.indexOf('-')
  return [Number(logId.slice(0, dash)), Number(logId.slice(dash + 1))]
}
