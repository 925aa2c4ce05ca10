import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import type { EntryAttributes, ExtendedAttribute } from '@arc/core'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { openDirectory, openWorkTree } from '../src/index.ts'
import { collect, repository, write } from './collect.ts'

function setXattr(root: string, path: string, name: string, value: string): void {
  execFileSync('setfattr', ['-h', '-n', name, '-v', value, path], { cwd: root, stdio: 'pipe' })
}

/** Names and values, without what a machine labels every file with. */
function shown(attributes: EntryAttributes | undefined): string[] | undefined {
  const named = ({ name, value }: ExtendedAttribute): string => `${name}=${Buffer.from(value).toString()}`
  return attributes?.xattrs?.map(named).filter((text) => !text.startsWith('security.'))
}

test('without asking, entries have none', async () => {
  using folder = temporaryFolder()
  write(folder.path, { a: 'x' })
  setXattr(folder.path, 'a', 'user.note', 'one')
  const { entries } = await collect(openDirectory(folder.path))
  expect(entries.map(({ attributes }) => attributes)).toEqual([undefined])
})

test('owners and extended attributes of files, folders and symlinks, each of their own', async () => {
  using folder = temporaryFolder()
  write(folder.path, { a: 'x', 'folder/b': 'y', 'new\nline': 'z' })
  fs.symlinkSync('a', join(folder.path, 'link'))
  setXattr(folder.path, 'a', 'user.z', 'two')
  setXattr(folder.path, 'a', 'user.note', 'one')
  setXattr(folder.path, 'folder', 'user.note', 'folder')
  setXattr(folder.path, 'new\nline', 'user.note', 'odd')
  const { entry, entries, omissions } = await collect(openDirectory(folder.path, { owners: true, xattrs: true }))
  const { uid, gid } = fs.statSync(folder.path)
  for (const { attributes } of entries) expect(attributes?.owner).toMatchObject({ uid, gid })
  expect(shown(entry('a').attributes)).toEqual(['user.note=one', 'user.z=two'])
  expect(shown(entry('folder').attributes)).toEqual(['user.note=folder'])
  expect(shown(entry('new\nline').attributes)).toEqual(['user.note=odd'])
  for (const path of ['link', 'folder/b']) expect(shown(entry(path).attributes)).toEqual([])
  expect(omissions).toEqual([])
  const followed = await collect(openDirectory(folder.path, { xattrs: true, followSymlinks: true }))
  expect(shown(followed.entry('link').attributes)).toEqual(['user.note=one', 'user.z=two'])
  expect(followed.entry('link').attributes?.owner).toBeUndefined()
})

test('a listing that is read again, and a table, have the same attributes', async () => {
  using root = repository({ a: 'x', b: 'y' })
  setXattr(root.path, 'a', 'user.note', 'one')
  for (const open of [openWorkTree, openDirectory]) {
    await using source = await open(root.path, { owners: true, xattrs: true })
    const table = await source.table?.()
    expect(shown(table?.entry(0).attributes)).toEqual(['user.note=one'])
    for await (const batch of source.entries()) {
      expect(batch.map(({ attributes }) => shown(attributes))).toEqual([['user.note=one'], []])
      expect(batch[1]?.attributes?.owner?.uid).toBe(fs.statSync(root.path).uid)
    }
    await using owners = await open(root.path, { owners: true })
    const other = (await owners.table?.())?.entry(1).attributes
    expect(other?.owner?.uid).toBe(fs.statSync(root.path).uid)
    expect(other?.xattrs).toBeUndefined()
    expect(table?.digestHex()).not.toBe((await owners.table?.())?.digestHex())
  }
})

test('a file with holes is known as such, a small or a whole one is not', async () => {
  using folder = temporaryFolder()
  write(folder.path, { whole: Buffer.alloc(2 ** 20, 1), small: '' })
  fs.truncateSync(join(folder.path, 'small'), 5000)
  write(folder.path, { sparse: 'x' })
  fs.truncateSync(join(folder.path, 'sparse'), 2 ** 20)
  const { entry } = await collect(openDirectory(folder.path))
  expect(entry('sparse').attributes).toEqual({ isSparse: true })
  for (const path of ['whole', 'small']) expect(entry(path).attributes).toBeUndefined()
})
