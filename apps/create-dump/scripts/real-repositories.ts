// node apps/create-dump/scripts/real-repositories.ts FOLDER...
// Dumps, verifies, restores and compares each folder in every format, and prints a table. Ends with 1 when anything differs.
import { execFileSync, spawnSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { encodePath, type EntryPath } from '@arc/core'
import { localPath } from '@arc/core/node'
import { readTree, type TreeRow } from '@arc/core/testing'
import { formatBytes, formatCount, formatTable } from '@arc/kit'

const FORMATS = ['md', 'json', 'jsonl', 'md.gz', 'json.zst']
const BIN = join(import.meta.dirname, '../src/bin.ts')

/** One line of the table. */
interface Outcome {
  readonly repository: string
  readonly format: string
  readonly files: number
  readonly documentBytes: number
  readonly seconds: number
  /** What went wrong; empty when the tree came back exactly. */
  readonly faults: readonly string[]
}

function create(cwd: string, args: readonly string[]): { status: number | null; stdout: Buffer; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], { cwd, maxBuffer: 1 << 30 })
  return { status, stdout, stderr: stderr.toString() }
}

/** The rows of a tree that a dump of `root` must hold: what git lists, or everything there is. */
function expectedRows(root: string): TreeRow[] {
  const isRepository = spawnSync('git', ['rev-parse', '--git-dir'], { cwd: root }).status === 0
  const rows = readTree(root).filter(
    ({ type, path }) => type !== 'special' && path !== '.git' && !path.startsWith('.git/'),
  )
  if (!isRepository) return rows
  const list = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
    cwd: root,
    maxBuffer: 1 << 30,
  }).toString('latin1')
  const listed = new Set(list.split('\0'))
  return rows.filter(
    ({ type, path }) => type !== 'directory' && listed.has(Buffer.from(encodePath(path)).toString('latin1')),
  )
}

function differences(expected: readonly TreeRow[], restored: readonly TreeRow[], hasFolders: boolean): string[] {
  const describe = ({ type, mode, sha256, target }: TreeRow): string =>
    [type, type === 'symlink' ? '' : mode.toString(8), sha256, target].join(' ')
  const found = new Map(
    restored.filter(({ type }) => hasFolders || type !== 'directory').map((row) => [row.path, describe(row)]),
  )
  const faults: string[] = []
  for (const row of expected) {
    if (found.get(row.path) !== describe(row))
      faults.push(`${row.path}: ${describe(row)} came back as ${found.get(row.path) ?? 'nothing'}`)
    found.delete(row.path)
  }
  return [...faults, ...[...found.keys()].map((path: EntryPath) => `${path}: was not in the project`)]
}

function tryFormat(root: string, format: string, expected: readonly TreeRow[], scratch: string): Outcome {
  const repository = basename(root)
  const name = `${repository}.dump.${format}`
  const target = join(scratch, 'restored', repository)
  const faults: string[] = []
  const start = performance.now()
  const step = (what: string, args: readonly string[], allowed: readonly number[] = [0]): Buffer => {
    const { status, stdout, stderr } = create(scratch, args)
    if (!allowed.includes(status ?? -1)) faults.push(`${what} ended with ${status}: ${stderr.trim()}`)
    return stdout
  }
  step('dump', [root, '-o', name, '-q'], [0, 4]) // 4: submodules are told, and are no part of a dump
  step('verify', ['verify', name])
  step('restore', ['restore', name, '--to', target, '-q', '--set-id'])
  if (faults.length === 0) {
    const hasFolders = expected.some(({ type }) => type === 'directory')
    faults.push(...differences(expected, readTree(target), hasFolders))
    const again = `again-${name}`
    step('second dump', [target, '--no-git', '-o', again, '-q'], [0])
    const options = ['list', '--json']
    const lists = [name, again].map((each) =>
      JSON.stringify((JSON.parse(String(step('list', [...options, each]))) as { entries: unknown }).entries),
    )
    if (hasFolders && lists[0] !== lists[1]) faults.push('the dump of the restored tree lists other entries')
  }
  const seconds = (performance.now() - start) / 1000
  const documentBytes = statSync(join(scratch, name), { throwIfNoEntry: false })?.size ?? 0
  return {
    repository,
    format,
    files: expected.filter(({ type }) => type === 'file').length,
    documentBytes,
    seconds,
    faults,
  }
}

/** What `sha256sum -c` says against the files of `hash`. */
function checkHash(root: string): string[] {
  const { stdout } = create(root, ['hash', '.'])
  const { status, stdout: output } = spawnSync('sha256sum', ['-c', '--strict', '--quiet', '-'], {
    cwd: root,
    input: stdout,
    encoding: 'utf8',
  })
  return status === 0 || stdout.length === 0 ? [] : [`sha256sum -c: ${output.trim()}`]
}

/** The lines of text that `wc -l` counts must be those of the header. */
function checkStatistics(root: string, expected: readonly TreeRow[], scratch: string): string[] {
  const { stdout } = create(scratch, [root, '-o', 'statistics.jsonl', '--json', '-q'])
  const { statistics } = JSON.parse(String(stdout)) as { statistics: { files: number; bytes: number } }
  const files = expected.filter(({ type }) => type === 'file')
  const bytes = files.reduce((total, { path }) => total + lstatSync(localPath(root, path)).size, 0)
  return statistics.files === files.length && statistics.bytes === bytes
    ? []
    : [`the header counts ${statistics.files} files, ${statistics.bytes} bytes; there are ${files.length}, ${bytes}`]
}

function tryRepository(root: string): Outcome[] {
  const scratch = mkdtempSync(join(process.env['ARC_TEST_TMP'] ?? tmpdir(), 'arc-real-'))
  try {
    const expected = expectedRows(root)
    const outcomes = FORMATS.map((format) => {
      const outcome = tryFormat(root, format, expected, scratch)
      rmSync(join(scratch, 'restored'), { recursive: true, force: true })
      return outcome
    })
    const more = [...checkHash(root), ...checkStatistics(root, expected, scratch)]
    return more.length === 0
      ? outcomes
      : [
          ...outcomes,
          { repository: basename(root), format: 'hash, figures', files: 0, documentBytes: 0, seconds: 0, faults: more },
        ]
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

const { positionals } = parseArgs({ allowPositionals: true })
if (positionals.length === 0) {
  process.stderr.write(
    `${readFileSync(import.meta.filename, 'utf8')
      .split('\n')
      .slice(0, 2)
      .join('\n')}\n`,
  )
  process.exit(2)
}
const outcomes = positionals.flatMap((folder) => tryRepository(resolve(folder)))
process.stdout.write(
  formatTable(
    [
      { header: 'Repository' },
      { header: 'Format' },
      { header: 'Files', align: 'right' },
      { header: 'Document', align: 'right' },
      { header: 'Seconds', align: 'right' },
      { header: 'Mismatches', align: 'right' },
    ],
    outcomes.map(({ repository, format, files, documentBytes, seconds, faults }) => [
      repository,
      format,
      formatCount(files),
      formatBytes(documentBytes),
      seconds.toFixed(1),
      formatCount(faults.length),
    ]),
  ),
)
const faults = outcomes.flatMap(({ repository, format, faults: found }) =>
  found.map((fault) => `${repository}, ${format}: ${fault}`),
)
process.stdout.write(
  `${faults
    .slice(0, 50)
    .map((fault) => `${fault}\n`)
    .join('')}${formatCount(faults.length)} mismatches\n`,
)
process.exitCode = faults.length === 0 ? 0 : 1
