import type { Registry } from '@mirror/stream-registry'
import { type Loaded, oursOf, withRegistry } from '../arena.ts'
import type { Heard } from '../events.ts'
import type { Figure } from '../figure.ts'
import { median } from '../measure.ts'

const CATCH_UPS = 5

/** What of the events has a target. */
export function eventFigures(heard: readonly Heard[]): Figure[] {
  const [ours, raw] = ['ours', 'raw'].map((key) => heard.find(({ entrant }) => entrant === key))
  if (ours === undefined || raw === undefined) return []
  const behind = (load: 'slow' | 'fast', which: 'p50' | 'p99'): number =>
    median(ours[load].map((delays) => delays[which])) - median(raw[load].map((delays) => delays[which]))
  const unit = 'ms behind raw PUBLISH'
  return [
    { what: 'an event, 100/s, p50', reached: behind('slow', 'p50'), unit, atMost: 1 },
    { what: 'an event, 100/s, p99', reached: behind('slow', 'p99'), unit, atMost: 5 },
    { what: 'an event, 5,000/s, p50', reached: behind('fast', 'p50'), unit, atMost: 3 },
    { what: 'an event, 5,000/s, p99', reached: behind('fast', 'p99'), unit, atMost: 20 },
    {
      what: 'events from one process that writes as fast as it can',
      reached: median(ours.flood) / median(raw.flood),
      unit: '× raw PUBLISH',
      atLeast: 0.4,
    },
  ]
}

/** Reads the whole log of the largest registry of ours. */
export async function catchUp(all: readonly Loaded[]): Promise<Figure[]> {
  const ours = oursOf(all).at(-1)
  if (ours === undefined) return []
  const { events, bytes } = await ours.gauge.log()
  const rates = await withRegistry(ours.gauge.port, async (registry) => {
    const perSecond: number[] = []
    for (let round = 0; round < CATCH_UPS; round++) perSecond.push(await readAll(registry, events))
    return perSecond
  })
  return [
    {
      what: `catching up ${events.toLocaleString('en')} events`,
      reached: median(rates),
      unit: '/s',
      atLeast: 50_000,
    },
    { what: 'an event in the log', reached: bytes / events, unit: 'B' },
  ]
}

/** Answers how many a second. */
async function readAll(registry: Registry, events: number): Promise<number> {
  const subscription = await registry.subscribe({ from: 'start' })
  const began = performance.now()
  let seen = 0
  for await (const _ of subscription) if (++seen === events) break
  return (events * 1_000) / (performance.now() - began)
}
