import { basename, resolve } from 'node:path'
import { hashFiles } from '@arc/collect'
import { encodePath } from '@arc/core'
import { defineCommand, folderOption, printJson, reportOmissions } from '@arc/kit'
import { jobsOption } from '../jobs.ts'
import { earlierDumps } from '../own-outputs.ts'
import { assertSelected, openSelection, selectionConflicts, selectionOptions } from '../selection.ts'
import { checksumLine } from '../sidecar.ts'

const LINES_AT_ONCE = 1024

export const hash = defineCommand({
  summary: 'Print the SHA-256 of each file of a project',
  description: 'In the format of sha256sum, sorted by path: `create-dump hash > ../sums && sha256sum -c ../sums`.',
  arguments: { root: folderOption('the project', { default: '.', placeholder: 'ROOT' }) },
  options: { jobs: jobsOption, ...selectionOptions },
  conflicts: selectionConflicts,
  examples: [{ command: "create-dump hash src --exclude '*.snap'", summary: 'the sums of some files' }],
  exitStatus: { 4: 'some files could not be read' },
  async run({ arguments: { root }, options, host, common, log, progress, signal }) {
    const folder = resolve(host.cwd, root)
    const omitPaths = options.rev === undefined ? await earlierDumps(basename(folder), [folder]) : []
    await using source = await openSelection(root, options, host, { omitPaths })
    const { files, omissions } = await hashFiles(source, { jobs: options.jobs, signal, onProgress: progress.listener })
    assertSelected(files.length, options)
    if (common.json) printJson(host, { files, omissions })
    else {
      for (let at = 0; at < files.length; at += LINES_AT_ONCE) {
        const lines = files
          .slice(at, at + LINES_AT_ONCE)
          .map(({ sha256, path }) => checksumLine(sha256, encodePath(path)))
        await host.stdout.writeBytes(Buffer.concat(lines))
      }
    }
    return reportOmissions(omissions, common, log)
  },
})
