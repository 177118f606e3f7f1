/** When an entry was logged: milliseconds of the store's time. A log id is `<ms>-<sequence>`. */
export function timeOfLogId(logId: string): number {
  return Number(logId.slice(0, logId.indexOf('-')))
}

/** The number of an entry: dense, from 1. 0 is the beginning of a log, before anything was logged. */
export function sequenceOfLogId(logId: string): number {
  return Number(logId.slice(logId.indexOf('-') + 1))
}

/** Orders two places of one log: below 0 when the first is before the second. */
export function compareLogIds(a: string, b: string): number {
  return timeOfLogId(a) - timeOfLogId(b) || sequenceOfLogId(a) - sequenceOfLogId(b)
}
