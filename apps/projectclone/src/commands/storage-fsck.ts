import { printablePath } from '@arc/core'
import { defineCommand, flagOption, formatCounted, printJson, visible } from '@arc/kit'
import { openStoragePlace, placeArgument } from '../storage/storage-place.ts'

export const fsck = defineCommand({
  summary: 'Check all that a place keeps',
  description: 'Reads every version and holds it against its SHA-256.',
  arguments: { place: placeArgument },
  options: { repair: flagOption('mend what can be mended') },
  examples: [{ command: 'projectclone storage fsck s3://bucket/docs', summary: 'changes nothing' }],
  exitStatus: { 3: 'something is damaged or missing' },
  async run({ arguments: args, options, host, common, signal }) {
    await using place = await openStoragePlace(args.place, host)
    const report = await place.storage.fsck('place', { repair: options.repair, signal })
    if (common.json) printJson(host, report)
    else {
      const lines = report.problems.map(({ kind, key, detail, isRepaired }) => {
        const where = key === undefined ? '' : `${printablePath(key)}: `
        return `${kind}: ${where}${visible(detail)}${isRepaired ? ' (repaired)' : ''}\n`
      })
      const what = `${formatCounted(report.keys, 'file')}, ${formatCounted(report.versions, 'version')}`
      host.stdout.write(`${lines.join('')}${report.isClean ? 'intact' : 'damaged'}: ${what}\n`)
    }
    return report.isClean ? 0 : 3
  },
})
