import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { memorySource } from '@arc/core'
import { failure, temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import { expect, test, type TestContext } from 'vitest'
import {
  applyRestore,
  dropRestorePoints,
  inspectRestore,
  listRestorePoints,
  planRestore,
  planUndo,
  recoverTarget,
  removeTree,
  restoreNew,
  undoRestore,
} from '../src/index.ts'
import { mountFolder, mountOverlay, mountTmpfs } from './mount.ts'
import { hashedEntry } from './trees.ts'

const fast = { durable: false }
const unsuitable = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'ARC_TARGET_UNSUITABLE', message: expect.stringMatching(message) as string })
const source = memorySource('some', [hashedEntry('a', 'new')])

interface Place extends Disposable {
  readonly path: string
  readonly target: string
  /** A folder elsewhere with the only copy of something, to be mounted. */
  readonly precious: string
}

/** A target `app` with an empty folder in it, whose name is one that the system's table escapes. */
function place(): Place {
  const folder = temporaryFolder()
  const { path } = folder
  mkdirSync(`${path}/app/my data/sub`, { recursive: true })
  writeFileSync(`${path}/app/a`, 'old')
  mkdirSync(`${path}/precious/sub`, { recursive: true })
  writeFileSync(`${path}/precious/only-copy`, '1')
  return { path, target: `${path}/app`, precious: `${path}/precious`, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

function expectUntouched({ precious, target }: Place): void {
  expect(readFileSync(`${precious}/only-copy`, 'utf8')).toBe('1')
  expect(readFileSync(`${target}/a`, 'utf8')).toBe('old')
}

const inside: readonly [string, (at: Place, context: TestContext) => Disposable][] = [
  ['a folder of the same disk', ({ precious, target }, context) => mountFolder(precious, `${target}/my data`, context)],
  ['another disk', ({ target }, context) => mountTmpfs(`${target}/my data`, context)],
  ['a file of the same disk', ({ precious, target }, c) => mountFolder(`${precious}/only-copy`, `${target}/a`, c)],
]

test.for(inside)('refused as target: a folder with a mount in it, %s', async ([, mount], context) => {
  using here = place()
  const before = await planRestore(source, here.target, { mode: 'replace' })
  using _mounted = mount(here, context)
  for (const mode of ['replace', 'merge'] as const)
    await expect(planRestore(source, here.target, { mode })).rejects.toThrow(
      unsuitable(/mounted at .*\/app\/(my data|a)$/),
    )
  expect(inspectRestore(before).findings).toMatchObject([{ check: 'permissions', severity: 'stops' }])
  for (const kept of ['copy', 'link'] as const)
    await expect(applyRestore(before, source, { ...fast, kept })).rejects.toThrow(unsuitable(/something is mounted/))
  expect(readdirSync(here.path).sort()).toEqual(['app', 'precious'])
})

test('what is mounted in the target while it is restored is not swapped away', async (context) => {
  using here = place()
  const plan = await planRestore(source, here.target, { mode: 'replace' })
  using mounts = new DisposableStack()
  const fs = watchedFileSystem(({ name, args }) => {
    if (name === 'openSync' && String(args[0]).endsWith('/stage/a'))
      mounts.use(mountFolder(here.precious, `${here.target}/my data`, context))
  })
  await expect(applyRestore(plan, source, { ...fast, fs })).rejects.toThrow(unsuitable(/something is mounted/))
  expectUntouched(here)
})

test('refused as target: a mount point, of the same disk or another', async (context) => {
  using here = place()
  await expect(planRestore(source, '/proc', { mode: 'replace' })).rejects.toThrow(unsuitable(/is a mount point/))
  const plan = await planRestore(source, here.target, { mode: 'replace' })
  using _mounted = mountFolder(here.precious, here.target, context)
  await expect(planRestore(source, here.target, { mode: 'merge' })).rejects.toThrow(unsuitable(/is a mount point/))
  await expect(applyRestore(plan, source, fast)).rejects.toThrow(unsuitable(/is a mount point/))
  expect(inspectRestore(plan).findings).toMatchObject([{ check: 'permissions', severity: 'stops' }])
  mkdirSync(`${here.path}/new`)
  using _empty = mountFolder(`${here.precious}/sub`, `${here.path}/new`, context)
  await expect(planRestore(source, `${here.path}/new`)).rejects.toThrow(unsuitable(/is a mount point/))
  await expect(restoreNew(source, `${here.path}/new`, fast)).rejects.toThrow(unsuitable(/is a mount point/))
})

test('an overlay of several disks is no mount inside, though its files have other devices', async (context) => {
  using here = place()
  for (const name of ['changes', 'merged']) mkdirSync(`${here.path}/${name}`)
  using _changes = mountTmpfs(`${here.path}/changes`, context)
  using _merged = mountOverlay(here.precious, `${here.path}/changes`, `${here.path}/merged`, context)
  const target = `${here.path}/merged/new`
  await restoreNew(memorySource('first', [hashedEntry('a', 'first')]), target, fast)
  expect(statSync(`${target}/a`).dev).not.toBe(statSync(target).dev)
  for (const mode of ['merge', 'replace'] as const) {
    await applyRestore(await planRestore(source, target, { mode }), source, { ...fast, keepPoints: 0 })
    expect(readFileSync(`${target}/a`, 'utf8')).toBe('new')
    writeFileSync(`${target}/a`, 'old')
  }
  expect(readdirSync(`${here.path}/merged`).sort()).toEqual(['new', 'only-copy', 'sub'])
})

test('nothing is removed of what is mounted in a restore point, which stays', async (context) => {
  using here = place()
  await applyRestore(await planRestore(source, here.target, { mode: 'replace' }), source, fast)
  const [point] = listRestorePoints(here.target)
  const next = memorySource('next', [hashedEntry('a', 'next')])
  const plan = await planRestore(next, here.target, { mode: 'replace' })
  const undoing = await planUndo(here.target, point?.id ?? '')
  {
    using _mounted = mountFolder(here.precious, `${point?.path}/my data`, context)
    for (const job of [
      () => planRestore(next, here.target, { mode: 'replace' }),
      () => applyRestore(plan, next, { ...fast, keepPoints: 0 }),
      () => planUndo(here.target, point?.id ?? ''),
      () => undoRestore(undoing, point?.id ?? '', fast),
      () => dropRestorePoints(here.target, 0),
    ])
      await expect(job()).rejects.toThrow(unsuitable(/mounted at .*\/point-000001\/my data$/))
    expect(listRestorePoints(here.target)).toEqual([point])
    expect(readFileSync(`${here.target}/a`, 'utf8')).toBe('new')
  }
  await applyRestore(plan, next, { ...fast, keepPoints: 0 })
  expect(readdirSync(here.path).sort()).toEqual(['app', 'precious'])
  expect(readdirSync(here.precious).sort()).toEqual(['only-copy', 'sub'])
})

test.for([
  ['a folder of the same disk', mountFolder],
  ['another disk', (_folder: string, at: string, context: TestContext) => mountTmpfs(at, context)],
] as const)('what a restore left is not removed through a mount in it: %s', async ([, mount], context) => {
  using here = place()
  const left = `${here.path}/.app.arc-restore/point-000001`
  mkdirSync(`${here.path}/.app.arc-restore`, { mode: 0o700 })
  renameSync(here.target, left)
  {
    using _mounted = mount(here.precious, `${left}/my data`, context)
    writeFileSync(`${left}/my data/mine`, 'mine')
    await expect(recoverTarget(here.target)).rejects.toThrow(
      expect.objectContaining({
        code: 'ARC_TARGET_UNSUITABLE',
        hint: expect.stringContaining('projectrestore recover'),
      }),
    )
    expect(readFileSync(`${left}/my data/mine`, 'utf8')).toBe('mine')
    // Where the system has no table of mounts, devices are judged: those of a folder of the same disk tell nothing.
    if (mount === mountFolder) return
    const blind = watchedFileSystem(({ name, args }) => {
      if (name === 'openSync' && args[0] === '/proc/self/mountinfo') throw failure('ENOENT', 'open')
    })
    expect(() => removeTree(left, blind)).toThrow(unsuitable(/mounted at .*\/my data$/))
    expect(readFileSync(`${left}/my data/mine`, 'utf8')).toBe('mine')
  }
  expect(await recoverTarget(here.target)).toBe('cleaned')
  expect(existsSync(left)).toBe(false)
})
