import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { memorySource } from '@arc/core'
import { failure, readTree, temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { applyRestore, listRestorePoints, planRestore, recoverTarget, restoreNew } from '../src/index.ts'
import { copyFolder, runChild, stageCrash } from './crash-harness.ts'
import { targetState } from './crash-jobs.ts'
import { hashedEntry, linkEntry } from './trees.ts'

const fast = { durable: false }
const coded = (code: string): unknown => expect.objectContaining({ code })

/** A target whose swap was killed between its two renames: nothing has its name. */
async function halfSwapped(folder: string): Promise<{ target: string; before: string; control: string }> {
  const stage = await stageCrash('replace', folder)
  const killed = `${folder}/killed`
  copyFolder(stage.template, killed)
  await runChild({ job: 'replace', folder: killed, killBeforeRenameOf: '/stage' })
  expect(existsSync(`${killed}/target`)).toBe(false)
  return { target: `${killed}/target`, before: stage.before, control: `${killed}/.target.arc-restore` }
}

test('a half-done swap is rolled back by the next job of any kind', async () => {
  using folder = temporaryFolder()
  const { target, before, control } = await halfSwapped(folder.path)
  copyFolder(dirname(target), `${folder.path}/planned`)
  await expect(recoverTarget(target)).resolves.toBe('rolled-back')
  expect(targetState(dirname(target))).toBe(before)
  expect(existsSync(control)).toBe(false)

  const source = memorySource('next', [hashedEntry('a', 'x')])
  const plan = await planRestore(source, `${folder.path}/planned/target`, { mode: 'replace' })
  expect(plan.totals.removed).toBeGreaterThan(0) // planned against the tree that came back
  await expect(restoreNew(source, `${folder.path}/planned/target`)).rejects.toThrow(coded('ARC_TARGET_NOT_EMPTY'))
})

test('a tree that another program put in the gap of a swap stays, and the tree from before becomes a restore point', async () => {
  using folder = temporaryFolder()
  const { target, before, control } = await halfSwapped(folder.path)
  mkdirSync(target)
  writeFileSync(`${target}/foreign`, 'foreign')
  await expect(recoverTarget(target)).resolves.toBe('finished')
  expect(readdirSync(target)).toEqual(['foreign'])
  const [point] = listRestorePoints(target)
  renameSync(target, `${target}-foreign`)
  renameSync(point?.path ?? '', target)
  expect(targetState(dirname(target))).toBe(before)
  expect(readdirSync(control)).toEqual([`${point?.id}.json`])
})

test('a journal that cannot be understood stops everything and changes nothing', async () => {
  using folder = temporaryFolder()
  const { target, control } = await halfSwapped(folder.path)
  for (const text of [
    'not JSON',
    '{}',
    JSON.stringify({ formatVersion: 1, incoming: '../../etc', previous: 'point-000001', keepPoints: 1 }),
  ]) {
    writeFileSync(`${control}/journal.json`, text)
    await expect(recoverTarget(target)).rejects.toThrow(coded('ARC_TARGET_UNSUITABLE'))
    await expect(restoreNew(memorySource('x', []), target)).rejects.toThrow(coded('ARC_TARGET_UNSUITABLE'))
    expect(readdirSync(control)).toEqual(expect.arrayContaining(['journal.json', 'point-000001', 'stage']))
  }
})

test('a restore point without a record is litter, never a point', async () => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  mkdirSync(`${folder.path}/.target.arc-restore/point-000007/half`, { recursive: true, mode: 0o700 })
  expect(listRestorePoints(target)).toEqual([])
  await expect(recoverTarget(target)).resolves.toBe('cleaned')
  expect(readdirSync(folder.path)).toEqual([])
})

test('a second rename that fails puts the tree from before back', async () => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  mkdirSync(target)
  writeFileSync(`${target}/a`, 'old')
  const source = memorySource('next', [hashedEntry('a', 'new')])
  const plan = await planRestore(source, target, { mode: 'replace' })
  const failing = watchedFileSystem(({ name, args }) => {
    if (name === 'renameSync' && String(args[0]).endsWith('/stage')) throw failure('EIO', 'rename')
  })
  await expect(applyRestore(plan, source, { ...fast, fs: failing })).rejects.toThrow(coded('ARC_SYSTEM_CALL_FAILED'))
  expect(readFileSync(`${target}/a`, 'utf8')).toBe('old')
  expect(readdirSync(folder.path)).toEqual(['target'])
})

test('names that the file system takes for one are refused, whatever rule it has', async () => {
  using folder = temporaryFolder()
  const taken = new Set<string>()
  const insensitive = watchedFileSystem(({ name, args }) => {
    if (!['openSync', 'mkdirSync', 'symlinkSync'].includes(name)) return
    const created = String(args[name === 'symlinkSync' ? 1 : 0]).toLowerCase()
    if (!created.includes('/stage/')) return
    if (taken.has(created)) throw failure('EEXIST', name)
    taken.add(created)
  })
  for (const twin of [hashedEntry('readme', 'x'), hashedEntry('readme/x', 'x'), linkEntry('readme', 'x')]) {
    taken.clear()
    const source = memorySource('twins', [hashedEntry('README', 'x'), twin])
    await expect(restoreNew(source, `${folder.path}/target`, { ...fast, fs: insensitive })).rejects.toThrow(
      coded('ARC_ENTRY_DUPLICATE'),
    )
    expect(readTree(folder.path)).toEqual([])
  }
})
