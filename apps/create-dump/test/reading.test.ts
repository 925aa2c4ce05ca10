import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeOddTree } from './odd-tree.ts'
import { makeScratch, type Scratch } from './scratch.ts'

async function dumped(scratch: Scratch): Promise<string> {
  const root = scratch.write('app', {
    'src/main.ts': 'export {}\n',
    'new\nline': 'x\n',
    'logo.bin': Uint8Array.of(0, 255, 10),
    'empty/folder': null,
  })
  linkSync(join(root, 'src/main.ts'), join(root, 'twin.ts'))
  symlinkSync('src/main.ts', join(root, 'link'))
  writeFileSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.of(0xe9)]), 'latin\n')
  await scratch.run(['app'])
  return root
}

test('list shows modes, sizes, paths and where links lead', async () => {
  using scratch = makeScratch()
  await dumped(scratch)
  expect((await scratch.run(['list', 'app.dump.md'])).stdout.split('\n')).toEqual([
    'Mode  Size  Path',
    String.raw`-644     6  "caf\xe9"`,
    'd755     0  empty/folder/',
    'l777    11  link -> src/main.ts',
    '-644     3  logo.bin',
    String.raw`-644     2  "new\nline"`,
    '-644    10  src/main.ts',
    '-644    10  twin.ts = src/main.ts',
    '',
  ])
  const json = JSON.parse((await scratch.run(['list', 'app.dump.md', '--json'])).stdout) as { entries: object[] }
  expect(json.entries).toHaveLength(7)
  expect(json).toMatchObject({ schemaVersion: 1, name: 'app' })
})

test('cat prints exact bytes, by the name as it is or as list shows it', async () => {
  using scratch = makeScratch()
  await dumped(scratch)
  const cat = async (path: string): Promise<string> =>
    (await scratch.run(['cat', 'app.dump.md', path])).stdoutBytes.toString('latin1')
  expect(await cat('logo.bin')).toBe('\0\xff\n')
  expect(await cat('./src//main.ts')).toBe('export {}\n')
  expect(await cat('twin.ts')).toBe('export {}\n')
  expect(await cat('new\nline')).toBe('x\n')
  expect(await cat(String.raw`"new\nline"`)).toBe('x\n')
  expect(await cat(String.raw`"caf\xe9"`)).toBe('latin\n')
})

test.each([
  ['nothing.ts', 'it is not in the dump'],
  ['lib/MAIN.ts', 'Did you mean src/main.ts?'],
  ['src', 'it is a folder'],
  ['empty/folder/', 'it is a folder'],
  ['link', 'it is a symbolic link to src/main.ts'],
])('cat says why it cannot print %s', async (path, reason) => {
  using scratch = makeScratch()
  await dumped(scratch)
  expect(await scratch.run(['cat', 'app.dump.md', path])).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringContaining(reason) as string,
  })
})

test('cat has no JSON', async () => {
  using scratch = makeScratch()
  await dumped(scratch)
  expect(await scratch.run(['cat', 'app.dump.md', 'twin.ts', '--json'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('list --json') as string,
  })
})

test('hash prints what sha256sum accepts, of every file there is', async () => {
  using scratch = makeScratch()
  const root = join(scratch.path, 'odd')
  mkdirSync(root)
  writeOddTree(root)
  const { status, stdoutBytes } = await scratch.run(['hash', 'odd'])
  expect(status).toBe(0)
  const output = execFileSync('sha256sum', ['-c', '--strict', '--quiet', '-'], {
    cwd: root,
    input: stdoutBytes,
    encoding: 'utf8',
    stdio: 'pipe',
  })
  expect(output).toBe('')
  const count = execFileSync('sh', ['-c', 'find . -type f -print0 | tr -cd "\\000" | wc -c'], {
    cwd: root,
    encoding: 'utf8',
    stdio: 'pipe',
  })
  expect(stdoutBytes.toString('latin1').split('\n')).toHaveLength(Number(count) + 1)
  const json = JSON.parse((await scratch.run(['hash', 'odd', '--json'])).stdout) as { files: unknown[] }
  expect(json.files).toHaveLength(Number(count))
})

test('hash of what the dump states is hash of the project', async () => {
  using scratch = makeScratch()
  await dumped(scratch)
  const { entries } = JSON.parse((await scratch.run(['list', 'app.dump.md', '--json'])).stdout) as {
    entries: { path: string; type: string; sha256: string }[]
  }
  const { files } = JSON.parse((await scratch.run(['hash', 'app', '--json'])).stdout) as {
    files: { path: string; sha256: string }[]
  }
  expect(entries.filter(({ type }) => type === 'file').map(({ path, sha256 }) => [path, sha256])).toEqual(
    files.map(({ path, sha256 }) => [path, sha256]),
  )
})
