import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { decodePath, type EntryPath } from '@arc/core'
import {
  type FileSystem,
  LocalContent,
  localPath,
  localRoot,
  nodeFileSystem,
  readFully,
  writeFully,
} from '@arc/core/node'
import { failure, temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import { expect, onTestFinished, test } from 'vitest'

function freshFolder(): string {
  const folder = temporaryFolder()
  onTestFinished(() => folder[Symbol.dispose]())
  return folder.path
}

interface ReadOptions {
  sizeBytes?: number
  roomBytes?: number
  followSymlinks?: boolean
  calls?: string[]
}

/** What a content gives at once, the calls it took noted. */
function read(
  root: string,
  path: EntryPath,
  { sizeBytes = 5, roomBytes = 6, followSymlinks = false, calls = [] }: ReadOptions = {},
): string {
  const port = watchedFileSystem(({ name }) => void calls.push(name))
  const reader = new LocalContent(localRoot(port, root, followSymlinks), path, sizeBytes).open()
  try {
    const into = Buffer.alloc(roomBytes)
    return into.toString('latin1', 0, reader.read(into))
  } finally {
    reader.close()
  }
}

const file = 'file' as EntryPath

test('a file as long as listed costs three calls', () => {
  const root = freshFolder()
  fs.writeFileSync(join(root, 'file'), '12345')
  const calls: string[] = []
  expect(read(root, file, { calls })).toBe('12345')
  expect(calls).toEqual(['openSync', 'readSync', 'closeSync'])
})

test('the beginning of a file, read in one call, is what a reader gives', () => {
  const root = freshFolder()
  for (const content of ['1234567', '123456', '12345', '123', '']) {
    fs.writeFileSync(join(root, 'file'), content)
    const calls: string[] = []
    const port = watchedFileSystem(({ name }) => void calls.push(name))
    const into = Buffer.alloc(9, '.')
    const count = new LocalContent(localRoot(port, root, false), file, 5).readStart(into, 2, 6)
    expect(into.toString('latin1')).toBe(`..${content.slice(0, 6).padEnd(7, '.')}`)
    expect(count).toBe(Math.min(6, content.length))
    expect(calls.at(-1)).toBe('closeSync')
  }
  fs.rmSync(join(root, 'file'))
  const gone = new LocalContent(localRoot(nodeFileSystem, root, false), file, 5)
  expect(() => gone.readStart(Buffer.alloc(1), 0, 1)).toThrow(
    expect.objectContaining({ code: 'ARC_ENTRY_UNREADABLE', details: { errno: 'ENOENT' } }),
  )
})

test('a file that is longer, shorter or empty shows it', () => {
  const root = freshFolder()
  for (const content of ['1234567', '123456', '123', '']) {
    fs.writeFileSync(join(root, 'file'), content)
    expect(read(root, file, { roomBytes: 6 })).toBe(content.slice(0, 6))
    expect(read(root, file, { roomBytes: 99 })).toBe(content)
  }
})

test('a name of any bytes is found', () => {
  const root = freshFolder()
  const name = Buffer.from('caf\xe9\n', 'latin1')
  fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), '12345')
  expect(read(root, decodePath(name))).toBe('12345')
  expect(localPath('/r', decodePath(name))).toEqual(Buffer.concat([Buffer.from('/r/'), name]))
  expect(localPath('/r', 'caf\u00e9' as EntryPath)).toBe('/r/caf\u00e9')
})

test('a link that took the place of a file is not followed, unless links are', () => {
  const root = freshFolder()
  fs.writeFileSync(join(root, 'target'), '12345')
  fs.symlinkSync('target', join(root, 'file'))
  expect(() => read(root, file)).toThrow(
    expect.objectContaining({ code: 'ARC_ENTRY_UNREADABLE', path: 'file', details: { errno: 'ELOOP' } }),
  )
  expect(read(root, file, { followSymlinks: true })).toBe('12345')
})

test('a pipe that took the place of a file does not stop the job', () => {
  const root = freshFolder()
  expect(spawnSync('mkfifo', [join(root, 'file')]).status).toBe(0)
  expect(read(root, file)).toBe('')
})

test('what is gone, or a folder, is told by its path', () => {
  const root = freshFolder()
  expect(() => read(root, 'a\nb' as EntryPath)).toThrow(
    expect.objectContaining({ code: 'ARC_ENTRY_UNREADABLE', path: String.raw`"a\nb"`, details: { errno: 'ENOENT' } }),
  )
  fs.mkdirSync(join(root, 'file'))
  expect(() => read(root, file)).toThrow(
    expect.objectContaining({ code: 'ARC_ENTRY_UNREADABLE', details: { errno: 'EISDIR' } }),
  )
})

test('short reads and writes are continued to the end', () => {
  const root = freshFolder()
  const short: FileSystem = {
    ...nodeFileSystem,
    readSync: (fd: number, bytes: Buffer, at: number, count: number, position: number | null) =>
      fs.readSync(fd, bytes, at, Math.min(count, 2), position),
    writeSync: (fd: number, bytes: Buffer, at: number, count: number, position: number | null) =>
      fs.writeSync(fd, bytes, at, Math.min(count, 2), position),
  } as FileSystem
  const fd = fs.openSync(join(root, 'file'), 'wx+')
  writeFully(short, fd, Buffer.from('12345'), 0)
  const into = Buffer.alloc(9)
  expect(readFully(short, fd, into, 1)).toBe(4)
  expect(into.toString('latin1', 0, 4)).toBe('2345')
  fs.closeSync(fd)
  expect(fs.readFileSync(join(root, 'file'), 'utf8')).toBe('12345')
})

test('a failed read is told as the entry that cannot be read', () => {
  const root = freshFolder()
  fs.writeFileSync(join(root, 'file'), '12345')
  const port = watchedFileSystem(({ name }) => {
    if (name === 'readSync') throw failure('EIO')
  })
  const reader = new LocalContent(localRoot(port, root, false), file, 5).open()
  expect(() => reader.read(Buffer.alloc(9))).toThrow(
    expect.objectContaining({ code: 'ARC_ENTRY_UNREADABLE', details: { errno: 'EIO' } }),
  )
  reader.close()
})
