import { mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../tools/smoke/check.ts'
import type { Corpus } from '../corpora.ts'
import { type Command, measure, measureInTurns, medianSample } from '../measure.ts'
import { canWatchCalls, countOpenedFiles } from '../opened-files.ts'
import { repomixCommand } from '../repomix.ts'
import { type Bench, comparison, type Comparison, peakLimit, type Row, type Suite } from '../suite.ts'

const MAX_RATIO_TO_CAT = { small: 1.2, kernel: 2.0 } as const
const MAX_RATIO_TO_REPOMIX = 1 / 12
const MAX_RATIO_TO_SHA256SUM = 2
const MAX_RATIO_TO_TAR = 1.5
const MAX_UNCHANGED_CPU_S = 0.35
/** What a program that makes one string of its output cannot exceed. */
const STRING_LIMIT_BYTES = 512 * 1024 * 1024

/** Dump, dump again, verify and restore. */
export const dump: Suite = {
  name: 'dump',
  *run(bench: Bench): Generator<Row> {
    for (const corpus of bench.corpora) {
      const jobs = new DumpJobs(bench, corpus)
      yield* writing(jobs)
      yield* writingAgain(jobs)
      yield* verifying(jobs)
      yield* restoring(jobs)
    }
  },
}

/** The commands of this suite for one corpus. */
class DumpJobs {
  readonly bench: Bench
  readonly corpus: Corpus
  readonly document: string
  readonly #cache: string

  constructor(bench: Bench, corpus: Corpus) {
    this.bench = bench
    this.corpus = corpus
    this.document = join(bench.scratch, `${corpus.name}.dump.md`)
    this.#cache = join(bench.scratch, 'cache')
  }

  app(...args: string[]): Command {
    const { app, scratch } = this.bench
    return {
      program: app.node.executable,
      args: [app.bin, ...args],
      cwd: scratch,
      env: { XDG_CACHE_HOME: this.#cache },
    }
  }

  /** A dump as if there had been none before. */
  firstDump(...options: string[]): Command {
    return { ...this.dumpAgain(...options), prepare: () => this.forget() }
  }

  dumpAgain(...options: string[]): Command {
    return this.app(this.corpus.root, '--output', this.document, ...options)
  }

  forget(): void {
    for (const path of [this.#cache, this.document, `${this.document}.sha256`])
      rmSync(path, { recursive: true, force: true })
  }

  get turns(): { runs: number; warmUps: number } {
    return { runs: this.corpus.runs, warmUps: this.bench.warmUps }
  }
}

function* writing(jobs: DumpJobs): Generator<Row> {
  const { bench, corpus } = jobs
  const readAll = 'git ls-files -z | xargs -0 cat > /dev/null'
  const repomix = corpus.name === 'small' ? bench.repomix : undefined
  const { cat, tracked, whole, packed } = measureInTurns(
    {
      // A symbolic link to a folder is tracked like a file, and cat complains of it.
      cat: { program: 'sh', args: ['-c', `(${readAll}) 2> /dev/null || true`], cwd: corpus.root },
      tracked: jobs.firstDump('--tracked', '--no-sidecar'),
      whole: jobs.firstDump(),
      ...(repomix && { packed: repomixCommand(repomix, bench.app.node.executable, corpus.root, bench.scratch) }),
    } as Record<'cat' | 'tracked' | 'whole' | 'packed', Command>,
    jobs.turns,
  )
  const toCat = {
    corpus: corpus.name,
    against: `\`${readAll.replace('|', String.raw`\|`)}\``,
    target: MAX_RATIO_TO_CAT[corpus.name],
  }
  yield comparison({ job: '`create-dump`', ...toCat }, whole, cat)
  yield comparison({ job: '`create-dump --tracked --no-sidecar`', ...toCat }, tracked, cat)
  if (repomix !== undefined) {
    const toRepomix = { corpus: corpus.name, against: 'repomix, leanest', target: MAX_RATIO_TO_REPOMIX }
    yield comparison({ job: '`create-dump`', ...toRepomix }, whole, packed)
    yield comparison({ job: '`create-dump --tracked --no-sidecar`', ...toRepomix }, tracked, packed)
  }
  yield peakLimit('`create-dump`', corpus.name, whole)
  if (corpus.bytes > STRING_LIMIT_BYTES) yield documentSize(jobs)
}

function documentSize({ corpus, document }: DumpJobs): Row {
  const value = statSync(document).size
  return {
    kind: 'limit',
    figure: 'size of the document',
    corpus: corpus.name,
    value,
    unit: 'bytes',
    bound: 'more than',
    target: STRING_LIMIT_BYTES,
  }
}

function* writingAgain(jobs: DumpJobs): Generator<Row> {
  const { bench, corpus } = jobs
  measure(jobs.firstDump())
  const { again, status } = measureInTurns(
    { again: jobs.dumpAgain(), status: { program: 'git', args: ['status', '--short'], cwd: corpus.root } },
    jobs.turns,
  )
  const about = { job: '`create-dump`, nothing changed', corpus: corpus.name }
  yield comparison({ ...about, against: '`git status`', target: undefined }, again, status)
  yield peakLimit(about.job, corpus.name, again)
  if (corpus.name === 'small') {
    const { cpuS: value } = medianSample(again)
    const figure = 'processor time: `create-dump`, nothing changed'
    yield {
      kind: 'limit',
      figure,
      corpus: corpus.name,
      value,
      unit: 'seconds',
      bound: 'at most',
      target: MAX_UNCHANGED_CPU_S,
    }
  }
  if (!canWatchCalls(bench.scratch)) bench.skip('how many files an unchanged dump opens: strace does not work here')
  else {
    const value = countOpenedFiles(jobs.dumpAgain(), corpus.root)
    yield {
      kind: 'limit',
      figure: 'files opened: `create-dump`, nothing changed',
      corpus: corpus.name,
      value,
      unit: 'files',
      bound: 'at most',
      target: 0,
    }
  }
}

function* verifying(jobs: DumpJobs): Generator<Row> {
  const { corpus, document, bench } = jobs
  const { verify, sum } = measureInTurns(
    { verify: jobs.app('verify', document), sum: { program: 'sha256sum', args: [document], cwd: bench.scratch } },
    jobs.turns,
  )
  const about = { job: '`create-dump verify`', corpus: corpus.name, against: '`sha256sum` of the dump' }
  yield comparison({ ...about, target: MAX_RATIO_TO_SHA256SUM }, verify, sum)
  yield peakLimit(about.job, corpus.name, verify)
}

function* restoring(jobs: DumpJobs): Generator<Row> {
  const { corpus, document, bench } = jobs
  const place = bench.memoryScratch
  if (place === undefined) return bench.skip('restore: there is no /dev/shm to restore to')
  const archive = join(bench.scratch, 'corpus.tar')
  const target = join(place, 'restored')
  run('sh', ['-c', 'git ls-files -z | tar --null --files-from=- --create --file="$0"', archive], { cwd: corpus.root })
  const clear = (): void => rmSync(target, { recursive: true, force: true })
  const { restore, extract } = measureInTurns(
    {
      restore: { ...jobs.app('restore', document, '--to', target), prepare: clear },
      extract: {
        program: 'tar',
        args: ['-xf', archive, '-C', target],
        cwd: bench.scratch,
        prepare() {
          clear()
          mkdirSync(target)
        },
      },
    },
    jobs.turns,
  )
  clear()
  rmSync(archive)
  const about: Pick<Comparison, 'job' | 'corpus' | 'against'> = {
    job: '`create-dump restore`, in memory',
    corpus: corpus.name,
    against: '`tar -xf`',
  }
  yield comparison({ ...about, target: MAX_RATIO_TO_TAR }, restore, extract)
  yield peakLimit(about.job, corpus.name, restore)
}
