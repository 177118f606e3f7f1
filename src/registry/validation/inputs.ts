import { z } from 'zod'
import type { StatusReport } from '../../core/commands/report.js'
import { LIMITS } from '../../core/model/limits.js'
import { HEALTH_STATUSES, PROCESSING_STATES } from '../../core/model/processing.js'
import { STREAM_STATUSES, type StreamStatus } from '../../core/model/status.js'
import {
  type ErrorReport,
  STREAM_TYPES,
  type StateReport,
  type StreamInput,
  type StreamPatch,
} from '../../core/model/stream.js'
import { mendText } from '../../core/model/text.js'
import {
  count,
  jsonObject,
  jsonPatch,
  measure,
  measures,
  port,
  statistics,
  streamId,
  tags,
  text,
  token,
  ttlMs,
} from './fields.js'

/** An error's text is not the caller's to choose: it is made to fit rather than refused. */
function reportOf(error: Error): ErrorReport {
  const code: unknown = 'code' in error ? error.code : undefined
  const message = fitting(error.message) || fitting(error.name) || 'Error'
  return typeof code === 'string' && code !== '' ? { message, code: fitting(code) } : { message }
}

function fitting(text: unknown): string {
  if (typeof text !== 'string') return ''
  return mendText(text.slice(0, LIMITS.maxTextLength))
}

const errorReport: z.ZodType<ErrorReport> = z.union(
  [text, z.instanceof(Error).transform(reportOf), z.strictObject({ message: text, code: text.optional() })],
  'must be a message, an Error, or { message, code? }',
) as z.ZodType<ErrorReport>

const currentState = z.enum(PROCESSING_STATES).optional()
const health = z.enum(HEALTH_STATUSES).optional()

/** What `create`, `register` and `attach` take. */
export const streamInput: z.ZodType<StreamInput> = z.strictObject({
  id: streamId.optional(),
  name: text.optional(),
  type: z.enum(STREAM_TYPES),
  protocol: token.optional(),
  codec: text.optional(),
  sourceAddr: text,
  sourcePort: port.optional(),
  status: z.enum(STREAM_STATUSES).optional(),
  state: z
    .strictObject({ currentState, health, quality: measures.optional(), resources: measures.optional() })
    .optional(),
  videoCodec: text.optional(),
  resolution: text.optional(),
  bitrate: count.optional(),
  frameRate: measure.optional(),
  statistics: statistics.optional(),
  metadata: jsonObject.optional(),
  tags: tags.optional(),
  config: jsonObject.optional(),
  ttlMs: ttlMs.optional(),
}) as z.ZodType<StreamInput>

/** What `update` takes. Patches are checked for what is no JSON here, and for their result after the merge. */
export const streamPatch: z.ZodType<StreamPatch> = z.strictObject({
  name: text.nullish(),
  codec: text.nullish(),
  sourceAddr: text.optional(),
  sourcePort: port.nullish(),
  videoCodec: text.nullish(),
  resolution: text.nullish(),
  bitrate: count.nullish(),
  frameRate: measure.nullish(),
  metadata: jsonPatch.optional(),
  tags: tags.optional(),
  config: jsonPatch.optional(),
}) as z.ZodType<StreamPatch>

/** What `updateStatus` takes. */
export const streamStatus: z.ZodType<StreamStatus> = z.enum(STREAM_STATUSES)

/** What `updateStatus` takes besides the status. */
export const statusReport: z.ZodType<StatusReport> = z.strictObject({
  reason: text.optional(),
  error: errorReport.optional(),
}) as z.ZodType<StatusReport>

/** What `updateState` takes. */
export const stateReport: z.ZodType<StateReport> = z.strictObject({
  currentState,
  health,
  quality: measures.optional(),
  resources: measures.optional(),
  error: errorReport.optional(),
  reason: text.optional(),
}) as z.ZodType<StateReport>
