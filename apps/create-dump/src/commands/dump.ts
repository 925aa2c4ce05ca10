import { basename, resolve } from 'node:path'
import { isTrouble, type Omission, printablePath } from '@arc/core'
import { choiceOption, defineCommand, fileOption, flagOption, folderOption, formatBytes, formatCount, formatTable, omissionSummary, printJson } from '@arc/kit'
import type { DumpStatistics } from '@arc/render-md'
import { cacheFile } from '../cache-place.ts'
import { chooseOutput } from '../output-name.ts'
import { openSelection, selectionOptions } from '../selection.ts'
import { sidecarPath } from '../sidecar.ts'
import { writeDocument } from '../write-document.ts'

const PARTIAL_STATUS = 4

export const dump = defineCommand({
  summary: 'Write a project into one document',
  description:
    'The document holds every file byte for byte, with modes, symbolic links and empty folders, so that `create-dump restore` brings the project back exactly. Inside a git repository it holds what git tracks and what is untracked but not ignored. The path of the document is printed on standard output.',
  arguments: { root: folderOption('the project', { default: '.', placeholder: 'ROOT' }) },
  options: {
    output: fileOption('where to write; - is standard output (default: NAME.dump.md here)', { short: 'o' }),
    format: choiceOption(['md', 'json', 'jsonl'], 'spelling of the document (default: by the name, else md)'),
    compress: choiceOption(['gzip', 'zstd'], 'compress the document (default: by the name)'),
    toc: choiceOption(['list', 'tree', 'none'], 'contents at its head', { default: 'tree' }),
    binary: choiceOption(['base64', 'omit'], 'what becomes of files that are no text', { default: 'base64' }),
    times: flagOption('record times of last modification'),
    strict: flagOption('fail when anything is left out that was not asked for'),
    sidecar: flagOption('write no FILE.sha256 beside it', { default: true }),
    cache: flagOption('read everything anew, whatever is known of the last run', { default: true }),
    dryRun: flagOption('only print the paths it would hold', { short: 'n' }),
    ...selectionOptions,
  },
  conflicts: [
    ['rev', 'tracked'],
    ['rev', 'followSymlinks'],
  ],
  examples: [
    { command: 'create-dump', summary: 'the current folder, into NAME.dump.md' },
    { command: 'create-dump ~/code/app -o app.json.zst', summary: 'as compressed JSON' },
    { command: "create-dump --include 'src/**/*.ts' -o - | less", summary: 'the sources only, to look at' },
    { command: 'create-dump --rev v1.0 -o v1.md', summary: 'a release, without checking it out' },
    { command: 'create-dump restore app.dump.md --to app', summary: 'and back' },
  ],
  exitStatus: { 4: 'the document is complete but for files that could not be read, which are listed' },
  async run({ arguments: { root }, options, host, common, log, progress }) {
    const name = basename(resolve(host.cwd, root)) || 'root'
    const output = chooseOutput(name, options)
    const path = resolve(host.cwd, output.path)
    const ownPaths = output.path === '-' ? [] : [path, sidecarPath(path)]
    await using source = await openSelection(root, options, host, { omitPaths: ownPaths })
    if (options.dryRun) {
      const paths: string[] = []
      for await (const batch of source.entries({ signal: host.signal })) for (const entry of batch) paths.push(entry.path)
      if (common.json) printJson(host, { paths, omissions: source.omissions })
      else host.stdout.write(paths.map((each) => `${printablePath(each)}\n`).join(''))
      return reportOmissions(source.omissions)
    }
    const cache = { file: cacheFile(path, host), document: path, key: 'create-dump' }
    const { sidecar, strict, binary, times } = options
    const result = await writeDocument(source, output, host, {
      format: output.format,
      contents: options.toc,
      binary,
      times,
      strict,
      sidecar,
      cache: options.cache && output.path !== '-' && output.compression === undefined ? cache : undefined,
      signal: host.signal,
      onProgress: progress.listener,
    })
    const status = reportOmissions(result.omissions)
    const { statistics, sizeBytes, reusedEntries } = result
    if (common.json) printJson(host, { path: output.path === '-' ? undefined : output.path, format: output.format, compression: output.compression, ...result })
    else if (output.path !== '-') host.stdout.write(`${output.path}\n`)
    log.info(summary(statistics, sizeBytes, reusedEntries, result.isWritten))
    if (common.stats) log.info(languageTable(statistics).trimEnd())
    return status

    function reportOmissions(omissions: readonly Omission[]): number {
      const text = omissionSummary(omissions, { all: common.verbosity > 0 })
      if (text !== '' && (common.verbosity > 0 || omissions.some(isTrouble))) log.warn(text.trimEnd())
      return omissions.some(isTrouble) ? PARTIAL_STATUS : 0
    }
  },
})

function summary(statistics: DumpStatistics, sizeBytes: number, reusedEntries: number, isWritten: boolean): string {
  const { files, lines } = statistics
  const text = `${formatCount(files)} files, ${formatCount(lines)} lines, ${formatBytes(sizeBytes)}`
  if (!isWritten) return `${text}; nothing has changed`
  return reusedEntries === 0 ? text : `${text}; ${formatCount(reusedEntries)} entries unchanged`
}

function languageTable(statistics: DumpStatistics): string {
  return formatTable(
    [{ header: 'Language' }, { header: 'Files', align: 'right' }, { header: 'Lines', align: 'right' }, { header: 'Bytes', align: 'right' }],
    [...statistics.languages, { name: 'Total', files: statistics.files, lines: statistics.lines, bytes: statistics.bytes }].map((row) => [
      row.name,
      formatCount(row.files),
      formatCount(row.lines),
      formatCount(row.bytes),
    ]),
  )
}
