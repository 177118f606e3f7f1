/** A figure with what it should be. */
export interface Figure {
  readonly what: string
  readonly reached: number
  /** Behind the number: `ms`, `×`, `/s`, `%`. */
  readonly unit: string
  readonly atMost?: number
  readonly atLeast?: number
}

export function isMet({ reached, atMost = Number.POSITIVE_INFINITY, atLeast = 0 }: Figure): boolean {
  return reached <= atMost && reached >= atLeast
}
