import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { readTree } from '@arc/core/testing'
import { signalledAt } from '@arc/kit/testing'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch, writeApp, writeLinkedApp } from './scratch.ts'

const paths = (root: string): string => JSON.stringify(readTree(root))

/** `app.tar`, and `out` with an earlier tree; how `out` looks before and after a restore over it. */
async function twoStates(scratch: Scratch): Promise<{ before: string; after: string }> {
  writeLinkedApp(scratch)
  scratch.tool('tar', '-cf', 'app.tar', '-C', 'app', '.')
  await scratch.run(['app.tar', '--to', 'fresh'])
  const after = paths(join(scratch.path, 'fresh'))
  const before = paths(scratch.write('out', { 'README.md': 'old\n', 'old/only': 'x' }))
  return { before, after }
}

test(
  'killed before a system call, there is the old tree or the new one, and the next run puts it right',
  { timeout: 120_000 },
  async () => {
    using scratch = makeScratch()
    const { before, after } = await twoStates(scratch)
    const seen = new Set<string>()
    const line = ['app.tar', '--to', 'out', '--mode', 'replace', '--yes']
    let isOver = false
    for (let call = 1; !isOver; call += 7) {
      const env = signalledAt(call, 'SIGKILL')
      const { signal, status } = scratch.spawn(line, { env })
      isOver = signal === null
      if (isOver) expect(status).toBe(0)
      await scratch.run(['recover', 'out'])
      const found = paths(join(scratch.path, 'out'))
      expect(found === before || found === after).toBe(true)
      seen.add(found === before ? 'old' : 'new')
      expect(scratch.names().toSorted()).toEqual(expect.arrayContaining(['app', 'app.tar', 'fresh', 'out']))
      if (found === after) {
        scratch.tool('sh', '-c', 'rm -rf out .out.arc-restore')
        scratch.write('out', { 'README.md': 'old\n', 'old/only': 'x' })
      }
      const left = existsSync(join(scratch.path, '.out.arc-restore'))
        ? readdirSync(join(scratch.path, '.out.arc-restore'))
        : []
      expect(left).toEqual([])
    }
    expect([...seen].toSorted()).toEqual(['new', 'old'])
  },
)

test('of two that restore one folder at once, one ends with 75 and says who the other is', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  scratch.tool('tar', '-cf', 'app.tar', '-C', 'app', '.')
  const big = scratch.tool('sh', '-c', 'head -c 3000000 /dev/urandom > noise; tar -cf - noise')
  const second = scratch.start(['-', '--to', 'out'])
  second.stdin?.write(big.subarray(0, 2_000_000))
  await appearance(scratch, '.out.arc-restore/owner.json')
  const first = scratch.spawn(['app.tar', '--to', 'out'])
  expect(first.status).toBe(75)
  expect(String(first.stderr)).toMatch(
    new RegExp(`being restored by process ${second.pid} on \\S+ since .* \\[ARC_TARGET_BUSY\\]`),
  )
  second.stdin?.end(big.subarray(2_000_000))
  expect(await once(second, 'close')).toEqual([0, null])
  expect(readdirSync(join(scratch.path, 'out'))).toEqual(['noise'])
})

function appearance(scratch: Scratch, path: string): Promise<void> {
  return new Promise<void>((done) => {
    const look = (): void => (existsSync(join(scratch.path, path)) ? done() : void setTimeout(look, 5))
    look()
  })
}

test('a signal stops it in order and leaves nothing', async () => {
  using scratch = makeScratch()
  const big = scratch.tool('sh', '-c', 'head -c 3000000 /dev/urandom > noise; tar -cf - noise; rm noise')
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    const child = scratch.start(['-', '--to', 'out'])
    let stderr = ''
    child.stderr?.on('data', (chunk) => (stderr += String(chunk)))
    child.stdin?.write(big.subarray(0, 2_000_000))
    await appearance(scratch, '.out.arc-restore/stage')
    child.kill(signal)
    child.stdin?.on('error', () => {})
    child.stdin?.end(big.subarray(2_000_000))
    expect(await once(child, 'close')).toEqual([status, null])
    expect(stderr).toContain(`interrupted by ${signal} [ARC_ABORTED]`)
    expect(scratch.names()).toEqual([])
  }
})

const mayMount = process.getuid?.() === 0 && process.platform === 'linux'

test('a disk that fills gives one clear error and leaves nothing', ({ skip }) => {
  skip(!mayMount, 'only root may mount a small disk')
  using scratch = makeScratch()
  writeApp(scratch)
  scratch.tool(
    'sh',
    '-c',
    'head -c 3000000 /dev/urandom > app/noise; tar -cf app.tar -C app .; cd app && zip -qr ../app.zip .',
  )
  mkdirSync(join(scratch.path, 'disk'))
  scratch.tool('mount', '-t', 'tmpfs', '-o', 'size=1m', 'arc-test', 'disk')
  try {
    scratch.write('disk/out', { file: 'mine' })
    for (const line of [
      ['app.tar', '--to', 'disk/new'],
      ['app.zip', '--to', 'disk/new'],
      ['app', '--to', 'disk/new'],
      ['app.tar', '--to', 'disk/out', '--mode', 'merge', '--yes'],
    ]) {
      const { status, stdout, stderr } = scratch.spawn(line)
      expect({ line, status, stdout: String(stdout) }).toEqual({ line, status: 1, stdout: '' })
      expect(String(stderr)).toMatch(
        /(?:no space left on device|bytes are needed).*\[ARC_(?:SYSTEM_CALL_FAILED|TARGET_UNSUITABLE)\]\nhint: Free some space/,
      )
      expect(String(stderr).match(/\[ARC_/g)).toHaveLength(1)
      expect(readdirSync(join(scratch.path, 'disk'))).toEqual(['out'])
      expect(scratch.read('disk/out/file')).toBe('mine')
    }
  } finally {
    scratch.tool('umount', 'disk')
  }
})

test('the version is one line, and errors are JSON where that was asked for', () => {
  using scratch = makeScratch()
  expect(scratch.spawn(['--version'])).toMatchObject({ status: 0, stdout: Buffer.from('projectrestore 0.1.0\n') })
  const { status, stdout } = scratch.spawn(['nowhere.tar', '--json'])
  expect(status).toBe(1)
  expect(JSON.parse(String(stdout))).toMatchObject({
    schemaVersion: 1,
    error: { code: 'ARC_NOT_FOUND', path: 'nowhere.tar' },
  })
})

test('Ctrl-C is heard while a huge file of an archive is passed over', () => {
  using scratch = makeScratch()
  scratch.write('app', { huge: '' })
  const archive = join(scratch.path, 'app.tar')
  // None of it is on the disk: the header as tar makes it, and a hole.
  const commands = 'truncate -s 7G app/huge && tar -cf - app/huge | head -c 512 > app.tar && rm app/huge'
  scratch.tool('sh', '-c', `${commands} && truncate -s ${7 * 1024 ** 3 + 10_240} app.tar`)
  const line = ['app.tar', '--to', 'out', '--only', 'something else']
  const { status, stdout } = scratch.spawn(line, { env: signalledAt(1, 'SIGINT') })
  truncateSync(archive, 0)
  expect({ status, stdout: String(stdout) }).toEqual({ status: 130, stdout: '' })
  expect(scratch.names().toSorted()).toEqual(['app', 'app.tar'])
})
