export { type RedisConfig, type RegistryConfig, registryConfigSchema } from './config/config.js'
export { type CreateRegistryConfig, createRegistry } from './config/create-registry.js'
export {
  type LeaderContext,
  LeaderElection,
  type LeaderElectionEvents,
  type LeaderElectionOptions,
} from './coordination/leader-election.js'
export {
  type CleanupReport,
  type Leadership,
  TTLManager,
  type TTLManagerOptions,
} from './coordination/ttl-manager.js'
export type { Clock } from './core/clock.js'
export type { StatusReport } from './core/commands/report.js'
export * from './core/errors.js'
export type { EventUpcasters } from './core/event-codec.js'
export * from './core/events.js'
export { type GenerateStreamIdOptions, generateStreamId } from './core/model/ids.js'
export type { Issue, JsonObject, JsonValue } from './core/model/json.js'
export { LIMITS } from './core/model/limits.js'
export * from './core/model/processing.js'
export type { StreamStatistics } from './core/model/statistics.js'
export * from './core/model/status.js'
export * from './core/model/stream.js'
export { type StreamJSON, streamFromJSON, streamToJSON } from './core/model/wire.js'
export { QUERY_LIMITS } from './core/query/check.js'
export { evaluate } from './core/query/evaluate.js'
export type * from './core/query/field-types.js'
export type { StreamFilter } from './core/query/filter.js'
export { type QueryFromJSONOptions, queryFromJSON } from './core/query/from-json.js'
export {
  type Comparison,
  type Condition,
  OPERATORS,
  type Operator,
  type QueryTree,
  type Scalar,
  type SortDirection,
  type SortKey,
} from './core/query/tree.js'
export type { IndexDeclaration, IndexKind, Problem } from './core/store.js'
export { MockRegistry, type MockRegistryOptions } from './memory/mock-registry.js'
export type { MirrorChange } from './mirror/live-query.js'
export { LocalMirror, type LocalMirrorOptions } from './mirror/local-mirror.js'
export type { MirrorQuery } from './mirror/mirror-query.js'
export type { RedisClient } from './redis/client.js'
export {
  type EventChannels,
  type RedisLayoutOptions,
  RedisRegistry,
  type RedisRegistryOptions,
} from './redis/redis-registry.js'
export type { CallOptions } from './registry/call.js'
export type { PatchOf } from './registry/decisions.js'
export type * from './registry/events/subscription.js'
export type { Logger, RegistryOptions } from './registry/options.js'
export type { ExplainedWalk, Explanation } from './registry/query/explanation.js'
export type * from './registry/query/query.js'
export type * from './registry/registry.js'
export type * from './registry/sessions/session.js'
export type { StandardIssue, StandardResult, StandardSchema } from './registry/standard-schema.js'
export { StoreRegistry } from './registry/store-registry.js'
