import { mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../tools/smoke/check.ts'
import { type ArchivePeer, installArchivePeers } from '../archive-peers.ts'
import { bundleProgram } from '../bundled-program.ts'
import type { Corpus } from '../corpora.ts'
import { type Command, measure, measureInTurns } from '../measure.ts'
import { type Bench, comparison, type Comparison, peakLimit, type Row, type Suite } from '../suite.ts'

/** That of tar.gz is only told: several threads compress it. */
const MAX_RATIO_WRITING = { tar: 1.3, 'tar.zst': 1.3, 'tar.gz': undefined, zip: 1.2 } as const
const MAX_RATIO_RESTORING = { tar: 1.5, 'tar.gz': 1.5, 'tar.zst': 1.5, zip: 0.8 } as const
/** Four times as fast as what npm has. */
const MAX_RATIO_TO_PEERS = 0.25
/** Independent frames and the index against one stream; only the manifest, whose hashes no compressor gets small, is left out. */
const MAX_SIZE_RATIO = 1.03

/** Write archives of every format and restore them, in memory, beside the tools of each format. */
export const archive: Suite = {
  name: 'archive',
  *run(bench: Bench): Generator<Row> {
    const place = bench.memoryScratch
    if (place === undefined) return bench.skip('archives: there is no /dev/shm to write them to')
    const program = bundleProgram('archive-program.ts', bench.scratch)
    const peers = bench.isQuick ? [] : installArchivePeers(bench.cache)
    if (peers.length < 2 && !bench.isQuick) bench.skip('node-tar or modern-tar: it could not be installed')
    for (const corpus of bench.corpora) {
      const jobs = new ArchiveJobs(bench, corpus, program, join(place, `archive-${corpus.name}`))
      jobs.prepare()
      yield* writing(jobs)
      yield* restoring(jobs)
      yield* besidePeers(jobs, peers)
      jobs.clear()
    }
  },
}

type Format = keyof typeof MAX_RATIO_RESTORING

/** The commands of this suite for one corpus. */
class ArchiveJobs {
  readonly corpus: Corpus
  readonly turns: { runs: number; warmUps: number }
  readonly #bench: Bench
  readonly #program: string
  readonly #place: string

  constructor(bench: Bench, corpus: Corpus, program: string, place: string) {
    this.corpus = corpus
    this.turns = { runs: corpus.runs, warmUps: bench.warmUps }
    this.#bench = bench
    this.#program = program
    this.#place = place
  }

  /** A copy of what git tracks, without git's own folder: what every tool is to archive. */
  prepare(): void {
    mkdirSync(this.tree, { recursive: true })
    const copy = 'git ls-files -z | tar --null --files-from=- --create --file=- | tar --extract --directory="$0"'
    run('sh', ['-c', copy, this.tree], { cwd: this.corpus.root })
  }

  clear(): void {
    rmSync(this.#place, { recursive: true, force: true })
  }

  get tree(): string {
    return join(this.#place, 'tree')
  }

  file(who: 'ours' | 'theirs', format: Format): string {
    return join(this.#place, `${who}.${format}`)
  }

  ours(...args: string[]): Command {
    return { program: this.#bench.app.node.executable, args: [this.#program, ...args], cwd: this.#place }
  }

  write(format: Format, ...options: string[]): Command {
    return this.ours('write', format, this.tree, this.file('ours', format), ...options)
  }

  shell(script: string, format: Format): Command {
    const path = this.file('theirs', format)
    const prepare = (): void => rmSync(path, { force: true })
    return { program: 'sh', args: ['-c', script, path], cwd: this.tree, prepare }
  }

  restore(format: Format): Command {
    const target = join(this.#place, 'restored')
    return { ...this.ours('restore', this.file('ours', format), target), prepare: () => this.#forget(target) }
  }

  /** The archive that {@link restore} restores, extracted by a library on the same Node. */
  extractBy({ script }: ArchivePeer, format: Format): Command {
    const { executable } = this.#bench.app.node
    return this.extract(executable, script, this.file('ours', format), join(this.#place, 'restored'))
  }

  extract(program: string, ...args: string[]): Command {
    const target = join(this.#place, 'restored')
    const prepare = (): void => {
      this.#forget(target)
      mkdirSync(target)
    }
    return { program, args, cwd: target, prepare }
  }

  #forget(target: string): void {
    rmSync(target, { recursive: true, force: true })
  }
}

const WRITERS = {
  tar: 'tar --create --file="$0" .',
  'tar.zst': 'tar --create --file=- . | zstd -q -3 -T0 -o "$0"',
  'tar.gz': 'tar --create --gzip --file="$0" .',
  zip: 'zip -q -6 -r "$0" .',
} as const

function* writing(jobs: ArchiveJobs): Generator<Row> {
  const corpus = jobs.corpus.name
  for (const format of ['tar', 'tar.zst', 'tar.gz', 'zip'] as const) {
    const { ours, theirs } = measureInTurns(
      { ours: jobs.write(format), theirs: jobs.shell(WRITERS[format], format) },
      jobs.turns,
    )
    const about: Pick<Comparison, 'job' | 'corpus' | 'against'> = {
      job: `write ${format}, in memory`,
      corpus,
      against: `\`${WRITERS[format].replaceAll('|', String.raw`\|`)}\``,
    }
    yield comparison({ ...about, target: MAX_RATIO_WRITING[format] }, ours, theirs)
    yield peakLimit(about.job, corpus, ours)
  }
  measure(jobs.write('tar.zst', '--no-manifest'))
  yield {
    kind: 'limit',
    figure: 'size of tar.zst, index included, without its manifest',
    corpus,
    value: statSync(jobs.file('ours', 'tar.zst')).size,
    unit: 'bytes',
    bound: 'at most',
    target: Math.floor(statSync(jobs.file('theirs', 'tar.zst')).size * MAX_SIZE_RATIO),
  }
}

function* restoring(jobs: ArchiveJobs): Generator<Row> {
  const corpus = jobs.corpus.name
  for (const format of ['tar', 'tar.gz', 'tar.zst', 'zip'] as const) {
    measure(jobs.write(format))
    const file = jobs.file('ours', format)
    const tool = format === 'zip' ? jobs.extract('unzip', '-q', file) : jobs.extract('tar', '-xf', file)
    const { ours, theirs } = measureInTurns({ ours: jobs.restore(format), theirs: tool }, jobs.turns)
    const about = {
      job: `restore ${format}, in memory`,
      corpus,
      against: format === 'zip' ? '`unzip -q`' : '`tar -xf`',
    }
    yield comparison({ ...about, target: MAX_RATIO_RESTORING[format] }, ours, theirs)
    yield peakLimit(about.job, corpus, ours)
  }
}

function* besidePeers(jobs: ArchiveJobs, peers: readonly ArchivePeer[]): Generator<Row> {
  if (peers.length === 0) return
  measure(jobs.write('tar'))
  for (const peer of peers) {
    const commands = { ours: jobs.restore('tar'), theirs: jobs.extractBy(peer, 'tar') }
    const { ours, theirs } = measureInTurns(commands, jobs.turns)
    const about = { job: 'restore tar, in memory', corpus: jobs.corpus.name, against: peer.name }
    yield comparison({ ...about, target: MAX_RATIO_TO_PEERS }, ours, theirs)
  }
}
