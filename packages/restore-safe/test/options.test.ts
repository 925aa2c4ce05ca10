import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { memorySource } from '@arc/core'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { applyRestore, listRestorePoints, planRestore, restoreNew } from '../src/index.ts'
import { hashedEntry } from './trees.ts'

const source = memorySource('some', [hashedEntry('a', 'new')])
const coded = (code: string): unknown => expect.objectContaining({ code, hint: expect.any(String) as string })

test.for([
  ['a link policy there is not', { links: 'Refuse' }],
  ['an empty link policy', { links: '' }],
  ['a limit that nothing exceeds', { limits: { maxEntries: Number.NaN } }],
  ['a limit in words', { limits: { maxTotalBytes: '5' } }],
  ['a limit there is not', { limits: { maxFiles: 5 } }],
] as const)('refused: %s', async ([, options]) => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  await expect(restoreNew(source, target, options as object)).rejects.toThrow(coded('ARC_OPTION_INVALID'))
  await expect(planRestore(source, target, options as object)).rejects.toThrow(coded('ARC_OPTION_INVALID'))
  expect(readdirSync(folder.path)).toEqual([])
})

test('refused: a mode there is not', async () => {
  using folder = temporaryFolder()
  await expect(planRestore(source, `${folder.path}/target`, { mode: 'Replace' as 'replace' })).rejects.toThrow(
    coded('ARC_OPTION_INVALID'),
  )
})

test.for(['', 'a\0b', undefined, 5, null])('refused as target: %j', async (target) => {
  await expect(planRestore(source, target as string, { mode: 'merge' })).rejects.toThrow(coded('ARC_OPTION_INVALID'))
  await expect(restoreNew(source, target as string)).rejects.toThrow(coded('ARC_OPTION_INVALID'))
  expect(() => listRestorePoints(target as string)).toThrow(coded('ARC_OPTION_INVALID'))
})

test('refused as target: what lies below a file', async () => {
  using folder = temporaryFolder()
  writeFileSync(`${folder.path}/file`, '')
  for (const below of ['file/target', 'file/more/target'])
    await expect(restoreNew(source, `${folder.path}/${below}`)).rejects.toThrow(coded('ARC_NOT_A_DIRECTORY'))
})

test('refused as target: what lies in the folder that restores keep beside another target', async () => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  mkdirSync(target)
  writeFileSync(`${target}/a`, 'old')
  await applyRestore(await planRestore(source, target, { mode: 'replace' }), source, { durable: false })
  for (const name of ['new', 'point-000001', 'point-000001/d']) {
    const inside = `${folder.path}/.target.arc-restore/${name}`
    await expect(planRestore(source, inside, { mode: 'merge' })).rejects.toThrow(coded('ARC_TARGET_UNSUITABLE'))
    await expect(restoreNew(source, inside)).rejects.toThrow(coded('ARC_TARGET_UNSUITABLE'))
  }
  await expect(restoreNew(source, `${folder.path}/.target.arc-restore`)).rejects.toThrow(coded('ARC_TARGET_UNSUITABLE'))
})
