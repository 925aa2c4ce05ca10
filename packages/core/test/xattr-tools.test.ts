import fs from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { decodePath, type EntryPath, type ExtendedAttribute } from '@arc/core'
import { nodeFileSystem, XattrBatch, type XattrRow, XattrTools } from '@arc/core/node'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

function xattr(name: string | Uint8Array, value: string | Uint8Array): ExtendedAttribute {
  return { name: decodePath(Buffer.from(name)), value: Buffer.from(value) }
}

const NAMES: readonly EntryPath[] = [
  '-n',
  '# file: a',
  'a\nb',
  'back\\slash',
  'equals=0s',
  ' spaces ',
  decodePath(Buffer.from([0xff, 0xfe])),
].map((name) => name as EntryPath)

function makeFiles(root: string): void {
  for (const name of NAMES) fs.writeFileSync(at(root, name), '')
}

function at(root: string, path: EntryPath): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), path.isWellFormed() ? Buffer.from(path) : Buffer.from([0xff, 0xfe])])
}

test('what is written is read, whatever the names of files and attributes, and whatever the values', () => {
  const tools = XattrTools.find()
  const bytes = (maxLength: number, min: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ min, maxLength })
  const one = fc
    .tuple(bytes(30, 1), bytes(80, 0))
    .map(([name, value]) => xattr(Buffer.concat([Buffer.from('user.x'), name]), value))
  const lists = fc.array(fc.uniqueArray(one, { maxLength: 4, selector: ({ name }) => name }), {
    minLength: NAMES.length,
    maxLength: NAMES.length,
  })
  fc.assert(
    fc.property(lists, (all) => {
      using scratch = temporaryFolder()
      makeFiles(scratch.path)
      const rows = NAMES.map((path, i): XattrRow => ({ path, xattrs: all[i] ?? [] }))
      tools.write(scratch.path, rows)
      const { xattrs, problems } = tools.read(scratch.path, NAMES)
      expect(problems.size).toBe(0)
      for (const row of rows) {
        const found = new Map((xattrs.get(row.path) ?? []).map(({ name, value }) => [name, Buffer.from(value)]))
        expect(found).toEqual(new Map(row.xattrs.map(({ name, value }) => [name, Buffer.from(value)])))
      }
    }),
    { numRuns: 8 },
  )
})

test('paths that are gone, or on a file system without such attributes, have none; the tools must be there', () => {
  using scratch = temporaryFolder()
  const tools = XattrTools.find()
  expect(tools.read(scratch.path, ['gone' as EntryPath])).toEqual({ xattrs: new Map(), problems: new Map() })
  expect(tools.read(scratch.path, [])).toEqual({ xattrs: new Map(), problems: new Map() })
  expect(tools.read('/proc/self', ['status' as EntryPath])).toEqual({ xattrs: new Map(), problems: new Map() })
  fs.writeFileSync(join(scratch.path, 'getfattr'), '#!/bin/sh\n', { mode: 0o755 })
  // Not from a relative folder: that may be the project itself.
  for (const path of ['', '.', `relative:${scratch.path}`])
    expect(() => XattrTools.find(path)).toThrow(expect.objectContaining({ code: 'ARC_ATTRIBUTES_UNAVAILABLE' }))
})

test('a batch gives files their modes at the end, and tells what was not taken', () => {
  using scratch = temporaryFolder()
  const path = 'file' as EntryPath
  fs.writeFileSync(join(scratch.path, path), '')
  const batch = new XattrBatch(scratch.path, XattrTools.find(), nodeFileSystem)
  expect(batch.addFile(path, [], 0o444)).toBe(0o444)
  const now = batch.addFile(path, [xattr('user.a', 'b'), xattr('nowhere.a', 'b')], 0o444)
  fs.chmodSync(join(scratch.path, path), now)
  const outcomes: [string, string, boolean][] = []
  batch.flush((of, { name }, isSet) => outcomes.push([of, name, isSet]))
  expect(outcomes).toEqual([
    ['file', 'user.a', true],
    ['file', 'nowhere.a', false],
  ])
  expect(fs.statSync(join(scratch.path, path)).mode & 0o7777).toBe(0o444)
})
