// How the commands are bundled: one package without dependencies each, whose chunks load when they are needed. The clients of
// the object stores are such chunks, so that a URL just works and whoever gives none pays for none.
import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { minifySync } from 'rolldown/utils'
import type { Plugin, RolldownOptions } from 'rolldown'

export interface AppBundleOptions {
  /** By name: `bin`, and files that are started by name, such as those of worker threads. */
  readonly input: Readonly<Record<string, string>>
  /** Packages that are not put in, and why they are not missed: the caller's comment says it. */
  readonly external?: readonly string[] | undefined
  /** Code that two chunks need goes into one chunk called so; else into as many as there are combinations. */
  readonly sharedChunk?: string | undefined
}

/**
 * `bin.js` stays small and old-fashioned, so that every Node can read far enough to say that it is too old; all else is in
 * chunks.
 */
export function appBundle({ input, external = [], sharedChunk }: AppBundleOptions): RolldownOptions {
  const groups = sharedChunk === undefined ? [] : [{ name: sharedChunk, minShareCount: 2, test: isOurs }]
  return {
    input: { ...input },
    platform: 'node',
    external: [...external],
    // Modules, where a package has both: only of these can be left out what nobody uses.
    resolve: { mainFields: ['module', 'main'] },
    transform: { target: 'node22' },
    plugins: [withoutParts, builtinModules, minifiedClients, licenses],
    output: {
      dir: 'dist',
      cleanDir: true,
      sourcemap: false,
      // Names stay, for stack traces; `bin.js` keeps the syntax that it was written in.
      minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
      ...(groups.length > 0 && { codeSplitting: { groups } }),
    },
  }
}

/** What `bin.js` says of itself stays with it, and what only a URL needs is loaded with the first one. */
function isOurs(id: string): boolean {
  return !isForeign(id) && !id.endsWith('.json') && !id.includes(`${sep}storage${sep}src${sep}`)
}

/** From a package of somebody else, or one of our lists of what we use of one. */
function isForeign(id: string): boolean {
  return id.includes(`${sep}node_modules${sep}`) || id.startsWith('\0') || id.endsWith('-client.ts')
}

const LEFT_OUT = '\0left-out'
/** Native parts, which are optional everywhere; a format of listings that Azure offers and our driver never asks for. */
const NEVER_USED = /\.node$|^apache-arrow$/

/** Asking for one of these fails as for a package that is not installed: the clients go on without. */
const withoutParts: Plugin = {
  name: 'without-parts',
  resolveId: (source) => (NEVER_USED.test(source) ? LEFT_OUT : undefined),
  load: (id) => (id === LEFT_OUT ? 'throw new Error("not part of this bundle")' : undefined),
}

const STATIC_IMPORT = /^import ((?:(?:\* as )?[\w$]+(?:, )?)?(?:\{[^{}]*\})?) from "(node:[\w/]+)";$/gm

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
        .map((names) => `const ${names} = globalThis.process.getBuiltinModule("${module}");`)
        .join(' '),
    )
    if (/^(?:import|export) .*"node:/m.test(found))
      throw new Error('a built-in module is imported in a form unknown here')
    return found
  },
}

/** Nobody reads the code of the clients in a stack trace; it is half as large without names and spaces. */
const minifiedClients: Plugin = {
  name: 'minified-clients',
  renderChunk(code, { fileName, moduleIds }) {
    if (!moduleIds.every(isForeign)) return undefined
    const { code: minified, errors } = minifySync(fileName, code, { module: true })
    if (errors.length > 0) throw new Error(`${fileName} cannot be minified: ${JSON.stringify(errors[0])}`)
    return minified
  },
}

/** The licences of all that is put in, as they ask for. */
const licenses: Plugin = {
  name: 'licenses',
  generateBundle(_, bundle) {
    const folders = new Set<string>()
    for (const chunk of Object.values(bundle))
      if (chunk.type === 'chunk') for (const id of chunk.moduleIds) folders.add(packageFolder(id) ?? '')
    folders.delete('')
    const namesByText = new Map<string, string[]>()
    for (const folder of folders) {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, string>
      const text = licenseText(folder)
      namesByText.set(text, [...(namesByText.get(text) ?? []), `${name} ${version}`])
    }
    const parts = [...namesByText].map(([text, names]) => `${names.toSorted().join('\n')}\n\n${text}`)
    if (parts.length > 0)
      this.emitFile({
        type: 'asset',
        fileName: 'THIRD-PARTY-LICENSES.txt',
        source: parts.toSorted().join(`\n${'-'.repeat(80)}\n\n`),
      })
  },
}

/** The folder of the package that a module from `node_modules` belongs to. */
function packageFolder(id: string): string | undefined {
  return /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/.exec(id)?.[0]
}

function licenseText(folder: string): string {
  const name = readdirSync(folder).find((each) => /^(?:licen[cs]e|copying)/i.test(each))
  if (name !== undefined) return `${readFileSync(join(folder, name), 'utf8').trim()}\n`
  const { license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { license?: string }
  return `Licence as its package.json says: ${license ?? 'none'}\n`
}
