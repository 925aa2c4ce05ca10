// Read and restore archives that other projects test their extractors with: `node packages/archive/scripts/foreign-corpora.ts
// FOLDER...`. Every file below the folders that we, GNU tar, unzip, bsdtar or Python take for an archive is restored in a
// sandbox with canaries around it, and compared with what the others read. Prints what needs a look, then a table.
import fs from 'node:fs'
import { join, posix, relative } from 'node:path'
import { isArcError } from '@arc/core'
import { readTree, temporaryFolder } from '@arc/core/testing'
import { restoreNew } from '../../restore-safe/src/index.ts'
import { openArchive } from '../src/node.ts'
import { drain } from '../test/reading.ts'
import { type ForeignReading, ownRow, type ReadRow, readByOthers, sameRows } from './other-readers.ts'

const BATCH = 50
const SLOW_MS = 5000
/** Codes that say "this means harm or is ambiguous": the others list such archives without a word. */
const DELIBERATE: ReadonlySet<string> = new Set(['ARC_ARCHIVE_UNSAFE', 'ARC_PATH_UNSAFE', 'ARC_ENTRY_DUPLICATE'])

/** Refusals of what all others read that were decided upon (ADR 0022), by what their messages say. */
const DECIDED: Readonly<Record<string, RegExp>> = {
  'no end mark': /no end mark/,
  'something behind the end': /something follows its end|no bzip2 data follows|comment hides another/,
  'holes beyond the ratio': /passes the limit maxRatio/,
  'unsupported, and said so': /compression method|entry of the type|in several files/,
  'a number that is none': /is not a number|is not where it should be/,
}

interface Verdict {
  /** `accepted`, or the code of the refusal. */
  code: string
  message: string
  rows: ReadRow[]
  /** What was found outside of the target, or inside where it must not be. */
  escapes: string[]
  traps: string[]
  tookMs: number
}

/** What one archive must not change: names that its entries aim at, outside of the sandbox. */
function absoluteNames(readings: Readonly<Record<string, ForeignReading>>): string[] {
  const names = Object.values(readings).flatMap(({ rows = [] }) => rows.map(([, hex]) => Buffer.from(hex, 'hex')))
  return [...new Set(names.map((name) => name.toString('latin1')).filter((name) => /^\/+[^/]/.test(name)))]
}

function stateOf(path: string): string {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false })
  return stat === undefined ? 'absent' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`
}

/** What a restored tree must not hold. */
function findTraps(target: string): string[] {
  return readTree(target).flatMap(({ path, type, mode, target: link }) => {
    if (type === 'special') return `${path} is a device or pipe`
    if (type !== 'symlink') return (mode & 0o6000) === 0 ? [] : `${path} is set-id`
    const end = posix.normalize(posix.join('/here', path, '..', link ?? ''))
    return link?.startsWith('/') === true || !`${end}/`.startsWith('/here/') ? `${path} leads outside` : []
  })
}

async function restoreInSandbox(path: string, readings: Readonly<Record<string, ForeignReading>>): Promise<Verdict> {
  using sandbox = temporaryFolder()
  const inner = join(sandbox.path, 'a/b')
  const target = join(inner, 'target')
  for (const canary of ['canary', 'a/canary', 'a/b/canary', 'a/b/target-evil/canary', 'a/b/evil', 'evil.txt']) {
    fs.mkdirSync(join(sandbox.path, canary, '..'), { recursive: true })
    fs.writeFileSync(join(sandbox.path, canary), 'do not touch')
  }
  const outside = (): string =>
    JSON.stringify(
      [
        readTree(sandbox.path).filter(
          (row) => !row.path.startsWith('a/b/target/') && row.path !== 'a/b/target' && row.path !== 'a/b',
        ),
        absoluteNames(readings).map((name) => [name, stateOf(name)]),
      ],
      (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
    )
  const before = outside()
  const start = performance.now()
  const verdict: Verdict = { code: 'accepted', message: '', rows: [], escapes: [], traps: [], tookMs: 0 }
  try {
    verdict.rows = (await drain(path)).map(ownRow)
    await using source = await openArchive(path)
    await restoreNew(source, target)
    verdict.traps = findTraps(target)
  } catch (error) {
    if (!isArcError(error)) throw new Error(`${path}: not an ArcError`, { cause: error })
    verdict.code = error.code
    verdict.message = error.message
    if (fs.existsSync(target)) verdict.escapes.push('a refused archive left a target behind')
  }
  verdict.tookMs = performance.now() - start
  if (outside() !== before) verdict.escapes.push('something outside of the target changed')
  return verdict
}

const COLUMNS = [
  'archives',
  'accepted',
  'escapes',
  'traps',
  'different',
  'accepted alone',
  'refused',
  'of these deliberate',
  'to explain',
] as const
type Column = (typeof COLUMNS)[number]

/** How many refusals were decided upon, by the reason. */
const decided = new Map<string, number>()

/** Counts of one corpus, and what in it needs a look. */
class Corpus {
  readonly name: string
  readonly counts = Object.fromEntries(COLUMNS.map((column) => [column, 0])) as Record<Column, number>

  constructor(name: string) {
    this.name = name
  }

  add(path: string, verdict: Verdict, readings: Readonly<Record<string, ForeignReading>>): void {
    const { code, message, rows, escapes, traps, tookMs } = verdict
    const others = Object.entries(readings)
    const accepting = others.filter(([, { refused }]) => refused === undefined)
    const judges = others.filter(([tool]) => tool !== 'bsdtar' || accepting.length > 1)
    if (code === 'ARC_ARCHIVE_UNSUPPORTED' && !judges.some(([, { refused }]) => refused === undefined)) return
    const say = (what: string): void => console.log(`${this.name}: ${path}: ${what}`)
    this.counts.archives++
    if (tookMs > SLOW_MS) say(`takes ${Math.round(tookMs)} ms`)
    for (const escape of escapes) say(`ESCAPE: ${escape}`)
    for (const trap of traps) say(`TRAP: ${trap}`)
    this.counts.escapes += escapes.length
    this.counts.traps += traps.length
    if (code !== 'accepted') {
      this.counts.refused++
      if (DELIBERATE.has(code)) this.counts['of these deliberate']++
      if (accepting.length < others.length) return
      if (!DELIBERATE.has(code)) this.#explain(message)
      return say(`refused, though all others read it: ${code} ${message}`)
    }
    this.counts.accepted++
    const different = accepting.filter(([, reading]) => reading.rows !== undefined && !sameRows(rows, reading.rows))
    if (different.length > 0) {
      this.counts.different++
      say(`read otherwise by ${different.map(([tool]) => tool).join(', ')}`)
    }
    if (accepting.length === 0) {
      this.counts['accepted alone']++
      say(
        `accepted, though all others refuse it: ${others.map(([tool, { refused }]) => `${tool}: ${refused?.trim()}`).join(' | ')}`,
      )
    }
  }

  #explain(message: string): void {
    const reason = Object.keys(DECIDED).find((each) => DECIDED[each]?.test(message))
    if (reason === undefined) this.counts['to explain']++
    else decided.set(reason, (decided.get(reason) ?? 0) + 1)
  }
}

function filesBelow(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.includes('\n'))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}

for (const folder of process.argv.slice(2))
  if (!fs.statSync(folder).isDirectory()) throw new Error(`${folder} is no folder`)
const corpora: Corpus[] = []
for (const folder of process.argv.slice(2)) {
  const corpus = new Corpus(relative(join(folder, '..'), folder))
  corpora.push(corpus)
  const paths = filesBelow(folder)
  for (let at = 0; at < paths.length; at += BATCH)
    for (const [path, readings] of readByOthers(paths.slice(at, at + BATCH)))
      corpus.add(relative(folder, path), await restoreInSandbox(path, readings), readings)
}
console.log(`\n| corpus | ${COLUMNS.join(' | ')} |\n| --- |${' --: |'.repeat(COLUMNS.length)}`)
for (const { name, counts } of corpora)
  console.log(`| ${name} | ${COLUMNS.map((column) => counts[column]).join(' | ')} |`)
console.log(
  `| all | ${COLUMNS.map((column) => corpora.reduce((sum, { counts }) => sum + counts[column], 0)).join(' | ')} |`,
)
console.log('\nRefused though all others read them, as decided:')
for (const [reason, count] of decided) console.log(`- ${reason}: ${count}`)
