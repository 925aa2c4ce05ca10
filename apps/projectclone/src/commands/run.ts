import { realpathSync } from 'node:fs'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { ArcError, isArcError } from '@arc/core'
import { defineCommand, folderOption, formatDuration, type Host, printJson, textOption, visible } from '@arc/kit'
import { diffSnapshots, type RunDraft, type SnapshotResult, type SnapshotStore } from '@arc/snapshot'
import { totalsText } from '../change-report.ts'
import type { Project } from '../project-source.ts'
import { environmentFacts } from '../runs/environment.ts'
import { endText, execute, type Execution, passedOn, statusOf } from '../runs/execute.ts'
import { OutputLog } from '../runs/output-log.ts'
import { takeOptions } from '../snapshot-options.ts'
import { shortId } from '../snapshot-rows.ts'
import { reportGaps, takeProject } from '../take-project.ts'

const { mode: _mode, format: _format, ...vaultTakeOptions } = takeOptions

export const run = defineCommand({
  summary: 'Run a command between two snapshots, and record it',
  description:
    'Takes a snapshot, runs the command in the current folder, and takes another snapshot, which records what was run: the words of the command, the folder, how it ended and when, the names of the variables of its environment and a digest of their values, how many files it changed, and what it printed (of more than 16 MiB the beginning and the end). The command has your input and gets the signals, and its exit status is the exit status. When the first snapshot fails, the command is not run. What the snapshot of this folder before was told to leave out is left out, unless options say what is.',
  arguments: {
    command: textOption('the program and its arguments; -- before it when any of them begins with a dash', {
      required: true,
      repeatable: true,
      placeholder: 'CMD',
    }),
  },
  options: {
    root: folderOption('the project: the current folder, or one above it', { default: '.' }),
    note: textOption('what to call it', { short: 'm' }),
    ...vaultTakeOptions,
  },
  examples: [
    { command: 'projectclone run -- npm test', summary: 'see afterwards what it did: projectclone runs show' },
    { command: 'projectclone run -m migration -- ./migrate --all', summary: 'and the way back: projectrestore' },
    { command: 'projectclone run --root .. -- sh -c "make 2>&1 | tail"', summary: 'a line of the shell, in a part' },
  ],
  exitStatus: {
    126: 'the command could not be started',
    127: 'there is no such command; any other status may be its own, 128 and a signal for one that was ended by it',
  },
  async run(context) {
    const { arguments: args, options, host, common, log } = context
    const values = { ...options, mode: undefined, format: undefined }
    const folder = folderIn(options.root, host)
    const env = passedOn(host.env)
    const before = await takeProject(options.root, undefined, values, context, { recalls: true })
    reportGaps(before.snapshot, common, log)
    log.detail(`${shortId(before.snapshot.id)} is the state before`)
    const printed = new OutputLog()
    const startedMs = host.now()
    const execution = await execute(args.command, {
      host,
      folder: host.cwd,
      env,
      // Standard output is the document's.
      stdout: common.json ? host.stderr : host.stdout,
      stderr: host.stderr,
      isInteractive: true,
      log: printed,
    })
    const endedMs = host.now()
    const facts = async (store: SnapshotStore, project: Project): Promise<RunDraft> => ({
      before: before.snapshot.id,
      command: args.command,
      folder,
      started: new Date(startedMs).toISOString(),
      ended: new Date(endedMs).toISOString(),
      ...endOf(execution),
      environment: environmentFacts(env),
      changes: await changesSince(store, before.snapshot.id, project, host.signal),
      output: { printedBytes: printed.printedBytes, log: printed.bytes() },
    })
    const own = statusOf(execution)
    let after: SnapshotResult
    try {
      after = await takeProject(options.root, options.note, values, context, { recalls: true, run: facts })
    } catch (error) {
      log.warn(`${visible(args.command[0] ?? '')} ${endText(execution)}, but the run could not be recorded`)
      if (own === 0) throw error
      log.warn(visible(error instanceof Error ? error.message : String(error)))
      return own
    }
    reportGaps(after.snapshot, common, log)
    if (common.json) printJson(host, { before: before.snapshot, after: after.snapshot })
    log.info(describeEnd(after.snapshot, endedMs - startedMs))
    return own
  },
})

function endOf({ status, signal }: Execution): Pick<RunDraft, 'status' | 'signal'> {
  return signal === undefined ? { status } : { signal }
}

function describeEnd({ id, run: facts }: SnapshotResult['snapshot'], tookMs: number): string {
  const end = `run ${shortId(id)}: ${facts === undefined ? '' : endText(facts)} after ${formatDuration(tookMs)}`
  return facts?.changes === undefined ? end : `${end}; ${totalsText(facts.changes)}`
}

/** The current folder as a path from the root of the project. Throws when it is not in it. */
function folderIn(root: string, host: Host): string {
  const path = relative(realPath(resolve(host.cwd, root)), realPath(host.cwd))
  if (path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path)) return path.split(sep).join('/')
  throw new ArcError('ARC_ARGUMENT_INVALID', `the current folder is not in ${root}`, {
    hint: 'Go to the folder that the command is to run in, and name the project with --root if it is one above.',
  })
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path // taking the snapshot will tell what is wrong with it
  }
}

async function changesSince(
  store: SnapshotStore,
  before: string,
  { source }: Project,
  signal: AbortSignal,
): Promise<RunDraft['changes']> {
  const totals = { added: 0, changed: 0, removed: 0 }
  try {
    for await (const batch of diffSnapshots(store, before, source, { signal }))
      for (const { action } of batch) totals[action]++
    return totals
  } catch (error) {
    // Who may only write to the vault cannot compare.
    if (isArcError(error) && error.code === 'ARC_KEY_WRITE_ONLY') return undefined
    throw error
  }
}
