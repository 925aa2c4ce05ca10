import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { memorySource } from '@arc/core'
import { failure, readTree, temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import { expect, onTestFinished, test } from 'vitest'
import { applyRestore, listRestorePoints, planRestore, planUndo, restoreNew, undoRestore } from '../src/index.ts'
import { mountTmpfs } from './mount.ts'
import { hashedEntry } from './trees.ts'

const fast = { durable: false }
const coded = (code: string): unknown => expect.objectContaining({ code })
const source = memorySource('some', [hashedEntry('a', 'new')])

test('a symlink as target means the folder it points to', async () => {
  using folder = temporaryFolder()
  mkdirSync(`${folder.path}/real`)
  writeFileSync(`${folder.path}/real/old`, 'old')
  symlinkSync('real', `${folder.path}/link`)
  const plan = await planRestore(source, `${folder.path}/link`, { mode: 'replace' })
  expect(plan.target).toBe(`${realpathSync(folder.path)}/real`)
  await applyRestore(plan, source, { ...fast, keepPoints: 0 })
  expect(readdirSync(folder.path).sort()).toEqual(['link', 'real'])
  expect(readdirSync(`${folder.path}/link`)).toEqual(['a'])
})

test.for([
  ['a dangling symlink', 'ARC_TARGET_UNSUITABLE', (at: string) => symlinkSync('nowhere', at)],
  ['symlinks in a circle', 'ARC_TARGET_UNSUITABLE', (at: string) => symlinkSync(at, at)],
  ['a file', 'ARC_NOT_A_DIRECTORY', (at: string) => writeFileSync(at, 'x')],
] as [string, string, (at: string) => void][])('refused as target: %s', async ([, code, make]) => {
  using folder = temporaryFolder()
  make(`${folder.path}/target`)
  await expect(restoreNew(source, `${folder.path}/target`, fast)).rejects.toThrow(coded(code))
  expect(readdirSync(folder.path)).toEqual(['target'])
})

test('refused as target: the root of the file system, and a folder whose parent is missing', async () => {
  using folder = temporaryFolder()
  await expect(restoreNew(source, '/', fast)).rejects.toThrow(coded('ARC_TARGET_UNSUITABLE'))
  await expect(restoreNew(source, `${folder.path}/no/target`, fast)).rejects.toThrow(coded('ARC_NOT_FOUND'))
})

test('refused as target: the current folder, and one that holds it; a plan can be made there', async () => {
  using folder = temporaryFolder()
  mkdirSync(`${folder.path}/target/below`, { recursive: true })
  writeFileSync(`${folder.path}/target/below/old`, 'old')
  const before = process.cwd()
  onTestFinished(() => process.chdir(before))
  process.chdir(`${folder.path}/target/below`)
  for (const target of ['.', '..']) {
    const plan = await planRestore(source, target, { mode: 'replace' })
    expect(plan.totals).toMatchObject({ added: 1 })
    await expect(applyRestore(plan, source, fast)).rejects.toThrow(coded('ARC_TARGET_UNSUITABLE'))
  }
  process.chdir(before)
  expect(readdirSync(folder.path)).toEqual(['target'])
  expect(readdirSync(`${folder.path}/target/below`)).toEqual(['old'])
})

test('the folder itself keeps its mode, and its owner, whatever is restored in it', async () => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  mkdirSync(target)
  writeFileSync(`${target}/old`, 'old')
  const facts = (): unknown => {
    const { mode, uid, gid } = statSync(target)
    return { mode: mode & 0o7777, uid, gid }
  }
  // Only root can give a folder away.
  const [uid, gid] = process.getuid?.() === 0 ? [65534, 65534] : [process.getuid?.(), process.getgid?.()]
  chownSync(target, uid ?? 0, gid ?? 0)
  chmodSync(target, 0o700)
  const kept = { mode: 0o700, uid, gid }
  for (const mode of ['merge', 'replace'] as const) {
    await applyRestore(await planRestore(source, target, { mode }), source, { ...fast, keepPoints: 2 })
    expect(facts()).toEqual(kept)
  }
  const [first, second] = listRestorePoints(target)
  chmodSync(first?.path ?? '', 0o755)
  const only = (path: string): boolean => path === 'old'
  await undoRestore(await planUndo(target, second?.id ?? '', { only }), second?.id ?? '', fast)
  expect(facts()).toEqual(kept)
  chmodSync(target, 0o2750)
  await undoRestore(await planUndo(target, first?.id ?? ''), first?.id ?? '', fast)
  expect(facts()).toEqual({ ...kept, mode: 0o2750 })
  expect(readdirSync(target)).toEqual(['old'])
})

test.for([0, 0o077, 0o500, 0o555])(
  'a new folder can be moved by its owner: a source whose own has mode %o',
  async (rootMode) => {
    using folder = temporaryFolder()
    const target = `${folder.path}/target`
    const closed = memorySource('closed', [hashedEntry('a', 'new')], { rootMode })
    await restoreNew(closed, target, fast)
    expect(statSync(target).mode & 0o7777).toBe(rootMode | 0o700)
    const next = memorySource('next', [hashedEntry('a', 'next')], { rootMode })
    await applyRestore(await planRestore(next, target, { mode: 'replace' }), next, fast)
    const id = listRestorePoints(target)[0]?.id ?? ''
    await undoRestore(await planUndo(target, id), id, fast)
    expect(readFileSync(`${target}/a`, 'utf8')).toBe('new')
  },
)

test('a plan for a new target is stale once something is there', async () => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  const plan = await planRestore(source, target)
  mkdirSync(target)
  writeFileSync(`${target}/mine`, 'mine')
  await expect(applyRestore(plan, source, fast)).rejects.toThrow(coded('ARC_PLAN_STALE'))
  expect(readdirSync(target)).toEqual(['mine'])
  await expect(planRestore(source, target)).rejects.toThrow(coded('ARC_TARGET_NOT_EMPTY'))
})

test('a disk that fills while staging leaves the old tree', async (context) => {
  using folder = temporaryFolder()
  using _disk = mountTmpfs(folder.path, context)
  const target = `${folder.path}/target`
  mkdirSync(target)
  writeFileSync(`${target}/old`, 'old')
  const large = memorySource(
    'large',
    Array.from({ length: 40 }, (_, i) => hashedEntry(`f${i}`, String(i).repeat(40_000))),
  )
  const plan = await planRestore(large, target, { mode: 'replace' })
  await expect(applyRestore(plan, large)).rejects.toThrow(coded('ARC_TARGET_UNSUITABLE'))
  await expect(applyRestore(plan, large, { checkSpace: false })).rejects.toThrow(/no space left/)
  expect(readTree(target).map((row) => row.path)).toEqual(['old'])
  expect(readdirSync(folder.path)).toEqual(['target'])
})

test('a parent that cannot be written to, and a folder that cannot be renamed, are told clearly', async () => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  const failing = (call: string, code: string): ReturnType<typeof watchedFileSystem> =>
    watchedFileSystem(({ name, args }) => {
      if (name === call && (call === 'mkdirSync' || args[0] === target)) throw failure(code, call)
    })
  for (const code of ['EACCES', 'EROFS']) {
    await expect(restoreNew(source, target, { ...fast, fs: failing('mkdirSync', code) })).rejects.toThrow(
      /cannot be written to/,
    )
  }
  mkdirSync(target)
  writeFileSync(`${target}/old`, 'old')
  const plan = await planRestore(source, target, { mode: 'replace' })
  for (const code of ['EXDEV', 'EBUSY', 'EPERM']) {
    await expect(applyRestore(plan, source, { ...fast, fs: failing('renameSync', code) })).rejects.toThrow(
      coded('ARC_TARGET_UNSUITABLE'),
    )
    expect(readdirSync(folder.path)).toEqual(['target'])
  }
})

test('a control folder that is not a private one of this user is not used', async () => {
  using folder = temporaryFolder()
  const control = `${folder.path}/.target.arc-restore`
  mkdirSync(control)
  chmodSync(control, 0o777)
  await expect(restoreNew(source, `${folder.path}/target`, fast)).rejects.toThrow(coded('ARC_TARGET_UNSUITABLE'))
  expect(readdirSync(control)).toEqual([])
})

test('a name of 255 bytes leaves room for its control folder', async () => {
  using folder = temporaryFolder()
  const target = `${folder.path}/${'t'.repeat(255)}`
  await restoreNew(source, target, fast)
  expect(readdirSync(target)).toEqual(['a'])
})

test('modes are exact below a parent that hands its group down', async () => {
  using folder = temporaryFolder()
  chmodSync(folder.path, 0o2775)
  await restoreNew(memorySource('deep', [hashedEntry('d/f', 'x', 0o664)]), `${folder.path}/target`, fast)
  expect(readTree(`${folder.path}/target`).map((row) => row.mode)).toEqual([0o755, 0o664])
  expect(statSync(`${folder.path}/target`).mode & 0o7777).toBe(0o755)
  expect(existsSync(`${folder.path}/.target.arc-restore`)).toBe(false)
})
