import { digits, table } from '../report/table.ts'
import type { Machine } from '../results.ts'
import { FLEET_QUERIES_A_SECOND, type Load, MIX, PACES } from './mix.ts'
import type { Simulated } from './simulation.ts'

/** How much of its core a Redis may work in the long run: the rest is for bursts, failovers and forks. */
const SHARE = 0.5
const FLEETS = [100_000, 1_000_000, 10_000_000, 100_000_000]
/** What the log of events takes at most: 50,000 of them. */
const LOG_BYTES = 50_000 * 1_000

/** The page for those who plan a fleet. */
export function capacityPage(simulated: Simulated, machine: Machine): string {
  const each = costOfStream(simulated)
  const fleet = costOfFleet(simulated)
  const most = Math.floor((SHARE - fleet) / each)
  return `# Capacity

How many streams one Redis carries, and how many shards a fleet needs. Written by \`npm run bench:capacity\`: it lets
${count(simulated.streams)} sessions live on one redis-server, with ${simulated.listeners} listeners for all events, measures what each kind of load
costs Redis by itself, and checks the sum of these costs by driving all of them at once. Measured ${machine.date} on
${machine.cores} shared, virtual cores (${machine.cpu}), Node ${machine.node}, Redis ${machine.redis}: expect other costs on other machines, and run
it on yours.

## The fleet that is assumed

A stream lives for ${MIX.livesHours === 1 ? 'an hour' : `${MIX.livesHours} hours`}. Its session renews the lease and sends statistics every ${MIX.beatEverySeconds} s; its status changes ${MIX.changesAnHour} times an
hour; somebody looks it up ${MIX.getsAnHour} times an hour. The fleet as a whole asks ${FLEET_QUERIES_A_SECOND} queries for the newest ten and ${FLEET_QUERIES_A_SECOND}
counts a second. Another fleet: multiply the costs below by its own rates.

## What each costs

${costs(simulated)}

A stream costs ${digits(each * 1_000_000)} µs of Redis each second, and ${digits(simulated.bytesPerStream)} bytes. The queries of the fleet cost
${digits(fleet * 100)} % of a core, on every shard: a query asks all of them.

## One shard

Planned for ${SHARE * 100} % of one core, so that bursts, a failover and a snapshot find room:

${table(
  ['one shard carries', ''],
  [
    ['streams', `**${count(most)}**`],
    ['heartbeats with statistics', `${digits(PACES.beats.perSecond(most))}/s`],
    ['status changes', `${digits(PACES.changes.perSecond(most))}/s`],
    ['streams that come and go', `${digits(PACES.lives.perSecond(most))}/s`],
    ['gets', `${digits(PACES.gets.perSecond(most))}/s`],
    ['events, to each listener', `${digits(eventsPerSecond(most))}/s`],
    ['memory', `${digits((most * simulated.bytesPerStream + LOG_BYTES) / 2 ** 30)} GiB`],
  ],
)}

Nothing but heartbeats, it would take ${digits((SHARE * 1_000_000) / simulated.costs.beats)} of them a second; nothing but queries for the newest ten,
${digits((SHARE * 1_000_000) / simulated.costs.queries)}; nothing but status changes, ${digits((SHARE * 1_000_000) / simulated.costs.changes)}.

## Shards for a fleet

${table(
  ['streams', 'shards', 'streams of each', 'GiB of each'],
  FLEETS.map((streams) => {
    const shards = Math.max(1, Math.ceil(streams / most))
    const bytes = (streams / shards) * simulated.bytesPerStream + LOG_BYTES
    return [
      count(streams),
      `**${count(shards)}**`,
      count(Math.ceil(streams / shards)),
      digits(bytes / 2 ** 30),
    ]
  }),
)}

A shard is a master of a Redis Cluster; set \`partitions\` to at least as many as there are shards, once and for all. A query
is answered by all partitions: with hundreds of them, ask a [local mirror](mirror.md) of a region instead, or run a registry
for each region.

## Whether the costs add up

The whole mix at once, at the pace of ${count(simulated.streams)} streams and faster, for eight seconds each. Predicted from the table
above, before it was driven.

${table(
  ['pace', 'share of a core, predicted', 'measured', 'measured / predicted'],
  simulated.driven.map(({ factor, predicted, measured }) => [
    `${factor}×: like ${count(simulated.streams * factor)} streams`,
    `${digits(predicted * 100)} %`,
    `${digits(measured * 100)} %`,
    digits(measured / predicted),
  ]),
)}

Below 1, Redis is cheaper when it is busy: it takes in more commands with each turn of its loop.
`
}

function costs({ streams, costs: micros }: Simulated): string {
  return table(
    ['load', 'µs of Redis each', `a second at ${count(streams)} streams`, 'share of a core'],
    (Object.keys(PACES) as Load[]).map((load) => {
      const pace = PACES[load].perSecond(streams)
      return [
        PACES[load].name,
        digits(micros[load]),
        digits(pace),
        `${digits((micros[load] * pace) / 10_000)} %`,
      ]
    }),
  )
}

/** Seconds of Redis that a stream takes in a second. */
function costOfStream({ costs: micros }: Simulated): number {
  return share(micros, 'stream', 1_000_000) / 1_000_000
}

/** Seconds of each Redis that the queries of the fleet take in a second. */
function costOfFleet({ costs: micros }: Simulated): number {
  return share(micros, 'fleet', 1)
}

function share(micros: Simulated['costs'], by: 'stream' | 'fleet', streams: number): number {
  return (Object.keys(PACES) as Load[])
    .filter((load) => PACES[load].by === by)
    .reduce((sum, load) => sum + (micros[load] * PACES[load].perSecond(streams)) / 1_000_000, 0)
}

/** A life has three: created, terminated, deleted. */
function eventsPerSecond(streams: number): number {
  return PACES.changes.perSecond(streams) + 3 * PACES.lives.perSecond(streams)
}

function count(value: number): string {
  return value.toLocaleString('en')
}
