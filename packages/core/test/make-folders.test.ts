import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeFolders, nodeFileSystem } from '../src/node.ts'
import { temporaryFolder } from '../src/testing.ts'

test('makes what is missing, and tells what that was', () => {
  using folder = temporaryFolder()
  const [a, b, c] = [join(folder.path, 'a'), join(folder.path, 'a/b'), join(folder.path, 'a/b/c')]
  mkdirSync(a)
  expect(makeFolders(c, { mode: 0o700 })).toEqual([b, c])
  expect(statSync(c).mode & 0o777).toBe(0o700)
  expect(makeFolders(c)).toEqual([])
})

test('somebody who is faster is no trouble', () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'a/b')
  const fs = {
    ...nodeFileSystem,
    existsSync: (at: string) => at === folder.path,
  }
  mkdirSync(path, { recursive: true })
  makeFolders(path, { fs: fs as typeof nodeFileSystem })
  expect(statSync(path).isDirectory()).toBe(true)
})

test('a file in the way, a link that leads nowhere, and a file system that makes nothing are refused at once', () => {
  using folder = temporaryFolder()
  writeFileSync(join(folder.path, 'file'), '')
  symlinkSync('nowhere', join(folder.path, 'link'))
  expect(() => makeFolders(join(folder.path, 'file'))).toThrow(/EEXIST/)
  expect(() => makeFolders(join(folder.path, 'file/below'))).toThrow(/ENOTDIR/)
  expect(() => makeFolders(join(folder.path, 'link'))).toThrow(/ENOENT/)
  let calls = 0
  const refuse = (): never => {
    calls++
    throw Object.assign(new Error('ENOENT: no such file or directory'), { code: 'ENOENT', syscall: 'mkdir' })
  }
  const fs = { ...nodeFileSystem, mkdirSync: refuse } as unknown as typeof nodeFileSystem
  expect(() => makeFolders(join(folder.path, 'x/y/z'), { fs })).toThrow(/ENOENT/)
  expect(calls).toBe(1)
})
