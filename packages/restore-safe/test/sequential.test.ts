// Sources that can be read only once, and know only at their end whether what they gave was whole.
import { chmodSync, existsSync, readdirSync, statSync } from 'node:fs'
import { ArcError, type Entry, type EntryPath, type EntrySource } from '@arc/core'
import { nodeFileSystem } from '@arc/core/node'
import { failure, readTree, temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { restoreNew } from '../src/index.ts'
import { expectedTree, folderEntry, hashedEntry } from './trees.ts'

const fast = { durable: false }
const path = (text: string): EntryPath => text as EntryPath
const damaged = new ArcError('ARC_DUMP_DAMAGED', 'the end is not what it should be')

function once(batches: readonly (readonly Entry[])[], atEnd: () => void = () => {}): EntrySource {
  return {
    name: 'once',
    access: 'sequential',
    omissions: [],
    async *entries() {
      yield* batches
      atEnd()
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** A file that does not hold what it declares. */
function lyingEntry(name: string): Entry {
  return { ...hashedEntry(name, 'one'), content: hashedEntry(name, 'two').content }
}

test('damage that is known only at the end leaves nothing behind', async () => {
  using folder = temporaryFolder()
  const source = once([[hashedEntry('a', 'x')], [hashedEntry('d/b', 'y')]], () => {
    throw damaged
  })
  await expect(restoreNew(source, `${folder.path}/target`, fast)).rejects.toBe(damaged)
  expect(readdirSync(folder.path)).toEqual([])
})

test('what the source says of itself at its end comes before what was found in its content', async () => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  let given = 0
  const batches = [[lyingEntry('a'), hashedEntry('b', 'x')], [hashedEntry('c', 'y')]]
  const telling = once(batches, () => {
    throw damaged
  })
  await expect(restoreNew(telling, target, fast)).rejects.toBe(damaged)
  const silent = once(batches, () => void given++)
  await expect(restoreNew(silent, target, fast)).rejects.toMatchObject({ code: 'ARC_HASH_MISMATCH', path: 'a' })
  expect(given).toBe(1)
  expect(readdirSync(folder.path)).toEqual([])
})

test('a further name without content is the file it names, whether or not that can be linked', async () => {
  const first = { ...hashedEntry('a', 'content', 0o600), hardLink: 'a' }
  const { content: _, ...second } = { ...first, path: path('d/b') }
  const other = { ...hashedEntry('c', 'content', 0o600), hardLink: 'c' }
  const refusing = watchedFileSystem(({ name }) => {
    if (name === 'linkSync') throw failure('EPERM')
  })
  for (const [fs, links] of [
    [nodeFileSystem, 2],
    [refusing, 1],
  ] as const) {
    using folder = temporaryFolder()
    const target = `${folder.path}/target`
    const result = await restoreNew(once([[first, other], [second]]), target, { ...fast, fs })
    expect(result).toMatchObject({ files: 3, hardLinks: links - 1, verifiedFiles: 3 })
    expect(readTree(target)).toEqual(expectedTree([first, other, { ...first, path: path('d/b') }]))
    expect(statSync(`${target}/a`).nlink).toBe(links)
    expect(statSync(`${target}/c`).nlink).toBe(1)
  }
})

test('a name that comes after another of its file is linked to that one', async () => {
  using folder = temporaryFolder()
  const first = { ...hashedEntry('x', 'content'), hardLink: 'y' }
  const second = { ...hashedEntry('y', 'content'), hardLink: 'y' }
  await restoreNew(once([[first, second]]), `${folder.path}/target`, fast)
  expect(statSync(`${folder.path}/target/x`).nlink).toBe(2)
})

test('a further name that declares other content is refused', async () => {
  using folder = temporaryFolder()
  const first = { ...hashedEntry('a', 'one'), hardLink: 'a' }
  const second = { ...hashedEntry('b', 'two'), hardLink: 'a' }
  const restoring = restoreNew(once([[first, second]]), `${folder.path}/target`, fast)
  await expect(restoring).rejects.toMatchObject({ code: 'ARC_ENTRY_CHANGED', path: 'b' })
  expect(existsSync(`${folder.path}/target`)).toBe(false)
})

test('folders end with their permissions, whenever those are told and whatever the umask', async () => {
  const modes = [0o755, 0o700, 0o775, 0o1777, 0o500, 0o111, 0o000]
  const children = modes.map((mode) => hashedEntry(`${mode}/file`, 'x'))
  const folders = modes.map((mode) => folderEntry(String(mode), mode))
  const umask = process.umask()
  try {
    for (const mask of [0o000, 0o022, 0o077, 0o777]) {
      for (const batches of [[[...folders, ...children]], [[...children, ...folders]]]) {
        using folder = temporaryFolder()
        process.umask(mask)
        const restoring = restoreNew(once(batches), `${folder.path}/target`, fast)
        await restoring.finally(() => process.umask(umask))
        const found = modes.map((mode) => statSync(`${folder.path}/target/${mode}`).mode & 0o7777)
        expect(found).toEqual(modes)
        for (const mode of modes) chmodSync(`${folder.path}/target/${mode}`, 0o700)
      }
    }
  } finally {
    process.umask(umask)
  }
})
