import { retryPauseMs } from './retry-pause.js'

/** What is used of a client of the driver. */
interface Client {
  on(event: 'end', listener: () => void): unknown
  connect(): Promise<unknown>
  disconnect(): void
}

/**
 * Connects a client of our own anew when the driver gives it up for good, as it does where a failover is told of while
 * it connects. Answers what closes it.
 */
export function keepConnected(client: Client): () => void {
  let isClosed = false
  client.on('end', () => {
    if (isClosed) return
    const connect = (): void => void (isClosed || client.connect().catch(() => {}))
    setTimeout(connect, retryPauseMs(1)).unref()
  })
  return () => {
    isClosed = true
    client.disconnect()
  }
}
