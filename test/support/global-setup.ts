import { redisBinary } from './redis-binary.ts'

/** Fails early, and with advice, where no Redis can be had: no test is left out silently. */
export function setup(): void {
  const { server, version } = redisBinary()
  console.log(`redis-server ${version} (${server})`)
}
