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

const BROKEN = [
  'WRONGTYPE Operation against a key holding the wrong kind of value script: 5ca1ab1e, on @user_script:7.',
  'ERR user_script:7: Script attempted to access nonexistent global variable ‘x’ script: 5ca1ab1e, on @user_script:7.',
  'ERR value is not an integer or out of range script: 5ca1ab1e, on @user_script:7.',
  'ERR Error running script (call to f_5ca1ab1e): @user_script:7: attempt to index a nil value',
]

describe('what an error of the driver says about the command', () => {
  it.each(BROKEN)('perhaps applied in part, by a script that failed in its middle: %s', (message) => {
    expect(verdictOf(reply(message))).toBe('broken')
    expect(verdictOf(new Error(message))).toBe('broken')
  })

  it.each([
    [
      'READONLY You can’t write against a read only replica. script: 5ca1ab1e, on @user_script:7.',
      'not-applied',
    ],
    [
      'OOM command not allowed when used memory > ‘maxmemory’. script: 5ca1ab1e, on @user_script:7.',
      'refused',
    ],
    ['NOPERM No permissions to access a key script: 5ca1ab1e, on @user_script:7.', 'refused'],
  ])('not applied when what a script met is a refusal to work: %s', (message, verdict) => {
    expect(verdictOf(reply(message))).toBe(verdict)
  })

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
    expect(verdictOf(reply('ERR the server said READONLY'))).toBe('refused')
    expect(verdictOf(reply('ERR it failed script: f00, on @user_script:1.'))).toBe('broken')
    expect(verdictOf(reply('ERROR in a script'))).toBe('refused')
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
