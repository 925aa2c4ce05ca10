import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { openDirectory } from '@arc/collect'
import { Publication } from '@arc/core/node'
import { readTree } from '@arc/core/testing'
import { renderDump } from '@arc/render-md'
import { describe, expect, test } from 'vitest'
import { makeScratch, type Scratch, writeApp, writeLinkedApp } from './scratch.ts'

const say = (text: string): string => expect.stringContaining(text) as string

/** Each way to store the folder `app`, by the name of what comes of it. */
const ARCHIVES: Readonly<Record<string, readonly string[]>> = {
  'gnu.tar': ['tar', '-cf', 'gnu.tar', '-C', 'app', '.'],
  'pax.tar': ['tar', '--format=pax', '-cf', 'pax.tar', '-C', 'app', '.'],
  'v7.tar': ['tar', '--format=ustar', '-cf', 'v7.tar', '-C', 'app', '.'],
  'bsd.tar': ['bsdtar', '-cf', 'bsd.tar', '-C', 'app', '.'],
  'a.tar.gz': ['tar', '-czf', 'a.tar.gz', '-C', 'app', '.'],
  'a.tar.zst': ['tar', '--zstd', '-cf', 'a.tar.zst', '-C', 'app', '.'],
  'a.tar.bz2': ['tar', '-cjf', 'a.tar.bz2', '-C', 'app', '.'],
  'a.tar.xz': ['tar', '-cJf', 'a.tar.xz', '-C', 'app', '.'],
  'a.tar.lz4': ['tar', '--use-compress-program=lz4', '-cf', 'a.tar.lz4', '-C', 'app', '.'],
  '7z.tar': ['sh', '-c', 'cd app && 7z a -ttar -snl -bso0 ../7z.tar . >/dev/null'],
}
const ZIPS: Readonly<Record<string, readonly string[]>> = {
  'a.zip': ['sh', '-c', 'cd app && zip -qry ../a.zip .'],
  '7z.zip': ['sh', '-c', 'cd app && 7z a -tzip -snl -bso0 ../7z.zip . >/dev/null'],
  'bsd.zip': ['bsdtar', '--format=zip', '-cf', 'bsd.zip', '-C', 'app', '.'],
}

function missing(command: readonly string[]): string | undefined {
  const wanted = command.flatMap((word) => /\b(?:tar|bsdtar|7z|zip|lz4|zstd|xz|bzip2)\b/g.exec(word) ?? [])
  const absent = wanted.find((each) => {
    try {
      execFileSync('sh', ['-c', `command -v ${each}`], { stdio: 'ignore' })
      return false
    } catch {
      return true
    }
  })
  return absent === undefined ? undefined : `${absent} is not installed`
}

async function store(scratch: Scratch, name: string, hasHardLinks: boolean): Promise<string> {
  const root = hasHardLinks ? writeLinkedApp(scratch) : writeApp(scratch)
  const command = ARCHIVES[name] ?? ZIPS[name]
  if (command !== undefined) scratch.tool(command[0] ?? '', ...command.slice(1))
  else await writeDump(root, join(scratch.path, name))
  return root
}

/** A dump in the spelling that its name says. */
async function writeDump(root: string, path: string): Promise<void> {
  const [, format = 'md', packing] = /\.(md|json|jsonl)(\.gz|\.zst)?$/.exec(path) ?? []
  await using source = await openDirectory(root, { ignoreRules: false })
  using plain = new Publication(path)
  await renderDump(source, plain, { format: format as 'md', times: true })
  plain.commit()
  if (packing === undefined) return
  using packed = new Publication(path)
  packed.write((packing === '.gz' ? gzipSync : zstdCompressSync)(readFileSync(path)))
  packed.commit()
}

const DUMPS = ['d.md', 'd.json', 'd.jsonl', 'd.md.gz', 'd.jsonl.zst']

describe.each([...Object.keys(ARCHIVES), ...Object.keys(ZIPS), ...DUMPS])('%s', (name) => {
  const reason = missing(ARCHIVES[name] ?? ZIPS[name] ?? [])
  const hasHardLinks = ZIPS[name] === undefined && name !== '7z.tar'

  test('comes back exactly, from a file and from standard input', async ({ skip }) => {
    skip(reason !== undefined, reason)
    using scratch = makeScratch()
    const root = await store(scratch, name, hasHardLinks)
    expect(await scratch.run([name, '--to', 'from-file'])).toMatchObject({ status: 0, stdout: 'from-file\n' })
    const stdin = readFileSync(join(scratch.path, name))
    expect(await scratch.run(['-', '--to', 'from-stdin'], { stdin })).toMatchObject({
      status: 0,
      stdout: 'from-stdin\n',
    })
    for (const target of ['from-file', 'from-stdin']) {
      expect(readTree(join(scratch.path, target))).toEqual(readTree(root))
      expect(statSync(join(scratch.path, target, 'README.md')).mtimeMs).toBe(1_600_000_000_000)
      const [a, b] = ['README.md', 'src/readme'].map(
        (path) => statSync(join(scratch.path, target, path), { throwIfNoEntry: false })?.ino,
      )
      expect(a === b).toBe(hasHardLinks)
    }
  })

  test('is listed, verified, and refused when it is cut off anywhere near its end', async ({ skip }) => {
    skip(reason !== undefined, reason)
    using scratch = makeScratch()
    await store(scratch, name, hasHardLinks)
    const listed = await scratch.run(['list', name])
    expect(listed).toMatchObject({ status: 0, stderr: '' })
    for (const path of ['README.md', 'src/deep/er/file', 'link -> src/main.ts']) expect(listed.stdout).toContain(path)
    expect(await scratch.run(['verify', name])).toMatchObject({ status: 0, stdout: say('intact: ') })
    const whole = readFileSync(join(scratch.path, name))
    const before = scratch.names()
    const shorter = name.endsWith('.tar') ? whole.length - 10_240 : whole.length - 9
    const cut = await scratch.run(['-', '--to', 'cut'], { stdin: whole.subarray(0, shorter) })
    expect(cut).toMatchObject({ status: 3, stdout: '', stderr: expect.stringMatching(/\[ARC_\w+\]\nhint: /) as string })
    expect(scratch.names()).toEqual(before)
  })
})

test('a folder comes back with everything that is in it, ignored or not, from near and far', async () => {
  using scratch = makeScratch()
  const root = writeLinkedApp(scratch)
  scratch.write('app', { '.gitignore': 'logo.bin\n', '.git/config': '[core]\n', 'node_modules/x/index.js': '' })
  expect(await scratch.run(['app', '--to', 'copy'])).toMatchObject({
    status: 0,
    stderr: say('1 path that programs obey or run unasked; look at what is in them\n    .git/config\n'),
  })
  expect(readTree(join(scratch.path, 'copy'))).toEqual(readTree(root))
  for (const to of ['app', 'app/inside', '.']) {
    expect(await scratch.run(['app', '--to', to, '--mode', 'merge', '--yes'])).toMatchObject({
      status: 1,
      stderr: say('lie in one another [ARC_TARGET_UNSUITABLE]'),
    })
  }
})

test('the bytes decide what a source is, not its name', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  scratch.tool('tar', '-czf', 'wrong.md', '-C', 'app', '.')
  await writeDump(root, join(scratch.path, 'd.md'))
  scratch.tool('mv', 'd.md', 'wrong.zip')
  for (const name of ['wrong.md', 'wrong.zip']) {
    expect((await scratch.run([name, '--to', `${name}.out`])).status).toBe(0)
    expect(readTree(join(scratch.path, `${name}.out`))).toEqual(readTree(root))
  }
})

test.each([
  ['empty', ''],
  ['text', 'hello\n'],
  ['json', '{"a":1}'],
  ['noise', Uint8Array.from({ length: 5000 }, (_, i) => (i * 131 + 7) % 251)],
  ['a gzip of something else', gzipSync('hello')],
] as const)('%s is refused as what it is', async (name, content) => {
  using scratch = makeScratch()
  scratch.write('.', { [name]: content })
  const { status, stderr } = await scratch.run([name, '--to', 'out'])
  expect(status === 1 || status === 3).toBe(true)
  expect(stderr).toMatch(/\[ARC_ARCHIVE_(?:UNSUPPORTED|DAMAGED)\]\nhint: /)
  expect(stderr).toContain(name)
  expect(scratch.names()).toEqual([name])
})

test('a pipe that is named is read as it arrives', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  scratch.tool('tar', '-cf', 'a.tar', '-C', 'app', '.')
  scratch.tool('mkfifo', 'pipe')
  const child = scratch.start(['pipe', '--to', 'out'])
  scratch.tool('sh', '-c', 'cat a.tar > pipe')
  const status = await new Promise((done) => child.once('close', done))
  expect(status).toBe(0)
  expect(readTree(join(scratch.path, 'out'))).toEqual(readTree(root))
})

test('what is missing, a terminal, and a name that is none are told apart', async () => {
  using scratch = makeScratch()
  expect(await scratch.run(['nowhere.tar'])).toMatchObject({
    status: 1,
    stderr: say('cannot read nowhere.tar: no such file'),
  })
  const hint = 'for a snapshot, say with --from where it is: there is no vault at '
  expect((await scratch.run(['latest'])).stderr).toContain(
    `${hint}${join(scratch.path, '.home/project_backups/vault')}`,
  )
  const empty = await scratch.run(['verify', '/dev/null'])
  expect(empty.stderr).toContain('projectrestore: /dev/null is empty [')
  expect(await scratch.run(['-', '--to', 'x'], { terminals: ['stdin'] })).toMatchObject({
    status: 2,
    stderr: say('which is a terminal'),
  })
  const stdin = scratch.tool('tar', '-cf', '-', '-T', '/dev/null')
  expect(await scratch.run(['-'], { stdin })).toMatchObject({
    status: 2,
    stderr: say('has no name for a folder [ARC_OPTION_INVALID]\nhint: Say where'),
  })
  mkdirSync(join(scratch.path, 'sub'))
  scratch.tool('tar', '-cf', 'con.tar', '-C', 'sub', '.')
  expect(await scratch.run(['con.tar'])).toMatchObject({
    status: 3,
    stderr: say('which is no name for a folder [ARC_PATH_UNSAFE]'),
  })
})
