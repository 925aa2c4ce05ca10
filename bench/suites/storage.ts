import { spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { measureInTurns } from '../measure.ts'
import { type Bench, comparison, type Limit, type Row, type Suite } from '../suite.ts'

const ROOT = join(import.meta.dirname, '../..')
const SCRIPT = join(ROOT, 'packages/storage/scripts/transfer.ts')
const MAX_RATIO = 1.1
const AGAINST = { bare: 'bare SDK', hashed: 'bare SDK and SHA-256' } as const
const MAX_SMALL_S = 1 // 400 objects
const MAX_LARGE_S = 64 / 143 // 64 MiB at 150 MB/s
const READY_TIMEOUT_MS = 120_000

/** Transfers to real servers on this machine: S3 beside the vendor's bare client, SFTP beside a bound. */
export const storage: Suite = {
  name: 'storage',
  *run(bench: Bench): Generator<Row> {
    yield* withServer('rgw', bench, compareS3)
    yield* withServer('sshd', bench, limitSftp)
  },
}

function* compareS3({ app, scratch, shortRuns, warmUps }: Bench, facts: string): Generator<Row> {
  const comparisons = [
    ['put', 'bare'],
    ['get', 'bare'],
    ['get', 'hashed'], // what a get costs that is verified
  ] as const
  for (const [job, side] of comparisons) {
    const command = (who: string): { program: string; args: string[]; cwd: string } => ({
      program: app.node.executable,
      args: [SCRIPT, 's3', who, job, '10', facts],
      cwd: scratch,
    })
    const { ours, theirs } = measureInTurns(
      { ours: command('ours'), theirs: command(side) },
      { runs: Math.min(shortRuns, 5), warmUps },
    )
    const about = { job: `S3: ${job} 64 MiB, ten times`, corpus: '', against: AGAINST[side], target: MAX_RATIO }
    yield comparison(about, ours, theirs)
  }
}

function* limitSftp({ app, scratch, shortRuns }: Bench, facts: string): Generator<Row> {
  const bounds = { small: MAX_SMALL_S, put: MAX_LARGE_S, get: MAX_LARGE_S }
  for (const [job, target] of Object.entries(bounds)) {
    const args = [SCRIPT, 'sftp', 'ours', job, String(Math.min(shortRuns, 5)), facts]
    const { stdout, stderr, status } = spawnSync(app.node.executable, args, { cwd: scratch, encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    const value = Math.min(...stdout.trim().split('\n').map(Number))
    const figure = job === 'small' ? 'SFTP: put 400 objects of 1 KiB' : `SFTP: ${job} 64 MiB`
    yield { kind: 'limit', figure, corpus: '', value, unit: 'seconds', bound: 'at most', target } satisfies Limit
  }
}

/** Measurements wait without an event loop, so the server's line is read from a file. */
function* withServer(
  name: string,
  bench: Bench,
  rows: (bench: Bench, facts: string) => Generator<Row>,
): Generator<Row> {
  const path = join(bench.scratch, `${name}.json`)
  const output = openSync(path, 'w')
  const server = spawn(process.execPath, [join(ROOT, `tools/servers/${name}.ts`)], {
    stdio: ['pipe', output, 'ignore'],
  })
  closeSync(output)
  try {
    const facts = awaitLine(path)
    if (facts === undefined) bench.skip(`${name}: the server could not be started`)
    else yield* rows(bench, facts)
  } finally {
    server.kill('SIGTERM')
  }
}

function awaitLine(path: string): string | undefined {
  const clock = new Int32Array(new SharedArrayBuffer(4))
  for (const deadline = Date.now() + READY_TIMEOUT_MS; Date.now() < deadline; Atomics.wait(clock, 0, 0, 100)) {
    const text = readFileSync(path, 'utf8')
    if (text.endsWith('\n')) return text.trim()
  }
  return undefined
}
