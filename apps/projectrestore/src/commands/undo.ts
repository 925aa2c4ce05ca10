import { openDirectory } from '@arc/collect'
import { ArcError, type EntryPath, printablePath } from '@arc/core'
import {
  type CommandContext,
  confirm,
  createStyle,
  defineCommand,
  flagOption,
  folderOption,
  integerOption,
  printJson,
  textOption,
  type Values,
} from '@arc/kit'
import {
  idleResult,
  isIdle,
  listDroppedPoints,
  listRestorePoints,
  planUndo,
  type RestorePlan,
  type RestorePoint,
  undoRestore,
} from '@arc/restore-safe'
import { parseGlob } from '@arc/collect'
import { assertElsewhere, tellElsewhere } from '../current-folder.ts'
import { isFolderAt } from '../folder-at.ts'
import { previewPlan } from '../preview.ts'
import { describePlan, isDestructive, summarise, tellResult } from '../restore-report.ts'
import { restoredFolder } from '../restored-folder.ts'

const options = {
  to: folderOption('the folder that was restored to (default: this one, or the only one in it)'),
  only: textOption('bring back only what matches, and what lies below it', { placeholder: 'GLOB', repeatable: true }),
  keepPoints: integerOption({ min: 0, max: 1000 }, 'how many trees from before to keep (default: all there are)'),
  dryRun: flagOption('only show what would be done', { short: 'n' }),
  preview: flagOption('show what would change, line by line, then ask', { short: 'p' }),
}

type Context = CommandContext<{ point: string | undefined }, Values<typeof options>>

export const undo = defineCommand({
  summary: 'Bring back a tree from before',
  description:
    'Without POINT the newest. A whole point is swapped in as it lies and is used up; the tree it replaces becomes a point in turn, so that an undo can be undone. With --only the chosen paths come from the point, which stays. No point is dropped unless --keep-points says so. The current folder cannot be replaced, since the shell would stay in the tree from before: there --dry-run works, and else it is said what to type.',
  arguments: { point: textOption('which tree, as `history` names it', { placeholder: 'POINT' }) },
  options,
  examples: [
    { command: 'projectrestore undo --to app', summary: 'the last restore, undone' },
    {
      command: "projectrestore undo point-000003 --to app --only 'src/**' --preview",
      summary: 'some files of an earlier tree',
    },
  ],
  exitStatus: {
    1: 'failed, or was declined; with --dry-run: it could not be done',
    75: 'another restore works on the folder',
  },
  async run(context) {
    const { arguments: args, options: values, host, common, log, signal, progress } = context
    const target = restoredFolder(values.to, host)
    const point = findPoint(target, args.point)
    refuseHere(target, context)
    const only = chosenFrom(point, target, values.only)
    const plan = await planUndo(target, point.id, { only, signal, onProgress: progress.listener })
    if (only !== undefined) assertChosen(plan, only)
    if (values.preview) await showPreview(plan, point, context)
    const { keepPoints } = values
    const usedUp = only === undefined ? point.id : undefined
    const dropped = keepPoints === undefined ? [] : listDroppedPoints(target, { keepPoints, usedUp })
    if (values.dryRun) {
      if (common.json) printJson(host, { plan, droppedPoints: dropped })
      else if (!values.preview) host.stdout.write(describePlan(plan, common.verbosity > 0, dropped))
      return plan.conflicts.length === 0 ? 0 : 1
    }
    const message = `${summarise(plan, dropped)}, from ${point.id}. Go on?`
    if ((isDestructive(plan, dropped) || values.preview) && !(await confirm(context, { message }))) return 1
    // A whole point is used up all the same; in part, nothing but one more point would come of it.
    const isDone = only !== undefined && isIdle(plan) && dropped.length === 0
    if (isDone) log.info(`nothing to do: what matches is as in ${point.id}`)
    const how = { keepPoints, signal, onProgress: progress.listener }
    const result = isDone ? idleResult(plan) : await undoRestore(plan, point.id, how)
    const status = tellResult(result, [], { log, common, isUndo: true })
    if (common.json) printJson(host, result)
    else host.stdout.write(`${values.to ?? printablePath(target)}\n`)
    return status
  },
})

function refuseHere(target: string, { arguments: { point }, options: values, host, log }: Context): void {
  const { keepPoints, only, dryRun } = values
  const words = (name: string): string[] => [
    'projectrestore',
    'undo',
    ...(point === undefined ? [] : [point]),
    '--to',
    name,
    ...only.flatMap((glob) => ['--only', glob]),
    ...(keepPoints === undefined ? [] : ['--keep-points', String(keepPoints)]),
  ]
  if (dryRun) tellElsewhere({ target, words }, host, log)
  else assertElsewhere({ target, words }, host)
}

function findPoint(target: string, id: string | undefined): RestorePoint {
  const points = listRestorePoints(target)
  const point = id === undefined ? points.at(-1) : points.find((each) => each.id === id)
  if (point !== undefined) return point
  const known = points.map((each) => each.id).join(', ')
  const shown = printablePath(target)
  throw new ArcError(
    'ARC_NOT_FOUND',
    `${shown} has no restore point${id === undefined ? '' : ` ${printablePath(id)}`}`,
    {
      path: shown,
      hint: known === '' ? 'No restore of this folder has kept one.' : `Choose one of: ${known}.`,
    },
  )
}

/** Which paths the patterns choose. Whether one is a folder is asked of the point, then of the target. */
function chosenFrom(
  point: RestorePoint,
  target: string,
  patterns: readonly string[],
): ((path: EntryPath) => boolean) | undefined {
  if (patterns.length === 0) return undefined
  const globs = patterns.map((pattern) => parseGlob(pattern))
  return (path) => {
    const isFolder = isFolderAt(point.path, path) || isFolderAt(target, path)
    return globs.some((glob) => glob.matches(path, isFolder))
  }
}

function assertChosen(plan: RestorePlan, only: (path: EntryPath) => boolean): void {
  if (plan.rows.some(({ path }) => only(path))) return
  throw new ArcError('ARC_ENTRY_MISSING', 'nothing in the restore point or the folder matches --only', {
    hint: 'Look at what there is with --dry-run and without --only.',
  })
}

async function showPreview(plan: RestorePlan, point: RestorePoint, { host, color, signal }: Context): Promise<void> {
  await using source = await openDirectory(point.path, { ignoreRules: false, gitFolders: true, env: host.env, signal })
  await host.page(previewPlan(plan, source, { style: createStyle(color), signal }))
}
