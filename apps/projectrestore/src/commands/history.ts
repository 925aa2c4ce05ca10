import { printablePath } from '@arc/core'
import {
  type CommandContext,
  confirm,
  defineCommand,
  folderOption,
  formatTable,
  integerOption,
  printJson,
} from '@arc/kit'
import { dropRestorePoints, listRestorePoints, type RestorePoint } from '@arc/restore-safe'
import { earlierTrees, pointDate } from '../restore-report.ts'
import { restoredFolder } from '../restored-folder.ts'

export const history = defineCommand({
  summary: 'Show the trees that restores replaced',
  description:
    'Oldest first. Each lies complete beside the folder and can be looked into; `projectrestore undo` brings one back.',
  arguments: {
    folder: folderOption('the folder that was restored to (default: this one, or the only one in it)', {
      placeholder: 'DIR',
    }),
  },
  options: {
    keepPoints: integerOption({ min: 0, max: 1000 }, 'drop all of them but the newest N, after asking'),
  },
  examples: [
    { command: 'projectrestore history app', summary: 'what can be brought back' },
    { command: 'projectrestore history app --keep-points 0', summary: 'none of it any more: their room is freed' },
    { command: 'projectrestore undo point-000001 --to app --dry-run', summary: 'what that would change' },
  ],
  exitStatus: { 75: 'a restore of the folder is running' },
  async run(context) {
    const { arguments: args, options, host, common, log } = context
    const target = restoredFolder(args.folder, host)
    const { keepPoints } = options
    if (keepPoints !== undefined && !(await drop(target, keepPoints, context))) return 1
    const points = listRestorePoints(target)
    if (common.json) printJson(host, { target, points })
    else if (points.length === 0) log.info(`${printablePath(target)} has no restore points`)
    else host.stdout.write(pointTable(points))
    return 0
  },
})

/** Drop the oldest points, after asking; false when that was declined. */
async function drop(
  target: string,
  keepPoints: number,
  context: Pick<CommandContext<unknown, unknown>, 'common' | 'host' | 'log'>,
): Promise<boolean> {
  const points = listRestorePoints(target)
  const going = points.slice(0, Math.max(0, points.length - keepPoints))
  if (going.length === 0) return true
  const message = `This would drop ${earlierTrees(going)} of ${printablePath(target)}, for good. Go on?`
  if (!(await confirm(context, { message }))) return false
  const dropped = await dropRestorePoints(target, keepPoints)
  context.log.info(`dropped ${earlierTrees(dropped)}`)
  return true
}

function pointTable(points: readonly RestorePoint[]): string {
  return formatTable(
    [{ header: 'Point' }, { header: 'Replaced (UTC)' }, { header: 'How' }, { header: 'By' }, { header: 'Lies in' }],
    points.map(({ id, replacedAt, mode, replacedBy, path }) => [
      id,
      pointDate(replacedAt),
      mode,
      printablePath(replacedBy),
      printablePath(path),
    ]),
  )
}
