import { statSync } from 'node:fs'
import { join } from 'node:path'
import { ArcError, assertSafePath, type EntryPath, isArcError } from '@arc/core'
import { defineCommand, flagOption, type Host, type Log, nameOption, textOption, visible, shellLine } from '@arc/kit'
import { snapshotLabel } from '@arc/kit/vault'
import { resolveSnapshot, type SnapshotInfo, type SnapshotStore } from '@arc/snapshot'
import { checkOut } from '../runs/checkout.ts'
import { environmentFacts } from '../runs/environment.ts'
import { endText, execute, passedOn, statusOf } from '../runs/execute.ts'
import { findRun, type RunSnapshot, snapshotBefore } from '../runs/find-run.ts'
import { shortId } from '../snapshot-rows.ts'
import { filterOptions, openFrom, scopeOf, vaultOptions } from '../vault-options.ts'

export const at = defineCommand({
  summary: 'Run a command in a past state, in a scratch folder',
  description:
    'Restores the state that a run found, or with --after the one it left, into a private folder of its own, and runs the command there: the recorded one, if none is given. The folder is removed afterwards. The project itself is not touched. A name that belongs to no run is that of a snapshot; then a command must be given. Of the environment only names are recorded: the command gets the one of now, and what is different is told.',
  arguments: {
    state: nameOption(
      'a run, or a snapshot: an id or its beginning, latest, latest~2, a tag, a note, or a time in UTC',
      {
        required: true,
        placeholder: 'RUN',
      },
    ),
    command: textOption('the program and its arguments, after -- (default: those of the run)', {
      repeatable: true,
      placeholder: 'CMD',
    }),
  },
  options: {
    after: flagOption('the state after the run instead of the one before'),
    keep: flagOption('do not remove the folder'),
    ...filterOptions,
    ...vaultOptions,
  },
  examples: [
    { command: 'projectclone at latest', summary: 'the last run again, from the same state' },
    { command: 'projectclone at 1a2b3c -- npm test -- --reporter verbose', summary: 'another command there' },
    { command: 'projectclone at 1a2b3c --after -- bash', summary: 'look around in what it left' },
  ],
  exitStatus: {
    126: 'the command could not be started',
    127: 'there is no such command; any other status may be its own',
  },
  async run({ arguments: args, options, host, common, log }) {
    if (common.json)
      throw new ArcError('ARC_OPTION_INVALID', 'standard output is that of the command', { hint: 'Leave --json out.' })
    await using store = await openFrom(options, host)
    const { run, state } = await stateOf(store, args.state, scopeOf(options, host), options.after)
    const command = args.command.length > 0 ? args.command : run?.run.command
    if (command === undefined)
      throw new ArcError('ARC_ARGUMENT_INVALID', `${args.state} is a snapshot and no run: CMD is missing`, {
        hint: 'Write what to run behind --.',
      })
    const env = passedOn(host.env)
    if (run !== undefined) tellEnvironment(run, env, log)
    log.info(`in the state of ${snapshotLabel(state)}: ${visible(shellLine(command))}`)
    using checkout = await checkOut(store, state, { host, log, isKept: options.keep })
    const folder = run === undefined ? checkout.path : folderOf(run, checkout.path)
    const settings = { host, folder, env: { ...env, PWD: folder }, stdout: host.stdout, stderr: host.stderr }
    const execution = await execute(command, { ...settings, isInteractive: true })
    log.info(run === undefined ? endText(execution) : `${endText(execution)}; the run ${endText(run.run)}`)
    return statusOf(execution)
  },
})

interface FoundState {
  readonly run: RunSnapshot | undefined
  readonly state: SnapshotInfo
}

/** The run that a name means and the state that is wanted of it, or else the snapshot. */
async function stateOf(
  store: SnapshotStore,
  name: string,
  filter: Parameters<typeof findRun>[2],
  isAfter: boolean,
): Promise<FoundState> {
  let run: RunSnapshot
  try {
    run = await findRun(store, name, filter)
  } catch (error) {
    if (!isArcError(error) || error.code !== 'ARC_SNAPSHOT_UNKNOWN') throw error
    return { run: undefined, state: await resolveSnapshot(store, name, filter) }
  }
  if (isAfter) return { run, state: run }
  const state = await snapshotBefore(store, run, filter.signal)
  if (state !== undefined) return { run, state }
  throw new ArcError('ARC_SNAPSHOT_UNKNOWN', `the snapshot before the run ${shortId(run.id)} is not there any more`, {
    hint: 'Use the state after it: --after.',
  })
}

/** Where a run's command is to run. Not every folder is in a snapshot, and a record may be of somebody else's making. */
function folderOf({ run }: RunSnapshot, root: string): string {
  if (run.folder === '') return root
  assertSafePath(run.folder as EntryPath)
  const folder = join(root, run.folder)
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return folder
  throw new ArcError('ARC_ENTRY_MISSING', `the state has no folder ${visible(run.folder)}, where the command ran`, {
    path: run.folder,
    hint: 'It was left out of the snapshot. To have it there: --keep, then make it and run the command yourself.',
  })
}

/** Tell in what the environment is another than that of the run. */
function tellEnvironment({ run }: RunSnapshot, env: Host['env'], log: Log): void {
  const { names, digest } = environmentFacts(env)
  if (digest === run.environment.digest) return
  const then = new Set(run.environment.names)
  const now = new Set(names)
  const gone = run.environment.names.filter((name) => !now.has(name))
  const added = names.filter((name) => !then.has(name))
  log.info('the environment is not that of the run')
  if (gone.length > 0) log.detail(visible(`not set now: ${gone.join(' ')}`))
  if (added.length > 0) log.detail(visible(`not set then: ${added.join(' ')}`))
  if (gone.length + added.length === 0) log.detail('the same variables are set, to other values')
}
