import type { RedisClient } from './client.js'

/** How often a client became ready: what waited in its queue has left then. */
export interface Readiness {
  readonly count: number
}

interface Watched {
  count: number
  watchers: number
  onReady: () => void
}

const watched = new WeakMap<RedisClient, Watched>()

/** Counts from now on. One listener serves all registries on a client. */
export function watchReadiness(client: RedisClient): Readiness {
  let watch = watched.get(client)
  if (watch === undefined) {
    watch = { count: 0, watchers: 0, onReady: () => {} }
    watch.onReady = countReadies(watch)
    client.on('ready', watch.onReady)
    watched.set(client, watch)
  }
  watch.watchers += 1
  return watch
}

function countReadies(watch: Watched): () => void {
  return () => {
    watch.count += 1
  }
}

/** Takes the listener back when nobody counts any more. */
export function unwatchReadiness(client: RedisClient): void {
  const watch = watched.get(client)
  if (watch === undefined) return
  watch.watchers -= 1
  if (watch.watchers > 0) return
  client.off('ready', watch.onReady)
  watched.delete(client)
}
