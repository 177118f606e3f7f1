import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describeMachine } from '../results.ts'
import { capacityPage } from './page.ts'
import { simulate } from './simulation.ts'

const STREAMS = Number(process.argv[2] ?? 100_000)

const began = performance.now()

function step(name: string): void {
  console.log(`${((performance.now() - began) / 1_000).toFixed(0).padStart(4)} s  ${name}`)
}

const simulated = await simulate(STREAMS, step)
const page = new URL('../../../docs/capacity.md', import.meta.url)
writeFileSync(page, capacityPage(simulated, describeMachine(simulated.redis)))
step(`written to ${fileURLToPath(page)}`)
process.exit()
