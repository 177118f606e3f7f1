import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import {
  createRegistry,
  MockRegistry,
  type Registry,
  type Stream,
  type StreamInput,
} from '@mirror/stream-registry'
import { ManualClock } from '@mirror/stream-registry/testing'
import { z } from 'zod'

const metadataSchema = z.object({ region: z.string(), viewers: z.number().optional() })
type Camera = z.infer<typeof metadataSchema>

async function createsAndLists(registry: Registry<Camera>): Promise<void> {
  const stream = await registry.create({
    id: 'cam1',
    type: 'srt',
    sourceAddr: '10.0.0.1:9000',
    metadata: { region: 'eu' },
  })
  const region: string = stream.metadata.region
  assert.equal(region, 'eu')
  // @ts-expect-error the schema says that region is text
  const wrong: number = stream.metadata.region
  assert.equal(wrong, 'eu')
  // @ts-expect-error the schema asks for a region
  const input: StreamInput<Camera> = { type: 'srt', sourceAddr: '10.0.0.2:9000', metadata: { viewers: 1 } }
  await assert.rejects(registry.create(input), { code: 'VALIDATION' })
  const streams: Stream<Camera>[] = await registry.list()
  assert.deepEqual(streams, [stream])
}

async function lapsesWithTheClock(): Promise<void> {
  const clock = new ManualClock()
  const registry = new MockRegistry({ clock, defaultTtlMs: 1_000, metadataSchema })
  await createsAndLists(registry)
  clock.advance(1_000)
  assert.equal(await registry.has('cam1'), false)
  await registry.close()
}

async function runsEmbedded(): Promise<void> {
  const registry = createRegistry({ metadataSchema })
  await createsAndLists(registry)
  await registry.close()
}

/** Whether any module of ioredis was loaded, by `require` or by `import`. */
function isDriverLoaded(): boolean {
  const loaded = Object.keys(createRequire(`${process.cwd()}/any.js`).cache)
  return loaded.some((file) => /[\\/]ioredis[\\/]/.test(file))
}

async function main(): Promise<void> {
  await lapsesWithTheClock()
  await runsEmbedded()
  assert.equal(isDriverLoaded(), false, 'ioredis was loaded although no config asked for a connection')
}

// Stays like this when the program ends while something is still awaited.
process.exitCode = 1
void main().then(() => {
  process.exitCode = 0
})
