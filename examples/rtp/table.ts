import type { Stream } from '@mirror/stream-registry'

interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
  readonly cell: (stream: Stream, nowMs: number) => string
}

/** The id stands last: a narrow terminal cuts it off before the figures. */
const COLUMNS: readonly Column[] = [
  { title: 'NAME', align: 'left', cell: ({ name }) => name ?? '-' },
  { title: 'STATUS', align: 'left', cell: ({ status }) => status },
  { title: 'HEALTH', align: 'left', cell: ({ state }) => state.health },
  { title: 'LEASE', align: 'right', cell: (stream, nowMs) => seconds(leaseLeftMs(stream, nowMs)) },
  { title: 'PACKETS', align: 'right', cell: ({ statistics }) => String(statistics.packetsReceived) },
  { title: 'LOST', align: 'right', cell: ({ statistics }) => String(statistics.packetsLost) },
  { title: 'KBYTE', align: 'right', cell: ({ statistics }) => kilo(statistics.bytesReceived) },
  { title: 'KBIT/S', align: 'right', cell: ({ statistics }) => kilo(statistics.bitrate) },
  {
    title: 'JITTER',
    align: 'right',
    cell: ({ statistics }) => `${(statistics.jitterMs ?? 0).toFixed(1)} ms`,
  },
  { title: 'ID', align: 'left', cell: ({ id }) => id },
]

/** How long the stream lives if nothing renews its lease. */
export function leaseLeftMs({ lastHeartbeat, ttlMs }: Stream, nowMs: number): number {
  return Math.max(0, lastHeartbeat.getTime() + ttlMs - nowMs)
}

/** The streams as lines of text, the first one the headings. */
export function streamTable(streams: readonly Stream[], nowMs: number): string[] {
  const rows = streams.map((stream) => COLUMNS.map(({ cell }) => cell(stream, nowMs)))
  return alignColumns([COLUMNS.map(({ title }) => title), ...rows], (column) => COLUMNS[column]?.align)
}

/** Rows of cells as lines of text. */
export function alignColumns(
  rows: readonly (readonly string[])[],
  alignOf: (column: number) => 'left' | 'right' | undefined = () => 'left',
): string[] {
  const widthOf = (column: number): number => Math.max(...rows.map((row) => (row[column] ?? '').length))
  const pad = (cell: string, column: number): string =>
    alignOf(column) === 'right' ? cell.padStart(widthOf(column)) : cell.padEnd(widthOf(column))
  return rows.map((row) => row.map(pad).join('  ').trimEnd())
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

function kilo(value: number): string {
  return (value / 1_000).toFixed(0)
}
