// Measure Arc beside the tools people use today and print the figures as Markdown tables.
//   pnpm bench [suite...] [--quick] [--corpus NAME=DIR] [--node 22] [--write]
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type NodeRuntime, resolveNodes } from '../tools/smoke/node-runtime.ts'
import { type PackedApplication, packApplication } from './application.ts'
import { type Corpus, findCorpora } from './corpora.ts'
import { describeRun, thisMachine, writePage } from './page.ts'
import { formatRows } from './report.ts'
import { installRepomix } from './repomix.ts'
import type { Row, Suite } from './suite.ts'
import { archive } from './suites/archive.ts'
import { dump } from './suites/dump.ts'
import { snapshot } from './suites/snapshot.ts'
import { start } from './suites/start.ts'
import { storage } from './suites/storage.ts'
import { versions } from './suites/versions.ts'

const SUITES: readonly Suite[] = [start, dump, archive, snapshot, versions, storage]
const SHORT_RUNS = 21

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** One round on a small project: does the bench itself work? */
    quick: { type: 'boolean', default: false },
    /** `small=DIR` or `kernel=DIR`: a project instead of a made one; `releases=DIR`: a repository with tags of ten releases; `kernel=`: without the kernel. */
    corpus: { type: 'string', multiple: true, default: [] },
    /** So many rounds of each job, and none to warm up: for a machine with little time. */
    runs: { type: 'string' },
    /** Versions or ranges of Node to run our side on. */
    node: { type: 'string', multiple: true, default: [process.versions.node] },
    /** Where projects and peers are kept for the next time. */
    cache: { type: 'string', default: join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'arc-bench') },
    /** What the page says about this machine. */
    machine: { type: 'string', default: thisMachine() },
    /** Put the tables into docs/benchmarks.md. */
    write: { type: 'boolean', default: false },
  },
})

const suites = SUITES.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
const unknown = positionals.find((name) => !SUITES.some((suite) => suite.name === name))
if (unknown !== undefined)
  throw new Error(`no suite is called ${unknown}; there are ${SUITES.map(({ name }) => name).join(', ')}`)

if (options.quick && options.write)
  throw new Error('the figures of a quick run mean nothing: --write goes without --quick')

const given = new Map(options.corpus.map((each) => [each.replace(/=.*/s, ''), each.replace(/^[^=]*=/, '')]))
const runs = options.quick ? 1 : options.runs === undefined ? undefined : Math.max(1, Number(options.runs))
const scratch = mkdtempSync(join(tmpdir(), 'arc-bench-'))
const memoryScratch = existsSync('/dev/shm') ? mkdtempSync('/dev/shm/arc-bench-') : undefined
const skipped = new Set<string>()
const skip = (reason: string): void => void skipped.add(reason)
try {
  tell('building and packing create-dump')
  const packed = packApplication('create-dump', scratch)
  tell('getting the projects to work on')
  mkdirSync(options.cache, { recursive: true })
  const corpora = suites.some((suite) => suite !== start)
    ? findCorpora({ given, cache: options.cache, quick: options.quick, runs, skip })
    : []
  const texts: string[] = []
  for (const node of await resolveNodes(options.node, scratch)) {
    const text = measureAll(node, packed, corpora)
    console.log(text)
    texts.push(text)
  }
  if (options.write)
    writePage(
      suites.map(({ name }) => name),
      texts.join('\n'),
    )
} finally {
  rmSync(scratch, { recursive: true, force: true })
  if (memoryScratch !== undefined) rmSync(memoryScratch, { recursive: true, force: true })
}

function measureAll(node: NodeRuntime, packed: PackedApplication, corpora: readonly Corpus[]): string {
  const repomix = options.quick || !suites.includes(dump) ? undefined : installRepomix(options.cache)
  if (repomix === undefined && !options.quick && suites.includes(dump)) skip('repomix: it could not be installed')
  const app = { ...packed, node }
  const rows: Row[] = []
  for (const suite of suites) {
    const work = join(scratch, `${suite.name}-${node.version}`)
    mkdirSync(work)
    const pace = runs === undefined ? { shortRuns: SHORT_RUNS, warmUps: 1 } : { shortRuns: runs, warmUps: 0 }
    try {
      for (const row of suite.run({
        app,
        corpora,
        releases: given.get('releases'),
        repomix,
        cache: options.cache,
        scratch: work,
        memoryScratch,
        isQuick: options.quick,
        ...pace,
        skip,
      })) {
        rows.push(row)
        tell(`${suite.name}: ${titleOf(row)}`)
      }
    } catch (error) {
      // What was measured until then took its time and is worth showing.
      process.exitCode = 1
      skip(`the rest of suite ${suite.name}: it failed`)
      console.error(error)
    }
    rmSync(work, { recursive: true })
  }
  const about = describeRun({ app, repomix, corpora, machine: options.machine, skipped })
  return `${about}\n\n${formatRows(rows)}`
}

function titleOf(row: Row): string {
  if (row.kind === 'limit') return row.figure
  return row.kind === 'growth' ? `${row.job} by ${row.of}` : `${row.job} against ${row.against}`
}

/** Progress is not the result. */
function tell(text: string): void {
  console.error(text)
}
