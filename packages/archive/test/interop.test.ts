import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { localPath } from '@arc/core/node'
import { temporaryFolder } from '@arc/core/testing'
import { beforeAll, afterAll, expect, test } from 'vitest'
import { type ArchiveFormat, fdSink, openArchive, writeArchive, type WriteArchiveOptions } from '../src/node.ts'
import { contentText } from './reading.ts'
import { describeTree, listTree, treeSource, writeAwkwardTree } from './awkward-tree.ts'
import { describeWith, run } from './tools.ts'

let folder: Disposable & { path: string }
let tree: string
let plainTree: string // without what zip programs cannot hold

beforeAll(() => {
  folder = temporaryFolder()
  tree = join(folder.path, 'tree')
  plainTree = join(folder.path, 'plain-tree')
  fs.mkdirSync(tree)
  fs.mkdirSync(plainTree)
  writeAwkwardTree(tree)
  writeAwkwardTree(plainTree, { rawNames: false, hardLinks: false })
})
afterAll(() => folder[Symbol.dispose]())

async function written(
  source: string,
  format: ArchiveFormat,
  options: Partial<WriteArchiveOptions> = {},
): Promise<string> {
  const path = join(folder.path, `written-${fs.readdirSync(folder.path).length}.${format}`)
  const fd = fs.openSync(path, 'w')
  await writeArchive(treeSource(source), fdSink(fd), { format, ...options })
  fs.closeSync(fd)
  return path
}

function fresh(): string {
  return fs.mkdtempSync(join(folder.path, 'out-'))
}

/** What our reader sees, as lines like those of `describeTree`. */
async function readLines(path: string): Promise<string[]> {
  await using source = await openArchive(path)
  const lines: string[] = []
  for await (const batch of source.entries()) {
    for (const entry of batch) {
      const mode = entry.type === 'symlink' ? '' : entry.mode.toString(8)
      lines.push(
        [
          JSON.stringify(entry.path),
          entry.type,
          mode,
          entry.sizeBytes,
          entry.target ?? (await contentText(entry)).slice(0, 1000),
        ].join(' '),
      )
    }
  }
  return lines.sort()
}

function expectedLines(root: string, withLinks: boolean): string[] {
  const seen = new Set<string>()
  return listTree(root)
    .map((entry) => {
      const mode = entry.type === 'symlink' ? '' : entry.mode.toString(8)
      const isLater = withLinks && entry.hardLink !== undefined && seen.has(entry.hardLink)
      if (entry.hardLink !== undefined) seen.add(entry.hardLink)
      const content =
        entry.type === 'file' && !isLater
          ? fs.readFileSync(localPath(root, entry.path)).toString('latin1').slice(0, 1000)
          : ''
      return [JSON.stringify(entry.path), entry.type, mode, entry.sizeBytes, entry.target ?? content].join(' ')
    })
    .sort()
}

const tarFormats: readonly ArchiveFormat[] = ['tar', 'tar.gz', 'tar.zst']

describeWith(['tar', 'gzip', 'zstd', 'sha256sum'], 'what GNU tar extracts from our archives', () => {
  test.each(tarFormats)('%s is the same tree, to the nanosecond, and its manifest checks', async (format) => {
    const out = fresh()
    run('tar', ['-xpf', await written(tree, format), '-C', out])
    run('sha256sum', ['--quiet', '--check', '.arc-manifest.sha256'], { cwd: out })
    fs.rmSync(join(out, '.arc-manifest.sha256'))
    expect(describeTree(out)).toEqual(describeTree(tree))
  })
})

describeWith(['bsdtar'], 'what bsdtar extracts from our archives', () => {
  test.each(['tar', 'tar.gz', 'zip'] as const)('%s is the same tree', async (format) => {
    const out = fresh()
    const source = format === 'zip' ? plainTree : tree
    run('bsdtar', ['-xpf', await written(source, format, { manifest: false }), '-C', out], {
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    })
    // bsdtar changes decomposed names to composed ones on its way, and in a zip backslashes to slashes.
    const changed = /caf|^"ünïcödé" |^"back/
    const without = (lines: string[]): string[] => lines.filter((line) => !changed.test(line))
    const options = { times: format === 'zip' ? ('s' as const) : ('ns' as const) }
    expect(without(describeTree(out, options))).toEqual(without(describeTree(source, options)))
  })
})

describeWith(['unzip'], 'what unzip extracts from our archives', () => {
  test('zip is the same tree', async () => {
    const out = fresh()
    const path = await written(plainTree, 'zip', { manifest: false })
    expect(run('unzip', ['-tq', path])).toContain('No errors detected')
    run('unzip', ['-q', path, '-d', out], { env: { ...process.env, LC_ALL: 'C.UTF-8' } })
    // unzip drops the control character of one name.
    const without = (lines: string[]): string[] => lines.filter((line) => !/^"line.*break"/.test(line))
    expect(without(describeTree(out, { times: 's' }))).toEqual(without(describeTree(plainTree, { times: 's' })))
  })
})

describeWith(['7z'], 'what 7z says of our archives', () => {
  test.each(['tar', 'tar.gz', 'zip'] as const)('%s is whole', async (format) => {
    expect(run('7z', ['t', await written(tree, format)])).toContain('Everything is Ok')
  })
})

describeWith(['python3'], 'what Python extracts from our archives', () => {
  test.each(['tar', 'tar.gz'] as const)('%s is the same tree', async (format) => {
    const out = fresh()
    run('python3', [
      '-c',
      'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])',
      await written(tree, format, { manifest: false }),
      out,
    ])
    expect(describeTree(out, { times: 's' })).toEqual(describeTree(tree, { times: 's' }))
  })

  test('zip holds the same content', async () => {
    const out = fresh()
    const script =
      'import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nz.extractall(sys.argv[2])'
    run('python3', ['-c', script, await written(plainTree, 'zip', { manifest: false }), out])
    const contents = (root: string): string[] =>
      listTree(root)
        .filter(({ type }) => type === 'file')
        .map(({ path, sizeBytes }) => `${path} ${sizeBytes}`)
    expect(contents(out)).toEqual(expect.arrayContaining(contents(plainTree)))
  })
})

describeWith(['gzip', 'zstd'], 'what gzip and zstd say of our archives', () => {
  test('they are whole', async () => {
    const [gz, zst] = [await written(tree, 'tar.gz'), await written(tree, 'tar.zst')]
    expect(() => run('gzip', ['-t', gz])).not.toThrow()
    expect(() => run('zstd', ['-t', zst])).not.toThrow()
  })
})

describeWith(['tar', 'gzip', 'zstd'], 'what GNU tar writes', () => {
  test.each(['gnu', 'posix', 'ustar', 'oldgnu', 'v7'])('in the format %s is read exactly', async (format) => {
    const path = join(folder.path, `gnu-${format}.tar`)
    const names =
      format === 'ustar' || format === 'v7'
        ? ['plain.txt', 'binary', 'link', 'ünïcödé', 'empty-directory', 'z-hard-link']
        : ['.']
    run('tar', ['-cf', path, `--format=${format}`, '--sort=name', '-C', tree, ...names])
    const lines = await readLines(path)
    const expected = expectedLines(tree, true)
    expect(lines).toEqual(names[0] === '.' ? expected : expected.filter((line) => lines.includes(line)))
    expect(lines.length).toBeGreaterThan(5)
  })

  test.each(['-z', '--zstd'])('compressed with %s is read exactly', async (option) => {
    const path = join(folder.path, `gnu${option}`)
    run('tar', ['-cf', path, option, '--sort=name', '-C', tree, '.'])
    expect(await readLines(path)).toEqual(expectedLines(tree, true))
  })

  test.each(['gnu', '0.0', '0.1', '1.0'])('with sparse files in the format %s is read exactly', async (version) => {
    const sparse = fresh()
    const fd = fs.openSync(join(sparse, 'holes'), 'w')
    for (let i = 0; i < 60; i++) fs.writeSync(fd, Buffer.from(`data ${i}`), 0, null, i * 65_536 + 4096)
    fs.ftruncateSync(fd, 5_000_000)
    fs.closeSync(fd)
    fs.writeFileSync(join(sparse, 'zafter'), 'after')
    const path = join(folder.path, `sparse-${version}.tar`)
    const format = version === 'gnu' ? ['--format=gnu'] : ['--format=posix', `--sparse-version=${version}`]
    run('tar', ['-cSf', path, ...format, '--hole-detection=raw', '-C', sparse, 'holes', 'zafter'])
    expect(fs.statSync(path).size).toBeLessThan(2_000_000)
    await using source = await openArchive(path)
    const contents: string[] = []
    for await (const batch of source.entries()) for (const entry of batch) contents.push(await contentText(entry))
    expect(contents[0] === fs.readFileSync(join(sparse, 'holes'), 'latin1')).toBe(true)
    expect(contents[1]).toBe('after')
  })
})

describeWith(['bsdtar'], 'what bsdtar writes', () => {
  test.each(['pax', 'gnutar', 'zip'])('in the format %s is read exactly', async (format) => {
    const source = format === 'zip' ? plainTree : tree
    const path = join(folder.path, `bsdtar-${format}`)
    run('bsdtar', ['-cf', path, `--format=${format}`, '-C', source, '.'], {
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    })
    expect(await readLines(path)).toEqual(expectedLines(source, true))
  })
})

describeWith(['zip'], 'what zip writes', () => {
  test.each([['-6'], ['-0'], ['-9', '-fz']])('with %s is read exactly', async (...options) => {
    const path = join(folder.path, `info${options.join('')}.zip`)
    run('zip', ['-q', '-r', '-y', ...options, path, '.'], { cwd: plainTree })
    expect(await readLines(path)).toEqual(expectedLines(plainTree, false))
  })
})

describeWith(['zip'], 'what zip writes to a pipe', () => {
  test('with data descriptors is read exactly', async () => {
    const path = join(folder.path, 'piped.zip')
    const names = ['plain.txt', 'binary', 'large', 'executable.sh']
    fs.writeFileSync(
      path,
      execFileSync('zip', ['-q', '-', ...names], {
        cwd: plainTree,
        maxBuffer: 64 * 2 ** 20,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
    expect(await readLines(path)).toEqual(
      expectedLines(plainTree, false).filter((line) => names.some((name) => line.startsWith(`"${name}" `))),
    )
  })
})

describeWith(['7z'], 'what 7z writes', () => {
  test('zip is read exactly', async () => {
    const path = join(folder.path, 'seven.zip')
    run('7z', ['a', '-tzip', '-snl', path, '.'], { cwd: plainTree })
    expect((await readLines(path)).length).toBe(listTree(plainTree).length)
  })
})

describeWith(['python3'], 'what Python writes', () => {
  test.each(['GNU_FORMAT', 'PAX_FORMAT'])('tar in %s is read exactly', async (format) => {
    const path = join(folder.path, `python-${format}.tar`)
    run('python3', [
      '-c',
      `import sys, tarfile\nt = tarfile.open(sys.argv[1], "w", format=tarfile.${format})\nt.add(sys.argv[2], ".")\nt.close()`,
      path,
      tree,
    ])
    expect(await readLines(path)).toEqual(expectedLines(tree, true))
  })

  test('zip is read exactly', async () => {
    const path = join(folder.path, 'python.zip')
    run('python3', [
      '-c',
      'import shutil, sys; shutil.make_archive(sys.argv[1][:-4], "zip", sys.argv[2])',
      path,
      plainTree,
    ])
    expect((await readLines(path)).length).toBeGreaterThan(20)
  })
})

describeWith(['git', 'npm'], 'archives of everyday tools', () => {
  test('git archive (tar and zip) is read exactly', async () => {
    const repository = fresh()
    fs.cpSync(plainTree, repository, { recursive: true, verbatimSymlinks: true })
    const git = (...args: string[]): string =>
      run('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: repository })
    git('init', '--quiet')
    git('add', '--all')
    git('commit', '--quiet', '--message', 'x')
    for (const format of ['tar', 'zip', 'tar.gz']) {
      git('archive', `--format=${format}`, '--prefix=p/', '--output', join(folder.path, `git.${format}`), 'HEAD')
      const lines = await readLines(join(folder.path, `git.${format}`))
      expect(lines.filter((line) => !line.includes(' directory '))).toHaveLength(
        listTree(plainTree).filter(({ type }) => type !== 'directory').length,
      )
    }
  })

  test('an npm package is read exactly', async () => {
    const project = fresh()
    fs.writeFileSync(join(project, 'package.json'), '{ "name": "x", "version": "1.0.0" }')
    fs.writeFileSync(join(project, 'index.js'), '0')
    run('npm', ['pack', '--silent', '--offline'], { cwd: project })
    const lines = await readLines(join(project, 'x-1.0.0.tgz'))
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['"package/index.js"', '"package/package.json"'])
  })
})
