import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync, chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { readTree } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch } from './scratch.ts'

const APP = { 'README.md': '# App\n', 'src/main.ts': 'export {}\n', 'docs/guide.md': 'guide\n', 'empty/here': null }

/** A project `app` and its dump `app.dump.md`. */
async function dumped(scratch: Scratch, ...options: string[]): Promise<string> {
  const root = scratch.write('app', { ...APP, 'logo.bin': Uint8Array.of(0, 255) })
  await scratch.run(['app', '-o', 'app.dump.md', ...options])
  return root
}

const read = (scratch: Scratch, path: string): string => readFileSync(join(scratch.path, path), 'utf8')
const saying = (text: string): string => expect.stringContaining(text) as string

test('prints the folder on stdout and makes the folders above it', async () => {
  using scratch = makeScratch()
  const root = await dumped(scratch)
  expect(await scratch.run(['restore', 'app.dump.md', '--to', 'a/b/c'])).toMatchObject({
    status: 0,
    stdout: 'a/b/c\n',
    stderr: saying('4 files, 24 B, all hashes checked'),
  })
  expect(readTree(join(scratch.path, 'a/b/c'))).toEqual(readTree(root))
})

test('the default target is the name of the project, and is never overwritten unasked', async () => {
  using scratch = makeScratch()
  await dumped(scratch)
  expect(await scratch.run(['restore', 'app.dump.md'])).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringMatching(/not empty \[ARC_TARGET_NOT_EMPTY\]\nhint: .*--mode replace/) as string,
  })
  scratch.write('elsewhere', {})
  const cwd = join(scratch.path, 'elsewhere')
  expect(await scratch.run(['restore', '../app.dump.md'], { cwd })).toMatchObject({ status: 0, stdout: 'app\n' })
  expect(readdirSync(cwd)).toEqual(['app'])
})

test.each(['a:b', 'con', 'dot.'])(
  'a project called %j does not come back under that name unasked: it is none everywhere',
  async (name) => {
    using scratch = makeScratch()
    scratch.write(name, APP)
    await scratch.run([name, '-o', 'x.md'])
    expect(await scratch.run(['restore', 'x.md'])).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/no name for a folder \[ARC_PATH_UNSAFE\]\nhint: .*--to/) as string,
    })
    expect(await scratch.run(['restore', 'x.md', '--to', 'y'])).toMatchObject({ status: 0 })
  },
)

test('--only restores what matches, and a pattern that matches nothing is an error', async () => {
  using scratch = makeScratch()
  await dumped(scratch)
  expect(
    await scratch.run(['restore', 'app.dump.md', '--to', 'part', '--only', 'src/', '--only', '*.md']),
  ).toMatchObject({ status: 0 })
  expect(readTree(join(scratch.path, 'part')).map(({ path }) => path)).toEqual([
    'README.md',
    'docs',
    'docs/guide.md',
    'src',
    'src/main.ts',
  ])
  expect(await scratch.run(['restore', 'app.dump.md', '--to', 'none', '--only', 'src', '--only', 'scr'])).toMatchObject(
    { status: 1, stderr: saying('nothing in the dump matches --only scr [ARC_ENTRY_MISSING]') },
  )
  expect(await scratch.run(['restore', 'app.dump.md', '--to', 'none', '--only', '{a'])).toMatchObject({
    status: 2,
    stderr: saying('ARC_GLOB_INVALID'),
  })
  expect(existsSync(join(scratch.path, 'none'))).toBe(false)
})

test('--dry-run shows the plan and writes nothing, not even the folders above', async () => {
  using scratch = makeScratch()
  await dumped(scratch)
  const before = readdirSync(scratch.path)
  const { status, stdout } = await scratch.run(['restore', 'app.dump.md', '--to', 'x/y', '--dry-run'])
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^add +6 +README\.md$/m) as string })
  expect(stdout).toContain(`in ${join(scratch.path, 'x/y')}, `)
  expect(readdirSync(scratch.path)).toEqual(before)
  scratch.write('app', { 'README.md': 'changed\n', 'extra.txt': 'x\n' })
  const replace = await scratch.run(['restore', 'app.dump.md', '--mode', 'replace', '--dry-run'])
  expect(replace.stdout).toMatch(/^change +6 +README\.md$/m)
  expect(replace.stdout).toMatch(/^remove +2 +extra\.txt$/m)
  expect(replace.stdout).toContain('add 0, change 1 and remove 1')
  const json = await scratch.run(['restore', 'app.dump.md', '--mode', 'merge', '--dry-run', '--json'])
  expect(JSON.parse(json.stdout)).toMatchObject({ schemaVersion: 1, mode: 'merge', totals: { changed: 1, removed: 0 } })
  expect(read(scratch, 'app/README.md')).toBe('changed\n')
})

test('--mode replace asks, keeps the tree from before, and says how to go back', async () => {
  using scratch = makeScratch()
  await dumped(scratch)
  const before = readTree(join(scratch.path, 'app'))
  scratch.write('app', { 'README.md': 'changed\n' })
  const command = ['restore', 'app.dump.md', '--mode', 'replace']
  expect(await scratch.run(command)).toMatchObject({ status: 2, stdout: '', stderr: saying('ARC_CONFIRMATION_NEEDED') })
  const terminals = ['stdin', 'stderr'] as const
  expect(await scratch.run(command, { terminals, answers: [false] })).toMatchObject({ status: 1, stdout: '' })
  expect(read(scratch, 'app/README.md')).toBe('changed\n')
  const { status, stderr, questions } = await scratch.run(command, { terminals, answers: [true] })
  expect({ status, questions: questions.length }).toEqual({ status: 0, questions: 1 })
  expect(readTree(join(scratch.path, 'app'))).toEqual(before)
  const point = /the tree from before is (\/.*);/.exec(stderr)?.[1] ?? ''
  expect(readFileSync(join(point, 'README.md'), 'utf8')).toBe('changed\n')
})

test('a restore that would change nothing does nothing, and keeps the earlier restore point', async () => {
  using scratch = makeScratch()
  await dumped(scratch)
  scratch.write('app', { 'README.md': 'precious\n' })
  await scratch.run(['restore', 'app.dump.md', '--mode', 'replace', '--yes'])
  const control = join(scratch.path, '.app.arc-restore')
  const points = readdirSync(control)
  const inode = lstatSync(join(scratch.path, 'app')).ino
  const again = await scratch.run(['restore', 'app.dump.md', '--mode', 'replace', '--json'])
  expect(again).toMatchObject({ status: 0, stderr: saying('nothing to do') })
  expect(JSON.parse(again.stdout)).toMatchObject({ schemaVersion: 1, files: 0, writtenBytes: 0 })
  expect(readdirSync(control)).toEqual(points)
  expect(lstatSync(join(scratch.path, 'app')).ino).toBe(inode)
})

test('--mode merge keeps what the dump does not have', async () => {
  using scratch = makeScratch()
  await dumped(scratch)
  scratch.write('app', { 'README.md': 'changed\n', 'extra.txt': 'x\n' })
  expect(await scratch.run(['restore', 'app.dump.md', '--mode', 'merge', '-y'])).toMatchObject({ status: 0 })
  expect([read(scratch, 'app/README.md'), read(scratch, 'app/extra.txt')]).toEqual(['# App\n', 'x\n'])
})

test('a dump without binary content is restored with --partial only, or where that content is not asked for', async () => {
  using scratch = makeScratch()
  await dumped(scratch, '--binary', 'omit')
  expect(await scratch.run(['restore', 'app.dump.md', '--to', 'x'])).toMatchObject({
    status: 3,
    stderr: saying('the content of 1 file was left out'),
  })
  expect(await scratch.run(['restore', 'app.dump.md', '--to', 'x', '--only', 'src'])).toMatchObject({ status: 0 })
  expect(await scratch.run(['restore', 'app.dump.md', '--to', 'y', '--partial'])).toMatchObject({ status: 0 })
  expect(readdirSync(join(scratch.path, 'y'))).toEqual(['README.md', 'docs', 'empty', 'src'])
  expect(await scratch.run(['verify', 'app.dump.md'])).toMatchObject({
    status: 0,
    stdout: saying('1 file by hash only, without content'),
  })
  expect(await scratch.run(['cat', 'app.dump.md', 'logo.bin'])).toMatchObject({
    status: 1,
    stdout: '',
    stderr: saying('left out when the dump was made'),
  })
})

test('links that lead out are told, or refused on request', async () => {
  using scratch = makeScratch()
  const root = scratch.write('app', APP)
  symlinkSync('/etc/passwd', join(root, 'out'))
  await scratch.run(['app'])
  expect(await scratch.run(['restore', 'app.dump.md', '--to', 'kept'])).toMatchObject({
    status: 0,
    stderr: saying('out -> /etc/passwd'),
  })
  expect(await scratch.run(['restore', 'app.dump.md', '--to', 'x', '--links', 'inside'])).toMatchObject({
    status: 3,
    stderr: expect.stringMatching(/ARC_PATH_UNSAFE\]\nhint: .*--links keep/) as string,
  })
  expect(await scratch.run(['restore', 'app.dump.md', '--to', 'x', '--links', 'refuse'])).toMatchObject({ status: 3 })
  expect(existsSync(join(scratch.path, 'x'))).toBe(false)
})

test('set-id bits are dropped with a warning, and restored on request', async () => {
  using scratch = makeScratch()
  const root = scratch.write('app', { tool: 'x\n' })
  chmodSync(join(root, 'tool'), 0o4755)
  await scratch.run(['app'])
  const modeIn = (folder: string): number => lstatSync(join(scratch.path, folder, 'tool')).mode & 0o7777
  expect(await scratch.run(['restore', 'app.dump.md', '--to', 'a'])).toMatchObject({
    status: 0,
    stderr: saying('--set-id'),
  })
  expect(await scratch.run(['restore', 'app.dump.md', '--to', 'b', '--set-id', '-q'])).toMatchObject({
    status: 0,
    stderr: '',
  })
  expect([modeIn('a'), modeIn('b')]).toEqual([0o755, 0o4755])
})

function zstdInFrames(bytes: Buffer): Buffer {
  const skipped = Buffer.from('\x50\x2a\x4d\x18\x04\0\0\0size', 'latin1')
  const halves = [bytes.subarray(0, 100), bytes.subarray(100)]
  return Buffer.concat(halves.flatMap((half) => [skipped, zstdCompressSync(half)]))
}

test.each([
  ['as it is', (bytes: Buffer) => bytes],
  ['with gzip', gzipSync],
  ['with zstd', zstdCompressSync],
  ['with zstd in frames of which some hold nothing, as parallel compressors write it', zstdInFrames],
])('every command reads a dump from standard input, %s', async (_, pack) => {
  using scratch = makeScratch()
  await dumped(scratch)
  const stdin = pack(readFileSync(join(scratch.path, 'app.dump.md')))
  expect(await scratch.run(['verify', '-'], { stdin })).toMatchObject({
    status: 0,
    stdout: 'intact: 5 entries, 24 B\n',
  })
  expect(await scratch.run(['list', '-'], { stdin })).toMatchObject({ status: 0, stdout: saying('src/main.ts') })
  expect(await scratch.run(['cat', '-', 'docs/guide.md'], { stdin })).toMatchObject({ status: 0, stdout: 'guide\n' })
  expect(await scratch.run(['restore', '-', '--to', 'x'], { stdin })).toMatchObject({ status: 0 })
  expect(await scratch.run(['verify', '-'], { stdin: stdin.subarray(0, -30) })).toMatchObject({
    status: 3,
    stdout: '',
    stderr: saying('standard input'),
  })
  expect(await scratch.run(['verify', '-'], { terminals: ['stdin'] })).toMatchObject({
    status: 2,
    stderr: saying('which is a terminal'),
  })
})

test('a flipped byte anywhere is noticed, and nothing is written', async () => {
  using scratch = makeScratch()
  await dumped(scratch)
  const good = readFileSync(join(scratch.path, 'app.dump.md'))
  for (let at = 0; at < good.length; at += 7) {
    const bad = Buffer.from(good)
    bad[at] = (bad[at] as number) ^ 1
    writeFileSync(join(scratch.path, 'bad.md'), bad)
    const { status, stdout, stderr } = await scratch.run(['verify', 'bad.md'])
    expect({ at, status: status === 3 || status === 1, stdout, named: stderr.includes('bad.md') }).toEqual({
      at,
      status: true,
      stdout: '',
      named: true,
    })
    expect((await scratch.run(['restore', 'bad.md', '--to', 'x'])).status).toBeGreaterThan(0)
    expect(existsSync(join(scratch.path, 'x'))).toBe(false)
  }
  const damaged = good.toString().replace('export {}', 'export []')
  scratch.write('.', { 'bad.md': damaged })
  expect(await scratch.run(['verify', 'bad.md', '--json'])).toMatchObject({
    status: 3,
    stderr: saying('src/main.ts: its content has another SHA-256'),
  })
  expect(await scratch.run(['cat', 'bad.md', 'src/main.ts'])).toMatchObject({ status: 3, stdout: '' })
})

test('what is no dump is said so, by name', async () => {
  using scratch = makeScratch()
  scratch.write('app', { 'README.md': '# App\n' })
  for (const command of ['verify', 'list', 'restore']) {
    expect(await scratch.run([command, 'app/README.md'])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/app\/README\.md: this is not a dump.*\[ARC_DUMP_UNSUPPORTED\]/) as string,
    })
    expect(await scratch.run([command, 'app'])).toMatchObject({ status: 1, stderr: saying('is a folder') })
    expect(await scratch.run([command, 'missing.md'])).toMatchObject({ status: 1, stderr: saying('ARC_NOT_FOUND') })
    expect(await scratch.run([command])).toMatchObject({ status: 2, stderr: saying('DUMP is missing') })
  }
})
