// The JavaScript of a library's `dist/`, in a few chunks: Node takes about half a millisecond for every file that is imported.
// Run in the package's folder by its `build` script, before `tsc` puts the declarations beside it. Each export is a file of
// its own; arguments name further sources that are started by file name, such as those of worker threads.
import { rolldown } from 'rolldown'
import { readManifest } from './workspace.ts'

const { exports = {}, dependencies = {}, peerDependencies = {} } = readManifest(process.cwd())
const exported = Object.values(exports).map(String)
const started = process.argv.slice(2).map((name) => `./src/${name}.ts`)
const sources = [...exported, ...started].filter((path) => path.endsWith('.ts'))

const library = await rolldown({
  input: Object.fromEntries(sources.map((path) => [path.slice('./src/'.length, -'.ts'.length), path])),
  platform: 'node',
  external: Object.keys({ ...dependencies, ...peerDependencies }).map((name) => new RegExp(`^${name}(?:/|$)`)),
  transform: { target: 'node22' },
  onLog(_level, { message }) {
    throw new Error(message) // such as an import that would be left to whoever installs it
  },
})
await library.write({ dir: 'dist', cleanDir: true, sourcemap: true })
await library.close()
