/** Orders two places of one log: below 0 when the first is before the second. */
export function compareLogIds(a: string, b: string): number {
  const [ms, sequence] = partsOf(a)
  const [otherMs, otherSequence] = partsOf(b)
  return ms === otherMs ? sequence - otherSequence : ms - otherMs
}

function partsOf(logId: string): [ms: number, sequence: number] {
  const dash = logId.indexOf('-')
  return [Number(logId.slice(0, dash)), Number(logId.slice(dash + 1))]
}
