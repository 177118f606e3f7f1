/** Without a zone, a time would mean another instant on every host. */
const ZONED_TIME = /^(?:[+-]\d\d)?\d{4}-\d\d-\d\d[Tt][\d:.]+(?:[Zz]|[+-]\d\d:\d\d)$/

/** The form of `toISOString` for the years 0 to 9999: what nearly every time is in. */
const OUR_FORM = '0000-00-00T00:00:00.000Z'

/** The text made last: the times of one record are mostly the same. */
let lastMs = 0
let lastText: string = new Date(0).toISOString()

/** The RFC 3339 text of a time, in UTC and with milliseconds. */
export function timeText(time: Date): string {
  const ms = time.getTime()
  if (ms !== lastMs) {
    lastText = time.toISOString()
    lastMs = ms
  }
  return lastText
}

/** The time of an RFC 3339 text, or `undefined`. */
export function parseTime(text: unknown): Date | undefined {
  if (typeof text !== 'string') return undefined
  const ours = timeInOurForm(text)
  if (ours !== undefined) return ours
  if (!ZONED_TIME.test(text)) return undefined
  const time = new Date(text)
  return Number.isNaN(time.getTime()) || !isDayOfMonth(text) ? undefined : time
}

/** The time of a text as we write it; `undefined` for any that needs a closer look. Quicker than `Date` by itself. */
function timeInOurForm(text: string): Date | undefined {
  if (text.length !== OUR_FORM.length || !hasOurSigns(text)) return undefined
  const year = digits(text, 0, 4)
  const month = digits(text, 5, 7)
  const day = digits(text, 8, 10)
  const hours = digits(text, 11, 13)
  const minutes = digits(text, 14, 16)
  const seconds = digits(text, 17, 19)
  const ms = digits(text, 20, 23)
  // `Date.UTC` takes years below 100 for those of the 20th century.
  const isDate = year >= 100 && month >= 1 && month <= 12 && day >= 1
  const isTime = hours <= 23 && minutes <= 59 && seconds <= 59 && ms >= 0
  if (!isDate || !isTime) return undefined
  const time = new Date(Date.UTC(year, month - 1, day, hours, minutes, seconds, ms))
  return time.getUTCDate() === day ? time : undefined
}

function hasOurSigns(text: string): boolean {
  return (
    text[4] === '-' &&
    text[7] === '-' &&
    text[10] === 'T' &&
    text[13] === ':' &&
    text[16] === ':' &&
    text[19] === '.' &&
    text[23] === 'Z'
  )
}

/** The number that these characters are; NaN when one is no digit. */
function digits(text: string, from: number, to: number): number {
  let value = 0
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return value
}

/** `Date` takes 30 February for 1 March. */
function isDayOfMonth(text: string): boolean {
  const at = text.search(/[Tt]/) - 2
  const day = Number(text.slice(at, at + 2))
  if (day <= 28) return true
  const [year, month] = [Number(text.slice(0, at - 4)), Number(text.slice(at - 3, at - 1))]
  const last = new Date(0)
  last.setUTCFullYear(year, month, 0)
  return day <= last.getUTCDate()
}
