import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../tools/smoke/check.ts'
import { installLibrary } from '../application.ts'
import { type Command, measure, measureInTurns } from '../measure.ts'
import { type Bench, comparison, type Limit, type Row, type Suite } from '../suite.ts'

const BENCH = join(import.meta.dirname, '..')
/** What is not used here and need not be found to build the program. */
const CLIENTS = [
  '@aws-sdk/client-s3',
  '@aws-sdk/s3-request-presigner',
  '@azure/identity',
  '@azure/storage-blob',
  '@google-cloud/storage',
  'ssh2',
  'webdav',
]
const PUTS_PER_COMMIT = 40
const COMMITS = 10
const MEBIBYTE = 1024 * 1024

/**
 * Versions in a folder: writing, reading, listing. Each job is one process, of plain JavaScript as an installed package is.
 * What waits for the disk is told in seconds of the clock, what does not in seconds of CPU: the better of several runs.
 */
export const versions: Suite = {
  name: 'versions',
  *run(bench: Bench): Generator<Row> {
    const isQuick = bench.shortRuns === 1
    const jobs = new VersionJobs(bench, isQuick ? 0.02 : 1)
    yield againstGit(jobs)
    yield jobs.seconds('20,000 durable puts of 2 KiB, 16 at a time', 'put-many', { full: 20_000, targetS: 5 })
    yield jobs.seconds('4,000 durable puts of 2 KiB, one after the other', 'put-each', { full: 4_000, targetS: 1 })
    for (const job of ['put-many', 'put-each'])
      yield jobs.seconds(`4,000 durable puts of 2 KiB, ${job}: CPU`, job, { full: 4_000, targetS: 1, clock: 'cpu' })
    yield jobs.seconds('30,000 versions of 2 KiB read', 'read', { full: 30_000, targetS: 2, clock: 'cpu' })
    yield jobs.seconds('160,000 times the versions of a key', 'list', { full: 160_000, targetS: 2, clock: 'cpu' })
    yield* jobs.million()
    const aboutImport = { full: 1, targetS: 0.03, clock: 'cpu' } as const
    yield jobs.seconds('import with a local mount, bundled into a program', 'import', aboutImport)
    const program = jobs.installed()
    yield jobs.seconds('import with a local mount, installed by npm', 'import', { ...aboutImport, program })
  },
}

class VersionJobs {
  readonly bench: Bench
  readonly #scale: number
  readonly #program: string

  constructor(bench: Bench, scale: number) {
    this.bench = bench
    this.#scale = scale
    const folder = join(bench.scratch, 'versions-job')
    const options = ['--dir', folder, '--format', 'esm', '--platform', 'node', '--transform.target', 'node22']
    const externals = CLIENTS.flatMap((name) => ['--external', name])
    run(join(BENCH, 'node_modules/.bin/rolldown'), ['versions-job.ts', ...options, ...externals], { cwd: BENCH })
    this.#program = join(folder, 'versions-job.js')
  }

  get folder(): string {
    return join(this.bench.scratch, 'store')
  }

  count(full: number): number {
    return Math.max(1, Math.round(full * this.#scale))
  }

  /** The program as its source, in a project into which npm installed our packages: none of their files is put together further. */
  installed(): string {
    const program = join(installLibrary('versioned-storage', this.bench.scratch), 'versions-job.ts')
    copyFileSync(join(BENCH, 'versions-job.ts'), program)
    return program
  }

  command(job: string, count: number, program: string = this.#program): Command {
    const { app, scratch } = this.bench
    return {
      program: app.node.executable,
      args: [program, job, this.folder, String(count), '16'],
      cwd: scratch,
      prepare: () => job === 'listing' || rmSync(this.folder, { recursive: true, force: true }),
    }
  }

  /** What the job itself says it took: starting Node is told by another suite. */
  seconds(
    figure: string,
    job: string,
    about: { full: number; targetS: number; clock?: 'wall' | 'cpu'; program?: string },
  ): Limit {
    const { full, targetS, clock = 'wall' } = about
    const { program, args, cwd, prepare } = this.command(job, this.count(full), about.program)
    const values: number[] = []
    for (let round = 0; round < Math.min(5, this.bench.shortRuns); round++) {
      prepare?.()
      const [wall, cpu] = String(run(program, [...args], { cwd }))
        .trim()
        .split(' ')
        .map(Number)
      values.push((clock === 'wall' ? wall : cpu) ?? Number.NaN)
    }
    const value = Math.min(...values)
    return { kind: 'limit', figure, corpus: '', value, unit: 'seconds', bound: 'at most', target: targetS }
  }

  *million(): Generator<Row> {
    const count = this.count(1_000_000)
    const { program, args, cwd, prepare } = this.command('fill', count)
    prepare?.()
    run(program, [...args], { cwd })
    const sample = measure(this.command('listing', count))
    const figure = '1,000,000 versions of one prefix listed'
    yield { kind: 'limit', figure, corpus: '', value: sample.wallS, unit: 'seconds', bound: 'at most', target: 5 }
    const peak = { value: sample.peakBytes, target: 150 * MEBIBYTE }
    yield { kind: 'limit', figure: `peak memory: ${figure}`, corpus: '', unit: 'bytes', bound: 'at most', ...peak }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** As much CPU for forty versions as git takes for one commit of one. */
function againstGit(jobs: VersionJobs): Row {
  const { bench } = jobs
  const repository = join(bench.scratch, 'repository')
  const identity = '-c user.name=bench -c user.email=bench@localhost -c gc.auto=0'
  const commit = `n=0; while [ $n -lt ${COMMITS} ]; do n=$((n+1)); head -c 2048 /dev/urandom > "$GIT_WORK_TREE/f"; git add --all; git ${identity} commit -q -m v; done`
  const { ours, theirs } = measureInTurns(
    {
      ours: jobs.command('put-each', COMMITS * PUTS_PER_COMMIT),
      theirs: {
        program: 'sh',
        args: ['-c', commit],
        cwd: bench.scratch,
        env: { GIT_DIR: join(repository, '.git'), GIT_WORK_TREE: repository },
        prepare() {
          rmSync(repository, { recursive: true, force: true })
          run('git', ['init', '-q', repository], { cwd: bench.scratch })
        },
      },
    },
    { runs: Math.min(5, bench.shortRuns), warmUps: bench.warmUps },
  )
  const about = { job: `${COMMITS * PUTS_PER_COMMIT} durable versions of 2 KiB`, corpus: '', target: 1 }
  return comparison({ ...about, against: `${COMMITS} times \`git add\` and \`git commit\`` }, ours, theirs)
}
