import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts', testing: 'src/testing.ts' },
  format: ['esm', 'cjs'],
  target: 'node20',
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
  // One copy of the shared code, so that a class is the same class in every entry.
  splitting: true,
  sourcemap: false,
  clean: true,
  treeshake: true,
  loader: { '.lua': 'text' },
})
