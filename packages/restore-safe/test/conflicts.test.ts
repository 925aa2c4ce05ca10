import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { memorySource } from '@arc/core'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { applyRestore, listRestorePoints, parsePlan, planRestore } from '../src/index.ts'
import { hashedEntry, linkEntry } from './trees.ts'

const fast = { durable: false }

test.for([
  ['file', hashedEntry('d', 'x')],
  ['symlink', linkEntry('d', 'a')],
] as const)(
  'a %s of the source that would cover a folder with things in it is told once, with what to do',
  async ([type, entry]) => {
    using folder = temporaryFolder()
    const target = `${folder.path}/target`
    mkdirSync(`${target}/d/deep`, { recursive: true })
    for (const name of ['d/one', 'd/two', 'd/deep/three']) writeFileSync(`${target}/${name}`, name)
    const source = memorySource('some', [entry])
    const plan = parsePlan(JSON.parse(JSON.stringify(await planRestore(source, target, { mode: 'merge' }))))
    const told = {
      code: 'ARC_TARGET_UNSUITABLE',
      path: 'd',
      message: `d is a ${type} in the source, and a folder in the target, with things in it that would stay`,
      hint: expect.stringContaining('Move that folder away') as string,
    }
    expect(plan.conflicts).toEqual([told])
    await expect(applyRestore(plan, source, fast)).rejects.toThrow(expect.objectContaining(told))
    expect(readdirSync(`${target}/d`).sort()).toEqual(['deep', 'one', 'two'])
  },
)

test('a file of the source takes the place of an empty folder', async () => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  mkdirSync(`${target}/d`, { recursive: true })
  const source = memorySource('some', [hashedEntry('d', 'x')])
  await applyRestore(await planRestore(source, target, { mode: 'merge' }), source, fast)
  expect(readFileSync(`${target}/d`, 'utf8')).toBe('x')
})

test('a plan that changes nothing costs no restore point, and is still held against source and target', async () => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  mkdirSync(target)
  writeFileSync(`${target}/a`, 'old')
  const source = memorySource('some', [hashedEntry('a', 'new')])
  await applyRestore(await planRestore(source, target, { mode: 'replace' }), source, fast)
  const points = listRestorePoints(target)
  const idle = await planRestore(source, target, { mode: 'replace' })
  expect(await applyRestore(idle, source, fast)).toMatchObject({
    files: 0,
    writtenBytes: 0,
    recovery: 'clean',
    tidy: true,
  })
  expect(listRestorePoints(target)).toEqual(points)
  const other = memorySource('some', [hashedEntry('a', 'news')])
  await expect(applyRestore(idle, other, fast)).rejects.toThrow(expect.objectContaining({ code: 'ARC_PLAN_STALE' }))
  writeFileSync(`${target}/b`, '')
  await expect(applyRestore(idle, source, fast)).rejects.toThrow(expect.objectContaining({ code: 'ARC_PLAN_STALE' }))
})
