import { execFileSync } from 'node:child_process'
import { chmodSync, linkSync, lstatSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { comparePaths, decodePath, type Entry, type EntryPath } from '@arc/core'
import { localPath } from '@arc/core/node'
import { failure, type FileSystemCall, readTree, temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openDirectory } from '../src/index.ts'
import { collect, contentOf, isSorted, write } from './collect.ts'
import { isolatedEnv as env } from './ignore-oracle.ts'

const faithful = { ignoreRules: false, gitFolders: true }

describe('openDirectory', () => {
  test('gives files, folders and symlinks with their metadata, in byte order', async () => {
    using folder = temporaryFolder()
    write(folder.path, { 'a/c': 'one\n', 'a-b': '', 'a.txt': 'x', 'empty/.keep': '' })
    rmSync(join(folder.path, 'empty/.keep'))
    chmodSync(join(folder.path, 'a-b'), 0o755)
    symlinkSync('../nowhere', join(folder.path, 'link'))
    const { entries, paths, omissions, entry, source } = await collect(openDirectory(folder.path, { env }))
    expect(paths).toEqual(['a', 'a-b', 'a.txt', 'a/c', 'empty', 'link'])
    expect(omissions).toEqual([])
    expect(source).toMatchObject({
      kind: 'directory',
      access: 'random',
      git: undefined,
      name: folder.path.split('/').at(-1),
    })
    expect(entry('a-b')).toMatchObject({ type: 'file', mode: 0o755, sizeBytes: 0 })
    expect(entry('link')).toMatchObject({ type: 'symlink', target: '../nowhere', sizeBytes: 10 })
    expect(entry('empty')).toMatchObject({ type: 'directory', sizeBytes: 0 })
    expect(entry('a/c').mtimeNs).toBe(lstatSync(join(folder.path, 'a/c'), { bigint: true }).mtimeNs)
    expect((await contentOf(entry('a/c'))).toString()).toBe('one\n')
    expect(entries.every(({ hardLink }) => hardLink === undefined)).toBe(true)
  })

  test('gives the same entries again without asking the disk anew', async () => {
    using folder = temporaryFolder()
    write(folder.path, { a: '', b: '', 'd/e': 'text' })
    symlinkSync('a', join(folder.path, 'link'))
    linkSync(join(folder.path, 'a'), join(folder.path, 'same'))
    let calls = 0
    const fs = watchedFileSystem(() => calls++)
    await using source = await openDirectory(folder.path, { env, fs, exclude: ['b'] })
    const list = async (): Promise<unknown[]> => {
      const found: unknown[] = []
      for await (const batch of source.entries()) {
        for (const { content: _content, ...facts } of batch) found.push(facts)
      }
      return found
    }
    const first = await list()
    expect(first).toHaveLength(5)
    calls = 0
    write(folder.path, { c: '' })
    expect(await list()).toEqual(first)
    expect(calls).toBe(0)
    expect(source.omissions).toEqual([{ path: 'b', reason: 'filtered', detail: 'excluded by b' }])
  })

  test('a faithful walk is the whole tree, .git included', async () => {
    using folder = temporaryFolder()
    write(folder.path, { '.git/config': 'x', '.gitignore': '*\n', a: '1', 'sub/.git': 'gitdir: x', 'sub/b': '2' })
    const { entries } = await collect(openDirectory(folder.path, { ...faithful, env }))
    expect(entries.map(({ path, type, mode }) => ({ path, type, mode }))).toEqual(
      readTree(folder.path).map(({ path, type, mode }) => ({ path, type, mode })),
    )
    const without = await collect(openDirectory(folder.path, { ignoreRules: false, env }))
    expect(without.paths).toEqual(['.gitignore', 'a', 'sub', 'sub/b'])
    const obedient = await collect(openDirectory(folder.path, { env }))
    expect(obedient.paths).toEqual([])
    expect(obedient.source.ignoredCount).toBe(3)
  })

  test('names survive whatever bytes they have', async () => {
    using folder = temporaryFolder()
    const names = [
      [0xff],
      [0x61, 0xe9],
      [0x0a],
      [0x09, 0x20],
      [0xef, 0xbf, 0xbd],
      [0xf0, 0x9f, 0x98, 0x80],
      [0xee, 0x80, 0x80],
      [0x22, 0x5c],
    ]
    for (const name of names) {
      mkdirSync(Buffer.concat([Buffer.from(`${folder.path}/d`), Buffer.from(name)]))
      writeFileSync(
        Buffer.concat([Buffer.from(`${folder.path}/d`), Buffer.from(name), Buffer.from('/f'), Buffer.from(name)]),
        Buffer.from(name),
      )
    }
    symlinkSync(Buffer.from([0xfe]), join(folder.path, 'l'))
    const { paths, entry, entries } = await collect(openDirectory(folder.path, { env }))
    expect(paths).toEqual(readTree(folder.path).map(({ path }) => path))
    expect(entry('l').target).toBe(decodePath(Uint8Array.of(0xfe)))
    for (const file of entries.filter(({ type }) => type === 'file')) {
      expect(file.path.endsWith(decodePath(await contentOf(file)))).toBe(true)
    }
  })

  test('any tree of names comes complete and in byte order', async () => {
    const name = fc.array(fc.constantFrom('a', 'b', '-', '.', '0', ' ', 'é', '\uffee', '😀', '\udcff'), {
      minLength: 1,
      maxLength: 3,
    })
    const names = name.map((letters) => letters.join('')).filter((text) => !['.', '..'].includes(text))
    const tree = fc.array(fc.array(names, { minLength: 1, maxLength: 4 }), { maxLength: 15 })
    await fc.assert(
      fc.asyncProperty(tree, async (paths) => {
        using folder = temporaryFolder()
        for (const path of paths) {
          // The bytes, not the text: two spellings of one byte sequence are one name.
          mkdirSync(localPath(folder.path, path.join('/') as EntryPath), { recursive: true })
        }
        const found = await collect(openDirectory(folder.path, faithful))
        expect(found.paths).toEqual(readTree(folder.path).map((row) => row.path))
        expect(isSorted(found.paths)).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  test('40 levels deep', async () => {
    using folder = temporaryFolder()
    const deep = Array.from({ length: 40 }, (_, level) => `level-${level}`).join('/')
    write(folder.path, { [`${deep}/file`]: 'deep' })
    const { paths, entry } = await collect(openDirectory(folder.path, { env }))
    expect(paths).toHaveLength(41)
    expect((await contentOf(entry(`${deep}/file`))).toString()).toBe('deep')
  })

  test('pipes and sockets are told, never opened', async () => {
    using folder = temporaryFolder()
    write(folder.path, { a: '' })
    execFileSync('mkfifo', [join(folder.path, 'pipe')], { stdio: 'ignore' })
    const server = createServer()
    await new Promise<void>((resolve) => void server.listen(join(folder.path, 'sock'), resolve))
    const { paths, omissions } = await collect(openDirectory(folder.path, { env, contentMatch: /x/ }))
    await new Promise((resolve) => void server.close(resolve))
    expect(paths).toEqual([])
    expect(omissions).toEqual([
      { path: 'a', reason: 'filtered', detail: 'its text does not match' },
      { path: 'pipe', reason: 'special-file', detail: 'a pipe' },
      { path: 'sock', reason: 'special-file', detail: 'a socket' },
    ])
  })

  test('a file that became a pipe, or a link, is neither waited for nor followed', async () => {
    using folder = temporaryFolder()
    write(folder.path, { pipe: 'abc', link: 'abc', secret: 'secret' })
    const { entry } = await collect(openDirectory(folder.path, { env }))
    for (const name of ['pipe', 'link']) rmSync(join(folder.path, name))
    execFileSync('mkfifo', [join(folder.path, 'pipe')], { stdio: 'ignore' })
    symlinkSync('secret', join(folder.path, 'link'))
    expect(await contentOf(entry('pipe'))).toHaveLength(0)
    await expect(contentOf(entry('link'))).rejects.toMatchObject({ code: 'ARC_ENTRY_UNREADABLE', path: 'link' })
  })

  test('what the system refuses becomes an omission', async () => {
    using folder = temporaryFolder()
    write(folder.path, { 'a/b': '', c: '', d: '', e: 'text' })
    const fs = watchedFileSystem(({ name, args }) => {
      if (name === 'readdirSync' && String(args[0]).endsWith('/a')) throw failure('EACCES', 'scandir')
      if (name === 'lstatSync' && String(args[0]).endsWith('/c')) throw failure('EIO', 'lstat')
      if (name === 'openSync' && String(args[0]).endsWith('/e')) throw failure('EPERM', 'open')
    })
    const { paths, omissions, entry } = await collect(openDirectory(folder.path, { env, fs }))
    expect(paths).toEqual(['a', 'd', 'e'])
    expect(omissions).toEqual([
      { path: 'a', reason: 'unreadable', detail: expect.stringContaining('its contents: EACCES') },
      { path: 'c', reason: 'unreadable', detail: expect.stringContaining('EIO') },
    ])
    await expect(contentOf(entry('e'))).rejects.toMatchObject({ code: 'ARC_ENTRY_UNREADABLE', path: 'e' })
    const searched = await collect(openDirectory(folder.path, { env, fs, contentMatch: /text/ }))
    expect(searched.omission('e')).toMatchObject({ reason: 'unreadable' })
  })

  test('what vanishes while it is listed is told', async () => {
    using folder = temporaryFolder()
    write(folder.path, { a: '', 'b/c': '', d: '' })
    const fs = watchedFileSystem(({ name, args }) => {
      if (name === 'lstatSync' && String(args[0]).endsWith('/a')) rmSync(join(folder.path, 'a'), { force: true })
      if (name === 'readdirSync' && String(args[0]).endsWith('/b'))
        rmSync(join(folder.path, 'b'), { recursive: true, force: true })
    })
    const { paths, omissions } = await collect(openDirectory(folder.path, { env, fs }))
    expect(paths).toEqual(['b', 'd'])
    expect(omissions.map(({ path, reason }) => `${path} ${reason}`)).toEqual(['a vanished', 'b vanished'])
  })

  test('names of one inode share an identity', async () => {
    using folder = temporaryFolder()
    write(folder.path, { a: 'x', c: 'y' })
    linkSync(join(folder.path, 'a'), join(folder.path, 'b'))
    const { entry } = await collect(openDirectory(folder.path, { env }))
    expect(entry('a').hardLink).toBeDefined()
    expect(entry('a').hardLink).toBe(entry('b').hardLink)
    expect(entry('c').hardLink).toBeUndefined()
  })

  test('throws about the root, and about options before it looks at the root', async () => {
    using folder = temporaryFolder()
    write(folder.path, { file: '' })
    await expect(openDirectory(join(folder.path, 'none'), { env })).rejects.toMatchObject({ code: 'ARC_NOT_FOUND' })
    await expect(openDirectory(join(folder.path, 'file'), { env })).rejects.toMatchObject({
      code: 'ARC_NOT_A_DIRECTORY',
    })
    const fs = watchedFileSystem((call) => {
      throw new Error(`touched the disk: ${call.name}`)
    })
    await expect(openDirectory(folder.path, { env, fs, include: ['a', '[b'] })).rejects.toMatchObject({
      code: 'ARC_GLOB_INVALID',
      details: { column: 1 },
    })
    await expect(openDirectory(folder.path, { env, fs, newerThan: new Date('x') })).rejects.toMatchObject({
      code: 'ARC_OPTION_INVALID',
    })
    await expect(openDirectory(folder.path, { env, fs, maxSizeBytes: -1 })).rejects.toMatchObject({
      code: 'ARC_OPTION_INVALID',
    })
  })

  test('stops when told to', async () => {
    using folder = temporaryFolder()
    for (let index = 0; index < 1500; index++) writeFileSync(join(folder.path, `f${index}`), '')
    const controller = new AbortController()
    await using source = await openDirectory(folder.path, { ...faithful, signal: controller.signal })
    const reason = new Error('enough')
    const events: number[] = []
    const listing = (async () => {
      for await (const batch of source.entries({ onProgress: ({ doneEntries }) => events.push(doneEntries) })) {
        expect(batch.length).toBeLessThan(1500)
        controller.abort(reason)
      }
    })()
    await expect(listing).rejects.toBe(reason)
    expect(events).toHaveLength(1)
  })
})

describe('symlinks', () => {
  test('are followed only when asked: files, folders, dangling ones and loops', async () => {
    using folder = temporaryFolder()
    using outside = temporaryFolder()
    write(outside.path, { 'inner/deep': 'outside' })
    write(folder.path, { 'real/file': 'inside' })
    symlinkSync('real/file', join(folder.path, 'to-file'))
    symlinkSync(outside.path, join(folder.path, 'to-outside'))
    symlinkSync('nowhere', join(folder.path, 'dangling'))
    symlinkSync('..', join(folder.path, 'real/up'))
    symlinkSync('self', join(folder.path, 'self'))
    const still = await collect(openDirectory(folder.path, { env }))
    expect(still.entries.filter(({ type }) => type === 'symlink').map(({ path }) => path)).toEqual([
      'dangling',
      'real/up',
      'self',
      'to-file',
      'to-outside',
    ])
    expect(still.paths).toHaveLength(7)

    const { entry, paths, omissions } = await collect(openDirectory(folder.path, { env, followSymlinks: true }))
    expect(paths).toEqual([
      'dangling',
      'real',
      'real/file',
      'to-file',
      'to-outside',
      'to-outside/inner',
      'to-outside/inner/deep',
    ])
    expect(entry('to-file')).toMatchObject({ type: 'file', sizeBytes: 6 })
    expect((await contentOf(entry('to-file'))).toString()).toBe('inside')
    expect((await contentOf(entry('to-outside/inner/deep'))).toString()).toBe('outside')
    expect(entry('dangling')).toMatchObject({ type: 'symlink', target: 'nowhere' })
    expect(omissions.map(({ path, reason }) => `${path} ${reason}`)).toEqual(['real/up link-loop', 'self link-loop'])
  })
})

describe('stamps', () => {
  const listed = async (path: string, now: () => number): Promise<Entry> =>
    (await collect(openDirectory(path, { env, now }))).entry('a')

  test('are given only for files that are old enough for their times to tell', async () => {
    using folder = temporaryFolder()
    write(folder.path, { a: '' })
    const at = join(folder.path, 'a')
    const changedMs = Number(lstatSync(at, { bigint: true }).ctimeNs) / 1e6
    utimesSync(at, 1_000_000.5, 1_000_000.5)
    const ctimeMs = Math.max(changedMs, Number(lstatSync(at, { bigint: true }).ctimeNs / 1_000_000n))
    expect((await listed(folder.path, () => ctimeMs + 5)).stamp).toBeUndefined()
    const { dev, ino, mtimeNs, ctimeNs } = lstatSync(at, { bigint: true })
    expect((await listed(folder.path, () => ctimeMs + 50)).stamp).toEqual({ device: dev, inode: ino, mtimeNs, ctimeNs })
    // Whole seconds: the file system may keep no more.
    utimesSync(at, 1_000_000, 1_000_000)
    const coarseMs = Number(lstatSync(at, { bigint: true }).ctimeNs / 1_000_000n)
    expect((await listed(folder.path, () => coarseMs + 1000)).stamp).toBeUndefined()
    expect((await listed(folder.path, () => coarseMs + 2100)).stamp).toBeDefined()
  })
})

describe('system calls', () => {
  test('a small file costs lstat, open, read and close; one descriptor is open at a time', async () => {
    using folder = temporaryFolder()
    for (let index = 0; index < 20; index++) writeFileSync(join(folder.path, `f${index}`), `content ${index}`)
    const calls: FileSystemCall['name'][] = []
    const fs = watchedFileSystem(({ name }) => calls.push(name))
    await using source = await openDirectory(folder.path, { ...faithful, fs })
    calls.length = 0
    const buffer = Buffer.alloc(4096)
    for await (const batch of source.entries()) {
      for (const entry of batch) {
        if (entry.content?.kind !== 'sync') continue
        const reader = entry.content.open()
        expect(reader.read(buffer)).toBe(entry.sizeBytes)
        reader.close()
      }
    }
    const counted = Object.fromEntries(
      Map.groupBy(calls, (name) => name)
        .entries()
        .map(([name, all]) => [name, all.length]),
    )
    expect(counted).toEqual({ readdirSync: 1, lstatSync: 20, openSync: 20, readSync: 20, closeSync: 20 })
    expect(calls.filter((name) => name === 'openSync' || name === 'closeSync')).toEqual(
      Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 'openSync' : 'closeSync')),
    )
  })

  test('a file that grew or shrank is read to its real end', async () => {
    using folder = temporaryFolder()
    write(folder.path, { grown: 'abc', shrunk: 'abcdef' })
    const { entry } = await collect(openDirectory(folder.path, { env }))
    write(folder.path, { grown: 'abcdefghi', shrunk: 'ab' })
    expect((await contentOf(entry('grown'))).toString()).toBe('abcdefghi')
    expect((await contentOf(entry('shrunk'))).toString()).toBe('ab')
  })

  test('works with 256 file descriptors, however many files and folders there are', async () => {
    using folder = temporaryFolder()
    for (let index = 0; index < 300; index++) write(folder.path, { [`d${index}/f`]: String(index) })
    const script = `
      import { openDirectory } from ${JSON.stringify(join(import.meta.dirname, '../src/index.ts'))}
      const source = await openDirectory(process.argv[1], { contentMatch: /[0-9]/ })
      let count = 0
      for await (const batch of source.entries()) for (const { content } of batch) { const reader = content.open(); reader.read(new Uint8Array(9)); reader.close(); count++ }
      console.log(count)`
    const output = execFileSync(
      'sh',
      [
        '-c',
        'ulimit -n 256; exec "$0" --input-type=module-typescript -e "$1" "$2"',
        process.execPath,
        script,
        folder.path,
      ],
      {
        env: { ...env, NODE_OPTIONS: '' },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    expect(output.trim()).toBe('300')
  })
})

test('paths compare as their bytes', () => {
  expect(comparePaths('a-b' as EntryPath, 'a/c' as EntryPath)).toBeLessThan(0)
})

test('the folder in which a restore beside the project keeps its state is no content', async () => {
  using folder = temporaryFolder()
  write(folder.path, { '.app.arc-restore/old-1/a': 'old', 'notes.arc-restore': 'a file of that name is content' })
  const { paths, omissions } = await collect(openDirectory(folder.path, { env }))
  expect(paths).toEqual(['notes.arc-restore'])
  expect(omissions).toContainEqual({ path: '.app.arc-restore', reason: 'own-output' })
})
