import { printablePath } from '@arc/core'
import { defineCommand, folderOption, printJson } from '@arc/kit'
import { recoverTarget } from '@arc/restore-safe'
import { IN_WORDS } from '../restore-report.ts'
import { restoredFolder } from '../restored-folder.ts'

export const recover = defineCommand({
  summary: 'Finish or roll back what an interrupted restore left',
  description:
    'Never necessary: every restore, plan and undo does it first. For when the folder is to be right before anything else runs.',
  arguments: {
    folder: folderOption('the folder that was restored to (default: this one, or the only one in it)', {
      placeholder: 'DIR',
    }),
  },
  examples: [{ command: 'projectrestore recover app', summary: 'after a power failure' }],
  exitStatus: { 75: 'a restore of the folder is running' },
  async run({ arguments: { folder }, host, common, log }) {
    const target = restoredFolder(folder, host)
    const outcome = await recoverTarget(target)
    if (common.json) printJson(host, { target, outcome })
    else host.stdout.write(`${outcome}\n`)
    if (outcome === 'clean') log.detail('there was nothing to recover')
    else log.info(`an interrupted restore of ${printablePath(target)} was ${IN_WORDS[outcome]}`)
  },
})
