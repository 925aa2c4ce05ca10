import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs, {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { makeScratch, type Scratch } from './scratch.ts'

const APP = {
  'README.md': '# App\n',
  'src/main.ts': 'export {}\n',
  'src/util.ts': 'a\nb\n',
  'logo.bin': Uint8Array.of(0, 1, 2),
}

const read = (scratch: Scratch, path: string): string => readFileSync(join(scratch.path, path), 'utf8')
const names = (scratch: Scratch): string[] => readdirSync(scratch.path).filter((name) => name !== '.home')

test('stdout has the path of the document and nothing else, stderr the figures', async () => {
  using scratch = makeScratch()
  scratch.write('app', APP)
  expect(await scratch.run(['app'])).toEqual({
    status: 0,
    stdout: 'app.dump.md\n',
    stdoutBytes: Buffer.from('app.dump.md\n'),
    stderr: expect.stringMatching(/^4 files, 4 lines, \d.*\n$/) as string,
    questions: [],
    lists: [],
  })
  expect(names(scratch)).toEqual(['app', 'app.dump.md', 'app.dump.md.sha256'])
  expect(await scratch.run(['app', '-q'])).toMatchObject({ stdout: 'app.dump.md\n', stderr: '' })
})

test('the root is the current folder when it is not named', async () => {
  using scratch = makeScratch()
  const cwd = scratch.write('app', APP)
  expect(await scratch.run([], { cwd })).toMatchObject({ status: 0, stdout: 'app.dump.md\n' })
  expect(read(scratch, 'app/app.dump.md')).toContain('### `src/main.ts`')
})

test('--json prints the result as a document', async () => {
  using scratch = makeScratch()
  scratch.write('app', APP)
  const { stdout } = await scratch.run(['app', '--json', '-o', 'x.jsonl.gz'])
  expect(JSON.parse(stdout)).toMatchObject({
    schemaVersion: 1,
    path: 'x.jsonl.gz',
    format: 'jsonl',
    compression: 'gzip',
    statistics: { files: 4, lines: 4 },
    omissions: [],
  })
  const file = readFileSync(join(scratch.path, 'x.jsonl.gz'))
  expect(JSON.parse(stdout)).toMatchObject({
    sha256: createHash('sha256').update(file).digest('hex'),
    sizeBytes: file.length,
  })
})

test.each([
  [['-o', 'x.json'], /^\{"dump":/],
  [['-o', 'x.jsonl'], /^\{"arcDump":/],
  [['-o', 'x.txt', '--format', 'json'], /^\{"dump":/],
  [['-o', 'x'], /^---\narc-dump: 1\n/],
  [['-o', '-', '--format', 'jsonl'], /^\{"arcDump":/],
  [['-o', '/dev/stdout'], /^---\narc-dump: 1\n/],
])('the format follows from %j', async (args, beginning) => {
  using scratch = makeScratch()
  scratch.write('app', APP)
  const { status, stdout } = await scratch.run(['app', ...args])
  expect(status).toBe(0)
  expect(stdout.startsWith('x') ? read(scratch, stdout.trim()) : stdout).toMatch(beginning)
})

test('gzip and zstd accept what is compressed', async () => {
  using scratch = makeScratch()
  scratch.write('app', APP)
  for (const [option, tool, extension] of [
    ['gzip', 'gzip', 'gz'],
    ['zstd', 'zstd', 'zst'],
  ] as const) {
    expect(await scratch.run(['app', '--compress', option])).toMatchObject({
      status: 0,
      stdout: `app.dump.md.${extension}\n`,
    })
    execFileSync(tool, ['-t', '-q', join(scratch.path, `app.dump.md.${extension}`)], { stdio: 'pipe' })
  }
})

test.each([
  [['-o', 'missing/x.md'], 1, /the folder .*missing does not exist \[ARC_NOT_FOUND\]\nhint: /],
  [['-o', 'app'], 1, /names a folder \[ARC_TARGET_UNSUITABLE\]\nhint: .*app\/project\.dump\.md/],
  [['-o', 'new/'], 1, /names a folder/],
  [['-o', 'app/README.md'], 1, /exists and is no dump.*\[ARC_TARGET_NOT_EMPTY\]/],
  [['-o', '/dev/null'], 1, /is a pipe or a device.*\nhint: .*-o - > \/dev\/null/],
  [['-o', 'x.md', '--format', 'json'], 2, /--format json contradicts the name x\.md/],
  [['-o', 'x.md', '--compress', 'gzip'], 2, /--compress gzip contradicts the name x\.md/],
  [['-o', 'x.gz', '--compress', 'zstd'], 2, /--compress zstd contradicts the name x\.gz/],
  [['-o', '-', '--json'], 2, /both want standard output/],
  [['--include', 'nothing*'], 1, /nothing in the project matches --include nothing\* \[ARC_ENTRY_MISSING\]/],
  [['--match', '^nothing$'], 1, /matches --match \^nothing\$/],
  [['--include', '[a'], 2, /column 1.*\[ARC_GLOB_INVALID\]/],
  [['--tracked', '--no-git'], 2, /cannot be used with --no-git/],
  [['--rev', 'HEAD', '--tracked'], 2, /--tracked cannot be used with --rev/],
  [['--rev', 'HEAD'], 1, /in no git repository/],
  [['--tracked'], 1, /in no git repository/],
  [['--max-size', 'big'], 2, /is not a size/],
  [['--newer', '2026-02-30'], 2, /neither a date nor an age/],
  [['second'], 2, /one argument too many/],
])('%j is refused, and nothing is written', async (args, status, message) => {
  using scratch = makeScratch()
  scratch.write('app', APP)
  const { status: found, stdout, stderr } = await scratch.run(['app', ...args])
  expect({ found, stderr }).toEqual({ found: status, stderr: expect.stringMatching(message) as string })
  if (!args.includes('--json')) expect(stdout).toBe('')
  expect(names(scratch)).toEqual(['app'])
  expect(read(scratch, 'app/README.md')).toBe('# App\n')
})

test('a compressed document does not go to a terminal', async () => {
  using scratch = makeScratch()
  scratch.write('app', APP)
  expect(await scratch.run(['app', '-o', '-', '--compress', 'gzip'], { terminals: ['stdout'] })).toMatchObject({
    status: 2,
    stdout: '',
  })
})

test('a root that is missing, or a file, is named with what helps', async () => {
  using scratch = makeScratch()
  scratch.write('app', APP)
  expect(await scratch.run(['ap'])).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/cannot open .*ap: no such file.*\[ARC_NOT_FOUND\]\nhint: /) as string,
  })
  expect(await scratch.run(['app/README.md'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('ARC_NOT_A_DIRECTORY') as string,
  })
  expect(await scratch.run(['verfiy'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('Did you mean the command verify?') as string,
  })
})

test('a link that is named is followed to the dump it leads to', async () => {
  using scratch = makeScratch()
  scratch.write('app', APP)
  symlinkSync('real.md', join(scratch.path, 'latest.md'))
  expect(await scratch.run(['app', '-o', 'latest.md'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('leads nowhere [ARC_TARGET_UNSUITABLE]') as string,
  })
  for (const output of ['real.md', 'latest.md', 'latest.md']) {
    expect(await scratch.run(['app', '-o', output])).toMatchObject({ status: 0, stdout: `${output}\n` })
  }
  expect(lstatSync(join(scratch.path, 'latest.md')).isSymbolicLink()).toBe(true)
  expect(names(scratch)).toEqual(['app', 'latest.md', 'real.md', 'real.md.sha256'])
})

test('a link that came with the project does not lead the document elsewhere', async () => {
  using scratch = makeScratch()
  const cwd = scratch.write('app', APP)
  scratch.write('.ssh', {})
  symlinkSync('../.ssh/authorized_keys', join(cwd, 'app.dump.md'))
  scratch.write('other', APP)
  await scratch.run(['other', '-o', 'other.md'])
  symlinkSync('../other.md', join(cwd, 'app.dump.json'))
  const before = read(scratch, 'other.md')
  for (const format of ['md', 'json']) {
    expect(await scratch.run(['--format', format], { cwd })).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/is a symbolic link \[ARC_TARGET_UNSUITABLE\]\nhint: /) as string,
    })
  }
  expect(readdirSync(join(scratch.path, '.ssh'))).toEqual([])
  expect(read(scratch, 'other.md')).toBe(before)
})

test('the sidecar fits its document, whatever the name', async () => {
  using scratch = makeScratch()
  scratch.write('app', APP)
  for (const name of ['plain.md', 'back\\slash.md', 'new\nline.md', ' spaces .md']) {
    await scratch.run(['app', '-o', name])
    const output = execFileSync('sha256sum', ['-c', `${name}.sha256`], {
      cwd: scratch.path,
      encoding: 'utf8',
      stdio: 'pipe',
    })
    expect(output).toMatch(/: OK\n$/)
  }
})

test('a checksum that would be wrong goes, one that is not ours stays', async () => {
  using scratch = makeScratch()
  scratch.write('app', APP)
  await scratch.run(['app', '-o', 'x.md'])
  scratch.write('app', { more: 'more\n' })
  await scratch.run(['app', '-o', 'x.md', '--no-sidecar'])
  expect(names(scratch)).toEqual(['app', 'x.md'])
  scratch.write('.', { 'x.md.sha256': 'mine\n' })
  expect(await scratch.run(['app', '-o', 'x.md'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('is no checksum of x.md') as string,
  })
  expect(await scratch.run(['app', '-o', 'x.md', '--no-sidecar'])).toMatchObject({ status: 0 })
  expect(read(scratch, 'x.md.sha256')).toBe('mine\n')
})

test('no output of this program becomes part of the project', async () => {
  using scratch = makeScratch()
  const cwd = scratch.write('app', {
    ...APP,
    '.app.dump.md.01234567-1-0123456789ab.arc-tmp': 'of a run that was killed\n',
  })
  const documents = new Set<string>()
  for (const format of ['md', 'json', 'md', 'jsonl']) {
    expect(await scratch.run(['--format', format], { cwd })).toMatchObject({ status: 0 })
    expect(await scratch.run(['--format', format, '--compress', 'gzip'], { cwd })).toMatchObject({ status: 0 })
    documents.add((await scratch.run(['-o', '-'], { cwd })).stdout)
  }
  expect(documents.size).toBe(1)
  expect([...documents][0]).not.toContain('dump.')
  expect((await scratch.run(['hash'], { cwd })).stdout).not.toContain('dump.')
})

test('a file that is only called like a dump is part of the project', async () => {
  using scratch = makeScratch()
  const cwd = scratch.write('app', { ...APP, 'app.dump.json': '{"mine":1}\n' })
  execFileSync('mkfifo', [join(cwd, 'app.dump.md.gz')], { stdio: 'pipe' })
  symlinkSync('app.dump.json', join(cwd, 'app.dump.jsonl'))
  const { stdout, stderr } = await scratch.run(['-n', '-o', 'x.md'], { cwd })
  expect(stdout).toContain('app.dump.json\napp.dump.jsonl\n')
  expect(stderr).toContain('app.dump.md.gz: a pipe')
})

test('an unchanged project is not read again, a changed one gives the same bytes as a fresh run', async () => {
  using scratch = makeScratch()
  const root = scratch.write('app', APP)
  for (const path of ['README.md', 'src/main.ts', 'src/util.ts', 'logo.bin'])
    execFileSync('touch', ['-d', '2020-01-01', join(root, path)], { stdio: 'pipe' })
  const later = { now: Date.now() + 60_000 }
  await scratch.run(['app'], later)
  const identity = (): bigint[] => {
    const { ino, mtimeNs } = statSync(join(scratch.path, 'app.dump.md'), { bigint: true })
    return [ino, mtimeNs]
  }
  const before = identity()
  expect((await scratch.run(['app'], later)).stderr).toMatch(/; nothing has changed\n$/)
  expect(identity()).toEqual(before)
  scratch.write('app', { 'src/main.ts': 'export const changed = 1\n' })
  expect((await scratch.run(['app'], later)).stderr).toMatch(/; 3 entries unchanged\n$/)
  const incremental = read(scratch, 'app.dump.md')
  await scratch.run(['app', '--no-cache'], later)
  expect(read(scratch, 'app.dump.md')).toBe(incremental)
  for (const options of [['--binary', 'omit'], ['--toc', 'none'], ['--times'], []]) {
    await scratch.run(['app', ...options], later)
    const cached = read(scratch, 'app.dump.md')
    expect((await scratch.run(['app', ...options, '-o', '-'], later)).stdout).toBe(cached)
  }
})

test('a hard-linked file is not read again, and a change by any of its names is seen', async () => {
  using scratch = makeScratch()
  const root = scratch.write('app', { 'a.txt': 'text 0\n', 'tick.txt': '0\n' })
  for (const name of ['z.txt', '../outside']) linkSync(join(root, 'a.txt'), join(root, name))
  const later = { now: Date.now() + 60_000 }
  await scratch.run(['app'], later)
  using opening = vi.spyOn(fs, 'openSync')
  const openedIn = async (): Promise<string[]> => {
    opening.mockClear()
    await scratch.run(['app'], later)
    const paths = opening.mock.calls.map(([path]) => String(path))
    return paths.filter((path) => path.endsWith('.txt')).map((path) => path.slice(root.length + 1))
  }
  expect(await openedIn()).toEqual([])
  for (const [i, name] of ['a.txt', 'z.txt', '../outside'].entries()) {
    writeFileSync(join(root, 'tick.txt'), `${i} without a change of the links\n`)
    expect(await openedIn()).toEqual(['tick.txt'])
    writeFileSync(join(root, name), `text ${i + 1}\n`)
    expect(await openedIn()).toEqual(['a.txt'])
    expect(read(scratch, 'app.dump.md')).toContain(`text ${i + 1}\n`)
  }
  const incremental = read(scratch, 'app.dump.md')
  await scratch.run(['app', '--no-cache'], later)
  expect(read(scratch, 'app.dump.md')).toBe(incremental)
})

test('a cache folder that cannot be written does no harm', async () => {
  using scratch = makeScratch()
  const root = scratch.write('app', APP)
  const env = { ...scratch.env, XDG_CACHE_HOME: join(root, 'README.md') }
  expect(await scratch.run(['app'], { env })).toMatchObject({ status: 0 })
  expect(await scratch.run(['app'], { env })).toMatchObject({ status: 0 })
})

test('pipes and sockets are told and end with 4; --strict writes nothing then', async () => {
  using scratch = makeScratch()
  const root = scratch.write('app', APP)
  execFileSync('mkfifo', [join(root, 'pipe')], { stdio: 'pipe' })
  symlinkSync('.', join(root, 'loop'))
  const { status, stdout, stderr } = await scratch.run(['app'])
  expect({ status, stdout }).toEqual({ status: 4, stdout: 'app.dump.md\n' })
  expect(stderr).toMatch(/warning: left out: 1\n.*\n {4}pipe: a pipe\n/)
  const strict = await scratch.run(['app', '--strict', '-o', 'strict.md'])
  expect(strict).toMatchObject({
    status: 4,
    stdout: '',
    stderr: expect.stringMatching(/pipe: a pipe\n[^]*nothing was written \[ARC_SELECTION_PARTIAL\]\nhint: /) as string,
  })
  expect(existsSync(join(scratch.path, 'strict.md'))).toBe(false)
  expect(await scratch.run(['app', '--strict', '--exclude', 'pipe'])).toMatchObject({ status: 0 })
  expect(await scratch.run(['app', '--dry-run'])).toMatchObject({ status: 4 })
})

test.skipIf(process.getuid?.() === 0)(
  'an unreadable file is told and ends with 4 (skipped for root, who can read everything)',
  async () => {
    using scratch = makeScratch()
    const root = scratch.write('app', APP)
    chmodSync(join(root, 'README.md'), 0)
    expect(await scratch.run(['app'])).toMatchObject({
      status: 4,
      stderr: expect.stringMatching(/README\.md: .*permission denied/) as string,
    })
  },
)

test('--dry-run prints what the document would hold and writes nothing', async () => {
  using scratch = makeScratch()
  scratch.write('app', APP)
  const { stdout, status } = await scratch.run(['app', '--dry-run', '--exclude', '*.bin'])
  expect({ stdout, status }).toEqual({ stdout: 'README.md\nsrc\nsrc/main.ts\nsrc/util.ts\n', status: 0 })
  expect(names(scratch)).toEqual(['app'])
  expect(readdirSync(join(scratch.path, '.home'))).toEqual([])
  const { stdout: json } = await scratch.run(['app', '--dry-run', '--json', '--max-size', '5'])
  expect(JSON.parse(json)).toMatchObject({ paths: ['logo.bin', 'src', 'src/util.ts'] })
})

test('--stats, -v and --progress go to stderr, so that --json stays one document', async () => {
  using scratch = makeScratch()
  scratch.write('app', APP)
  const { stdout, stderr } = await scratch.run(['app', '--json', '--stats', '-vv', '--progress', 'json'])
  expect(JSON.parse(stdout)).toMatchObject({ path: 'app.dump.md' })
  expect(stderr).toMatch(/^TypeScript +2 +3 +14$/m)
  expect(stderr).toMatch(/^Total +4 +4 +23$/m)
  expect(stderr).toContain('of memory at most')
  const events = stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { phase: string; doneEntries: number; totalEntries?: number })
  expect(events.map(({ phase }) => phase)).toContain('listing')
  expect(events.at(-1)).toMatchObject({ type: 'progress', phase: 'reading', doneEntries: 4, totalEntries: 4 })
})

test('the figures are those of wc', async () => {
  using scratch = makeScratch()
  const root = scratch.write('app', { a: 'one\ntwo', b: '\n\n\n', c: '', d: 'x\r\ny\r\n' })
  const { stdout } = await scratch.run(['app', '--json'])
  const wc = execFileSync('sh', ['-c', 'cat * | wc -lc'], { cwd: root, encoding: 'utf8', stdio: 'pipe' })
    .trim()
    .split(/\s+/)
    .map(Number)
  expect(JSON.parse(stdout)).toMatchObject({ statistics: { files: 4, lines: wc[0], bytes: wc[1] } })
})

test('an empty folder and an empty selection by time are documents', async () => {
  using scratch = makeScratch()
  scratch.write('empty', {})
  scratch.write('app', APP)
  expect(await scratch.run(['empty'])).toMatchObject({ status: 0 })
  expect(await scratch.run(['restore', 'empty.dump.md', '--to', 'again'])).toMatchObject({ status: 0 })
  expect(readdirSync(join(scratch.path, 'again'))).toEqual([])
  expect(await scratch.run(['app', '--newer', '2100-01-01'])).toMatchObject({ status: 0 })
})

test('the default name replaces an earlier dump only', async () => {
  using scratch = makeScratch()
  scratch.write('app', APP)
  writeFileSync(join(scratch.path, 'app.dump.md'), 'my notes about dumps\n')
  expect(await scratch.run(['app'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('is no dump: it would be lost') as string,
  })
  expect(read(scratch, 'app.dump.md')).toBe('my notes about dumps\n')
  writeFileSync(join(scratch.path, 'app.dump.md'), '')
  expect(await scratch.run(['app'])).toMatchObject({ status: 0 })
})

test('a dump of nothing says so, and whose work it is', async () => {
  using scratch = makeScratch()
  mkdirSync(join(scratch.path, 'hidden'))
  writeFileSync(join(scratch.path, 'hidden/.gitignore'), '/*\n')
  mkdirSync(join(scratch.path, 'empty'))
  expect(await scratch.run(['hidden'])).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('hidden holds nothing to dump: ignore rules leave out 1 path'),
  })
  expect(await scratch.run(['empty', '--dry-run'])).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('empty holds nothing to dump\n'),
  })
  writeFileSync(join(scratch.path, 'hidden/.arcignore'), '!*\n')
  expect(await scratch.run(['hidden', '--dry-run'])).toMatchObject({ stdout: '.arcignore\n.gitignore\n', stderr: '' })
})
