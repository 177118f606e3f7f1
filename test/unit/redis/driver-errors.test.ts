import { describe, expect, it } from 'vitest'
import { isEnded, isUnknownScript, verdictOf } from '../../../src/redis/driver-errors.ts'

/** An error as the driver makes it of a server’s error reply. */
function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' })
}

const TRY_AGAIN = [
  'READONLY You can’t write against a read only replica.',
  'LOADING Redis is loading the dataset in memory',
  'NOREPLICAS Not enough good replicas to write.',
  'TRYAGAIN Multiple keys request during rehashing of slot',
  'CLUSTERDOWN Hash slot not served',
  'MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to ‘no’.',
  'MOVED 3999 127.0.0.1:6381',
  'ASK 3999 127.0.0.1:6381',
  'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
  'EXECABORT Transaction discarded because of previous errors.',
  'NOSCRIPT No matching script. Please use EVAL.',
  'UNKILLABLE Sorry the script already executed write commands against the dataset.',
]

const REFUSED = [
  'OOM command not allowed when used memory > ‘maxmemory’.',
  'WRONGTYPE Operation against a key holding the wrong kind of value',
  'ERR unknown command',
  'NOAUTH Authentication required.',
  'NOPERM this user has no permissions to run the ‘evalsha’ command',
  'WRONGPASS invalid username-password pair or user is disabled.',
  'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.',
  'CROSSSLOT Keys in request don’t hash to the same slot',
]

describe('what an error of the driver says about the command', () => {
  it.each(TRY_AGAIN)('surely not applied, try again: %s', (message) => {
    expect(verdictOf(reply(message))).toBe('not-applied')
    expect(verdictOf(new Error(message))).toBe('not-applied')
  })

  it.each(REFUSED)('surely not applied, no use to try again: %s', (message) => {
    expect(verdictOf(reply(message))).toBe('refused')
    expect(verdictOf(new Error(message))).toBe('refused')
  })

  it.each([
    'Stream isn’t writeable and enableOfflineQueue options is false',
    'Cluster isn’t ready and enableOfflineQueue options is false',
  ])('never sent, try again: %s', (message) => {
    expect(verdictOf(new Error(message.replace('’', "'")))).toBe('not-applied')
  })

  it.each([
    'Connection is closed.',
    'Command timed out',
    'Socket timeout. Expecting data, but didn’t receive any in 3000ms.',
    'read ECONNRESET',
    'write EPIPE',
    'connect ECONNREFUSED 127.0.0.1:6379',
    'Reached the max retries per request limit (which is 1). Refer to "maxRetriesPerRequest" option for details.',
    'Failed to refresh slots cache.',
    '',
  ])('perhaps applied: %s', (message) => {
    expect(verdictOf(new Error(message))).toBe('unknown')
  })

  it.each([undefined, null, 'READONLY You can’t write', { message: 'READONLY x' }, 5])(
    'perhaps applied when it is no error at all: %j',
    (value) => {
      expect(verdictOf(value)).toBe('unknown')
    },
  )

  it('goes by the first word alone', () => {
    expect(verdictOf(reply('ERR the script said READONLY'))).toBe('refused')
    expect(verdictOf(reply('READONLYISH x'))).toBe('refused')
    expect(verdictOf(new Error('the server said READONLY x'))).toBe('unknown')
  })
})

describe('a script that the server does not know', () => {
  it('is told by its error', () => {
    expect(isUnknownScript(reply('NOSCRIPT No matching script. Please use EVAL.'))).toBe(true)
    for (const other of [reply('ERR x'), new Error('no NOSCRIPT'), 'NOSCRIPT x', undefined]) {
      expect(isUnknownScript(other)).toBe(false)
    }
  })
})

describe('a connection that was given up', () => {
  it('is told by its status', () => {
    expect(isEnded('end')).toBe(true)
    for (const status of ['wait', 'connecting', 'ready', 'reconnecting', 'close']) {
      expect(isEnded(status)).toBe(false)
    }
  })
})
