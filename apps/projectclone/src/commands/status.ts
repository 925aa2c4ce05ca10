import { createStyle, defineCommand, flagOption, folderOption, printJson, reportOmissions } from '@arc/kit'
import { secretSource, openStorePlace, vaultPlace } from '@arc/kit/vault'
import { diffSnapshots } from '@arc/snapshot'
import { reportChanges, totalsText } from '../change-report.ts'
import { readStatus } from '../exit-status.ts'
import { lastOf } from '../last-snapshot.ts'
import { locateProject, openProject } from '../project-source.ts'
import { shortId, timeText } from '../snapshot-rows.ts'
import { comparisonOptions, recallSelection } from '../source-options.ts'
import { vaultOptions } from '../vault-options.ts'

export const status = defineCommand({
  summary: 'Show what has changed on disk since the last snapshot',
  description:
    'A added, M changed, D removed, as far as sizes, times and modes tell. What the snapshot was told to leave out is left out here, too, unless options say what is.',
  arguments: { root: folderOption('the project', { default: '.', placeholder: 'ROOT' }) },
  options: {
    bytes: flagOption('read files to tell whether those of equal size are the same'),
    exitCode: flagOption('end with 1 when anything has changed'),
    ...comparisonOptions,
    ...vaultOptions,
  },
  examples: [{ command: 'projectclone status', summary: 'what the next snapshot would add' }],
  exitStatus: {
    ...readStatus,
    1: 'something has changed, with --exit-code; or it failed',
    4: 'some paths could not be read',
  },
  async run({ arguments: args, options, host, common, log, signal, color }) {
    const place = vaultPlace(options.from, host)
    const located = locateProject(args.root, host, place)
    await using vault = await openStorePlace(place, host, { secret: secretSource(options, host) })
    const last = await lastOf(vault, located, signal)
    await using project = await openProject(located, recallSelection(options, last.selection), host, place)
    const compare = options.bytes ? 'bytes' : 'times'
    const batches = diffSnapshots(vault, last.id, project.source, { compare, signal })
    const { totals, changes } = await reportChanges(batches, host, {
      isJson: common.json,
      style: createStyle(color),
    })
    if (common.json) printJson(host, { snapshot: last, totals, changes, omissions: project.source.omissions })
    log.info(`${totalsText(totals)} since ${shortId(last.id)} of ${timeText(last.time)} UTC`)
    if (reportOmissions(project.source.omissions, common, log)) return 4
    return options.exitCode && totals.added + totals.changed + totals.removed > 0 ? 1 : 0
  },
})
