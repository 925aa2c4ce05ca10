import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { type EntryPath, isOwnerId, isPrivilegedXattr, sameXattrs } from '@arc/core'
import {
  Accounts,
  attributesFromPlain,
  isSparseFile,
  nodeFileSystem,
  plainAttributes,
  writeWithHoles,
} from '@arc/core/node'
import { temporaryFolder } from '@arc/core/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

const name = (text: string): EntryPath => text as EntryPath

test('accounts are those of passwd and group, of which the first line counts, and strange lines do not', () => {
  using scratch = temporaryFolder()
  const passwd = [
    'root:x:0:0::/:/bin/sh',
    'zoë:x:1000:100::/:',
    'again:x:1000:1::/:',
    'root:x:7:7::/:',
    ':x:5:5',
    'odd',
    '',
    'big:x:4294967295:1',
    'text:x:a:1',
  ]
  fs.writeFileSync(join(scratch.path, 'passwd'), passwd.join('\n'))
  fs.writeFileSync(join(scratch.path, 'group'), 'users:x:100:zoë\n')
  const accounts = new Accounts(scratch.path)
  expect(accounts.owner(1000, 100)).toEqual({ uid: 1000, gid: 100, userName: 'zoë', groupName: 'users' })
  expect(accounts.owner(1000, 100)).toBe(accounts.owner(1000, 100))
  expect(accounts.owner(5, 4_294_967_294)).toEqual({ uid: 5, gid: 4_294_967_294 })
  expect(['root', 'again', 'big', 'text', ''].map((user) => accounts.uidOf(user))).toEqual([
    0,
    1000,
    undefined,
    undefined,
    undefined,
  ])
  expect(accounts.gidOf('users')).toBe(100)
  expect(new Accounts(join(scratch.path, 'none')).owner(0, 0)).toEqual({ uid: 0, gid: 0 })
  expect([0, 4_294_967_294, 4_294_967_295, -1, 1.5].map(isOwnerId)).toEqual([true, true, false, false, false])
})

test('attributes survive JSON', () => {
  const attributes = {
    owner: { uid: 1, gid: 2, userName: 'a' },
    xattrs: [{ name: name('user.\udcff'), value: Buffer.from([0, 255]) }],
    isSparse: true,
  }
  expect(attributesFromPlain(JSON.parse(JSON.stringify(plainAttributes(attributes))) as never)).toEqual(attributes)
  expect(JSON.stringify(plainAttributes({}))).toBe('{}')
  expect(sameXattrs(attributes.xattrs, [{ name: name('user.\udcff'), value: Uint8Array.of(0, 255) }])).toBe(true)
  expect(sameXattrs(attributes.xattrs, [{ name: name('user.\udcff'), value: Uint8Array.of(0, 254) }])).toBe(false)
  expect(sameXattrs(attributes.xattrs, [])).toBe(false)
  const names = ['security.capability', 'trusted.x', 'user.security.x', 'system.posix_acl_access', 'securityx']
  expect(names.map((text) => isPrivilegedXattr({ name: name(text), value: Buffer.alloc(0) }))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ])
})

test('blocks of zeros become holes wherever pieces are cut, and everything else is written', () => {
  const part = fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 20_000 }))
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), fc.integer({ min: 1, max: 9000 }), (parts, pieceBytes) => {
      using scratch = temporaryFolder()
      const content = Buffer.concat(parts.map(([isZero, sizeBytes]) => Buffer.alloc(sizeBytes, isZero ? 0 : 7)))
      const path = join(scratch.path, 'file')
      const fd = fs.openSync(path, 'w')
      for (let at = 0; at < content.length; at += pieceBytes)
        writeWithHoles(nodeFileSystem, fd, content.subarray(at, at + pieceBytes), at)
      fs.ftruncateSync(fd, content.length)
      fs.closeSync(fd)
      expect(fs.readFileSync(path).equals(content)).toBe(true)
    }),
    { numRuns: 50 },
  )
})

test('a file with holes is known by its metadata, and takes no more room than what is written', () => {
  using scratch = temporaryFolder()
  const path = join(scratch.path, 'file')
  const fd = fs.openSync(path, 'w')
  writeWithHoles(nodeFileSystem, fd, Buffer.from('start'), 0)
  for (let at = 4096; at < 8 * 2 ** 20; at += 2 ** 20) writeWithHoles(nodeFileSystem, fd, Buffer.alloc(2 ** 20), at)
  fs.ftruncateSync(fd, 8 * 2 ** 20)
  fs.closeSync(fd)
  expect(
    Number(execFileSync('du', ['--block-size=1', path], { stdio: 'pipe' }).toString().split('\t')[0]),
  ).toBeLessThan(64 * 1024)
  expect(isSparseFile(fs.statSync(path, { bigint: true }))).toBe(true)
  fs.writeFileSync(path, Buffer.alloc(2 ** 20, 1))
  expect(isSparseFile(fs.statSync(path, { bigint: true }))).toBe(false)
})
