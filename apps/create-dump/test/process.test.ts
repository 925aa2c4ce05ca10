import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { signalledAt } from '@arc/kit/testing'
import { expect, test } from 'vitest'
import { bin, makeScratch, type Scratch } from './scratch.ts'

const names = (scratch: Scratch): string[] => readdirSync(scratch.path).filter((name) => name !== '.home')
const read = (scratch: Scratch, path: string): string => readFileSync(join(scratch.path, path), 'utf8')

/** Run a shell command line in which `create-dump` is the command; returns its status and what it printed. */
function shell(scratch: Scratch, command: string): { status: number; stdout: string; stderr: string } {
  const functions = `create-dump() { '${process.execPath}' '${bin}' "$@"; }`
  try {
    const stdout = execFileSync('bash', ['-c', `${functions}\n${command} 2>.home/stderr`], {
      cwd: scratch.path,
      env: scratch.env,
      stdio: 'pipe',
      encoding: 'utf8',
    })
    return { status: 0, stdout, stderr: read(scratch, '.home/stderr') }
  } catch (error) {
    const { status, stdout } = error as { status: number; stdout: string }
    return { status, stdout, stderr: read(scratch, '.home/stderr') }
  }
}

/** An old dump and what the new one will be. */
function twoStates(scratch: Scratch): { before: string; after: string } {
  const large = 'line\n'.repeat(100_000)
  scratch.write('app', { 'a.txt': 'old\n', 'large.txt': large })
  scratch.spawn(['app'])
  const before = read(scratch, 'app.dump.md')
  scratch.write('app', { 'a.txt': 'changed\n' })
  const after = scratch.spawn(['app', '-o', '-']).stdout.toString()
  return { before, after }
}

test('killed before any system call, there is the old dump or the new one, and the next run leaves no litter', () => {
  using scratch = makeScratch()
  const { before, after } = twoStates(scratch)
  const seen = new Set<string>()
  let kills = 0
  for (let call = 1; ; call++) {
    writeFileSync(join(scratch.path, 'app.dump.md'), before)
    writeFileSync(
      join(scratch.path, 'app.dump.md.sha256'),
      `${createHash('sha256').update(before).digest('hex')}  app.dump.md\n`,
    )
    const env = signalledAt(call, 'SIGKILL')
    const { signal } = scratch.spawn(['app', '--no-cache'], { env })
    if (signal === null) break
    kills++
    const document = read(scratch, 'app.dump.md')
    expect(document === before || document === after).toBe(true)
    seen.add(document)
    const sidecar = join(scratch.path, 'app.dump.md.sha256')
    if (existsSync(sidecar))
      expect(readFileSync(sidecar, 'utf8').slice(0, 64)).toBe(createHash('sha256').update(document).digest('hex'))
    if (call % 6 !== 0) continue
    expect(scratch.spawn(['app']).status).toBe(0)
    expect(names(scratch)).toEqual(['app', 'app.dump.md', 'app.dump.md.sha256'])
    expect(read(scratch, 'app.dump.md')).toBe(after)
  }
  expect(kills).toBeGreaterThan(10)
  expect(seen.size).toBe(2)
  expect(names(scratch)).toEqual(['app', 'app.dump.md', 'app.dump.md.sha256'])
})

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s ends it with its status, the old dump and no litter',
  (name) => {
    using scratch = makeScratch()
    const { before } = twoStates(scratch)
    const env = signalledAt(3, name)
    const { status, stdout, stderr } = scratch.spawn(['app', '--no-cache'], { env })
    expect({ status, stdout: String(stdout) }).toEqual({
      status: { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[name],
      stdout: '',
    })
    expect(String(stderr)).not.toMatch(/\bat .*:\d+:\d+/)
    expect(read(scratch, 'app.dump.md')).toBe(before)
    expect(names(scratch)).toEqual(['app', 'app.dump.md', 'app.dump.md.sha256'])
  },
)

// To read so much takes a minute; none of it is on the disk.
const HUGE_BYTES = 64 * 1024 ** 3

test.each(['dump.md', 'dump.md.gz', 'dump.json'])('Ctrl-C is heard within one huge file: %s', (output) => {
  using scratch = makeScratch()
  const root = scratch.write('app', { huge: '' })
  truncateSync(join(root, 'huge'), HUGE_BYTES)
  // JSON refuses such a file unless its content is left out, which is known only when all of it was read.
  const options = ['--binary', output.endsWith('json') ? 'omit' : 'base64', '--no-sidecar']
  const { status, stdout } = scratch.spawn(['app', '-o', output, ...options], { env: signalledAt(1, 'SIGINT') })
  truncateSync(join(root, 'huge'), 0)
  expect({ status, stdout: String(stdout) }).toEqual({ status: 130, stdout: '' })
  expect(names(scratch)).toEqual(['app'])
})

test('a full disk leaves the old dump and no litter, and says what to do', () => {
  using scratch = makeScratch()
  const { before } = twoStates(scratch)
  const { status, stdout, stderr } = shell(scratch, "trap '' XFSZ; ulimit -f 16; create-dump app --no-cache")
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(/cannot write .*app\.dump\.md: file too large.*\[ARC_SYSTEM_CALL_FAILED\]/)
  expect(read(scratch, 'app.dump.md')).toBe(before)
  expect(names(scratch)).toEqual(['app', 'app.dump.md', 'app.dump.md.sha256'])
  if (existsSync('/dev/full'))
    expect(shell(scratch, 'create-dump app -o - >/dev/full')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/no space left/) as string,
    })
})

test('a reader that leaves early is no crash', () => {
  using scratch = makeScratch()
  twoStates(scratch)
  expect(shell(scratch, 'set -o pipefail; create-dump app -o - | head -n 1')).toMatchObject({
    status: 141,
    stdout: '---\n',
    stderr: expect.not.stringContaining('Error') as string,
  })
  expect(shell(scratch, 'set -o pipefail; create-dump list app.dump.md | head -n 1')).toMatchObject({
    status: 0,
    stdout: 'Mode     Size  Path\n',
    stderr: '',
  })
  expect(shell(scratch, 'set -o pipefail; create-dump app -n | true')).toMatchObject({ status: 0, stderr: '' })
})

test('from pipe to pipe: dump, compress, verify', () => {
  using scratch = makeScratch()
  twoStates(scratch)
  expect(shell(scratch, 'create-dump app -q -o - | gzip | create-dump verify -')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^intact: 2 entries/) as string,
  })
  expect(
    shell(scratch, 'create-dump hash app >.home/sums && cd app && sha256sum -c --quiet ../.home/sums; cd ..;'),
  ).toMatchObject({ status: 0, stdout: '' })
})

test('few open files are enough', () => {
  using scratch = makeScratch()
  scratch.write(
    'app',
    Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`d${i % 40}/f${i}.txt`, `file ${i}\n`])),
  )
  expect(shell(scratch, 'ulimit -n 256; create-dump app && create-dump restore app.dump.md --to again')).toMatchObject({
    status: 0,
    stdout: 'app.dump.md\nagain\n',
  })
  execFileSync('diff', ['-r', 'app', 'again'], { cwd: scratch.path, stdio: 'pipe' })
})

test('two runs at once on one output leave one whole document with its checksum', async () => {
  using scratch = makeScratch()
  twoStates(scratch)
  for (let round = 0; round < 2; round++) {
    scratch.write('app', { 'a.txt': `round ${round}\n` })
    const runs = Array.from({ length: 3 }, () => scratch.start(['app']))
    const ends = await Promise.all(runs.map((run) => once(run, 'close')))
    expect(ends.map(([status]) => status as number)).toEqual([0, 0, 0])
    execFileSync('sha256sum', ['-c', 'app.dump.md.sha256'], { cwd: scratch.path, stdio: 'pipe' })
    expect(scratch.spawn(['verify', 'app.dump.md']).status).toBe(0)
    expect(names(scratch)).toEqual(['app', 'app.dump.md', 'app.dump.md.sha256'])
  }
  const document = read(scratch, 'app.dump.md')
  scratch.spawn(['app', '--no-cache'])
  expect(read(scratch, 'app.dump.md')).toBe(document)
})

test('the version is one line', () => {
  using scratch = makeScratch()
  expect(scratch.spawn(['--version'])).toMatchObject({ status: 0, stdout: Buffer.from('create-dump 0.1.0\n') })
})
