import { defineConfig } from 'rolldown'

// `bin.js` stays small and old-fashioned, so that every Node can read far enough to say that it is too old; all else is in
// chunks that load when they are needed.
export default defineConfig({
  // Worker threads are started by file name.
  input: { bin: 'src/bin.ts', 'store-worker': '../../packages/snapshot/src/store-worker.ts' },
  platform: 'node',
  // The clients of cloud vendors are large: who needs one installs it beside this command, as the error says.
  external: [/^@aws-sdk\//, /^@azure\//, /^@google-cloud\//, 'ssh2', 'webdav'],
  transform: { target: 'node22' },
  output: { dir: 'dist', cleanDir: true, sourcemap: false, minify: false },
})
