import type { EChartsOption } from 'echarts'
import { init } from 'echarts'
import { entrants } from '../contenders/index.ts'
import type { Cell } from '../contest.ts'
import { jobs } from '../jobs.ts'
import { median } from '../measure.ts'
import { digits } from './table.ts'

const FONT = 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'
const INK = '#24292f'
const FAINT = '#d0d7de'
const COLOURS: Readonly<Record<string, string>> = {
  ours: '#0969da',
  memory: '#80ccff',
  raw: '#8c959f',
  seed: '#bf8700',
  idiomatic: '#1a7f37',
  colyseus: '#8250df',
  nohm: '#cf222e',
  moleculer: '#953800',
}
const COMPARED_AT = 10_000
const LATENCIES = ['get', 'newest', 'rare', 'count']
const THROUGHPUTS = ['register', 'heartbeats', 'reports', 'changes', 'gets']

interface Panel {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** Milliseconds over the size of the registry: a panel for each kind of query, both axes logarithmic. */
export function latencyChart(cells: readonly Cell[]): string {
  const [width, height] = [900, 640]
  const panels = LATENCIES.map((_, i): Panel => {
    return { left: 64 + (i % 2) * 440, top: 80 + Math.floor(i / 2) * 280, width: 370, height: 200 }
  })
  const shown = entrants.filter(({ key }) =>
    cells.some((cell) => cell.entrant === key && LATENCIES.includes(cell.job)),
  )
  return render(width, height, {
    ...frame(LATENCIES, panels, 'ms, by streams'),
    legend: {
      top: 8,
      data: shown.map(({ name }) => name),
      textStyle: { color: INK, fontFamily: FONT, fontSize: 11 },
      icon: 'circle',
    },
    xAxis: panels.map((_, i) => ({ ...axis(i), min: 1_000 })),
    yAxis: panels.map((_, i) => axis(i)),
    series: LATENCIES.flatMap((job, i) =>
      shown.map(({ key, name }) => ({
        type: 'line' as const,
        name,
        xAxisIndex: i,
        yAxisIndex: i,
        data: cells
          .filter((cell) => cell.job === job && cell.entrant === key)
          .map(({ size, perSecond }) => [size, 1_000 / median(perSecond)]),
        symbolSize: key === 'ours' ? 8 : 5,
        color: COLOURS[key] ?? INK,
        lineStyle: {
          width: key === 'ours' ? 4 : 1.5,
          type: key === 'raw' ? ('dashed' as const) : ('solid' as const),
        },
        z: key === 'ours' ? 3 : 2,
      })),
    ),
  })
}

/** Operations a second, 64 in flight: a panel for each, a bar for each contender. */
export function throughputChart(cells: readonly Cell[]): string {
  const [width, height] = [900, 520]
  const panels = THROUGHPUTS.map((_, i): Panel => {
    return {
      left: 150 + (i % 3) * 252,
      top: 40 + Math.floor(i / 3) * 250,
      width: 180,
      height: 180,
    }
  })
  const of = (job: string, key: string): number =>
    median(
      cells.find((cell) => cell.job === job && cell.entrant === key && cell.size === COMPARED_AT)
        ?.perSecond ?? [],
    )
  const shown = entrants.filter(({ key }) => THROUGHPUTS.some((job) => of(job, key) > 0)).reverse()
  return render(width, height, {
    ...frame(THROUGHPUTS, panels, '/s'),
    xAxis: panels.map((_, i) => ({ type: 'value' as const, gridIndex: i, show: false })),
    yAxis: panels.map((_, i) => ({
      type: 'category' as const,
      gridIndex: i,
      data: shown.map(({ name }) => name),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { show: i % 3 === 0, color: INK, fontFamily: FONT },
    })),
    series: THROUGHPUTS.map((job, i) => ({
      type: 'bar' as const,
      xAxisIndex: i,
      yAxisIndex: i,
      data: shown.map(({ key }) => ({
        value: of(job, key) || 0,
        itemStyle: { color: COLOURS[key] ?? INK },
      })),
      label: {
        show: true,
        position: 'right' as const,
        color: INK,
        fontFamily: FONT,
        fontSize: 11,
        formatter: ({ value }: { readonly value: unknown }) => (value === 0 ? '–' : digits(Number(value))),
      },
    })),
  })
}

function frame(shown: readonly string[], panels: readonly Panel[], unit: string): EChartsOption {
  return {
    animation: false,
    backgroundColor: '#ffffff',
    title: shown.map((key, i) => ({
      text: `${jobs.find((job) => job.key === key)?.name ?? key}, ${unit}`,
      left: panels[i]?.left ?? 0,
      top: (panels[i]?.top ?? 0) - 30,
      textStyle: { fontSize: 13, color: INK, fontFamily: FONT },
    })),
    grid: panels.map((panel) => ({ ...panel })),
  }
}

function axis(gridIndex: number): object {
  return {
    type: 'log',
    gridIndex,
    axisLine: { lineStyle: { color: FAINT } },
    splitLine: { lineStyle: { color: '#eaeef2' } },
    axisLabel: { color: INK, fontFamily: FONT, formatter: (value: number) => value.toLocaleString('en') },
  }
}

function render(width: number, height: number, option: EChartsOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  chart.setOption(option)
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}
