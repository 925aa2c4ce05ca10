import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importedPackage, reachableImports } from '../imports.ts'
import { type ModuleRequest, type SourceFile, sourceFiles } from '../source-file.ts'
import { workspacePackages } from '../workspace.ts'

/** A package imports only from lower floors, never from its own. Apps, on the top floor, compose the packages. */
const FLOORS: readonly (readonly string[])[] = [
  ['@arc/core'],
  ['@arc/git', '@arc/archive', '@arc/crypto', '@arc/diff', '@arc/storage'],
  ['@arc/collect', '@arc/scan', '@arc/render-md', '@arc/snapshot', '@arc/restore-safe', '@arc/versioned-storage'],
  ['@arc/kit'],
  ['create-dump', 'projectclone', 'projectrestore', 'viewer'],
]

/** Only kit and apps read arguments and environment or print; these lines are why somebody else may. */
const PROCESS_EXCEPTIONS: readonly { path: string; uses: readonly string[]; reason: string }[] = [
  {
    path: 'packages/core/src/testing.ts',
    uses: ['process.env'],
    reason: 'ARC_TEST_TMP lets a developer put the trees of every test on another file system',
  },
  {
    path: 'packages/git/src/environment.ts',
    uses: ['process.env'],
    reason:
      'git needs PATH and HOME of whoever called us; it is the default of an option, and what could run code is removed',
  },
  {
    path: 'packages/core/src/xattr-tools.ts',
    uses: ['process.env'],
    reason: 'extended attributes are read and set by programs; where to look for them is the default of a parameter',
  },
  {
    path: 'packages/core/src/sqlite.ts',
    uses: ['process'],
    reason: 'Node 22 warns on stderr when node:sqlite is loaded; the warning is kept off for that one synchronous call',
  },
]

/** Real servers, and how to reach them, belong to no package: the tests of any may import from here. */
const TEST_SERVERS = 'tools/servers/'

const PROCESS_ADVICE = 'move it to kit, pass it in as an option, or give a reason in PROCESS_EXCEPTIONS'
const MAX_SOURCE_LINES = 350

const packages = workspacePackages()
const importsOf = (file: SourceFile): string[] => file.imports.map(({ specifier }) => specifier)
const isRelative = ({ specifier }: ModuleRequest): boolean => specifier.startsWith('.')
const floorOf = (name: string): number => FLOORS.findIndex((names) => names.includes(name))

describe.each(packages)('$manifest.name', ({ kind, path, manifest }) => {
  const floor = floorOf(manifest.name)
  const files = sourceFiles(`${path}/src`)
  const tests = sourceFiles(`${path}/test`)
  const runtime = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies }
  // An app is bundled into one file, so what it uses is a development dependency of it.
  const importable = new Set(Object.keys(kind !== 'library' ? { ...runtime, ...manifest.devDependencies } : runtime))

  test('has a floor', () => {
    expect(floor, 'name it in FLOORS').not.toBe(-1)
    expect(floor === FLOORS.length - 1).toBe(kind !== 'library')
  })

  test('declares and imports packages of lower floors only', () => {
    const declared = Object.keys({ ...runtime, ...manifest.devDependencies })
    const imported = [...files, ...tests].flatMap(importsOf).flatMap((specifier) => importedPackage(specifier) ?? [])
    const ours = [...declared, ...imported].filter((name) => name.startsWith('@arc/') || floorOf(name) !== -1)
    expect(ours.filter((name) => name !== manifest.name && !isBelow(name))).toEqual([])
  })

  function isBelow(name: string): boolean {
    return floorOf(name) !== -1 && floorOf(name) < floor
  }

  test('imports only what it declares, and its own files', () => {
    const faults = [
      ...files.flatMap((file) => strayImports(file, `${path}/src/`)),
      ...tests.flatMap((file) => strayImports({ ...file, imports: file.imports.filter(isRelative) }, `${path}/`)),
    ]
    expect(faults).toEqual([])
  })

  function strayImports(file: SourceFile, home: string): string[] {
    const stray = importsOf(file).filter((specifier) => {
      const name = importedPackage(specifier)
      if (name !== undefined) return !importable.has(name)
      if (!specifier.startsWith('.')) return false
      const target = posix.join(posix.dirname(file.path), specifier)
      const isServer = target.startsWith(TEST_SERVERS) && home === `${path}/`
      return !target.startsWith(home) && target !== `${path}/package.json` && !isServer
    })
    return stray.map((specifier) => `${file.path}: ${specifier}`)
  }

  const mayTouchProcess = kind !== 'library' || manifest.name === '@arc/kit'
  if (!mayTouchProcess) {
    test('leaves arguments, environment and output alone', () => expect(processFaults(), PROCESS_ADVICE).toEqual([]))
  }

  function processFaults(): string[] {
    return files.flatMap((file) => {
      const allowed = PROCESS_EXCEPTIONS.find((exception) => exception.path === file.path)?.uses ?? []
      const uses = [...file.processUses, ...importsOf(file).filter((specifier) => specifier === 'node:process')]
      return uses.filter((use) => !allowed.includes(use)).map((use) => `${file.path}: ${use}`)
    })
  }

  test('names its exports', () => {
    expect(files.filter((file) => file.hasDefaultExport).map((file) => file.path)).toEqual([])
  })

  test(`has no source over ${MAX_SOURCE_LINES} lines`, () => {
    const long = files.filter((file) => file.lineCount > MAX_SOURCE_LINES)
    expect(long.map((file) => `${file.path}: ${file.lineCount}`)).toEqual([])
  })
})

test('@arc/core runs in a browser: its index loads nothing of Node', () => {
  const native = reachableImports('packages/core/src/index.ts').filter(({ specifier }) => !specifier.startsWith('.'))
  expect(native.map(({ from, specifier }) => `${from}: ${specifier}`)).toEqual([])
})

test('every exception is still needed', () => {
  const used = new Set(
    sourceFiles('packages/*/src').flatMap((file) => file.processUses.map((use) => `${file.path}: ${use}`)),
  )
  const excepted = PROCESS_EXCEPTIONS.flatMap(({ path, uses }) => uses.map((use) => `${path}: ${use}`))
  expect(excepted.filter((line) => !used.has(line))).toEqual([])
})
