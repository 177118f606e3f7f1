interface Unrefable {
  unref?(): unknown
}

/** What is used of a connection; the last two are not public in ioredis, and may be missing. */
interface Connection {
  on(event: 'connect' | 'reconnecting', listener: () => void): unknown
  readonly stream?: Unrefable
  readonly reconnectTimeout?: Unrefable | null
}

/**
 * Lets the process end although the connection is open. A call that waits for an answer keeps it alive by its own
 * timer.
 */
export function letProcessEnd(connection: object): void {
  const { on } = connection as Connection
  const watch = on.bind(connection) as Connection['on']
  watch('connect', () => (connection as Connection).stream?.unref?.())
  watch('reconnecting', () => (connection as Connection).reconnectTimeout?.unref?.())
}
