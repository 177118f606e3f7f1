import { z } from 'zod'

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
const DURATION = /^(\d+(?:\.\d+)?(?:ms|s|m|h))+$/

/** Milliseconds from a duration as the seeds' YAML writes it: `5m`, `1m30s`, `250ms`. */
export const duration: z.ZodType<number> = z
  .string('must be a duration with its unit, such as 5m or 250ms')
  .regex(DURATION, 'must be a duration with its unit, such as 5m or 250ms')
  .transform((text) => {
    let total = 0
    for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
      // To the nanosecond, as durations of Go are: 1.1 h is not 3960000.0000000005 ms.
      total += Math.round(Number(amount) * (UNITS_MS[unit ?? ''] ?? 0) * 1e6) / 1e6
    }
    return total
  })
