/** The limits of the model: what a registry accepts. Sizes in bytes, times in milliseconds. */
export const LIMITS = {
  maxIdLength: 128,
  maxTagLength: 64,
  maxTags: 32,
  maxTextLength: 1024,
  maxMeasures: 32,
  maxTransitions: 16,
  maxPort: 65_535,
  minTtlMs: 1,
  /** 366 days. */
  maxTtlMs: 31_622_400_000,
  json: { maxBytes: 16_384, maxDepth: 8, maxKeys: 64 },
} as const
