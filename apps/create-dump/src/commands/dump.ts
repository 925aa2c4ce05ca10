import { basename, resolve } from 'node:path'
import type { CollectedSource } from '@arc/collect'
import { ArcError, type EntrySource, printablePath } from '@arc/core'
import {
  choiceOption,
  defineCommand,
  fileOption,
  flagOption,
  folderOption,
  formatBytes,
  formatCount,
  formatCounted,
  formatTable,
  type Host,
  type Log,
  printJson,
  reportOmissions,
} from '@arc/kit'
import { isRemoteUrl, withoutPassword } from '@arc/kit/place'
import type { DumpStatistics } from '@arc/render-md'
import { cacheFile } from '../cache-place.ts'
import { locateOutput } from '../output-file.ts'
import { chooseOutput, type OutputChoice } from '../output-name.ts'
import { jobsOption } from '../jobs.ts'
import { earlierDumps } from '../own-outputs.ts'
import { assertSelected, openSelection, selectionConflicts, selectionOptions } from '../selection.ts'
import { sidecarPath } from '../sidecar.ts'
import { assertComplete, type WriteOptions, type WrittenDocument, writeDocument } from '../write-document.ts'

export const dump = defineCommand({
  summary: 'Write a project into one document',
  description:
    'The document holds every file byte for byte, with modes, symbolic links and empty folders, so that `create-dump restore` brings the project back exactly. Inside a git repository it holds what git tracks and what is untracked but not ignored. The path of the document is printed on standard output.',
  arguments: { root: folderOption('the project', { default: '.', placeholder: 'ROOT' }) },
  options: {
    output: fileOption('where to write: a file or URL; - is standard output (default: NAME.dump.md here)', {
      short: 'o',
    }),
    format: choiceOption(['md', 'json', 'jsonl'], 'spelling of the document (default: by the name, else md)'),
    compress: choiceOption(['gzip', 'zstd'], 'compress the document (default: by the name)'),
    toc: choiceOption(['list', 'tree', 'none'], 'contents at its head', { default: 'tree' }),
    binary: choiceOption(['base64', 'omit'], 'what becomes of files that are no text', { default: 'base64' }),
    times: flagOption('record times of last modification'),
    strict: flagOption('fail when anything is left out that was not asked for'),
    sidecar: flagOption('write no FILE.sha256 beside it', { default: true }),
    cache: flagOption('read everything anew, whatever is known of the last run', { default: true }),
    jobs: jobsOption,
    dryRun: flagOption('only print the paths it would hold', { short: 'n' }),
    ...selectionOptions,
  },
  conflicts: selectionConflicts,
  examples: [
    { command: 'create-dump', summary: 'the current folder, into NAME.dump.md' },
    { command: 'create-dump ~/code/app -o app.json.zst', summary: 'as compressed JSON' },
    { command: "create-dump --include 'src/**/*.ts' -o - | less", summary: 'the sources only, to look at' },
    { command: 'create-dump --rev v1.0 -o v1.md', summary: 'a release, without checking it out' },
    { command: 'create-dump -o s3://bucket/app.dump.md.zst', summary: 'to an object store' },
    { command: 'create-dump restore app.dump.md --to app', summary: 'and back' },
  ],
  exitStatus: { 4: 'the document is complete but for files that could not be read, which are listed' },
  async run({ arguments: { root }, options, host, common, log, progress, signal }) {
    const name = basename(resolve(host.cwd, root)) || 'root'
    const choice = chooseOutput(name, options)
    const isRemote = isRemoteUrl(choice.path)
    const isNamed = options.output !== undefined
    const path = isRemote ? undefined : await outputPath(choice, host, { isNamed, isJson: common.json })
    const earlier = options.rev === undefined ? await earlierDumps(name, [resolve(host.cwd, root), host.cwd]) : []
    const own = path === undefined ? [] : [path, sidecarPath(path)]
    await using source = await openSelection(root, options, host, { omitPaths: [...own, ...earlier] })
    if (options.dryRun) {
      const paths: string[] = []
      for await (const batch of source.entries({ signal })) for (const entry of batch) paths.push(entry.path)
      assertSelected(paths.length, options)
      if (common.json) printJson(host, { paths, omissions: source.omissions })
      else host.stdout.write(paths.map((each) => `${printablePath(each)}\n`).join(''))
      if (paths.length === 0) warnOfNothing(source, log)
      return reportOmissions(source.omissions, common, log)
    }
    const writeOptions: WriteOptions = {
      format: choice.format,
      contents: options.toc,
      binary: options.binary,
      times: options.times,
      jobs: options.jobs,
      compression: choice.compression,
      sidecar: options.sidecar,
      digest: common.json,
      cache:
        options.cache && path !== undefined
          ? { file: cacheFile(path, host), document: path, key: 'create-dump' }
          : undefined,
      signal,
      onProgress: progress.listener,
      check(rendered) {
        assertSelected(rendered.statistics.entries, options)
        if (!options.strict) return
        reportOmissions(rendered.omissions, common, log)
        assertComplete(rendered)
      },
    }
    const result = isRemote
      ? await uploadDocument(source, choice.path, host, writeOptions)
      : await writeDocument(source, path, host, writeOptions)
    const shownPath = isRemote ? withoutPassword(choice.path) : choice.path
    const status = options.strict ? 0 : reportOmissions(result.omissions, common, log)
    if (common.json)
      printJson(host, { path: shownPath, format: choice.format, compression: choice.compression, ...result })
    else if (isRemote || path !== undefined) host.stdout.write(`${shownPath}\n`)
    if (result.statistics.entries === 0) warnOfNothing(source, log)
    log.info(summary(result))
    if (common.stats) log.info(languageTable(result.statistics).trimEnd())
    return status
  },
})

async function uploadDocument(
  source: EntrySource,
  url: string,
  host: Host,
  options: WriteOptions,
): Promise<WrittenDocument> {
  const { locateObject, writeObject } = await import('../write-object.ts')
  await using object = await locateObject(url, host, options)
  return await writeObject(source, object, options)
}

/** Where the document goes, once it is sure that it can: an absolute path, `undefined` for standard output. */
async function outputPath(
  choice: OutputChoice,
  host: Host,
  { isNamed, isJson }: { isNamed: boolean; isJson: boolean },
): Promise<string | undefined> {
  if (choice.path !== '-') {
    return locateOutput(choice.path, { cwd: host.cwd, isNamed, suggestedName: 'project.dump.md' })
  }
  if (isJson) {
    throw new ArcError('ARC_OPTION_INVALID', '--json and -o - both want standard output', {
      hint: 'Write the document to a file, or leave --json out; --format json writes it as JSON.',
    })
  }
  if (choice.compression === undefined || !host.stdout.isTTY) return undefined
  throw new ArcError('ARC_OPTION_INVALID', 'a compressed document is nothing for a terminal', {
    hint: 'Send it to a file with -o, or through a pipe.',
  })
}

/** An empty project is rare, and rules that hide all of one are a surprise. */
function warnOfNothing({ name, ignoredCount = 0 }: CollectedSource, log: Log): void {
  if (ignoredCount === 0) log.warn(`${name} holds nothing to dump`)
  else {
    const paths = formatCounted(ignoredCount, 'path')
    log.warn(`${name} holds nothing to dump: ignore rules leave out ${paths}; an .arcignore with !* brings them back`)
  }
}

function summary({ statistics, sizeBytes, reusedEntries, isWritten }: WrittenDocument): string {
  const { files, lines } = statistics
  const text = `${formatCounted(files, 'file')}, ${formatCounted(lines, 'line')}, ${formatBytes(sizeBytes)}`
  if (!isWritten) return `${text}; nothing has changed`
  return reusedEntries === 0 ? text : `${text}; ${formatCounted(reusedEntries, 'entry', 'entries')} unchanged`
}

function languageTable(statistics: DumpStatistics): string {
  return formatTable(
    [
      { header: 'Language' },
      { header: 'Files', align: 'right' },
      { header: 'Lines', align: 'right' },
      { header: 'Bytes', align: 'right' },
    ],
    [
      ...statistics.languages,
      { name: 'Total', files: statistics.files, lines: statistics.lines, bytes: statistics.bytes },
    ].map((row) => [row.name, formatCount(row.files), formatCount(row.lines), formatCount(row.bytes)]),
  )
}
