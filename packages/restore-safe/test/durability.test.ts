import { mkdirSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { memorySource } from '@arc/core'
import { type FileSystem, nodeFileSystem } from '@arc/core/node'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { applyRestore, planRestore } from '../src/index.ts'
import { hashedEntry, linkEntry } from './trees.ts'

/** A file system that notes, in order, what is synced and what is renamed, by the last part of its path. */
function notingFileSystem(notes: string[]): FileSystem {
  const paths = new Map<number, string>()
  const short = (path: unknown): string => basename(String(path))
  return {
    ...nodeFileSystem,
    openSync: (path, flags, mode) => {
      const fd = nodeFileSystem.openSync(path, flags, mode)
      paths.set(fd, short(path))
      return fd
    },
    fsyncSync: (fd) => {
      notes.push(`sync ${paths.get(fd)}`)
      nodeFileSystem.fsyncSync(fd)
    },
    renameSync: (from, to) => {
      notes.push(`rename ${short(from)} ${short(to)}`)
      nodeFileSystem.renameSync(from, to)
    },
  }
}

test('everything is on the disk before the step that needs it', async () => {
  using folder = temporaryFolder()
  mkdirSync(`${folder.path}/target`)
  writeFileSync(`${folder.path}/target/old`, 'old')
  const source = memorySource('next', [hashedEntry('a', 'x'), hashedEntry('d/b', 'x'), linkEntry('l', 'a')])
  const parent = basename(folder.path)
  const control = '.target.arc-restore'

  const notes: string[] = []
  const plan = await planRestore(source, `${folder.path}/target`, { mode: 'replace' })
  await applyRestore(plan, source, { fs: notingFileSystem(notes) })
  expect(notes.slice(0, 4).sort()).toEqual(['sync a', 'sync b', 'sync d', 'sync stage'])
  expect(notes.slice(4)).toEqual([
    'sync journal.json.tmp',
    'rename journal.json.tmp journal.json',
    `sync ${control}`,
    'rename target point-000001',
    'rename stage target',
    `sync ${parent}`,
    `sync ${control}`,
    'rename journal.json point-000001.json',
    `sync ${control}`,
  ])

  notes.length = 0
  const again = await planRestore(source, `${folder.path}/target`, { mode: 'replace' })
  await applyRestore(again, source, { fs: notingFileSystem(notes), durable: false })
  expect(notes.filter((note) => note.startsWith('sync'))).toEqual([])
})
