import { printablePath } from '@arc/core'
import {
  defineCommand,
  flagOption,
  folderOption,
  formatBytes,
  formatCounted,
  printJson,
  reportOmissions,
  textOption,
} from '@arc/kit'
import { openStorePlace, secretSource } from '@arc/kit/vault'
import { planSnapshot, type SnapshotPlan } from '@arc/snapshot'
import { writeStatus } from '../exit-status.ts'
import { locateProject, openProject } from '../project-source.ts'
import { placeToWrite } from '../store-to-write.ts'
import { takeOptions } from '../snapshot-options.ts'
import { describeSnapshot, draftOf, reportGaps, shownId, takeProject } from '../take-project.ts'

const SIGNS = { added: '+', changed: '~', removed: '-' } as const

export const snapshot = defineCommand({
  summary: 'Take a snapshot of a project',
  description:
    'Everything in the folder goes into the vault, whatever git ignores included, but for what an option or a .projectcloneignore file (in the language of .gitignore) leaves out. What the vault has already is not stored again. The id of the snapshot is printed on standard output.',
  arguments: { root: folderOption('the project', { default: '.', placeholder: 'ROOT' }) },
  options: {
    note: textOption('what to call it', { short: 'm' }),
    dryRun: flagOption('only show what has changed since the snapshot before', { short: 'n' }),
    ...takeOptions,
  },
  examples: [
    { command: 'projectclone snapshot ~/code/app --note "before the merge"', summary: 'into the vault at home' },
    { command: 'projectclone snapshot --to /mnt/disk/vault --tag nightly', summary: 'into one on a disk' },
    { command: 'projectclone snapshot --to s3://bucket/vault', summary: 'into one in an object store' },
    { command: 'projectclone snapshot --gitignore --exclude-caches', summary: 'without what can be made again' },
    { command: 'projectclone snapshot --dry-run', summary: 'what would be stored' },
  ],
  exitStatus: { ...writeStatus, 4: 'taken, but for what could not be read or kept changing, which is listed' },
  async run(context) {
    const { arguments: args, options, host, common, log, signal } = context
    if (options.dryRun) {
      const place = placeToWrite(options, host)
      await using project = await openProject(locateProject(args.root, host, place), options, host, place)
      await using vault = await openStorePlace(place, host, { secret: secretSource(options, host) })
      const plan = await planSnapshot(vault, project.source, {
        ...draftOf(project, options.note, options, host),
        signal,
      })
      if (common.json) printJson(host, plan)
      else host.stdout.write(describePlan(plan))
      return reportOmissions(plan.omissions, common, log)
    }
    const result = await takeProject(args.root, options.note, options, context)
    if (common.json) printJson(host, result)
    else host.stdout.write(shownId(result))
    log.info(describeSnapshot(result))
    const status = reportGaps(result.snapshot, common, log)
    return result.hooks?.some((hook) => hook.status !== 0) === true ? 1 : status
  },
})

function describePlan({ changes, totals }: SnapshotPlan): string {
  const { added, changed, removed, changedBytes } = totals
  const lines = changes.map(({ action, path }) => `${SIGNS[action]} ${printablePath(path)}\n`)
  const more = added + changed + removed - changes.length
  if (more > 0) lines.push(`… and ${formatCounted(more, 'more path')}\n`)
  return `${lines.join('')}${added} added, ${changed} changed, ${removed} removed; ${formatBytes(changedBytes)} to read\n`
}
