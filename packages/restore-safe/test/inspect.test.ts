import { spawn } from 'node:child_process'
import fs, { linkSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Entry, type EntryPath, memorySource } from '@arc/core'
import { readTree, temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import {
  actsUnasked,
  type InspectionFileSystem,
  inspectRestore,
  type InspectOptions,
  planRestore,
  type PlanOptions,
  type RestoreInspection,
} from '../src/index.ts'
import { hashedEntry } from './trees.ts'

/** Inspect a restore of files with these paths over a target with these files. */
async function inspected(
  root: string,
  paths: readonly string[],
  old: Readonly<Record<string, string>>,
  options: PlanOptions & InspectOptions = {},
): Promise<RestoreInspection> {
  const target = join(root, 'target')
  mkdirSync(target)
  for (const [path, content] of Object.entries(old)) writeFileSync(join(target, path), content)
  const { fs: calls, sourceMadeAt, outcomes, ...rules } = options
  const source = memorySource(
    'source',
    paths.map((path) => hashedEntry(path, 'new')),
  )
  const plan = await planRestore(source, target, { mode: 'merge', ...rules })
  const before = readTree(root)
  const inspection = inspectRestore(plan, { fs: calls as InspectionFileSystem, sourceMadeAt, outcomes })
  expect(readTree(root)).toEqual(before)
  return inspection
}

/** The real file system, with some calls replaced. */
function port(calls: Partial<InspectionFileSystem>): InspectionFileSystem {
  return { ...fs, ...calls }
}

const disk = (facts: object): InspectionFileSystem =>
  port({ statfsSync: ((path: string) => Object.assign(fs.statfsSync(path), facts)) as typeof fs.statfsSync })

const kinds = ({ findings }: RestoreInspection): string[] => findings.map((each) => `${each.check}:${each.severity}`)

test('a restore that nothing speaks against passes every check but those that cannot be made', async () => {
  using folder = temporaryFolder()
  const inspection = await inspected(folder.path, ['a'], { b: 'x' })
  expect(inspection.findings).toEqual([])
  expect(inspection.checks.map(({ check }) => check)).toEqual([
    'plan',
    'space',
    'inodes',
    'permissions',
    'open-files',
    'names',
    'limits',
    'newer-changes',
    'unasked',
  ])
  expect(inspection.checks.find(({ check }) => check === 'newer-changes')).toMatchObject({ status: 'not-checked' })
  expect(JSON.parse(JSON.stringify(inspection))).toEqual(inspection)
})

test('space and inodes are compared with what the new tree takes beside the old one', async () => {
  for (const [facts, expected] of [
    [{ bavail: 0 }, ['space:stops']],
    [{ bsize: 4096, bavail: 2 }, ['space:risk']],
    [{ bsize: 4096, bavail: 3 }, []],
    [{ files: 100, ffree: 2 }, ['inodes:stops']],
    [{ files: 100, ffree: 3 }, ['inodes:risk']],
    [{ files: 100, ffree: 4 }, []],
    [{ files: 0, ffree: 0 }, []],
  ] as const) {
    using folder = temporaryFolder()
    const inspection = await inspected(folder.path, ['a'], { b: 'x' }, { fs: disk(facts) })
    expect({ facts, kinds: kinds(inspection) }).toEqual({ facts, kinds: expected })
    for (const { evidence } of inspection.findings) expect(Object.values(evidence).every(Number.isFinite)).toBe(true)
  }
})

test('what this user may not do is told with the system’s own reason', async () => {
  const deny = (name: string): InspectionFileSystem =>
    port({
      accessSync(path) {
        if (String(path).endsWith(name)) throw Object.assign(new Error('no'), { code: 'EACCES', syscall: 'access' })
      },
    })
  for (const [name, message] of [
    ['target', 'the target itself cannot be written to, so it cannot be moved'],
    ['b', '1 path of the target that would stay cannot be read'],
  ] as const) {
    using folder = temporaryFolder()
    const inspection = await inspected(folder.path, ['a'], { b: 'x' }, { fs: deny(`/${name}`) })
    expect(inspection.findings).toMatchObject([{ check: 'permissions', severity: 'stops', message }])
    expect(inspection.likelihood).toMatchObject({ probability: 0, basis: 'stopped' })
  }
})

test.skipIf(process.platform !== 'linux')('programs that work in the target are told by name', async () => {
  using folder = temporaryFolder()
  mkdirSync(join(folder.path, 'target'))
  writeFileSync(join(folder.path, 'target/held'), '')
  const script = 'require("fs").openSync("held"); process.stdout.write("ready"); setInterval(() => {}, 1000)'
  const child = spawn(process.execPath, ['-e', script], {
    cwd: join(folder.path, 'target'),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  try {
    await once(child.stdout, 'data')
    const plan = await planRestore(memorySource('s', [hashedEntry('a', 'x')]), join(folder.path, 'target'), {
      mode: 'merge',
    })
    const [finding] = inspectRestore(plan).findings
    expect(finding).toMatchObject({ check: 'open-files', severity: 'risk' })
    expect(finding?.evidence['processes']).toEqual([
      {
        pid: child.pid,
        program: expect.any(String) as string,
        paths: expect.arrayContaining([join(folder.path, 'target/held'), join(folder.path, 'target')]) as string[],
      },
    ])
  } finally {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
})

test('names that other file systems take for one, or refuse, are told', async () => {
  using folder = temporaryFolder()
  const inspection = await inspected(folder.path, ['Read', 'read', 'aux', 'a:b', 'stra\u00dfe', 'STRASSE'], {})
  expect(inspection.findings).toMatchObject([
    { check: 'names', severity: 'note', evidence: { examples: ['read', 'stra\u00dfe'] } },
    { check: 'limits', severity: 'note', evidence: { count: 2, examples: ['a:b', 'aux'] } },
  ])
})

test('names that only stay where they are are no concern of a restore', async () => {
  using folder = temporaryFolder()
  const target = join(folder.path, 'target')
  mkdirSync(target)
  writeFileSync(join(target, 'aux'), '')
  const source = memorySource('s', [hashedEntry('con', 'x')])
  const plan = await planRestore(source, target, { mode: 'merge' })
  expect(inspectRestore(plan).findings).toMatchObject([{ check: 'limits', evidence: { count: 1, examples: ['con'] } }])
})

test('on a file system that ignores case they stop it', async () => {
  using folder = temporaryFolder()
  const lower = ((path: string, options: object) =>
    fs.lstatSync(path.replace(/TARGET$/, 'target'), options)) as typeof fs.lstatSync
  const inspection = await inspected(folder.path, ['Read', 'read'], {}, { fs: port({ lstatSync: lower }) })
  expect(kinds(inspection)).toEqual(['names:stops'])
})

test('a path that is too long only in the staging folder is told', async () => {
  using folder = temporaryFolder()
  const long = Array.from({ length: 20 }, () => 'x'.repeat(200)).join('/')
  expect(kinds(await inspected(folder.path, [`${long}/${'y'.repeat(60)}`], {}))).toEqual(['limits:stops'])
})

test('changes in the target since the source was made are told, those that would stay are not', async () => {
  using folder = temporaryFolder()
  const sourceMadeAt = new Date('2020-01-01')
  const root = folder.path
  mkdirSync(join(root, 'target'))
  for (const [path, year] of [
    ['young', 2021],
    ['old', 2019],
    ['kept', 2021],
  ] as const) {
    writeFileSync(join(root, 'target', path), 'x')
    utimesSync(join(root, 'target', path), new Date(`${year}-06-01`), new Date(`${year}-06-01`))
  }
  const source = memorySource('s', [hashedEntry('young', 'y'), hashedEntry('old', 'y')])
  const plan = await planRestore(source, join(root, 'target'), { mode: 'merge' })
  expect(inspectRestore(plan, { sourceMadeAt }).findings).toMatchObject([
    {
      check: 'newer-changes',
      severity: 'risk',
      evidence: { count: 1, examples: ['young'], sourceMadeAt: sourceMadeAt.toISOString() },
    },
  ])
})

test('conflicts of the plan stop it', async () => {
  using folder = temporaryFolder()
  const out: Entry = {
    path: 'out' as EntryPath,
    type: 'symlink',
    mode: 0o777,
    sizeBytes: 4,
    target: '/etc' as EntryPath,
  }
  const plan = await planRestore(memorySource('s', [out]), join(folder.path, 'new'))
  expect(inspectRestore(plan)).toMatchObject({
    findings: [{ check: 'plan', severity: 'stops', evidence: { code: 'ARC_PATH_UNSAFE', path: 'out' } }],
    likelihood: { probability: 0, basis: 'stopped' },
  })
})

test.each([
  ['.git/hooks/pre-commit', true],
  ['sub/.GIT/Hooks/x', true],
  ['.git/hooks/pre-commit.sample', false],
  ['.git/config', true],
  ['.husky/pre-push', true],
  ['.husky/_/husky.sh', false],
  ['packages/a/.npmrc', true],
  ['x.npmrc', false],
  ['.envrc', true],
  ['.pnpmfile.cjs', true],
  ['.vscode/tasks.json', true],
  ['src/hooks/pre-commit', false],
])('%s acts unasked: %s', (path, expected) => {
  expect(actsUnasked(path as EntryPath)).toBe(expected)
})

test('a further name of a file is unchanged when the file is, and it is still a name of that file', async () => {
  using folder = temporaryFolder()
  const target = join(folder.path, 'target')
  mkdirSync(target)
  writeFileSync(join(target, 'a'), 'x')
  linkSync(join(target, 'a'), join(target, 'b'))
  writeFileSync(join(target, 'c'), 'x')
  const first = { ...hashedEntry('a', 'x'), hardLink: 'a', mtimeNs: undefined }
  const further = (path: string): Entry => ({
    ...first,
    path: path as EntryPath,
    content: undefined,
    sha256: undefined,
  })
  for (const name of ['a', 'b', 'c']) fs.chmodSync(join(target, name), first.mode)
  const plan = await planRestore(memorySource('s', [first, further('b'), further('c')]), target, { mode: 'replace' })
  expect(plan.rows.map(({ path, action }) => `${action} ${path}`)).toEqual(['keep a', 'keep b', 'change c'])
})
