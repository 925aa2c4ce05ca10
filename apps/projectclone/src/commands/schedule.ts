import { join, resolve } from 'node:path'
import { ArcError, isArcError, systemCallError } from '@arc/core'
import { makeFolders, publishFile } from '@arc/core/node'
import {
  choiceOption,
  type CommandContext,
  defineCommand,
  fileOption,
  flagOption,
  folderOption,
  integerOption,
  printJson,
  textOption,
  type Values,
} from '@arc/kit'
import { homePath, openStorePlace, secretSource, type VaultPlace } from '@arc/kit/vault'
import type { SnapshotInfo } from '@arc/snapshot'
import { readStatus } from '../exit-status.ts'
import { projectName } from '../project-name.ts'
import { snapshotsOf } from '../last-snapshot.ts'
import { locateProject, type ProjectPlace } from '../project-source.ts'
import { readActivity } from '../schedule/activity.ts'
import { describePlan } from '../schedule/describe-plan.ts'
import { type EmittedFile, emitSchedule, jobName, SCHEDULERS } from '../schedule/emit.ts'
import { planSchedule, type SchedulePlan } from '../schedule/plan-schedule.ts'
import { isFleeting, scheduledCommand } from '../schedule/scheduled-command.ts'
import { type TimeOfDay, timeOfDayOption } from '../schedule/time-of-day.ts'
import { takeOptions } from '../snapshot-options.ts'
import { recallSelection } from '../source-options.ts'
import { placeToWrite } from '../store-to-write.ts'
import { describeSnapshot, reportGaps, shownId, takeProject } from '../take-project.ts'

const GROUP = 'Schedule'

const options = {
  perDay: integerOption({ min: 1, max: 24 }, 'how many snapshots a day', {
    default: 1,
    placeholder: 'N',
    group: GROUP,
  }),
  at: timeOfDayOption('a local time for one, instead of learned ones', { repeatable: true, group: GROUP }),
  run: flagOption('stay, and take them', { group: GROUP }),
  emit: choiceOption(SCHEDULERS, 'print what this scheduler needs to take them', { group: GROUP }),
  output: fileOption('with --emit: write the files into this folder', {
    short: 'o',
    placeholder: 'DIR',
    complete: 'folder',
    group: GROUP,
  }),
  note: textOption('what to call the snapshots', { default: 'scheduled', short: 'm' }),
  ...takeOptions,
}

type Context = CommandContext<{ root: string }, Values<typeof options>>

export const schedule = defineCommand({
  summary: 'Find out when to take snapshots, and have them taken',
  description:
    'Learns from the times of commits, of files and of earlier snapshots at which times of day a snapshot would leave the least work waiting for one, and shows how long changes would have waited with these times, with evenly spread ones and with 02:00, on the last three tenths of the history, which it did not learn from. When there is too little history, or learned times are no better, it says so and spreads the snapshots evenly. --run then takes them as long as it is not interrupted; --emit prints files for a scheduler of the system. The other options are those of the snapshots; what the last one was told to leave out is left out, unless options say what is.',
  arguments: { root: folderOption('the project', { default: '.', placeholder: 'ROOT' }) },
  options,
  conflicts: [
    ['run', 'emit'],
    ['at', 'perDay'],
  ],
  examples: [
    { command: 'projectclone schedule --per-day 3', summary: 'three good times, and what they are worth' },
    { command: 'projectclone schedule --emit systemd -o ~/.config/systemd/user', summary: 'a timer' },
    { command: 'projectclone schedule --at 12:30 --at 18:00 --emit cron', summary: 'lines for a crontab' },
    { command: 'projectclone schedule --per-day 4 --run', summary: 'in this terminal' },
  ],
  exitStatus: readStatus,
  async run(context) {
    const { arguments: args, options: given, host, common, log } = context
    if (given.output !== undefined && given.emit === undefined)
      throw new ArcError('ARC_OPTION_INVALID', '--output belongs to --emit', {
        hint: 'Add --emit systemd, cron or launchd.',
      })
    const place = placeToWrite(given, host)
    const project = locateProject(args.root, host, place)
    const snapshots = await ownSnapshots(project, place, context)
    const values = recallSelection(given, snapshots.at(-1)?.selection)
    const history = await readActivity(project.path, snapshots, host)
    const times = values.at.length === 0 ? undefined : [...new Set(values.at)].sort((a, b) => a - b)
    const plan = planSchedule(history, { perDay: values.perDay, given: times })
    if (values.emit !== undefined) return emit(values.emit, plan, project, place, { ...context, options: values })
    if (!values.run) {
      if (common.json) printJson(host, { project: project.path, ...plan })
      else host.stdout.write(describePlan(plan))
      return undefined
    }
    log.info(describePlan(plan).trimEnd())
    const { runDaily } = await import('../schedule/foreground.ts')
    return await runDaily(timesOf(plan), () => takeOne(project.path, { ...context, options: values }), context)
  },
})

/** The snapshots of this folder, oldest first; none where there is no vault yet. */
async function ownSnapshots(
  project: ProjectPlace,
  place: VaultPlace,
  { options: values, host, signal }: Context,
): Promise<SnapshotInfo[]> {
  try {
    await using store = await openStorePlace(place, host, { secret: secretSource(values, host) })
    return await snapshotsOf(store, project, signal)
  } catch (error) {
    if (isArcError(error) && (error.code === 'ARC_VAULT_NOT_FOUND' || error.code === 'ARC_KEY_WRITE_ONLY')) return []
    throw error
  }
}

function timesOf({ times }: SchedulePlan): TimeOfDay[] {
  return times.map((time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3)))
}

async function takeOne(root: string, context: Context): Promise<void> {
  const { options: values, host, common, log } = context
  const result = await takeProject(root, values.note, values, context)
  if (common.json) printJson(host, result)
  else host.stdout.write(shownId(result))
  log.info(describeSnapshot(result))
  reportGaps(result.snapshot, common, log)
}

function emit(
  scheduler: (typeof SCHEDULERS)[number],
  plan: SchedulePlan,
  project: ProjectPlace,
  place: VaultPlace,
  { options: values, host, common, log }: Context,
): void {
  const name = values.project ?? projectName(project.path, host)
  const command = scheduledCommand(project.path, values.note, values, place, host)
  if (isFleeting(command))
    log.warn('npx keeps this program only for a while: install it with npm install -g projectclone')
  const { files, advice } = emitSchedule(scheduler, {
    name: jobName(name, project.path),
    project: name,
    command,
    times: timesOf(plan),
    home: homePath(host),
  })
  const isSecretHere = host.env['ARC_PASSPHRASE'] !== undefined
  if (isSecretHere && values.passphraseFile === undefined && values.identity === undefined)
    log.warn('ARC_PASSPHRASE will not be there when the snapshot is taken: give --passphrase-file or --identity')
  const folder = values.output === undefined ? undefined : writeFiles(resolve(host.cwd, values.output), files)
  if (common.json) printJson(host, { project: project.path, ...plan, scheduler, folder, files })
  else if (folder === undefined)
    host.stdout.write(files.map(({ name: file, text }) => headed(file, text, files)).join('\n'))
  else host.stdout.write(files.map((file) => `${join(folder, file.name)}\n`).join(''))
  log.info(describePlan(plan).split('\n', 2).join('\n'))
  log.info(advice)
}

/** Of several files, each below its name, in a comment. */
function headed(name: string, text: string, files: readonly EmittedFile[]): string {
  return files.length === 1 ? text : `# ${name}\n${text}`
}

function writeFiles(folder: string, files: readonly EmittedFile[]): string {
  try {
    makeFolders(folder)
  } catch (error) {
    throw systemCallError(error, 'make', folder)
  }
  for (const { name, text } of files) publishFile(join(folder, name), Buffer.from(text))
  return folder
}
