import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DEFAULT_LIMITS } from '@arc/core'
import { readTree } from '@arc/core/testing'
import { restoreConfined } from '@arc/restore-safe'
import { expect, test } from 'vitest'
import { fillConfined } from '../src/confine.ts'
import { makeScratch, type Scratch, writeApp, writeLinkedApp } from './scratch.ts'

const say = (text: string): string => expect.stringContaining(text) as string
const children = (scratch: Scratch): string[] => scratch.names().filter((name) => name.includes('arc-restore'))

test('a confined restore is like any other: files, links, modes, times, from files and pipes', async () => {
  using scratch = makeScratch()
  const root = writeLinkedApp(scratch)
  scratch.tool('chmod', '700', 'app/src')
  scratch.tool('touch', '-d', '@1500000000', 'app/empty folder', 'app/src/deep')
  scratch.tool('tar', '-czf', 'app.tgz', '-C', 'app', '.')
  for (const [target, line, stdin] of [
    ['from-file', 'app.tgz', undefined],
    ['from-pipe', '-', readFileSync(join(scratch.path, 'app.tgz'))],
  ] as const) {
    const run = await scratch.run([line, '--confine', '--to', target], stdin === undefined ? {} : { stdin })
    expect(run).toMatchObject({ status: 0, stdout: `${target}\n` })
    const out = join(scratch.path, target)
    expect(readTree(out)).toEqual(readTree(root))
    expect(statSync(join(out, 'README.md')).ino).toBe(statSync(join(out, 'src/readme')).ino)
    for (const path of ['empty folder', 'src/deep']) expect(statSync(join(out, path)).mtimeMs).toBe(1_500_000_000_000)
    expect(statSync(join(out, 'logo.bin')).mtimeMs).toBe(1_600_000_000_000)
  }
  expect(children(scratch)).toEqual([])
})

test('zip archives and dumps too, in part, without their first folder', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  scratch.tool('sh', '-c', 'zip -qry app.zip app')
  const run = await scratch.run([
    'app.zip',
    '--confine',
    '--to',
    'a/b',
    '--strip',
    '1',
    '--only',
    'src',
    '--links',
    'keep',
    '--json',
  ])
  expect(JSON.parse(run.stdout)).toMatchObject({ files: 2, symlinks: 1, unasked: [], mode: 'new' })
  expect(readTree(join(scratch.path, 'a/b')).map(({ path }) => path)).toEqual(
    readTree(join(scratch.path, 'app')).flatMap(({ path }) => (path.startsWith('src') ? [path] : [])),
  )
  const { openDirectory } = await import('@arc/collect')
  const { Publication } = await import('@arc/core/node')
  const { renderDump } = await import('@arc/render-md')
  {
    await using source = await openDirectory(join(scratch.path, 'app'))
    using file = new Publication(join(scratch.path, 'app.md'))
    await renderDump(source, file)
    file.commit()
  }
  scratch.tool('gzip', '-k', 'app.md')
  for (const name of ['app.md', 'app.md.gz']) {
    expect((await scratch.run([name, '--confine', '--to', `${name}.out`])).status).toBe(0)
    expect(readTree(join(scratch.path, `${name}.out`))).toEqual(readTree(join(scratch.path, 'app')))
  }
})

test('what is wrong with a source is said as without it, and nothing is left', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  scratch.tool('tar', '-cf', 'app.tar', '-C', 'app', '.')
  scratch.tool('sh', '-c', 'head -c 5000 app.tar > cut.tar; ln -s /etc app/etc; tar -cf out.tar -C app .')
  for (const [line, code] of [
    [['cut.tar'], 'ARC_ARCHIVE_DAMAGED'],
    [['out.tar'], 'ARC_PATH_UNSAFE'],
    [['app.tar', '--only', 'nowhere'], 'ARC_ENTRY_MISSING'],
    [['app.tar', '--checksum', '0'.repeat(64)], 'ARC_HASH_MISMATCH'],
    [['nowhere.tar'], 'ARC_NOT_FOUND'],
    [['app'], 'ARC_OPTION_INVALID'],
    [['app.tar', '--mode', 'merge'], 'ARC_OPTION_INVALID'],
  ] as const) {
    const [plain, confined] = [
      await scratch.run([...line, '--to', 'x']),
      await scratch.run([...line, '--to', 'x', '--confine']),
    ]
    expect({ line, stdout: confined.stdout, stderr: confined.stderr }).toEqual({
      line,
      stdout: '',
      stderr: say(`[${code}]\nhint: `),
    })
    if (code === 'ARC_NOT_FOUND') expect(confined.stderr.split('\n')[0]).toBe(plain.stderr.split('\n')[0]) // without it, a snapshot may be meant
    else if (code !== 'ARC_OPTION_INVALID')
      expect({ line, stderr: confined.stderr }).toEqual({ line, stderr: plain.stderr })
    else scratch.tool('rm', '-rf', 'x')
    expect(existsSync(join(scratch.path, 'x'))).toBe(false)
  }
  expect(children(scratch)).toEqual([])
})

test('a process that would write outside if nothing held it, does not', async () => {
  using scratch = makeScratch()
  const module = fileURLToPath(new URL('./unchecked-child.ts', import.meta.url))
  const writeOutside = (): string => scratch.write('outside', { canary: 'alive', victim: 'alive', moved: 'alive' })

  // Without permissions it does all that: the attempts are real.
  const outside = writeOutside()
  mkdirSync(join(scratch.path, 'free/control'), { recursive: true })
  const order = JSON.stringify({ places: { folder: join(scratch.path, 'free/control/tree') } })
  execFileSync(process.execPath, [module, order], { input: outside, stdio: ['pipe', 'pipe', 'pipe'] })
  expect(existsSync(join(scratch.path, 'free/escape-parent'))).toBe(true)
  expect(readdirSync(outside)).toEqual(
    expect.arrayContaining(['escape-absolute', 'escape-bytes', 'escape-link', 'escape-program', 'escape-worker']),
  )
  expect(readdirSync(outside)).not.toContain('victim')
  expect(scratch.read('outside/canary')).toBe('dead')

  scratch.tool('rm', '-rf', 'outside', 'free')
  writeOutside()
  writeFileSync(join(scratch.path, 'source'), outside)
  const before = readTree(scratch.path).filter(({ path }) => !path.startsWith('.home'))
  const target = join(scratch.path, 'target')
  const result = await restoreConfined(target, (places) =>
    fillConfined(
      places,
      {
        links: 'inside',
        setId: false,
        portable: false,
        owners: false,
        xattrs: false,
        sparse: false,
        limits: DEFAULT_LIMITS,
        only: [],
        strip: 0,
        isPartial: false,
        expected: undefined,
      },
      {
        kind: 'file',
        file: { shown: 'source', name: 'source', path: join(scratch.path, 'source'), madeAt: undefined },
      },
      { signal: new AbortController().signal, process: { module, codeRoot: resolve(import.meta.dirname, '../../..') } },
    ),
  )
  expect(result).toMatchObject({ files: 2, symlinks: 0 })
  expect(readTree(target).map(({ path, type }) => `${type} ${path}`)).toEqual(['file hard', 'file innocent'])
  const after = readTree(scratch.path).filter(({ path }) => !path.startsWith('.home') && !path.startsWith('target'))
  expect(after).toEqual(before)
})

test('it dies with whoever started it, and the next restore finds nothing in its way', async () => {
  using scratch = makeScratch()
  const big = scratch.tool('sh', '-c', 'head -c 6000000 /dev/urandom > noise; tar -cf - noise; rm noise')
  for (const signal of ['SIGKILL', 'SIGINT'] as const) {
    const child = scratch.start(['-', '--confine', '--to', 'out'])
    child.stdin?.on('error', () => {})
    child.stdin?.write(big.subarray(0, 5_000_000))
    const control = join(scratch.path, '.out.arc-restore')
    await new Promise<void>((done) => {
      const look = (): void =>
        existsSync(control) && readdirSync(control).some((name) => /^confined-[0-9a-f]+$/.test(name))
          ? done()
          : void setTimeout(look, 5)
      look()
    })
    child.kill(signal)
    expect(await once(child, 'close')).toEqual(signal === 'SIGKILL' ? [null, 'SIGKILL'] : [130, null])
    expect(existsSync(join(scratch.path, 'out'))).toBe(false)
    const { status, stderr } = scratch.spawn(['-', '--confine', '--to', 'out'], { input: big })
    expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: say('1 file') })
    expect(readdirSync(scratch.path).filter((name) => name !== '.home')).toEqual(['out'])
    scratch.tool('rm', '-r', 'out')
  }
})
