import { hashFiles } from '@arc/collect'
import { encodePath, isTrouble } from '@arc/core'
import { defineCommand, folderOption, omissionSummary, printJson } from '@arc/kit'
import { openSelection, selectionOptions } from '../selection.ts'
import { checksumLine } from '../sidecar.ts'

const PARTIAL_STATUS = 4
const LINES_AT_ONCE = 1024

export const hash = defineCommand({
  summary: 'Print the SHA-256 of each file of a project',
  description: 'In the format of sha256sum, sorted by path: `create-dump hash > sums && sha256sum -c sums`.',
  arguments: { root: folderOption('the project', { default: '.', placeholder: 'ROOT' }) },
  options: selectionOptions,
  examples: [{ command: "create-dump hash src --exclude '*.snap'", summary: 'the sums of some files' }],
  exitStatus: { 4: 'some files could not be read' },
  async run({ arguments: { root }, options, host, common, log, progress, signal }) {
    await using source = await openSelection(root, options, host)
    const { files, omissions } = await hashFiles(source, { signal, onProgress: progress.listener })
    if (common.json) printJson(host, { files, omissions })
    else {
      for (let at = 0; at < files.length; at += LINES_AT_ONCE) {
        const lines = files.slice(at, at + LINES_AT_ONCE).map(({ sha256, path }) => checksumLine(sha256, encodePath(path)))
        await host.stdout.writeBytes(Buffer.concat(lines))
      }
    }
    const text = omissionSummary(omissions, { all: common.verbosity > 0 })
    if (text !== '' && (common.verbosity > 0 || omissions.some(isTrouble))) log.warn(text.trimEnd())
    return omissions.some(isTrouble) ? PARTIAL_STATUS : 0
  },
})
