/** What a driver's error says about the command that met it. */
export type Verdict =
  /** Surely not applied; the same command may work in a moment. */
  | 'not-applied'
  /** Perhaps applied. */
  | 'unknown'
  /** Surely not applied, and trying again at once is no use. */
  | 'refused'
  /** A script failed in its middle: a foreign value is in its way. Perhaps applied in part. */
  | 'broken'

/** Error codes of the server after which nothing was applied and a retry makes sense. */
const TRANSIENT: ReadonlySet<string> = new Set([
  'READONLY',
  'LOADING',
  'NOREPLICAS',
  'TRYAGAIN',
  'CLUSTERDOWN',
  'MASTERDOWN',
  'MOVED',
  'ASK',
  'BUSY',
  'EXECABORT',
  'NOSCRIPT',
  'UNKILLABLE',
])

/**
 * The one place that knows the driver's errors by their text.
 *
 * A server's refusal means that the script wrote nothing: scripts check first, and their first write is the one
 * that can be refused.
 */
export function verdictOf(error: unknown): Verdict {
  if (!(error instanceof Error)) return 'unknown'
  if (isServerError(error)) {
    if (isScriptFailure(error)) return 'broken'
    return TRANSIENT.has(serverErrorCode(error)) ? 'not-applied' : 'refused'
  }
  if (error.message.includes("isn't writeable") || error.message.includes("isn't ready")) return 'not-applied'
  return 'unknown'
}

/** Refused before anything was written: everything but what a script meets on its way. */
function isScriptFailure(error: Error): boolean {
  return /^(WRONGTYPE|ERR) /.test(error.message) && / script: |Error running script/.test(error.message)
}

/** Whether Redis itself refused the command. */
function isServerError(error: Error): boolean {
  return error.name === 'ReplyError' || /^(EXECABORT|[A-Z]{2,}) /.test(error.message)
}

function serverErrorCode(error: Error): string {
  return error.message.slice(0, error.message.indexOf(' '))
}

/** Whether the server does not know the script (any more). */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

/** Whether the driver gave the connection up for good. */
export function isEnded(status: string): boolean {
  return status === 'end'
}
