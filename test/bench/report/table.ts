import { entrants } from '../contenders/index.ts'

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

/** A table of text: all columns to the left. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return table(head, rows).replaceAll('---:', '---')
}

export function nameOf(key: string): string {
  return entrants.find((entrant) => entrant.key === key)?.name ?? key
}

/** Three digits, with a separator of thousands. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)))
  const rounded = value >= 1_000 ? Number(value.toPrecision(3)) : Number(value.toFixed(places))
  return rounded.toLocaleString('en', { maximumFractionDigits: places })
}

/** The median, with the least and the most of all rounds behind it. */
export function spread(
  values: readonly number[],
  scale: (value: number) => number = (value) => value,
): string {
  if (values.length === 0) return '–'
  const sorted = values.map(scale).sort((a, b) => a - b)
  const [least, middle, most] = [0, Math.floor(sorted.length / 2), sorted.length - 1].map((i) =>
    digits(sorted[i] ?? Number.NaN),
  )
  return `**${middle}** (${least}–${most})`
}
