import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'

/** A name for this process that no other has: host, pid and chance. */
export function makeInstanceId(): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9-]/g, '-')
    .replace(/^-+/, '')
    .slice(0, 48)
  return `${host || 'host'}-${process.pid}-${randomBytes(4).toString('hex')}`
}
