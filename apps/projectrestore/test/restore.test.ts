import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { readTree } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { makeScratch, type Scratch, writeApp, writeLinkedApp } from './scratch.ts'

const say = (text: string): string => expect.stringContaining(text) as string
const match = (pattern: RegExp): string => expect.stringMatching(pattern) as string
const TERMINAL = ['stdin', 'stdout', 'stderr'] as const

/** The project `app`, its archive `app.tar`, and what `out` was restored from it and changed since. */
async function changed(scratch: Scratch): Promise<{ root: string; out: string }> {
  const root = writeLinkedApp(scratch)
  scratch.tool('tar', '-cf', 'app.tar', '-C', 'app', '.')
  await scratch.run(['app.tar', '--to', 'out'])
  const out = scratch.write('out', { 'README.md': '# App\nchanged\n', 'mine/own': 'mine\n' })
  return { root, out }
}

describe('where to', () => {
  test('a new folder that is called like the source, folders above a named one', async () => {
    using scratch = makeScratch()
    const root = writeApp(scratch)
    scratch.tool('tar', '-czf', 'app-1.0.tar.gz', '-C', 'app', '.')
    expect(await scratch.run(['app-1.0.tar.gz'])).toMatchObject({ status: 0, stdout: 'app-1.0\n' })
    expect(await scratch.run(['app-1.0.tar.gz', '--to', 'a/b/c'])).toMatchObject({ status: 0, stdout: 'a/b/c\n' })
    for (const at of ['app-1.0', 'a/b/c']) expect(readTree(join(scratch.path, at))).toEqual(readTree(root))
    expect(await scratch.run(['app-1.0.tar.gz'])).toMatchObject({
      status: 1,
      stdout: '',
      stderr: match(/not empty \[ARC_TARGET_NOT_EMPTY\]\nhint: .*--mode replace/),
    })
  })

  test('a new folder has the permissions of the one that was stored, an old one its own', async () => {
    using scratch = makeScratch()
    const root = writeApp(scratch)
    chmodSync(root, 0o2750)
    scratch.tool('tar', '-cf', 'app.tar', '-C', 'app', '.')
    scratch.tool('tar', '-cf', 'named.tar', 'app')
    const permissions = async (to: string, ...args: string[]): Promise<number> => {
      const run = await scratch.run([...args, '--to', to, '--yes'])
      expect(run.status, run.stderr).toBe(0)
      return statSync(join(scratch.path, to)).mode & 0o7777
    }
    expect(await permissions('a', 'app')).toBe(0o750)
    expect(await permissions('b', 'app.tar')).toBe(0o750)
    expect(await permissions('c', 'app.tar', '--only', 'src')).toBe(0o750)
    expect(await permissions('d', 'app.tar', '--confine')).toBe(0o750)
    expect(await permissions('e', 'app.tar', '--set-id')).toBe(0o2750)
    expect(await permissions('f', 'named.tar', '--strip', '1')).toBe(0o755)
    mkdirSync(join(scratch.path, 'empty'), { mode: 0o700 })
    expect(await permissions('empty', 'app.tar')).toBe(0o700)
    chmodSync(join(scratch.path, 'a'), 0o711)
    expect(await permissions('a', 'app.tar', '--mode', 'replace')).toBe(0o711)
  })

  test('what fails leaves no folder behind', async () => {
    using scratch = makeScratch()
    writeApp(scratch)
    scratch.tool('sh', '-c', 'tar -cf - -C app . | head -c 5000 > cut.tar')
    expect((await scratch.run(['cut.tar', '--to', 'a/b/c'])).status).toBe(3)
    expect(scratch.names()).toEqual(['app', 'cut.tar'])
  })
})

describe('modes', () => {
  test('replace makes the target the source, asks first, and keeps the tree from before', async () => {
    using scratch = makeScratch()
    const { root, out } = await changed(scratch)
    const line = ['app.tar', '--to', 'out', '--mode', 'replace']
    const before = readTree(out)
    expect(await scratch.run(line)).toMatchObject({
      status: 2,
      stdout: '',
      stderr: match(/This would add 0, change 2 and remove 2 paths in .*out\. Go on\? \[ARC_CONFIRMATION_NEEDED\]/),
    })
    const declined = await scratch.run(line, { terminals: TERMINAL, answers: [false] })
    expect(declined).toMatchObject({ status: 1, questions: [{ message: say('remove 2 paths') }] })
    expect(readTree(out)).toEqual(before)
    expect(await scratch.run(line, { terminals: TERMINAL, answers: [true] })).toMatchObject({
      status: 0,
      stdout: 'out\n',
      stderr: say('the tree from before is point-000001; to go back: projectrestore undo --to '),
    })
    expect(readTree(out)).toEqual(readTree(root))
    expect(await scratch.run([...line, '--yes'])).toMatchObject({ status: 0, stderr: say('nothing to do') })
    expect((await scratch.run(['history', 'out', '--json'])).stdout).toContain('"id":"point-000001"')
  })

  test('merge keeps what the source does not have', async () => {
    using scratch = makeScratch()
    const { out } = await changed(scratch)
    expect((await scratch.run(['app.tar', '--to', 'out', '--mode', 'merge', '--yes'])).status).toBe(0)
    expect(scratch.read('out/README.md')).toBe('# App\n')
    expect(scratch.read('out/mine/own')).toBe('mine\n')
    expect(existsSync(join(out, 'empty folder'))).toBe(true)
  })

  test('--keep-points says how many trees stay', async () => {
    using scratch = makeScratch()
    await changed(scratch)
    for (const text of ['one', 'two', 'three']) {
      scratch.write('out', { 'README.md': text })
      await scratch.run(['app.tar', '--to', 'out', '--mode', 'replace', '--yes', '--keep-points', '2'])
    }
    const { points } = JSON.parse((await scratch.run(['history', 'out', '--json'])).stdout) as {
      points: { path: string }[]
    }
    expect(points.map(({ path }) => readFileSync(join(path, 'README.md'), 'utf8'))).toEqual(['two', 'three'])
    scratch.write('out', { 'README.md': 'four' })
    await scratch.run(['app.tar', '--to', 'out', '--mode', 'replace', '--yes', '--keep-points', '0'])
    expect(scratch.names().filter((name) => name.startsWith('.'))).toEqual([])
  })
})

describe('a part', () => {
  test('--only takes what matches, on both sides of a replace', async () => {
    using scratch = makeScratch()
    await changed(scratch)
    scratch.write('out', { 'src/extra': 'x\n' })
    await scratch.run(['app.tar', '--to', 'out', '--mode', 'replace', '--only', 'src/', '--only', 'nothing*', '--yes'])
    expect(existsSync(join(scratch.path, 'out/src/extra'))).toBe(true) // a pattern that matches nothing stops it
    const run = await scratch.run([
      'app.tar',
      '--to',
      'out',
      '--mode',
      'replace',
      '--only',
      'src',
      '--links',
      'keep',
      '--only',
      'README.md',
      '--yes',
    ])
    expect(run).toMatchObject({ status: 0 })
    expect(existsSync(join(scratch.path, 'out/src/extra'))).toBe(false)
    expect(scratch.read('out/mine/own')).toBe('mine\n')
    expect(scratch.read('out/README.md')).toBe('# App\n')
  })

  test.each(['nothing*', 'READ', 'src/nowhere'])('--only %s, which matches nothing, changes nothing', async (glob) => {
    using scratch = makeScratch()
    await changed(scratch)
    expect(await scratch.run(['app.tar', '--to', 'new', '--only', glob])).toMatchObject({
      status: 1,
      stderr: say(`nothing in the source matches --only ${glob} [ARC_ENTRY_MISSING]`),
    })
    expect(existsSync(join(scratch.path, 'new'))).toBe(false)
  })

  test('what only the folder has is removed by a replace that chooses it', async () => {
    using scratch = makeScratch()
    const { out } = await changed(scratch)
    scratch.write('out', { 'src/extra': 'x\n' })
    const line = [
      'app.tar',
      '--to',
      'out',
      '--mode',
      'replace',
      '--links',
      'keep',
      '--only',
      'mine/',
      '--only',
      'extra',
    ]
    const shown = await scratch.run([...line, '--dry-run'])
    expect(shown.stdout.split('\n').filter((row) => row.startsWith('remove'))).toHaveLength(3)
    expect((await scratch.run([...line, '--preview', '--dry-run'])).stdout).toContain(
      'remove mine/own (5 B, mode 644)\n',
    )
    expect((await scratch.run(['plan', ...line, '-o', 'plan.json'])).status).toBe(0)
    expect(await scratch.run(['apply', 'plan.json', '--yes'])).toMatchObject({ status: 0 })
    expect([existsSync(join(out, 'mine')), existsSync(join(out, 'src/extra'))]).toEqual([false, false])
    expect(scratch.read('out/README.md')).toBe('# App\nchanged\n')
    expect(await scratch.run(line)).toMatchObject({
      status: 1,
      stderr: say('nothing in the source or the folder matches --only mine/ [ARC_ENTRY_MISSING]'),
    })
    scratch.write('out', { mine: 'now a file' })
    expect((await scratch.run([...line, '--yes'])).stderr).toContain('[ARC_ENTRY_MISSING]')
    expect(await scratch.run(['app.tar', '--to', 'out', '--mode', 'merge', '--only', 'mine'])).toMatchObject({
      status: 1,
      stderr: say('nothing in the source matches --only mine [ARC_ENTRY_MISSING]'),
    })
  })

  test('--only with a slash at its end means folders', async () => {
    using scratch = makeScratch()
    scratch.write('app', { 'a/x': '1', 'b/a': '2' })
    scratch.tool('tar', '-cf', 'app.tar', '-C', 'app', 'a', 'b')
    await scratch.run(['app.tar', '--to', 'out', '--only', 'a/'])
    expect(readTree(join(scratch.path, 'out')).map(({ path }) => path)).toEqual(['a', 'a/x'])
  })

  test('a further name of a file that is not chosen is refused by name', async () => {
    using scratch = makeScratch()
    scratch.write('app', { a: 'x' })
    scratch.tool('ln', 'app/a', 'app/b')
    scratch.tool('tar', '-cf', 'app.tar', '-C', 'app', 'a', 'b')
    expect(await scratch.run(['app.tar', '--to', 'out', '--only', 'b'])).toMatchObject({
      status: 4,
      stderr: say(
        'b is a hard link to a, which has its content and is not chosen [ARC_ENTRY_OMITTED]\nhint: Choose a too.',
      ),
    })
    expect((await scratch.run(['app.tar', '--to', 'out', '--only', 'b', '--only', 'a'])).status).toBe(0)
  })

  test('--strip leaves out the first folders, and tells what it leaves nothing of', async () => {
    using scratch = makeScratch()
    const root = writeApp(scratch)
    scratch.write('.', { top: 'level\n' })
    scratch.tool('tar', '-cf', 'app.tar', 'app', 'top')
    expect(await scratch.run(['app.tar', '--strip', '1', '--to', 'out', '-v'])).toMatchObject({
      status: 0,
      stderr: say('top: --strip 1 leaves nothing of its path'),
    })
    expect(readTree(join(scratch.path, 'out'))).toEqual(readTree(root))
    expect(await scratch.run(['app.tar', '--strip', '9', '--to', 'out', '--mode', 'replace', '--yes'])).toMatchObject({
      status: 1,
      stderr: say('--strip 9 leaves nothing of any path in the source'),
    })
    expect(readTree(join(scratch.path, 'out'))).toEqual(readTree(root))
    scratch.write('app', { 'x/same': '1', 'y/same': '2' })
    scratch.tool('tar', '-cf', 'twice.tar', '-C', 'app', 'x', 'y')
    expect(await scratch.run(['twice.tar', '--strip', '1', '--to', 'twice'])).toMatchObject({
      status: 3,
      stderr: say('[ARC_ENTRY_DUPLICATE]'),
    })
  })

  test('--interactive lets a person choose', async () => {
    using scratch = makeScratch()
    await changed(scratch)
    scratch.write('out', { 'src/main.ts': 'changed\n' })
    const line = ['app.tar', '--to', 'out', '--mode', 'replace', '--interactive']
    const run = await scratch.run(line, { terminals: TERMINAL, chosen: [['src/main.ts', 'mine/own']], answers: [true] })
    expect(run.status).toBe(0)
    expect(run.lists[0]?.choices.map(({ label }) => label)).toEqual(
      expect.arrayContaining(['change README.md', 'change src/main.ts', 'remove mine/own']),
    )
    expect(scratch.read('out/src/main.ts')).toBe('export {}\n')
    expect(scratch.read('out/README.md')).toBe('# App\nchanged\n')
    expect(existsSync(join(scratch.path, 'out/mine/own'))).toBe(false)
    expect(await scratch.run(line)).toMatchObject({
      status: 2,
      stderr: say('hint: Name the paths with --only instead.'),
    })
  })

  test('a list of very many paths offers folders', async () => {
    using scratch = makeScratch()
    const files = Array.from({ length: 2100 }, (_, i) => [`d${i % 3}/e${i % 7}/f${i}`, ''] as const)
    scratch.write('app', Object.fromEntries(files))
    scratch.tool('tar', '-cf', 'app.tar', '-C', 'app', '.')
    const run = await scratch.run(['app.tar', '--to', 'out', '-i'], { terminals: TERMINAL, chosen: [['d1/e1']] })
    expect(run.lists[0]?.choices).toHaveLength(21)
    expect(readTree(join(scratch.path, 'out')).filter(({ type }) => type === 'file')).toHaveLength(100)
  })
})

describe('looking first', () => {
  test('--dry-run reads every byte and writes none', async () => {
    using scratch = makeScratch()
    await changed(scratch)
    const before = readTree(scratch.path)
    const run = await scratch.run(['app.tar', '--to', 'out', '--mode', 'replace', '--dry-run'])
    expect(run).toMatchObject({ status: 0, stderr: '' })
    expect(run.stdout).toContain('change  size          6  README.md\n')
    expect(run.stdout).toContain('remove                5  mine/own\n')
    expect(run.stdout).toContain('add 0, change 2 and remove 2 paths in')
    expect(run.stdout).toMatch(/passed +plan, space, inodes, permissions, open-files, names, limits, unasked\n/)
    expect(run.stdout).toContain('likelihood of success: not known')
    expect((await scratch.run(['app.tar', '--to', 'x/y', '-n'])).status).toBe(0)
    expect(readTree(scratch.path)).toEqual(before)
    const damaged = readFileSync(join(scratch.path, 'app.tar'))
    damaged.fill(1, damaged.length - 20, damaged.length)
    expect((await scratch.run(['-', '--to', 'x', '-n'], { stdin: damaged })).status).toBe(3)
  })

  test('--dry-run finds damage in content that a listing does not read', async () => {
    using scratch = makeScratch()
    scratch.write('app', { 'a.txt': 'x'.repeat(1000) })
    scratch.tool('sh', '-c', 'cd app && zip -q0 ../a.zip a.txt')
    const zip = readFileSync(join(scratch.path, 'a.zip'))
    zip[500] = 0
    expect(await scratch.run(['-', '--to', 'x', '-n'], { stdin: zip })).toMatchObject({ status: 3, stdout: '' })
    expect(await scratch.run(['verify', '-'], { stdin: zip })).toMatchObject({ status: 3, stdout: '' })
  })

  test('--preview shows the lines that differ, then asks', async () => {
    using scratch = makeScratch()
    const { out } = await changed(scratch)
    scratch.write('out', { 'logo.bin': 'now text', 'src/main.ts': 'export {}\n\u001b[31mred\n' })
    const before = readTree(out)
    const line = ['app.tar', '--to', 'out', '--mode', 'replace', '--preview']
    const run = await scratch.run(line, { terminals: TERMINAL, answers: [false] })
    expect(run.status).toBe(1)
    expect(run.stdout).toContain('\u001b[31m-changed\u001b[39m')
    const plain = await scratch.run([...line, '--dry-run'])
    expect(plain.stdout).toContain('change src/readme  size\n@@ -1,2 +1 @@\n # App\n-changed\n')
    expect(plain.stdout).toContain('change README.md  size\nanother name of src/readme\n')
    expect(plain.stdout).toContain('change logo.bin  size\nbinary: 8 B, then 2.9 KiB\n')
    expect(plain.stdout).toContain('-\\x1b[31mred\n')
    expect(plain.stdout).toContain('remove mine/own (5 B, mode 644)\n')
    expect(readTree(out)).toEqual(before)
    expect(await scratch.run([...line, '--json'])).toMatchObject({ status: 2 })
  })

  test('--preview shows texts that have little in common, and only the sizes of large ones', async () => {
    using scratch = makeScratch()
    const lines = (seed: number): string => Array.from({ length: 40_000 }, (_, i) => `${(i * seed) % 9973}\n`).join('')
    scratch.write('app', { a: lines(7), b: 'x'.repeat(2_000_000) })
    scratch.write('out', { a: lines(11), b: 'y'.repeat(2_000_000) })
    const run = await scratch.run(['app', '--to', 'out', '--mode', 'merge', '--preview', '--dry-run'])
    expect(run.stdout).toMatch(/change a {2}\w+\n@@ -/)
    expect(run.stdout).toContain('change b  content\ntoo large to compare: 1.9 MiB, then 1.9 MiB\n')
  })

  test('a dry run says as JSON what a program wants to know', async () => {
    using scratch = makeScratch()
    await changed(scratch)
    const run = await scratch.run(['app.tar', '--to', 'out', '--mode', 'replace', '-n', '--json'])
    expect(JSON.parse(run.stdout)).toMatchObject({
      schemaVersion: 1,
      plan: { totals: { added: 0, changed: 2, removed: 2 }, conflicts: [] },
      inspection: { likelihood: { basis: 'no-history' } },
      unasked: [],
    })
  })
})

describe('is it the one', () => {
  const sum = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

  test.each(['app.tar', 'app.zip', 'app.dump.md'])('--checksum is compared before %s is used', async (name) => {
    using scratch = makeScratch()
    await storeAs(scratch, name)
    const path = join(scratch.path, name)
    const hex = sum(path)
    scratch.tool(
      'sh',
      '-c',
      `sha256sum ${name} > sums; sha256sum --tag ${name} > tagged; echo ${'0'.repeat(64)}  other >> sums`,
    )
    for (const checksum of [hex, hex.toUpperCase(), 'sums', 'tagged']) {
      expect(await scratch.run(['verify', name, '--checksum', checksum])).toMatchObject({ status: 0 })
    }
    const stdin = readFileSync(path)
    expect(await scratch.run(['-', '--to', 'good', '--checksum', hex], { stdin })).toMatchObject({ status: 0 })
    const wrong = '0'.repeat(64)
    for (const line of [[name], ['-']]) {
      expect(await scratch.run([...line, '--to', 'bad', '--checksum', wrong], { stdin })).toMatchObject({
        status: 3,
        stdout: '',
        stderr: say('[ARC_HASH_MISMATCH]'),
      })
    }
    expect(existsSync(join(scratch.path, 'bad'))).toBe(false)
  })

  test('a .sha256 beside the source must fit, if it speaks of it', async () => {
    using scratch = makeScratch()
    await storeAs(scratch, 'app.tar')
    scratch.write('.', { 'app.tar.sha256': `${'0'.repeat(64)}  app.tar\n` })
    expect(await scratch.run(['verify', 'app.tar'])).toMatchObject({ status: 3, stderr: say('[ARC_HASH_MISMATCH]') })
    expect((await scratch.run(['verify', 'app.tar', '--no-sidecar'])).status).toBe(0)
    scratch.write('.', { 'app.tar.sha256': `${'0'.repeat(64)}  README.md\n` })
    expect((await scratch.run(['verify', 'app.tar'])).status).toBe(0)
    scratch.tool('sh', '-c', 'sha256sum app.tar > app.tar.sha256')
    expect((await scratch.run(['verify', 'app.tar'])).status).toBe(0)
  })

  test('a .sha256 that holds nothing but a sum is about the source; one that holds none is no sidecar', async () => {
    using scratch = makeScratch()
    await storeAs(scratch, 'app.tar')
    const [right, wrong] = [sum(join(scratch.path, 'app.tar')), '0'.repeat(64)]
    for (const text of [right, `${right.toUpperCase()}\r\n`, `\n${right}\n`, `SHA2-256(app.tar)= ${right}\n`]) {
      scratch.write('.', { 'app.tar.sha256': text })
      expect(await scratch.run(['verify', 'app.tar'])).toMatchObject({ status: 0 })
    }
    for (const text of [wrong, `${wrong}\n`, `SHA256(app.tar)= ${wrong}`]) {
      scratch.write('.', { 'app.tar.sha256': text })
      expect(await scratch.run(['verify', 'app.tar'])).toMatchObject({ status: 3, stderr: say('[ARC_HASH_MISMATCH]') })
    }
    for (const text of ['', 'garbage', right.slice(1), `${right}\n${wrong}\n`, Uint8Array.of(0, 255, 10)]) {
      scratch.write('.', { 'app.tar.sha256': text })
      expect(await scratch.run(['app.tar', '--to', 'out'])).toMatchObject({
        status: 2,
        stderr: match(/app\.tar\.sha256.* \[ARC_OPTION_INVALID\]\nhint: .*--no-sidecar/),
      })
      expect((await scratch.run(['verify', 'app.tar', '--no-sidecar'])).status).toBe(0)
    }
  })

  test('a checksum that says nothing about the source is no checksum', async () => {
    using scratch = makeScratch()
    await storeAs(scratch, 'app.tar')
    scratch.write('.', { none: 'hello\n', others: `${'0'.repeat(64)}  a\n${'1'.repeat(64)}  b\n` })
    for (const [file, why] of [
      ['none', 'holds no SHA-256'],
      ['others', 'has no line for app.tar'],
      ['nowhere', 'no such file'],
    ] as const) {
      const run = await scratch.run(['app.tar', '--to', 'x', '--checksum', file])
      expect(run).toMatchObject({ status: file === 'nowhere' ? 1 : 2, stderr: say(why) })
    }
    expect(await scratch.run(['app', '--to', 'x', '--checksum', 'none'])).toMatchObject({
      status: 2,
      stderr: say('a folder has no SHA-256'),
    })
  })
})

async function storeAs(scratch: Scratch, name: string): Promise<void> {
  if (!existsSync(join(scratch.path, 'app'))) writeApp(scratch)
  if (name.endsWith('.tar')) scratch.tool('tar', '-cf', name, '-C', 'app', '.')
  else if (name.endsWith('.zip')) scratch.tool('sh', '-c', `cd app && zip -qry ../${name} .`)
  else {
    const { openDirectory } = await import('@arc/collect')
    const { Publication } = await import('@arc/core/node')
    const { renderDump } = await import('@arc/render-md')
    await using source = await openDirectory(join(scratch.path, 'app'))
    using file = new Publication(join(scratch.path, name))
    await renderDump(source, file)
    file.commit()
  }
}

describe('what is let in', () => {
  test.each([
    [['--max-files', '3'], 'maxEntries'],
    [['--max-bytes', '1k'], 'max'],
    [['--max-depth', '2'], 'deep'],
  ] as const)('%j stops a source that is more', async (limit, what) => {
    using scratch = makeScratch()
    writeApp(scratch)
    for (const source of ['app', 'app.tar', 'app.zip']) {
      if (source !== 'app') await storeAs(scratch, source)
      const run = await scratch.run([source, '--to', 'out', ...limit])
      expect({ source, status: run.status }).toEqual({ source, status: 3 })
      expect(run.stderr).toContain('If you trust the source, raise the limit')
      expect(run.stderr + what).toContain('ARC_')
    }
    expect(existsSync(join(scratch.path, 'out'))).toBe(false)
  })

  test('names that fill the memory are stopped, unless so many paths are allowed', async () => {
    using scratch = makeScratch()
    const folder = Array.from({ length: 15 }, () => 'x'.repeat(255)).join('/')
    const program = `import sys, tarfile
for i in range(36000): sys.stdout.buffer.write(tarfile.TarInfo('${folder}/%d' % i).tobuf(tarfile.GNU_FORMAT))
sys.stdout.buffer.write(bytes(1024))`
    scratch.tool('sh', '-c', `python3 -Sc "${program}" | gzip -1 > names.tgz`)
    const asked = ['verify', 'names.tgz', '--max-ratio', '100000']
    const run = await scratch.run(asked)
    expect(run).toMatchObject({ status: 3, stderr: expect.stringContaining('maxTotalPathLength') as string })
    expect(await scratch.run([...asked, '--max-files', '2000000'])).toMatchObject({ status: 0 })
  })

  test('--max-ratio stops what grows too much', async () => {
    using scratch = makeScratch()
    scratch.tool('sh', '-c', 'head -c 80000000 /dev/zero > zeros; tar -czf bomb.tar.gz zeros; rm zeros')
    expect(await scratch.run(['bomb.tar.gz', '--to', 'out'])).toMatchObject({
      status: 3,
      stderr: say('[ARC_LIMIT_EXCEEDED]'),
    })
    for (const command of ['verify', 'list'])
      expect((await scratch.run([command, 'bomb.tar.gz'])).stderr).toContain(
        'raise the limit: --max-files, --max-bytes, --max-ratio',
      )
    expect(await scratch.run(['verify', 'bomb.tar.gz', '--max-ratio', '2000'])).toMatchObject({ status: 0 })
    expect(scratch.names()).toEqual(['bomb.tar.gz'])
  })

  test('links that lead out need --links keep, set-id bits --set-id', async () => {
    using scratch = makeScratch()
    const root = scratch.write('app', { tool: 'x' })
    symlinkSync('/etc/passwd', join(root, 'out'))
    chmodSync(join(root, 'tool'), 0o4755)
    scratch.tool('tar', '-cf', 'app.tar', '-C', 'app', 'tool', 'out')
    expect(await scratch.run(['app.tar', '--to', 'x'])).toMatchObject({
      status: 3,
      stderr: match(/\[ARC_PATH_UNSAFE\]\nhint: .*--links keep/),
    })
    expect(await scratch.run(['app.tar', '--to', 'x', '--links', 'keep'])).toMatchObject({
      status: 0,
      stderr: match(/1 path leading out of the folder\n {4}out -> \/etc\/passwd[\s\S]*1 path without its set-id bit/),
    })
    await scratch.run(['app.tar', '--to', 'y', '--links', 'keep', '--set-id'])
    expect(readTree(join(scratch.path, 'y')).find(({ path }) => path === 'tool')?.mode).toBe(0o4755)
  })

  test('a source that lacks something is refused, unless --partial', async () => {
    using scratch = makeScratch()
    scratch.write('app', { a: 'x' })
    scratch.tool('mkfifo', 'app/pipe')
    expect(await scratch.run(['app', '--to', 'out'])).toMatchObject({
      status: 4,
      stderr: say('hint: Nothing was changed. Restore the rest with --partial.'),
    })
    expect(existsSync(join(scratch.path, 'out'))).toBe(false)
    expect(await scratch.run(['app', '--to', 'out', '--partial'])).toMatchObject({ status: 4, stderr: say('pipe') })
    expect(scratch.read('out/a')).toBe('x')
  })

  test('a folder with files that cannot be read is refused, unless --partial', async () => {
    using scratch = makeScratch()
    const root = scratch.write('app', { 'a/open': 'x', 'a/locked': 'y', 'locked too': 'z', 'locked/in': 'x' })
    for (const name of ['a/locked', 'locked too', 'locked']) chmodSync(join(root, name), 0)
    const home = scratch.write('nobody', {})
    for (const path of [home, scratch.path]) chmodSync(path, 0o777)
    // Root may read everything: be nobody.
    const under = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
    const env = { HOME: home }
    const line = ['app', '--to', 'nobody/out']
    const refused = scratch.spawn([...line, '--only', 'a'], { under, env })
    expect(refused.status).toBe(4)
    expect(String(refused.stderr)).toMatch(/a\/locked.*\nhint: .*--partial/)
    expect(readdirSync(home)).toEqual([])
    for (const mode of ['new', 'replace']) {
      const run = scratch.spawn([...line, '--partial', '--mode', mode, '--yes'], { under, env })
      expect(run.status, String(run.stderr)).toBe(4)
      for (const name of ['a/locked', 'locked too', 'locked']) expect(String(run.stderr)).toContain(name)
      expect(readTree(join(home, 'out')).map(({ path }) => path)).toEqual(['a', 'a/open', 'locked'])
      if (mode === 'replace') break
      writeFileSync(join(home, 'out/a/open'), 'changed')
      chmodSync(join(home, 'out/locked'), 0o700)
    }
    expect(scratch.read('nobody/out/a/open')).toBe('x')
    chmodSync(join(root, 'locked'), 0o700)
  })

  test('files that act unasked are told when they come or change, not when they stay', async () => {
    using scratch = makeScratch()
    scratch.write('app', {
      '.git/hooks/pre-commit': 'x',
      '.git/hooks/x.sample': 'x',
      '.husky/pre-push': 'x',
      'a/.npmrc': 'x',
      'b.npmrc': 'x',
    })
    const run = await scratch.run(['app', '--to', 'out', '--json'])
    expect(JSON.parse(run.stdout)).toMatchObject({ unasked: ['.git/hooks/pre-commit', '.husky/pre-push', 'a/.npmrc'] })
    writeFileSync(join(scratch.path, 'app/.husky/pre-push'), 'other')
    const again = await scratch.run(['app', '--to', 'out', '--mode', 'replace', '--json', '--yes'])
    expect(JSON.parse(again.stdout)).toMatchObject({ unasked: ['.husky/pre-push'] })
  })
})

test('what earlier restores came to is what the likelihood is concluded from', async () => {
  using scratch = makeScratch()
  await changed(scratch)
  const line = ['app.tar', '--to', 'out', '--mode', 'merge']
  for (const text of ['one', 'two']) {
    scratch.write('out', { 'README.md': text })
    scratch.tool('touch', '-d', '2020-01-01', 'out/README.md')
    await scratch.run([...line, '--yes'])
  }
  scratch.write('out', { 'README.md': 'three' })
  scratch.tool('touch', '-d', '2020-01-01', 'out/README.md')
  const run = await scratch.run([...line, '--dry-run'])
  expect(run.stdout).toContain(
    'likelihood of success: 75 % (2 of 2 earlier restores like it succeeded; of 1 earlier prediction the mean was 67 %, and 100 % succeeded)',
  )
})
