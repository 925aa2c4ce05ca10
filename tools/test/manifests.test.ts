import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { installedProductionDependencies } from '../installed-dependencies.ts'
import { type Manifest, readManifest, root, workspacePackages } from '../workspace.ts'

const SUPPORTED_NODE = '^22.22.2 || >=24.15.0'

const packages = workspacePackages()

test.each(['.', 'tools', 'bench', ...packages.map(({ path }) => path)])(
  '%s takes every version from the catalog',
  (path) => {
    const manifest = readManifest(join(root, path))
    const ranges = Object.entries(everyDependency(manifest))
    const faults = ranges.filter(([name, range]) => range !== (name.startsWith('@arc/') ? 'workspace:^' : 'catalog:'))
    expect(faults).toEqual([])
  },
)

test('the scripts of the root run files that exist', () => {
  const scripts = Object.values(readManifest(root).scripts ?? {})
  const files = scripts.flatMap((script) => [...script.matchAll(/\bnode (\S+\.ts)/g)].map((match) => String(match[1])))
  expect(files.length).toBeGreaterThan(0)
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
})

function everyDependency(manifest: Manifest): Record<string, string> {
  return {
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
  }
}

describe.each(packages.filter(({ kind }) => kind !== 'page'))('$manifest.name', ({ kind, path, manifest }) => {
  const exists = (name: string): boolean => existsSync(join(root, path, name))

  test('can be published', () => {
    expect(manifest).toMatchObject({
      name: kind === 'library' ? path.replace('packages/', '@arc/') : path.replace('apps/', ''),
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      description: expect.stringMatching(/\S/),
      license: 'MIT',
      type: 'module',
      files: expect.arrayContaining(['dist']),
      engines: { node: SUPPORTED_NODE },
      publishConfig: { access: 'public' },
      scripts: { build: expect.any(String) },
    })
    expect(manifest.private).toBeUndefined()
  })

  test('has the files of its kind', () => {
    const expected =
      kind === 'library'
        ? ['README.md', 'tsconfig.build.json', 'src/index.ts', 'test']
        : ['README.md', 'src/bin.ts', 'test']
    expect(expected.filter((name) => !exists(name))).toEqual([])
  })

  if (kind === 'library') test('publishes each export of its sources, built', expectBuiltExports)
  else test('publishes its command bundled, with nothing of ours to install', expectBundledCommand)

  function expectBuiltExports(): void {
    const built = Object.fromEntries(
      Object.entries(manifest.exports ?? {}).map(([subpath, source]) => {
        const stem = /^\.\/src\/(.+)\.ts$/.exec(String(source))?.[1]
        if (stem === undefined) return [subpath, source]
        return [subpath, { types: `./dist/${stem}.d.ts`, default: `./dist/${stem}.js` }]
      }),
    )
    expect(manifest.publishConfig?.exports).toEqual(built)
    expect(Object.values(manifest.exports ?? {}).filter((source) => !exists(String(source)))).toEqual([])
    const entries = ['build-library.ts', ...startedByName()].join(' ')
    const build = `node ../../tools/${entries} && tsc --project tsconfig.build.json --emitDeclarationOnly`
    expect(manifest.scripts?.['build']).toBe(build)
  }

  /** Sources that are loaded by their file name, which `build` must keep: those of worker threads. */
  function startedByName(): string[] {
    return readdirSync(join(root, path, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(root, path, 'src', name), 'utf8'))
      .flatMap((text) => Array.from(text.matchAll(/new URL\(`\.\/([\w-]+)\.\$\{extension\}`, import\.meta\.url\)/g)))
      .map((match) => String(match[1]))
  }

  function expectBundledCommand(): void {
    expect(Object.values(manifest.publishConfig?.bin ?? {})).toEqual([expect.stringMatching(/^\.\/dist\//)])
    expect(Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith('@arc/'))).toEqual([])
  }

  test('has no name that hides what a file is for', () => {
    const names = readdirSync(join(root, path, 'src'), { recursive: true, encoding: 'utf8' })
    expect(names.filter((name) => /(^|\/)(utils?|helpers?|common|misc)(\.ts)?$/.test(name))).toEqual([])
  })

  test('installs nothing that runs a script', () => {
    const scripted = installedProductionDependencies(join(root, path)).filter(
      ({ installScripts }) => installScripts.length > 0,
    )
    expect(scripted).toEqual([])
  })
})
