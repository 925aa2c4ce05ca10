import { ArcError } from '@arc/core'
import {
  type CommandContext,
  createStyle,
  defineCommand,
  formatCounted,
  nameOption,
  printJson,
  textOption,
  type Values,
  visible,
} from '@arc/kit'
import { diffSnapshots, listSnapshots, type SnapshotInfo, type SnapshotStore } from '@arc/snapshot'
import { reportChanges, totalsText } from '../change-report.ts'
import { readStatus } from '../exit-status.ts'
import { type BisectionResult, bisect as search, type Verdict, verdictOf } from '../runs/bisection.ts'
import { checkOut } from '../runs/checkout.ts'
import { execute, passedOn, statusOf } from '../runs/execute.ts'
import { shortId, snapshotTable, timeText } from '../snapshot-rows.ts'
import { filterOptions, findSnapshot, openFrom, SNAPSHOT_HELP, vaultOptions } from '../vault-options.ts'

const PARTIAL_STATUS = 4

const options = {
  good: nameOption(`where the command succeeds: ${SNAPSHOT_HELP}`, { required: true, placeholder: 'SNAPSHOT' }),
  bad: nameOption('a later one, where it fails', { default: 'latest', placeholder: 'SNAPSHOT' }),
  ...filterOptions,
  ...vaultOptions,
}

type Context = CommandContext<{ command: readonly string[] }, Values<typeof options>>

export const bisect = defineCommand({
  summary: 'Find the first snapshot in which a command fails',
  description:
    'Runs the command in scratch folders with the snapshots between a good and a bad one, halving them each time, and prints the first bad one and what it changed. 0 means good, 1 to 124, 126 and 127 mean bad, 125 that it cannot be told; with any other status the search ends, as for git bisect run. Both ends are tried first. Snapshots of the same state are tried once. What the command prints goes to standard error. Without --project, --host and --tag the snapshots are those of the current folder, if there are any.',
  arguments: {
    command: textOption('the program and its arguments, after --', {
      required: true,
      repeatable: true,
      placeholder: 'CMD',
    }),
  },
  options,
  examples: [
    { command: 'projectclone bisect --good v1 -- npm test', summary: 'since when do the tests fail' },
    { command: 'projectclone bisect --good 2026-11-01 --bad latest~3 -- ./check', summary: 'by time' },
  ],
  exitStatus: { ...readStatus, 4: 'narrowed down only, for the command could not tell' },
  async run(context) {
    const { options: values, host, signal, common, log } = context
    await using store = await openFrom(values, host)
    const states = await statesBetween(store, context)
    const tester = new Tester(store, context)
    await tester.expect(states[0] as SnapshotInfo, 'good')
    await tester.expect(states.at(-1) as SnapshotInfo, 'bad')
    const result = await search(states.length, async ({ index, left, steps }) => {
      log.info(`${formatCounted(left + 1, 'snapshot')} to try, about ${formatCounted(steps + 1, 'step')}`)
      return tester.test(states[index] as SnapshotInfo)
    })
    const { before, candidates } = chosen(states, result)
    const [first] = candidates
    const isFound = candidates.length === 1 && first !== undefined
    if (!common.json) {
      host.stdout.write(isFound ? 'the first bad snapshot:\n' : 'the first bad snapshot is one of these:\n')
      host.stdout.write(snapshotTable(candidates))
    }
    const batches = diffSnapshots(store, before.id, (candidates.at(-1) as SnapshotInfo).id, { signal })
    const style = createStyle(context.color)
    const { totals, changes } = await reportChanges(batches, host, { isJson: common.json, style })
    const found = { before, firstBad: isFound ? first : undefined, candidates, tests: tester.tests, totals, changes }
    if (common.json) printJson(host, found)
    log.info(`${totalsText(totals)} since ${shortId(before.id)} of ${timeText(before.time)} UTC, which is good`)
    return isFound ? 0 : PARTIAL_STATUS
  },
})

function chosen(
  states: readonly SnapshotInfo[],
  { first, last }: BisectionResult,
): { before: SnapshotInfo; candidates: SnapshotInfo[] } {
  return { before: states[first - 1] as SnapshotInfo, candidates: states.slice(first, last + 1) }
}

/** The states from the good one to the bad one, of several snapshots of one state the first. */
async function statesBetween(
  store: SnapshotStore,
  { options: values, host, signal }: Context,
): Promise<SnapshotInfo[]> {
  const good = await findSnapshot(store, values.good, values, host)
  const bad = await findSnapshot(store, values.bad, values, host)
  if (good.project !== bad.project || good.host !== bad.host)
    throw impossible(`${values.good} and ${values.bad} are snapshots of different projects`, 'Choose with --project.')
  const all = (await listSnapshots(store, { project: good.project, host: good.host, signal })).toSorted(
    (a, b) => Date.parse(a.time) - Date.parse(b.time) || a.sequence - b.sequence,
  )
  const [from, to] = [good, bad].map(({ id }) => all.findIndex((each) => each.id === id)) as [number, number]
  if (from >= to)
    throw impossible(`${values.good} is not older than ${values.bad}`, 'The good snapshot must be the older one.')
  const between = all.slice(from, to + 1)
  const isOther = (i: number): boolean => between[i]?.root === undefined || between[i]?.root !== between[i - 1]?.root
  const states = between.filter((_, i) => i === 0 || isOther(i))
  if (states.length < 2)
    throw impossible(`${values.good} and ${values.bad} are the same state`, 'Choose two that differ.')
  return states
}

function impossible(message: string, hint: string): ArcError {
  return new ArcError('ARC_BISECT_IMPOSSIBLE', message, { hint })
}

interface TestReport {
  readonly snapshot: string
  readonly status: number
  readonly verdict: Verdict
}

/** Runs the command in one state after another. */
class Tester {
  readonly tests: TestReport[] = []
  readonly #store: SnapshotStore
  readonly #context: Context

  constructor(store: SnapshotStore, context: Context) {
    this.#store = store
    this.#context = context
  }

  /** Try an end of the search. Throws when it is not as it was said to be. */
  async expect(snapshot: SnapshotInfo, expected: Verdict): Promise<void> {
    const verdict = await this.test(snapshot)
    if (verdict === expected) return
    const what = verdict === 'skip' ? 'the command cannot tell' : `it is ${verdict}`
    throw impossible(
      `${shortId(snapshot.id)} should be ${expected}, but ${what} (status ${this.tests.at(-1)?.status})`,
      'Choose other ends, or look at what the command needs: it runs in a fresh copy, with nothing but the snapshot.',
    )
  }

  async test(snapshot: SnapshotInfo): Promise<Verdict> {
    const { host, log, arguments: args } = this.#context
    using checkout = await checkOut(this.#store, snapshot, { host, log, isKept: false })
    const folder = checkout.path
    const env = { ...passedOn(host.env), PWD: folder }
    const outputs = { stdout: host.stderr, stderr: host.stderr }
    const execution = await execute(args.command, { host, folder, env, ...outputs, isInteractive: false })
    const status = statusOf(execution)
    const verdict = verdictOf(status)
    const name = `${shortId(snapshot.id)} of ${timeText(snapshot.time)} UTC`
    if (verdict === undefined)
      throw impossible(`the command ended with ${status} in ${name}: the search was given up`, 'Mend the command.')
    this.tests.push({ snapshot: snapshot.id, status, verdict })
    const note = snapshot.note === undefined ? '' : `, ${visible(snapshot.note).replaceAll('\n', ' ')}`
    log.info(`${name} is ${verdict === 'skip' ? 'skipped' : verdict} (status ${status}${note})`)
    return verdict
  }
}
