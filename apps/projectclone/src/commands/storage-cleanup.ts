import { ArcError } from '@arc/core'
import {
  confirm,
  defineCommand,
  flagOption,
  formatBytes,
  formatCounted,
  formatTable,
  integerOption,
  printJson,
  visible,
} from '@arc/kit'
import type { RetentionPlan } from '@arc/versioned-storage'
import { readStatus } from '../exit-status.ts'
import { openStoragePlace, pathArgument, placeArgument } from '../storage/storage-place.ts'

const MAX_COUNT = 1_000_000_000

export const cleanup = defineCommand({
  summary: 'Remove versions that no rule keeps',
  description:
    'A version that any rule keeps stays; the latest, tagged and held ones and those of snapshots always do. Shows what becomes of each and why, then asks.',
  arguments: { place: placeArgument, path: pathArgument },
  options: {
    keepLast: integerOption({ min: 1, max: MAX_COUNT }, 'keep the newest so many'),
    keepDays: integerOption({ min: 1, max: MAX_COUNT }, 'keep those of the last so many days'),
    dryRun: flagOption('only show what would be done', { short: 'n' }),
  },
  examples: [
    { command: 'projectclone storage cleanup s3://bucket/docs plan.md --keep-last 5 --keep-days 7', summary: 'asks' },
  ],
  exitStatus: readStatus,
  async run(context) {
    const { arguments: args, options, host, common, log, signal } = context
    const { keepLast, keepDays, dryRun } = options
    if (keepLast === undefined && keepDays === undefined)
      throw new ArcError('ARC_OPTION_INVALID', 'nothing says what to keep', {
        hint: 'Give --keep-last, --keep-days or both.',
      })
    await using place = await openStoragePlace(args.place, host)
    const node = place.node(args.path)
    const plan = await node.cleanupVersions({ keepLast, keepDays, dryRun: true, signal })
    if (plan.versions.length === 0)
      throw new ArcError('ARC_OBJECT_NOT_FOUND', `there has never been anything at ${visible(args.path)}`, {
        hint: 'Check the spelling of the path.',
      })
    if (!common.json) host.stdout.write(planTable(plan))
    const isIdle = dryRun || plan.removeCount === 0
    const count = formatCounted(plan.removeCount, 'version')
    if (!isIdle && !(await confirm(context, { message: `Remove ${count}?` }))) return 1
    const done = isIdle ? plan : await node.cleanupVersions({ keepLast, keepDays, signal })
    if (common.json) printJson(host, { plan: done, isApplied: !dryRun })
    else if (!isIdle)
      log.info(`removed ${formatCounted(done.removeCount, 'version')}, ${formatBytes(done.removeBytes)}`)
    return 0
  },
})

function planTable({ versions }: RetentionPlan): string {
  const columns = [{ header: 'Fate' }, { header: 'Version' }, { header: 'Time (UTC)' }, { header: 'Because' }]
  const rows = versions.map(({ action, id, modified, reasons }) => [
    action,
    id,
    modified.slice(0, 19).replace('T', ' '),
    reasons.length === 0 ? 'no rule keeps it' : reasons.join(', '),
  ])
  return rows.length === 0 ? '' : formatTable(columns, rows)
}
