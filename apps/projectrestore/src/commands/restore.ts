import { ArcError, type EntryPath } from '@arc/core'
import {
  type CommandContext,
  confirm,
  createStyle,
  defineCommand,
  flagOption,
  makeParents,
  printJson,
  type Values,
} from '@arc/kit'
import {
  applyRestore,
  idleResult,
  isIdle,
  listDroppedPoints,
  restoreNew,
  type RestorePlan,
  type RestorePoint,
  type RestoreResult,
} from '@arc/restore-safe'
import { restoreConfinedly } from '../confined-restore.ts'
import { assertElsewhere, tellElsewhere } from '../current-folder.ts'
import type { EntryChoice } from '../entry-choice.ts'
import { choosePaths } from '../path-choice.ts'
import { pinContent } from '../pinned-source.ts'
import { describeInspection, dryRunStatus, inspect, remembering, warnOfRisks } from '../pre-flight.ts'
import { previewPlan } from '../preview.ts'
import { describePlan, isDestructive, summarise, tellResult, unaskedOf } from '../restore-report.ts'
import {
  explaining,
  keepPointsOption,
  openRequest,
  planAt,
  requestOptions,
  type RestoreRequest,
} from '../restore-request.ts'
import { naming, sourceArgument } from '../stored-state.ts'
import { type TargetPlace } from '../target-place.ts'
import { openChosen } from '../whole-source.ts'

const options = {
  ...requestOptions,
  keepPoints: keepPointsOption,
  dryRun: flagOption('read and check everything, and only show what would be done', { short: 'n' }),
  preview: flagOption('show what would change, line by line, then ask', { short: 'p' }),
  interactive: flagOption('choose the paths from a list', { short: 'i' }),
  confine: flagOption(
    'unpack in a process that can write to nothing but a private folder; needs --to, and a new place',
  ),
}

type Context = CommandContext<{ source: string }, Values<typeof options>>

export const restore = defineCommand({
  summary: 'Bring a project back from where it is stored',
  description:
    'SOURCE is a tar or zip archive, a dump of create-dump, the URL of one, or a folder; its bytes tell which, not its name. With --from, or when there is no such file, it is a snapshot of projectclone: an id or its beginning, latest, latest~2, a tag, a note, or a time in UTC; all but an id of the folder that --to names, if there are snapshots of it, else of the current one. All or nothing: everything is written and checked in a private folder beside the target, and one swap puts it in place. Whatever stops it, the target is as before or complete. Without --mode the target must not exist or be empty. The tree that is replaced stays as a restore point for `projectrestore undo`.',
  arguments: { source: sourceArgument },
  options,
  conflicts: [
    ['dryRun', 'interactive', 'confine'],
    ['preview', 'confine'],
  ],
  examples: [
    { command: 'projectrestore app.tar.zst', summary: 'into ./app, which must not exist' },
    { command: 'projectrestore v1.0.tar.gz --strip 1 --to app', summary: 'without the folder that holds it all' },
    { command: 'projectrestore app.zip --to app --mode replace --preview', summary: 'look at every line, then decide' },
    { command: "projectrestore app.dump.md --to app --mode merge --only 'src/**'", summary: 'a part of it' },
    { command: 'projectrestore latest --project app --to app', summary: 'the last snapshot of projectclone' },
    { command: 'projectrestore restic:/mnt/disk/repo --to app', summary: 'the last snapshot of restic' },
    { command: 'projectrestore s3://bucket/app.tar.zst', summary: 'from an object store, while it arrives' },
    { command: 'ssh host tar -cf - app | projectrestore - --to app --strip 1', summary: 'from another machine' },
  ],
  exitStatus: {
    1: 'failed, or was declined; with --dry-run: it could not be done',
    3: 'the source is damaged, unsafe or not the one that was meant; nothing was written',
    4: 'done, but for what is listed; without --partial nothing was written',
    75: 'another restore works on the target',
  },
  async run(context) {
    const { arguments: args, options: values, common } = context
    if (values.preview && common.json)
      throw new ArcError('ARC_OPTION_INVALID', '--preview is for people, --json for programs', {
        hint: 'Use --dry-run --json.',
      })
    if (values.confine) {
      const { unasked, place, ...result } = await restoreConfinedly(args.source, values, context)
      return finish(result, unasked, place, context)
    }
    const isDirect = values.mode === 'new' && !values.preview && !values.interactive
    await using request = await openRequest(args.source, values, context, !isDirect && !isSinglePass(values))
    refuseHere(args.source, request, context)
    // Awaited here: what is returned unawaited outlives what `using` closes.
    return await naming(args.source, () =>
      explaining(values.links, async () => {
        if (values.dryRun) return showDryRun(request, context)
        using _parents = makeParents(request.place.path)
        return await (isDirect ? restoreDirectly(request, context) : restorePlanned(request, context))
      }),
    )
  },
})

/** A dry run can be made anywhere; what replaces the current folder must be begun outside of it. */
function refuseHere(source: string, { place, stored }: RestoreRequest, { host, log, options: values }: Context): void {
  const { mode, strip, only, from, dryRun } = values
  const words = (name: string, fromThere: (word: string) => string): string[] => [
    'projectrestore',
    fromThere(stored.path ?? source),
    '--to',
    name,
    ...(from === undefined ? [] : ['--from', fromThere(from)]),
    ...(mode === 'new' ? [] : ['--mode', mode]),
    ...(strip === 0 ? [] : ['--strip', String(strip)]),
    ...only.flatMap((glob) => ['--only', glob]),
  ]
  const command = { target: place.path, words, isPart: true }
  if (dryRun) tellElsewhere(command, host, log)
  else assertElsewhere(command, host)
}

/** A dry run reads everything once; showing lines needs the content again. */
function isSinglePass({ dryRun, preview }: Values<typeof options>): boolean {
  return dryRun && !preview
}

async function restoreDirectly(request: RestoreRequest, context: Context): Promise<number> {
  const { choice, place } = request
  await using source = await openChosen(request, choice)
  const result = await restoreNew(source, place.path, { ...request.options, only: choice.only })
  tellSource(request, context)
  return finish(result, choice.unasked, place, context)
}

async function restorePlanned(request: RestoreRequest, context: Context): Promise<number> {
  const { place, stored } = request
  const { host, log, signal, progress, options: values } = context
  let { choice } = request
  let plan = await planWith(choice, request)
  if (values.interactive) {
    const paths = await choosePaths(plan, host)
    choice = choice.among(paths)
    plan = await planWith(choice, request)
  }
  // A restore that changes nothing would still push the tree from before out of its restore point.
  if (isIdle(plan)) {
    log.info('nothing to do: the folder is as the source says')
    tellSource(request, context)
    return finish(idleResult(plan), [], place, context)
  }
  const inspection = inspect(plan, stored.madeAt, host)
  warnOfRisks(inspection, log)
  if (values.preview) await showPreview(plan, choice, request, context)
  const dropped = droppedBy(plan, values)
  const asks = plan.conflicts.length === 0 && (isDestructive(plan, dropped) || values.preview)
  if (asks && !(await confirm(context, { message: `${summarise(plan, dropped)}${fromText(stored)}. Go on?` }))) return 1
  await using source = await openChosen(request, choice)
  const result = await remembering(inspection, context, () =>
    applyRestore(plan, source, { keepPoints: values.keepPoints, signal, onProgress: progress.listener }),
  )
  tellSource(request, context)
  return finish(result, unaskedOf(plan), place, context)
}

async function planWith(choice: EntryChoice, request: RestoreRequest): Promise<RestorePlan> {
  await using source = await openChosen(request, choice)
  return await planAt(source, request.place.path, choice, request.options)
}

async function showDryRun(request: RestoreRequest, context: Context): Promise<number> {
  const { choice, stored } = request
  const { host, common, color, options: values } = context
  const only = choice.only
  await using source = pinContent(await openChosen(request, choice), (path) => only?.(path) !== false)
  const plan = await planAt(source, request.place.path, choice, request.options)
  const inspection = inspect(plan, stored.madeAt, host)
  tellSource(request, context)
  const droppedPoints = droppedBy(plan, values)
  if (common.json) printJson(host, { plan, inspection, unasked: unaskedOf(plan), droppedPoints })
  else {
    if (values.preview) await showPreview(plan, choice, request, context)
    else host.stdout.write(describePlan(plan, common.verbosity > 0, droppedPoints))
    host.stdout.write(describeInspection(inspection, createStyle(color)))
  }
  return dryRunStatus(plan, inspection)
}

/** The trees from before that carrying out a plan would cost; none where nothing is replaced. */
function droppedBy(plan: RestorePlan, { keepPoints }: Values<typeof options>): RestorePoint[] {
  return plan.mode === 'new' || isIdle(plan) ? [] : listDroppedPoints(plan.target, { keepPoints })
}

async function showPreview(
  plan: RestorePlan,
  choice: EntryChoice,
  request: RestoreRequest,
  { host, color, signal }: Context,
): Promise<void> {
  await using source = await openChosen(request, choice)
  await host.page(previewPlan(plan, source, { style: createStyle(color), signal }))
}

/** Say which snapshot a name meant. */
function tellSource({ stored }: RestoreRequest, { log }: Context): void {
  if (stored.label !== undefined) log.info(`from the snapshot ${stored.label}`)
}

function fromText({ label }: RestoreRequest['stored']): string {
  return label === undefined ? '' : `, from the snapshot ${label}`
}

function finish(
  result: RestoreResult,
  unasked: readonly EntryPath[],
  place: TargetPlace,
  { host, common, log }: Context,
): number {
  const status = tellResult(result, unasked, { log, common })
  if (common.json) printJson(host, { ...result, unasked })
  else host.stdout.write(`${place.shown}\n`)
  return status
}
