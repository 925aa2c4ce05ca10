import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../tools/smoke/check.ts'
import { type Command, measure, measureInTurns } from '../measure.ts'
import { type Bench, comparison, type Limit, type Row, type Suite } from '../suite.ts'

const JOB = join(import.meta.dirname, '../versions-job.ts')
const PUTS_PER_COMMIT = 40
const COMMITS = 10
const MEBIBYTE = 1024 * 1024

/** Versions in a folder: writing, reading, listing. Each job is one process; what it starts with counts against it. */
export const versions: Suite = {
  name: 'versions',
  *run(bench: Bench): Generator<Row> {
    const isQuick = bench.shortRuns === 1
    const jobs = new VersionJobs(bench, isQuick ? 0.02 : 1)
    yield againstGit(jobs)
    yield jobs.seconds('20,000 durable puts of 2 KiB, 64 at a time', 'put-many', 20_000, 5)
    yield jobs.seconds('4,000 durable puts of 2 KiB, one after the other', 'put-each', 4_000, 1)
    yield jobs.seconds('30,000 versions of 2 KiB read', 'read', 30_000, 2)
    yield jobs.seconds('160,000 times the versions of a key', 'list', 160_000, 2)
    yield* jobs.million()
    yield jobs.seconds('import with a local mount', 'import', 1, 0.03)
  },
}

class VersionJobs {
  readonly bench: Bench
  readonly #scale: number

  constructor(bench: Bench, scale: number) {
    this.bench = bench
    this.#scale = scale
  }

  get folder(): string {
    return join(this.bench.scratch, 'store')
  }

  count(full: number): number {
    return Math.max(1, Math.round(full * this.#scale))
  }

  command(job: string, count: number): Command {
    const { app, scratch } = this.bench
    return {
      program: app.node.executable,
      args: [JOB, job, this.folder, String(count)],
      cwd: scratch,
      prepare: () => job === 'listing' || rmSync(this.folder, { recursive: true, force: true }),
    }
  }

  /** What the job itself says it took: starting Node is told by another suite. */
  seconds(figure: string, job: string, full: number, targetS: number): Limit {
    const { program, args, cwd, prepare } = this.command(job, this.count(full))
    const values: number[] = []
    for (let round = 0; round < Math.min(5, this.bench.shortRuns); round++) {
      prepare?.()
      values.push(Number(run(program, [...args], { cwd })))
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
