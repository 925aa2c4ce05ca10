import { printablePath } from '@arc/core'
import { defineCommand, folderOption, formatTable, printJson } from '@arc/kit'
import { listRestorePoints } from '@arc/restore-safe'
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
  examples: [
    { command: 'projectrestore history app', summary: 'what can be brought back' },
    { command: 'projectrestore undo point-000001 --to app --dry-run', summary: 'what that would change' },
  ],
  async run({ arguments: { folder }, host, common, log }) {
    const target = restoredFolder(folder, host)
    const points = listRestorePoints(target)
    if (common.json) return printJson(host, { target, points })
    if (points.length === 0) return log.info(`${printablePath(target)} has no restore points`)
    host.stdout.write(
      formatTable(
        [{ header: 'Point' }, { header: 'Replaced (UTC)' }, { header: 'How' }, { header: 'By' }, { header: 'Lies in' }],
        points.map(({ id, replacedAt, mode, replacedBy, path }) => [
          id,
          replacedAt.slice(0, 19).replace('T', ' '),
          mode,
          printablePath(replacedBy),
          printablePath(path),
        ]),
      ),
    )
  },
})
