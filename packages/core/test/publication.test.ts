import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isTemporaryName, Publication, publishFile, syncDirectory } from '@arc/core/node'
import { failure, temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import { expect, onTestFinished, test, type TestContext } from 'vitest'

function freshPath(name = 'file'): string {
  const folder = temporaryFolder()
  onTestFinished(() => folder[Symbol.dispose]())
  return join(folder.path, name)
}

const namesBeside = (path: string): string[] => fs.readdirSync(dirname(path)).sort()

test('nothing shows before commit, everything after', () => {
  const path = freshPath()
  using publication = new Publication(path)
  publication.write(Buffer.from('abcdef'))
  publication.overwrite(Buffer.from('XY'), 1)
  publication.truncate(5)
  publication.write(Buffer.from('!'))
  const into = Buffer.alloc(9)
  expect(publication.sizeBytes).toBe(6)
  expect(into.toString('latin1', 0, publication.read(into, 2))).toBe('Yde!')
  expect(fs.existsSync(path)).toBe(false)
  expect(namesBeside(path).every(isTemporaryName)).toBe(true)
  publication.commit()
  expect(fs.readFileSync(path, 'utf8')).toBe('aXYde!')
  publication[Symbol.dispose]()
  expect(namesBeside(path)).toEqual(['file'])
})

test('the identity of a publication is that of the file it becomes', () => {
  const path = freshPath()
  publishFile(path, Buffer.from('old'))
  const identityAt = (): string => {
    const { dev, ino } = fs.statSync(path, { bigint: true })
    return `${dev}:${ino}`
  }
  using publication = new Publication(path)
  const { identity } = publication
  expect(identity).not.toBe(identityAt())
  publication.commit()
  expect(identity).toBe(identityAt())
})

test('what is not committed is dropped, and the old file stays', () => {
  const path = freshPath()
  publishFile(path, Buffer.from('old'))
  {
    using publication = new Publication(path)
    publication.write(Buffer.from('new'))
  }
  expect(fs.readFileSync(path, 'utf8')).toBe('old')
  expect(namesBeside(path)).toEqual(['file'])
})

test('the mode is the one asked for, before umask', () => {
  const path = freshPath()
  publishFile(path, Buffer.alloc(0), { mode: 0o600 })
  expect(fs.statSync(path).mode & 0o777).toBe(0o600)
})

test('a short write is continued', () => {
  const path = freshPath()
  const short = new Proxy(fs, {
    get: (target, name: keyof typeof fs) =>
      name === 'writeSync'
        ? (fd: number, bytes: Buffer, at: number, count: number, position: number) =>
            fs.writeSync(fd, bytes, at, Math.min(count, 3), position)
        : target[name],
  })
  publishFile(path, Buffer.from('longer than three'), { fs: short })
  expect(fs.readFileSync(path, 'utf8')).toBe('longer than three')
})

test('a disposable file is not synced', () => {
  const calls: string[] = []
  publishFile(freshPath(), Buffer.from('x'), {
    durable: false,
    fs: watchedFileSystem(({ name }) => void calls.push(name)),
  })
  expect(calls).not.toContain('fsyncSync')
})

test('a symlink in the way is replaced, not followed', () => {
  const path = freshPath('link')
  fs.writeFileSync(join(dirname(path), 'target'), 'kept')
  fs.symlinkSync('target', path)
  publishFile(path, Buffer.from('new'))
  expect(fs.readFileSync(join(dirname(path), 'target'), 'utf8')).toBe('kept')
  expect(fs.lstatSync(path).isFile()).toBe(true)
})

test.each([255, 201, 200])('a name of %i bytes can be published, and its litter is known', (length) => {
  const path = freshPath('n'.repeat(length))
  const temporaries: string[] = []
  const note = watchedFileSystem(({ name, args }) => {
    if (name === 'openSync' && args[1] === 'wx+') temporaries.push(basename(String(args[0])))
  })
  publishFile(path, Buffer.from('x'), { fs: note })
  expect(fs.readFileSync(path, 'utf8')).toBe('x')
  expect(temporaries.map(isTemporaryName)).toEqual([true])
  const abandoned = String(temporaries[0]).replace(/-\d+-/, `-${deadProcess()}-`)
  fs.writeFileSync(join(dirname(path), abandoned), 'litter')
  publishFile(path, Buffer.from('y'))
  expect(namesBeside(path)).toEqual([basename(path)])
})

/** The id of a process that has ended. */
function deadProcess(): number {
  return spawnSync('true').pid
}

/** What the temporary files of this process are called, up to the process id and after it. */
function temporaryName(path: string): string {
  using publication = new Publication(path)
  const name = namesBeside(path).find(isTemporaryName)
  publication.write(Buffer.alloc(0))
  return String(name)
}

test('litter of a dead process is removed, that of a living one and of other files is kept', () => {
  const path = freshPath()
  const name = temporaryName(path)
  const of = (processId: number, file = 'file'): string =>
    name.replace(/^\.file\./, `.${file}.`).replace(/-\d+-/, `-${processId}-`)
  const litter = [of(deadProcess()), of(process.ppid), of(deadProcess(), 'other'), '.file.arc-tmp', 'file.bak']
  for (const file of litter) fs.writeFileSync(join(dirname(path), file), '')
  publishFile(path, Buffer.from('x'))
  expect(namesBeside(path)).toEqual(['file', ...litter.slice(1)].sort())
})

test('litter of another machine is removed when it is a day old', () => {
  const path = freshPath()
  const foreign = temporaryName(path).replace(/\.[0-9a-f]{8}-/, '.00000000-')
  const old = foreign.replace(/[0-9a-f]{12}\.arc-tmp$/, '0123456789ab.arc-tmp')
  for (const file of [foreign, old]) fs.writeFileSync(join(dirname(path), file), '')
  const yesterday = Date.now() / 1000 - 25 * 60 * 60
  fs.utimesSync(join(dirname(path), old), yesterday, yesterday)
  publishFile(path, Buffer.from('x'))
  expect(namesBeside(path)).toEqual([foreign, 'file'].sort())
})

test('litter that cannot be removed is no failure', () => {
  const path = freshPath()
  const litter = temporaryName(path).replace(/-\d+-/, `-${deadProcess()}-`)
  fs.mkdirSync(join(dirname(path), litter))
  publishFile(path, Buffer.from('x'))
  expect(namesBeside(path)).toEqual([litter, 'file'].sort())
})

test('only our own temporary names are taken for such', () => {
  expect(isTemporaryName('.a.b.0123abcd-12-0123456789ab.arc-tmp')).toBe(true)
  expect(isTemporaryName('.new\nline.0123abcd-12-0123456789ab.arc-tmp')).toBe(true)
  const others = [
    '.arc-tmp',
    'a.arc-tmp',
    '.a.arc-tmp',
    'a.0123abcd-12-0123456789ab.arc-tmp',
    '.a.0123abcd-12-0123456789ab.arc-tmp~',
    '..0123abcd-12-0123456789ab.arc-tmp',
  ]
  expect(others.filter(isTemporaryName)).toEqual([])
})

test('a folder that is missing or no folder is told at once', () => {
  const path = freshPath()
  publishFile(path, Buffer.from('x'))
  expect(() => new Publication(join(path, 'below'))).toThrow(
    expect.objectContaining({ code: 'ARC_SYSTEM_CALL_FAILED', details: { errno: 'ENOTDIR' } }),
  )
  expect(() => new Publication(join(`${path}-missing`, 'x'))).toThrow(
    expect.objectContaining({ code: 'ARC_NOT_FOUND' }),
  )
})

test('no descriptor stays open, whatever fails', () => {
  const open = new Set<unknown>()
  for (let at = 1; at <= 12; at++) {
    let opened = 0
    let closed = 0
    const counting = watchedFileSystem(({ name, number }) => {
      if (number === at && name !== 'closeSync') throw failure('EIO')
      if (name === 'openSync') opened++
      if (name === 'closeSync') closed++
    })
    try {
      publishFile(freshPath(), Buffer.from('x'), { fs: counting })
    } catch (error) {
      open.add(error)
    }
    expect({ at, left: opened - closed }).toEqual({ at, left: 0 })
  }
  expect(open.size).toBeGreaterThan(3)
})

test('a full disk leaves the old file and says so', (context) => {
  using disk = smallDisk(context)
  const path = join(disk.path, 'file')
  publishFile(path, Buffer.from('old'))
  expect(() => publishFile(path, Buffer.alloc(3 * 1024 * 1024, 1))).toThrow(
    expect.objectContaining({ details: { errno: 'ENOSPC' }, hint: 'Free some space on that disk, then try again.' }),
  )
  expect(fs.readFileSync(path, 'utf8')).toBe('old')
  expect(namesBeside(path)).toEqual(['file'])
})

/** A disk of one MiB. */
function smallDisk(context: TestContext): Disposable & { path: string } {
  const folder = temporaryFolder()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'arc-test', folder.path]).status === 0
  if (!mounted) folder[Symbol.dispose]()
  context.skip(!mounted, 'a small disk can only be mounted by root on Linux')
  return {
    path: folder.path,
    [Symbol.dispose]: () => {
      spawnSync('umount', ['-l', folder.path])
      folder[Symbol.dispose]()
    },
  }
}

test('a folder is synced and closed again', () => {
  const calls: string[] = []
  syncDirectory(
    dirname(freshPath()),
    watchedFileSystem(({ name }) => void calls.push(name)),
  )
  expect(calls).toEqual(['openSync', 'fsyncSync', 'closeSync'])
})
