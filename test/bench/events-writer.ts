import type { Contender } from './contenders/contender.ts'
import { entrants } from './contenders/index.ts'
import { inFlight } from './measure.ts'
import { queryStream } from './streams.ts'

const IN_FLIGHT = 64

/** What a writer is told first: as which contender it writes, and how many streams there are. */
export interface WriterRole {
  readonly entrant: string
  readonly port: number
  readonly streams: number
}

/** What it is told then: how many changes, and how many a second; zero: as fast as it can. */
export interface WriterOrder {
  readonly perSecond: number
  readonly count: number
}

/** Milliseconds since the epoch, with a fraction, the same in all processes of a host. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now()
}

async function write(
  contender: Contender,
  streams: number,
  { perSecond, count }: WriterOrder,
): Promise<void> {
  const send = (i: number): Promise<unknown> =>
    contender.tell?.(queryStream(i % streams, streams).id, preciseNow()) ?? Promise.resolve()
  if (perSecond === 0) await inFlight(IN_FLIGHT, count, send)
  else await paced(perSecond, count, send)
}

/** Sends so many a second, spread over short ticks. */
async function paced(perSecond: number, count: number, send: (i: number) => Promise<unknown>): Promise<void> {
  const began = performance.now()
  const sending: Promise<unknown>[] = []
  for (let i = 0; i < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - began) / 1_000) * perSecond) + 1)
    for (; i < due; i++) sending.push(send(i))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(sending)
}

/** Opened by the first message, writes for each one after it, until the parent hangs up. */
async function serve({ entrant, port, streams }: WriterRole): Promise<void> {
  const contender = await entrants.find(({ key }) => key === entrant)?.open(port)
  if (contender === undefined) throw new RangeError(`no contender ${entrant}`)
  process.on('message', (order: WriterOrder) => {
    void write(contender, streams, order).then(() => process.send?.('done'))
  })
  process.send?.('ready')
}

process.once('message', (role: WriterRole) => void serve(role))
process.once('disconnect', () => process.exit())
