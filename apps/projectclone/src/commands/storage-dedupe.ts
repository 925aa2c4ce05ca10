import { printablePath } from '@arc/core'
import { confirm, defineCommand, flagOption, formatBytes, formatCounted, printJson, textOption } from '@arc/kit'
import { isRemoteUrl } from '@arc/kit/place'
import type { DuplicateGroup } from '@arc/versioned-storage'
import { readStatus } from '../exit-status.ts'
import { openStoragePlace, placeArgument } from '../storage/storage-place.ts'

export const dedupe = defineCommand({
  summary: 'Let equal files share their bytes',
  description:
    'Shows files with equal content, the most wasteful first. In a folder they can share their bytes on the disk, after a question; elsewhere they are only shown. Where the disk cannot share blocks, equal files become names of one file: a program that changes one in place, rather than replace it, then changes all of them. Versions share theirs anyway.',
  arguments: {
    place: placeArgument,
    path: textOption('only what begins so (default: all)', { placeholder: 'PREFIX' }),
  },
  options: { dryRun: flagOption('only show them', { short: 'n' }) },
  examples: [{ command: 'projectclone storage dedupe uploads --dry-run', summary: 'what is there twice' }],
  exitStatus: readStatus,
  async run(context) {
    const { arguments: args, options, host, common, log, signal } = context
    await using place = await openStoragePlace(args.place, host)
    const prefix = place.prefix(args.path)
    const groups = await place.storage.findDuplicates(prefix, { signal })
    if (!common.json) host.stdout.write(groups.map(groupLines).join(''))
    const isRemote = isRemoteUrl(args.place)
    if (isRemote && !options.dryRun && groups.length > 0)
      log.info('only files of a folder can share their bytes; nothing is changed')
    const isIdle = options.dryRun || isRemote || groups.length === 0
    if (!isIdle && !(await confirm(context, { message: `Let ${formatCounted(groups.length, 'group')} share bytes?` })))
      return 1
    const report = isIdle ? undefined : await place.storage.deduplicate(prefix, { strategy: 'reference', signal })
    if (common.json) printJson(host, { groups, ...report, isApplied: report !== undefined })
    else if (report !== undefined) log.info(`saved ${formatBytes(report.savedBytes)} by ${report.method}`)
    return 0
  },
})

function groupLines({ sizeBytes, paths }: DuplicateGroup): string {
  return `${formatBytes(sizeBytes)} each\n${paths.map((path) => `  ${printablePath(path)}\n`).join('')}`
}
