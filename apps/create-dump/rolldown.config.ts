import { defineConfig, type Plugin } from 'rolldown'

/**
 * An `import` of a built-in module makes Node read every one of its exports, those included that load further modules when they
 * are looked at (`fs.promises`, `crypto.webcrypto`): a third of the time that starting takes. Asking the process for the module does not.
 */
const builtinModules: Plugin = {
  name: 'builtin-modules',
  renderChunk(code) {
    const found = code.replace(STATIC_IMPORT, (_, wanted: string, module: string) =>
      wanted
        .split(/, (?=\{)/)
        .map((names) => names.replace(/^\* as /, '').replaceAll(' as ', ': '))
        .map((names) => `const ${names} = process.getBuiltinModule("${module}");`)
        .join(' '),
    )
    if (/^(?:import|export) .*"node:/m.test(found))
      throw new Error('a built-in module is imported in a form unknown here')
    return found
  },
}

const STATIC_IMPORT = /^import ((?:(?:\* as )?[\w$]+(?:, )?)?(?:\{[^{}]*\})?) from "(node:[\w/]+)";$/gm

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
  plugins: [builtinModules],
  transform: { target: 'node22' },
  output: {
    dir: 'dist',
    cleanDir: true,
    sourcemap: false,
    minify: false,
    codeSplitting: { groups: [{ name: 'shared', minShareCount: 2 }] },
  },
})
