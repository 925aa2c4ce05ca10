import { bytesContent, type Entry, type EntryPath, memorySource } from '@arc/core'
import { fileEntry } from '@arc/core/testing'
import { expect, test } from 'vitest'

async function pathsOf(source: ReturnType<typeof memorySource>): Promise<string[]> {
  const batches = await Array.fromAsync(source.entries())
  return batches.flat().map(({ path }) => path)
}

test('entries come in byte order of path, again and again', async () => {
  const source = memorySource(
    'p',
    ['b', '\u{1f600}', 'a/b', '\uffff', 'a-b', 'a'].map((path) => fileEntry(path, '')),
  )
  const order = ['a', 'a-b', 'a/b', 'b', '\uffff', '\u{1f600}']
  expect(await pathsOf(source)).toEqual(order)
  expect(await pathsOf(source)).toEqual(order)
  expect(source).toMatchObject({ name: 'p', access: 'random', git: undefined, omissions: [] })
})

test('what is known about the source is passed on; nothing in it is no batch', async () => {
  const omission = { path: 'x' as EntryPath, reason: 'unreadable' } as const
  await using source = memorySource('p', [], { git: { branch: 'main' }, omissions: [omission] })
  expect(await Array.fromAsync(source.entries())).toEqual([])
  expect(source).toMatchObject({ git: { branch: 'main' }, omissions: [omission] })
})

test('the entries it was made of stay in their order', () => {
  const entries: Entry[] = [fileEntry('b', ''), fileEntry('a', '')]
  memorySource('p', entries)
  expect(entries.map(({ path }) => path)).toEqual(['b', 'a'])
})

test('content is read from its start by each reader, in pieces of any size', () => {
  const content = bytesContent(Buffer.from('abcde'))
  const into = Buffer.alloc(2)
  const one = content.open()
  const other = content.open()
  const read = (reader: typeof one): string => into.toString('latin1', 0, reader.read(into))
  expect([read(one), read(one), read(other), read(one), read(one), read(other)]).toEqual([
    'ab',
    'cd',
    'ab',
    'e',
    '',
    'cd',
  ])
  one.close()
})
