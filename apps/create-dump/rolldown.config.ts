import { defineConfig } from 'rolldown'

// No runtime dependencies: `npx create-dump` downloads a single small package. `bin.js` stays small and old-fashioned, so that
// every Node can read far enough to say that it is too old; all else is in chunks that load when they are needed.
export default defineConfig({
  // Worker threads are started by file name.
  input: {
    bin: 'src/bin.ts',
    'section-worker': '../../packages/render-md/src/section-worker.ts',
    'hash-worker': '../../packages/collect/src/hash-worker.ts',
  },
  platform: 'node',
  transform: { target: 'node22' },
  output: { dir: 'dist', cleanDir: true, sourcemap: false, minify: false },
})
