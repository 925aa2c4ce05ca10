import fs from 'node:fs'
import { dirname } from 'node:path'
import type { Entry } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { fileEntry, temporaryFolder } from '@arc/core/testing'
import type { RenderOptions } from '@arc/render-md'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CachedProject } from './cached-project.ts'
import { openBytes, render } from './documents.ts'

/** A project with a document and a cache of it. */
async function dumpedProject(options: RenderOptions = {}): Promise<CachedProject> {
  const folder = temporaryFolder()
  onTestFinished(() => folder[Symbol.dispose]())
  const project = new CachedProject(folder.path)
  project.write('a.ts', 'export {}\n')
  project.write('b.bin', Buffer.from([0, 1, 2]))
  project.write('c.sh', '#!/bin/sh\r\n', 0o755)
  project.write('d/e.txt', 'no end')
  project.link('link', 'a.ts')
  project.makeFolder('d')
  project.makeFolder('empty')
  await project.run(options)
  return project
}

test('the first run has nothing to reuse', async () => {
  const folder = temporaryFolder()
  onTestFinished(() => folder[Symbol.dispose]())
  const project = new CachedProject(folder.path)
  project.write('a', 'x\n')
  const { result, bytes, opened } = await project.run()
  expect({ ...result, opened }).toMatchObject({ isWritten: true, reusedEntries: 0, opened: ['a'] })
  expect(bytes.equals(await project.fresh())).toBe(true)
})

test('nothing changed: nothing is opened, nothing is written, and the result is the same', async () => {
  const project = await dumpedProject()
  const before = fs.statSync(project.document, { bigint: true })
  const first = await project.run()
  const second = await project.run()
  for (const { result, opened } of [first, second]) {
    expect({ opened, ...result }).toMatchObject({
      opened: [],
      isWritten: false,
      reusedEntries: 6,
      sizeBytes: Number(before.size),
      omissions: [],
    })
  }
  expect(fs.statSync(project.document, { bigint: true }).mtimeNs).toBe(before.mtimeNs)
  expect(first.result.statistics).toMatchObject({ files: 4, entries: 6, lines: 2 })
  expect(first.result.sha256).toMatch(/^[0-9a-f]{64}$/)
})

test('a digest that nobody asked for is not made, and is made of the unchanged document when somebody does', async () => {
  const project = await dumpedProject({ digest: false })
  expect((await project.run({ digest: false })).result).toMatchObject({ isWritten: false, sha256: undefined })
  const { result } = await project.run()
  expect(result).toMatchObject({ isWritten: false, sha256: sha256Hex(fs.readFileSync(project.document)) })
})

test('a cache that cannot be saved is no cache and no failure', async () => {
  const { document } = await dumpedProject()
  const cache = { file: `${document}/below/a/file`, document, key: 'key' }
  const { result } = await render([fileEntry('a', 'x\n')], { cache })
  result.saveCache()
  expect(fs.statSync(document).isFile()).toBe(true)
})

const EDITS: Record<string, { edit: (project: CachedProject) => void; opened: string[] }> = {
  'a file changed': { edit: (project) => project.write('a.ts', 'export []\n'), opened: ['a.ts'] },
  'a file became longer': { edit: (project) => project.write('b.bin', Buffer.alloc(99_999)), opened: ['b.bin'] },
  'a file came': { edit: (project) => project.write('a-new', 'new\n'), opened: ['a-new'] },
  'a file went': { edit: (project) => project.remove('c.sh'), opened: [] },
  'a file was renamed': { edit: (project) => project.rename('a.ts', 'z.ts'), opened: ['z.ts'] },
  'a mode changed': { edit: (project) => project.changeMode('a.ts', 0o600), opened: ['a.ts'] },
  'a folder got another mode': { edit: (project) => project.changeMode('empty', 0o775), opened: [] },
  'a link points elsewhere, as far': { edit: (project) => project.link('link', 'b.ts'), opened: [] },
  'a file became a link': { edit: (project) => project.link('a.ts', 'b.bin'), opened: [] },
  'a file got a second name': { edit: (project) => project.hardLink('a.ts', 'd/second'), opened: ['a.ts'] },
  'everything went': { edit: (project) => project.entries.clear(), opened: [] },
}

test.each(Object.entries(EDITS))(
  '%s: only that is opened, and the document is that of a fresh run',
  async (_name, { edit, opened }) => {
    const project = await dumpedProject()
    edit(project)
    const run = await project.run()
    expect(run.opened).toEqual(opened)
    expect(run.result.isWritten).toBe(true)
    expect(run.bytes.equals(await project.fresh())).toBe(true)
    expect((await project.run()).result.isWritten).toBe(false)
  },
)

test('the default mode changes with the modes of most files: every section is made anew', async () => {
  const project = await dumpedProject()
  for (const path of ['a.ts', 'b.bin', 'd/e.txt']) project.changeMode(path, 0o664)
  expect((await project.run()).bytes.equals(await project.fresh())).toBe(true)
})

describe('a cache is not used', () => {
  const SPOIL: Record<string, (project: CachedProject) => void> = {
    'when the document was touched': ({ document }) => fs.utimesSync(document, 1, 1),
    'when the document was edited': ({ document }) => fs.appendFileSync(document, 'x'),
    'when the document was replaced by the same bytes': ({ document }) => {
      fs.copyFileSync(document, `${document}.copy`)
      fs.renameSync(`${document}.copy`, document)
    },
    'when the document is gone': ({ document }) => fs.rmSync(document),
    'when the document is a folder now': ({ document }) => {
      fs.rmSync(document)
      fs.symlinkSync('cache', document)
    },
    'when the cache is damaged': ({ cacheFile }) => {
      const bytes = fs.readFileSync(cacheFile)
      bytes[100] = (bytes[100] as number) ^ 1
      fs.writeFileSync(cacheFile, bytes)
    },
    'when the cache is cut': ({ cacheFile }) => fs.truncateSync(cacheFile, 200),
    'when the cache is gone': ({ cacheFile }) => fs.rmSync(cacheFile),
  }

  test.each(Object.entries(SPOIL))('%s', async (_name, spoil) => {
    const project = await dumpedProject()
    spoil(project)
    const { result, bytes, opened } = await project.run()
    expect({ ...result, opened }).toMatchObject({
      isWritten: true,
      reusedEntries: 0,
      opened: ['a.ts', 'b.bin', 'c.sh', 'd/e.txt'],
    })
    expect(bytes.equals(await project.fresh())).toBe(true)
  })

  const OTHERS: RenderOptions[] = [{ contents: 'list' }, { contents: 'none' }, { binary: 'omit' }, { times: true }]

  test.each(OTHERS)('for other options: %j', async (options) => {
    const project = await dumpedProject()
    const { result, bytes } = await project.run(options)
    expect(result).toMatchObject({ isWritten: true, reusedEntries: 0 })
    expect(bytes.equals(await project.fresh(options))).toBe(true)
  })

  test('for another key', async () => {
    const project = await dumpedProject()
    expect((await project.run({}, 'other')).result.reusedEntries).toBe(0)
  })
})

test('a file without a stamp is read every time', async () => {
  const project = await dumpedProject()
  project.entries.set('a.ts', { ...(project.entries.get('a.ts') as Entry), stamp: undefined })
  expect((await project.run()).opened).toEqual(['a.ts'])
  expect((await project.run()).opened).toEqual(['a.ts'])
})

test('hard links are taken over with their file, whatever else changes', async () => {
  const project = await dumpedProject()
  project.hardLink('a.ts', 'd/second')
  await project.run()
  expect((await project.run()).result).toMatchObject({ isWritten: false, reusedEntries: 7 })
  project.write('b.bin', 'text now\n')
  const { result, opened, bytes } = await project.run()
  expect({ opened, reusedEntries: result.reusedEntries }).toEqual({ opened: ['b.bin'], reusedEntries: 5 })
  expect(bytes.equals(await project.fresh())).toBe(true)
})

test('a hard link becomes the file when the first name is no longer chosen, and a link again', async () => {
  const project = await dumpedProject()
  project.hardLink('a.ts', 'd/second')
  await project.run()
  const first = project.entries.get('a.ts') as Entry
  project.entries.delete('a.ts')
  for (const opened of [['d/second'], []]) {
    project.write('b.bin', `${opened.join()}\n`)
    const run = await project.run()
    expect(run.opened).toEqual(['b.bin', ...opened])
    expect(run.bytes.equals(await project.fresh())).toBe(true)
  }
  project.entries.set('a.ts', first)
  const run = await project.run()
  expect(run.opened).toEqual(['a.ts'])
  expect(run.bytes.equals(await project.fresh())).toBe(true)
})

test('a script keeps its language when it is taken over', async () => {
  const project = await dumpedProject()
  project.write('tool', '#!/usr/bin/env python3\n')
  const { statistics } = (await project.run()).result
  expect(statistics.languages).toContainEqual({ name: 'Python', files: 1, lines: 1, bytes: 23 })
  project.write('b.bin', 'text now\n')
  const { opened, result, bytes } = await project.run()
  expect(opened).toEqual(['b.bin'])
  expect(result.statistics.languages).toContainEqual({ name: 'Python', files: 1, lines: 1, bytes: 23 })
  expect(bytes.equals(await project.fresh())).toBe(true)
})

test('a name that lost its fellow without a new stamp is no hard link to nothing', async () => {
  const project = await dumpedProject()
  project.hardLink('a.ts', 'd/second')
  await project.run()
  const second = project.entries.get('d/second') as Entry
  project.entries.delete('a.ts')
  project.entries.set('d/second', { ...second, hardLink: undefined })
  const { bytes } = await project.run()
  expect(bytes.equals(await project.fresh())).toBe(true)
  await using opened = await openBytes(dirname(project.document), bytes, { verifyContent: true })
  expect(opened.records.find(({ path }) => path === 'd/second')?.linkOf).toBeUndefined()
})

test('what is left out as binary is told again when nothing changed, its other names too', async () => {
  const options: RenderOptions = { binary: 'omit' }
  const project = await dumpedProject(options)
  project.hardLink('b.bin', 'd/other.bin')
  const wanted = ['b.bin', 'd/other.bin'].map((path) => ({ path, reason: 'binary' }))
  expect((await project.run(options)).result).toMatchObject({ isWritten: true, omissions: wanted })
  expect((await project.run(options)).result).toMatchObject({ isWritten: false, omissions: wanted })
  project.write('a.ts', 'x\n')
  expect((await project.run(options)).result).toMatchObject({ isWritten: true, omissions: wanted })
})

test('times of folders and links, which have no stamp, are written as they are now', async () => {
  const options: RenderOptions = { times: true }
  const project = await dumpedProject(options)
  const setTime = (path: string, mtimeNs: bigint): void =>
    void project.entries.set(path, { ...(project.entries.get(path) as Entry), mtimeNs })
  for (const path of ['empty', 'link']) {
    setTime(path, 1_000_000_001n)
    await project.run(options)
    setTime(path, 2_000_000_002n)
    const { bytes } = await project.run(options)
    expect(bytes.toString()).toContain('mtime=2.000000002')
    expect(bytes.equals(await project.fresh(options))).toBe(true)
  }
})

test('content that would have to be awaited is not asked for when it is known', async () => {
  const project = await dumpedProject()
  const asked: string[] = []
  const stream = async function* (): AsyncGenerator<Uint8Array> {
    asked.push('a.ts')
    yield Buffer.from('export {}\n')
  }
  project.entries.set('a.ts', { ...(project.entries.get('a.ts') as Entry), content: { kind: 'stream', stream } })
  project.write('b.bin', 'changed\n')
  const { bytes } = await project.run()
  expect(asked).toEqual([])
  expect(bytes.equals(await project.fresh())).toBe(true)
  expect(asked).toEqual(['a.ts'])
})

test('a cache that cannot be saved fails nothing', async () => {
  const project = await dumpedProject()
  fs.rmSync(dirname(project.cacheFile), { recursive: true })
  fs.writeFileSync(dirname(project.cacheFile), 'no folder')
  project.write('a.ts', 'x\n')
  const { result, bytes } = await project.run()
  expect(result.isWritten).toBe(true)
  expect(bytes.equals(await project.fresh())).toBe(true)
})
