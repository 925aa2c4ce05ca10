import fs from 'node:fs'
import { TemporaryFile } from '@arc/core/node'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test, vi } from 'vitest'

test('bytes are appended, replaced, dropped and read in any order', () => {
  using file = new TemporaryFile()
  file.write(Buffer.from('abcdef'))
  file.overwrite(Buffer.from('XY'), 1)
  file.truncate(5)
  file.write(Buffer.from('!'))
  const into = Buffer.alloc(9)
  expect(file.sizeBytes).toBe(6)
  expect(into.toString('latin1', 0, file.read(into, 2))).toBe('Yde!')
})

test('a part of it is content that ends where the part does', () => {
  using file = new TemporaryFile()
  file.write(Buffer.from('0123456789'))
  const content = file.content(2, 7)
  for (let pass = 0; pass < 2; pass++) {
    const reader = content.open()
    const into = Buffer.alloc(3)
    const read = (): string => into.toString('latin1', 0, reader.read(into))
    expect([read(), read(), read()]).toEqual(['234', '56', ''])
    reader.close()
  }
})

test('it has no name, whatever happens to the process', () => {
  using folder = temporaryFolder()
  vi.stubEnv('TMPDIR', folder.path)
  using file = new TemporaryFile()
  file.write(Buffer.from('x'))
  expect(fs.readdirSync(folder.path)).toEqual([])
})

test('a folder for temporary files that is none is told', () => {
  using folder = temporaryFolder()
  vi.stubEnv('TMPDIR', `${folder.path}/missing`)
  expect(() => new TemporaryFile()).toThrow(
    expect.objectContaining({ code: 'ARC_NOT_FOUND', message: expect.stringContaining('temporary file') }),
  )
})
