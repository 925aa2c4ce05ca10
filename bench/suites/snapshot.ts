import { mkdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../tools/smoke/check.ts'
import { type PackedApplication, packApplication } from '../application.ts'
import type { Corpus } from '../corpora.ts'
import { type Command, measure, measureInTurns, type Sample } from '../measure.ts'
import { checkOut, releaseTags, writeBinaries, writeLongFile, writeShifted } from '../snapshot-material.ts'
import { growing } from '../snapshot-growth.ts'
import { Arc, Borg, first, isInstalled, Restic, type SnapshotTool, TarZst } from '../snapshot-tools.ts'
import { type Bench, type Comparison, comparison, type Limit, type Row, type Suite } from '../suite.ts'

const MIB = 1024 * 1024
const FIRST = { small: { restic: 0.4, borg: 0.25, tar: 1.6 }, kernel: { restic: 0.45 } } as const
const SIZE = { small: { restic: 0.3, tar: 1.3 }, kernel: { restic: 0.8, tar: 1.1 } } as const
const MAX_UNCHANGED = 0.2
const RELEASES = { time: 0.25, size: 0.65 } as const
const BINARIES = { time: 1, growth: 0.6 } as const
const RESTORE = { restic: 0.5, tar: 1.3 } as const
const MAX_VERIFY = 0.35
const MAX_LINK = 0.5
const MAX_COPY = 1.2
const MAX_PEAK_BYTES = 250 * MIB
const LONG_FILE = { mebibytes: 10 * 1024, maxPeakBytes: 300 * MIB, roomBytes: 24 * 1024 * MIB } as const
const INDEX = { chunks: 10_000_000, maxPeakBytes: 500 * MIB } as const
const LARGE_INDEX = join(import.meta.dirname, '../../packages/snapshot/scripts/large-index.ts')

/** Snapshots in memory beside restic, borg, tar with zstd, rsync and cp; and how all of it grows. */
export const snapshot: Suite = {
  name: 'snapshot',
  *run(bench: Bench): Generator<Row> {
    const place = bench.memoryScratch
    if (place === undefined) return bench.skip('snapshots: there is no /dev/shm to keep them in')
    const tools = makeTools(bench, join(place, 'tools'))
    for (const corpus of bench.corpora) {
      const tree = join(place, `snapshot-${corpus.name}`)
      copyTracked(corpus, tree)
      yield* storing(bench, tools, corpus, tree)
      yield* bringingBack(bench, tools, corpus, tree)
      if (corpus.name === 'small') yield* plainFolders(bench, tools, corpus, tree)
      rmSync(tree, { recursive: true })
    }
    if (bench.isQuick) return
    yield* releases(bench, tools, join(place, 'releases'))
    yield* binaries(bench, tools, join(place, 'binaries'))
    yield* memory(bench, tools)
    yield* growing(tools.plain, join(place, 'growth'), bench)
    yield* largeIndex(bench)
    rmSync(join(place, 'tools'), { recursive: true })
  },
}

interface Tools {
  readonly ours: Arc
  readonly plain: Arc
  /** Restic and borg, encrypted as ours is, as far as they are installed. */
  readonly peers: readonly SnapshotTool[]
  readonly plainBorg: Borg | undefined
  readonly tar: TarZst
}

function makeTools(bench: Bench, place: string): Tools {
  const packed = (name: string): PackedApplication => packApplication(name, bench.scratch)
  const apps = {
    projectclone: packed('projectclone'),
    projectrestore: packed('projectrestore'),
    node: bench.app.node,
  }
  const [hasRestic, hasBorg] = ['restic', 'borg'].map((program) => isInstalled(program, bench.scratch))
  if (hasRestic !== true) bench.skip('restic: it is not installed')
  if (hasBorg !== true) bench.skip('borg: it is not installed')
  return {
    ours: new Arc(join(place, 'arc'), apps, true),
    plain: new Arc(join(place, 'arc-plain'), apps, false),
    peers: [
      ...(hasRestic === true ? [new Restic(join(place, 'restic'))] : []),
      ...(hasBorg === true ? [new Borg(join(place, 'borg'), true)] : []),
    ],
    plainBorg: hasBorg === true ? new Borg(join(place, 'borg-plain'), false) : undefined,
    tar: new TarZst(join(place, 'tar')),
  }
}

/** What git tracks, without git's own folder: what every tool is to keep. */
function copyTracked(corpus: Corpus, tree: string): void {
  mkdirSync(tree, { recursive: true })
  const copy = 'git ls-files -z | tar --null --files-from=- --create --file=- | tar --extract --directory="$0"'
  run('sh', ['-c', copy, tree], { cwd: corpus.root })
}

function turnsOf({ warmUps }: Bench, { runs }: Pick<Corpus, 'runs'>): { runs: number; warmUps: number } {
  return { runs, warmUps: Math.min(warmUps, 1) }
}

function targetFor(targets: Readonly<Record<string, number>>, tool: string): number | undefined {
  const key = Object.keys(targets).find((name) => tool.startsWith(name))
  return key === undefined ? undefined : targets[key]
}

/** A row for each other tool; all were measured in the same rounds, ours first. */
function* against(
  about: Pick<Comparison, 'job' | 'corpus'>,
  samples: Readonly<Record<string, readonly Sample[]>>,
  targets: Readonly<Record<string, number>>,
): Generator<Comparison> {
  const [[, ours] = [], ...others] = Object.entries(samples)
  for (const [name, theirs] of others)
    yield comparison({ ...about, against: name, target: targetFor(targets, name) }, ours ?? [], theirs)
}

function sizeLimit(what: string, corpus: string, value: number, other: number, ratio: number, name: string): Limit {
  const figure = `size: ${what}, against ${name} (${(value / other).toFixed(2)})`
  return { kind: 'limit', figure, corpus, value, unit: 'bytes', bound: 'at most', target: Math.floor(other * ratio) }
}

function peak(job: string, corpus: string, samples: readonly Sample[], target: number): Limit {
  const value = Math.max(...samples.map(({ peakBytes }) => peakBytes))
  return { kind: 'limit', figure: `peak memory: ${job}`, corpus, value, unit: 'bytes', bound: 'at most', target }
}

function* storing(bench: Bench, tools: Tools, corpus: Corpus, tree: string): Generator<Row> {
  const turns = turnsOf(bench, corpus)
  const all = [tools.ours, ...tools.peers, tools.tar]
  const samples = measureInTurns(
    commandsOf(all, (tool) => first(tool, tree)),
    turns,
  )
  yield* against({ job: 'first snapshot', corpus: corpus.name }, samples, FIRST[corpus.name])
  yield peak('first snapshot', corpus.name, samples[tools.ours.name] ?? [], MAX_PEAK_BYTES)
  const plain = [tools.plain, ...(tools.plainBorg ? [tools.plainBorg] : [])]
  const plainSamples = measureInTurns(
    commandsOf(plain, (tool) => first(tool, tree)),
    turns,
  )
  yield* against({ job: 'first snapshot, plain', corpus: corpus.name }, plainSamples, {})
  for (const tool of [...tools.peers, tools.tar]) {
    const ratio = targetFor(SIZE[corpus.name], tool.name)
    if (ratio !== undefined)
      yield sizeLimit('first snapshot', corpus.name, tools.ours.storeBytes(), tool.storeBytes(), ratio, tool.name)
  }
  const unchanged = measureInTurns(
    commandsOf([tools.ours, ...tools.peers], (tool) => tool.take(tree)),
    turns,
  )
  yield* against({ job: 'unchanged snapshot', corpus: corpus.name }, unchanged, {
    restic: MAX_UNCHANGED,
    borg: MAX_UNCHANGED,
  })
}

function* bringingBack(bench: Bench, tools: Tools, corpus: Corpus, tree: string): Generator<Row> {
  const turns = turnsOf(bench, corpus)
  const target = `${tree}-restored`
  const restored = measureInTurns(
    commandsOf([tools.ours, ...tools.peers, tools.tar], (tool) => tool.restore(target)),
    turns,
  )
  yield* against({ job: 'restore, in memory', corpus: corpus.name }, restored, RESTORE)
  rmSync(target, { recursive: true })
  const verified = measureInTurns(
    commandsOf([tools.ours, ...tools.peers], (tool) => tool.verify()),
    turns,
  )
  yield* against({ job: 'verify all data', corpus: corpus.name }, verified, { restic: MAX_VERIFY })
}

function commandsOf(tools: readonly SnapshotTool[], command: (tool: SnapshotTool) => Command): Record<string, Command> {
  return Object.fromEntries(tools.map((tool) => [tool.name, command(tool)]))
}

/** Hard-linked trees beside rsync, copies beside cp. */
function* plainFolders(bench: Bench, { plain }: Tools, corpus: Corpus, tree: string): Generator<Row> {
  const turns = turnsOf(bench, corpus)
  const place = `${tree}-folders`
  const [links, copies, previous, next] = ['links', 'copies', 'previous', 'next'].map((name) => join(place, name)) as [
    string,
    string,
    string,
    string,
  ]
  const take = (mode: string, to: string): Command =>
    plain.clone('snapshot', tree, '--mode', mode, '--to', to, '--quiet')
  const clear = (folder: string) => (): void => rmSync(folder, { recursive: true, force: true })
  mkdirSync(place)
  plain.fresh()
  measure(take('link', links))
  const cwd = place
  const rsync = (...args: string[]): Command => ({ program: 'rsync', args: ['-aHAX', ...args, `${tree}/`], cwd })
  measure({ program: 'rsync', args: ['-aHAX', `${tree}/`, previous], cwd })
  const linked = measureInTurns(
    {
      ours: take('link', links),
      rsync: { ...rsync(), args: ['-aHAX', `--link-dest=${previous}`, `${tree}/`, next], prepare: clear(next) },
    },
    turns,
  )
  const job = { job: 'link mode, unchanged', corpus: corpus.name, against: '`rsync -aHAX --link-dest`' }
  yield comparison({ ...job, target: MAX_LINK }, linked.ours, linked.rsync)
  clear(next)()
  const copied = measureInTurns(
    {
      ours: { ...take('copy', copies), prepare: clear(copies) },
      cp: { program: 'cp', args: ['-a', tree, next], cwd, prepare: clear(next) },
    },
    turns,
  )
  const about = { job: 'copy mode', corpus: corpus.name, against: '`cp -a`' }
  yield comparison({ ...about, target: MAX_COPY }, copied.ours, copied.cp)
  clear(place)()
}

/** Ten releases of one project, one after another. */
function* releases(bench: Bench, { ours, peers }: Tools, tree: string): Generator<Row> {
  const repository = bench.releases
  const tags = repository === undefined ? [] : releaseTags(repository)
  const restic = peers.find(({ name }) => name === 'restic')
  if (repository === undefined || tags.length < 10)
    return bench.skip('ten releases of one project: --corpus releases=DIR names no repository with tags of ten')
  if (restic === undefined) return
  for (const tool of [ours, restic]) tool.fresh()
  const mine: Sample[] = []
  const theirs: Sample[] = []
  for (const tag of tags) {
    checkOut(repository, tag, tree)
    mine.push(measure(ours.take(tree)))
    theirs.push(measure(restic.take(tree)))
  }
  rmSync(tree, { recursive: true })
  const dearest = mine.reduce(
    (worst, { cpuS }, i) => {
      const ratio = cpuS / (theirs[i] as Sample).cpuS
      return ratio > worst.ratio ? { i, ratio } : worst
    },
    { i: 0, ratio: 0 },
  ).i
  const about = { corpus: 'releases', against: 'restic', target: RELEASES.time }
  yield comparison({ ...about, job: 'each of ten releases' }, mine, theirs)
  const [worst, peer] = [mine, theirs].map((samples) => samples.slice(dearest, dearest + 1)) as [Sample[], Sample[]]
  yield comparison({ ...about, job: 'the worst of ten releases' }, worst, peer)
  yield sizeLimit('ten releases', 'releases', ours.storeBytes(), restic.storeBytes(), RELEASES.size, 'restic')
}

/** Half a gigabyte, and the same with bytes inserted. */
function* binaries(bench: Bench, { ours, peers }: Tools, place: string): Generator<Row> {
  const restic = peers.find(({ name }) => name === 'restic')
  if (restic === undefined) return
  mkdirSync(place)
  const [before, after] = [join(place, 'before'), join(place, 'after')]
  writeBinaries(before)
  writeShifted(after)
  const tools = [ours, restic]
  const samples = measureInTurns(
    commandsOf(tools, (tool) => first(tool, before)),
    { runs: 3, warmUps: 0 },
  )
  yield* against({ job: 'first snapshot', corpus: 'binaries' }, samples, { restic: BINARIES.time })
  const [mine = 0, theirs = 0] = tools.map((tool) => {
    const bytes = tool.storeBytes()
    measure(tool.take(after))
    return tool.storeBytes() - bytes
  })
  yield sizeLimit('growth when bytes are inserted', 'binaries', mine, theirs, BINARIES.growth, 'restic')
  rmSync(place, { recursive: true })
}

/** One very long file, on disk. */
function* memory(bench: Bench, { ours }: Tools): Generator<Row> {
  const { bavail, bsize } = statfsSync(bench.scratch)
  if (bavail * bsize < LONG_FILE.roomBytes) return bench.skip('one file of 10 GiB: the disk has no 24 GiB to spare')
  const tree = join(bench.scratch, 'long')
  mkdirSync(tree)
  writeLongFile(join(tree, 'file'), LONG_FILE.mebibytes)
  const onDisk = ours.at(join(bench.scratch, 'long-store'))
  const sample = measure(first(onDisk, tree))
  yield peak('first snapshot of one file of 10 GiB', '', [sample], LONG_FILE.maxPeakBytes)
  for (const folder of [tree, join(bench.scratch, 'long-store')]) rmSync(folder, { recursive: true })
}

/** An index of chunks that nobody has: opened, and asked for 100,000 of them. */
function* largeIndex({ app, scratch }: Bench): Generator<Row> {
  const place = join(scratch, 'index')
  const command = (phase: string): Command => ({
    program: app.node.executable,
    args: [LARGE_INDEX, String(INDEX.chunks), phase, place],
    cwd: scratch,
  })
  measure(command('write'))
  const sample = measure(command('query'))
  const what = `an index of ${INDEX.chunks / 1e6} million chunks, opened and asked 100,000 times`
  yield peak(what, '', [sample], INDEX.maxPeakBytes)
  yield {
    kind: 'limit',
    figure: `processor time: ${what}`,
    corpus: '',
    value: sample.cpuS,
    unit: 'seconds',
    bound: 'at most',
    target: 60,
  }
  rmSync(place, { recursive: true })
}
