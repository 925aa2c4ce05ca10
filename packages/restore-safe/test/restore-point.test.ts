import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { memorySource } from '@arc/core'
import { failure, temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import { expect, test } from 'vitest'
import {
  applyRestore,
  dropRestorePoints,
  listDroppedPoints,
  listRestorePoints,
  planRestore,
  planUndo,
  type RestoreResult,
  undoRestore,
} from '../src/index.ts'
import { hashedEntry } from './trees.ts'

const fast = { durable: false }
const coded = (code: string): unknown => expect.objectContaining({ code })

interface Project extends Disposable {
  readonly target: string
  /** Replace the tree by one whose file `a` has this text. */
  replace(text: string, keepPoints?: number): Promise<RestoreResult>
  undo(point: string, options?: { keepPoints?: number; only?: (path: string) => boolean }): Promise<RestoreResult>
  /** The restore points, each by the text of its file `a`, oldest first. */
  texts(): string[]
}

function project(): Project {
  const folder = temporaryFolder()
  const target = `${folder.path}/target`
  mkdirSync(target)
  writeFileSync(`${target}/a`, '0')
  return {
    target,
    async replace(text, keepPoints) {
      const source = memorySource('next', [hashedEntry('a', text)])
      return applyRestore(await planRestore(source, target, { mode: 'replace' }), source, { ...fast, keepPoints })
    },
    async undo(point, { only, keepPoints } = {}) {
      return undoRestore(await planUndo(target, point, { only }), point, { ...fast, keepPoints })
    },
    texts: () => listRestorePoints(target).map(({ path }) => readFileSync(`${path}/a`, 'utf8')),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

test('the count that was asked for last holds until another one is', async () => {
  using place = project()
  await place.replace('1')
  expect(place.texts()).toEqual(['0'])
  for (const text of ['2', '3']) await place.replace(text, 3)
  await place.replace('4')
  expect(place.texts()).toEqual(['1', '2', '3'])
  await place.undo('point-000004')
  await place.replace('5')
  expect(place.texts()).toEqual(['2', '4', '3'])
  await place.replace('6', 1)
  await place.replace('7')
  expect(place.texts()).toEqual(['6'])
})

test('what a restore will drop is known before, and told afterwards', async () => {
  using place = project()
  for (const text of ['1', '2', '3']) await place.replace(text, 3)
  const dates = listRestorePoints(place.target).map(({ id, replacedAt }) => ({ id, replacedAt }))
  for (const [keepPoints, count] of [
    [0, 3],
    [1, 3],
    [2, 2],
    [undefined, 1],
    [4, 0],
  ] as const) {
    expect(listDroppedPoints(place.target, { keepPoints })).toMatchObject(dates.slice(0, count))
  }
  expect(() => listDroppedPoints(place.target, { keepPoints: -1 })).toThrow(coded('ARC_OPTION_INVALID'))
  expect(await place.replace('4')).toMatchObject({ droppedPoints: dates.slice(0, 1), restorePoint: 'point-000004' })
  expect(await place.replace('5', 4)).not.toHaveProperty('droppedPoints')
})

test('an undo, whole or in part, drops no restore point unless it is told to', async () => {
  using place = project()
  for (const text of ['1', '2', '3']) await place.replace(text, 3)
  await place.replace('4', 3)
  expect(place.texts()).toEqual(['1', '2', '3'])
  await place.undo('point-000002')
  expect(place.texts()).toEqual(['2', '3', '4'])
  await place.undo('point-000003', { only: (path) => path === 'a' })
  await place.undo('point-000004', { only: (path) => path === 'a' })
  expect(place.texts()).toEqual(['2', '3', '4', '1', '2'])
  expect(listDroppedPoints(place.target, { keepPoints: 2, usedUp: 'point-000004' })).toHaveLength(3)
  expect(await place.undo('point-000004', { keepPoints: 2 })).toMatchObject({
    droppedPoints: [{ id: 'point-000003' }, { id: 'point-000005' }, { id: 'point-000006' }],
  })
  expect(place.texts()).toEqual(['2', '3'])
  await place.undo('point-000007', { only: (path) => path === 'a', keepPoints: 0 })
  expect(readdirSync(`${place.target}/..`)).toEqual(['target'])
})

test('restore points can be dropped without a restore', async () => {
  using place = project()
  for (const text of ['1', '2', '3']) await place.replace(text, 5)
  const [oldest] = listRestorePoints(place.target)
  await expect(dropRestorePoints(place.target, -1)).rejects.toThrow(coded('ARC_OPTION_INVALID'))
  const failing = watchedFileSystem(({ name, args }) => {
    if (name === 'unlinkSync' && String(args[0]).endsWith('.json')) throw failure('EIO', name)
  })
  await expect(dropRestorePoints(place.target, 2, { fs: failing })).rejects.toThrow(coded('ARC_SYSTEM_CALL_FAILED'))
  expect(place.texts()).toEqual(['0', '1', '2'])
  await expect(dropRestorePoints(place.target, 2)).resolves.toEqual([oldest])
  await expect(dropRestorePoints(place.target, 2)).resolves.toEqual([])
  expect(place.texts()).toEqual(['1', '2'])
  await place.replace('4')
  expect(place.texts()).toEqual(['1', '2', '3'])
  await dropRestorePoints(place.target, 0)
  expect(readdirSync(`${place.target}/..`)).toEqual(['target'])
  expect(readFileSync(`${place.target}/a`, 'utf8')).toBe('4')
  await expect(dropRestorePoints(place.target, 0)).resolves.toEqual([])
})
