/** The arrows of the architecture: dependencies point downward only. */
const layer = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: to },
})

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'core-imports-no-package',
      comment: 'src/core is pure: no package, no Node module',
      severity: 'error',
      from: { path: '^src/core' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'core', 'npm-no-pkg', 'npm-unknown'],
      },
    },
    layer('core-is-the-bottom', '^src/core', '^src/(?!core)', 'core depends on nothing above it'),
    layer(
      'registry-knows-no-store',
      '^src/registry',
      '^src/(memory|redis|coordination|mirror|testing|config)',
      'the registry sees the Store port only',
    ),
    layer(
      'memory-stands-alone',
      '^src/memory',
      '^src/(redis|coordination|mirror|testing|config)',
      'memory depends on core and registry',
    ),
    layer(
      'redis-stands-alone',
      '^src/redis',
      '^src/(memory|coordination|mirror|testing|config)',
      'redis depends on core and registry',
    ),
    layer('nothing-imports-an-entry', '^src/.+/', '^src/(index|testing)\\.ts$', 'entries are for users'),
    {
      name: 'ioredis-is-a-value-in-one-file',
      comment: 'only src/redis/connection.ts may load ioredis',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/redis/connection\\.ts$' },
      to: { path: 'ioredis', dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: 'specify',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
