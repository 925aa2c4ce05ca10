import { resolve } from 'node:path'
import { parseGlob } from '@arc/collect'
import { ArcError, decodePath, type EntryPath, pathProblem, printablePath } from '@arc/core'
import { choiceOption, confirm, defineCommand, flagOption, folderOption, formatBytes, formatCount, formatTable, printJson, textOption } from '@arc/kit'
import type { DumpSource } from '@arc/render-md'
import { applyRestore, type OutwardLink, planRestore, restoreNew, type RestorePlan, type RestoreResult } from '@arc/restore-safe'
import { dumpArgument, openDumpArgument } from '../dump-argument.ts'

export const restore = defineCommand({
  summary: 'Bring a project back from its dump',
  description:
    'All or nothing: everything is written beside the target, every hash is checked, and one rename puts it in place. Without --mode the target must not exist or be empty.',
  arguments: { dump: dumpArgument },
  options: {
    to: folderOption('the folder to restore to (default: the name of the project, here)'),
    only: textOption('restore only what matches, and what lies below it', { placeholder: 'GLOB', repeatable: true }),
    mode: choiceOption(['new', 'replace', 'merge'], 'new: into an empty place; replace: make the target exactly the dump; merge: lay the dump over it', { default: 'new' }),
    links: choiceOption(['keep', 'inside', 'refuse'], 'symbolic links: all as they were, none that lead out of the target, or none', { default: 'keep' }),
    partial: flagOption('restore a dump whose binary files were left out, without those'),
    dryRun: flagOption('only show what would be done', { short: 'n' }),
  },
  examples: [
    { command: 'create-dump restore app.dump.md', summary: 'into ./app, which must not exist' },
    { command: "create-dump restore app.dump.md --to /tmp/app --only 'src/**'", summary: 'a part of it' },
    { command: 'create-dump restore app.dump.md --to app --mode replace --dry-run', summary: 'what going back would change' },
  ],
  exitStatus: { 3: 'the dump is damaged or unsafe; nothing was written', 75: 'another restore works on the target' },
  async run(context) {
    const { arguments: args, options, host, common, log, progress, signal } = context
    await using source = await openDumpArgument(args.dump, host, { onProgress: progress.listener })
    refuseIncomplete(source, options.partial)
    const target = resolve(host.cwd, options.to ?? defaultTarget(source.name))
    const only = selectPaths(options.only)
    const rules = { only, links: options.links, fs: undefined, signal, onProgress: progress.listener }
    if (options.mode === 'new' && !options.dryRun) return report(await restoreNew(source, target, rules))
    const plan = await planRestore(source, target, { ...rules, mode: options.mode })
    if (options.dryRun) {
      if (common.json) printJson(host, plan)
      else host.stdout.write(describePlan(plan, common.verbosity > 0))
      return plan.conflicts.length === 0 ? 0 : 1
    }
    const question = `${planSummary(plan)} in ${target}. Go on?`
    if (plan.totals.changed + plan.totals.removed > 0 && !(await confirm(context, { message: question }))) return 1
    return report(await applyRestore(plan, source, { signal, onProgress: progress.listener }))

    function report(result: RestoreResult): number {
      warnOfOutwardLinks(result.outwardLinks, (message) => log.warn(message))
      if (common.json) printJson(host, result)
      else host.stdout.write(`${options.to ?? defaultTarget(source.name)}\n`)
      const { files, symlinks, writtenBytes, restorePoint } = result
      log.info(`${formatCount(files)} files, ${formatCount(symlinks)} links, ${formatBytes(writtenBytes)}, all hashes checked`)
      if (restorePoint !== undefined) log.info(`the tree from before is kept as restore point ${restorePoint}`)
      return 0
    }
  },
})

function refuseIncomplete(source: DumpSource, isPartialWanted: boolean): void {
  if (source.omissions.length === 0 || isPartialWanted) return
  throw new ArcError('ARC_DUMP_INCOMPLETE', `the content of ${source.omissions.length} files was left out when the dump was made`, {
    path: printablePath(source.omissions[0]?.path ?? ''),
    hint: 'Dump the project with --binary base64, or restore the rest with --partial.',
    details: { paths: source.omissions.map(({ path }) => path) },
  })
}

/** The project's own name, if it is a plain one. */
function defaultTarget(name: string): string {
  const path = decodePath(Buffer.from(name))
  if (!name.includes('/') && pathProblem(path, { platform: 'windows' }) === undefined) return name
  throw new ArcError('ARC_PATH_UNSAFE', `the dump calls its project ${printablePath(name)}, which is no name for a folder`, { hint: 'Say where to restore it with --to.' })
}

function selectPaths(patterns: readonly string[]): ((path: EntryPath) => boolean) | undefined {
  if (patterns.length === 0) return undefined
  const globs = patterns.map((pattern) => parseGlob(pattern))
  return (path) => globs.some((glob) => glob.matches(path, false))
}

function warnOfOutwardLinks(links: readonly OutwardLink[], warn: (message: string) => void): void {
  for (const { path, target } of links) warn(`${printablePath(path)} is a link that leads out of the folder, to ${printablePath(target)}`)
}

function planSummary({ totals }: RestorePlan): string {
  const { added, changed, removed } = totals
  return `This would add ${formatCount(added)}, change ${formatCount(changed)} and remove ${formatCount(removed)} paths`
}

function describePlan(plan: RestorePlan, showsKept: boolean): string {
  const rows = plan.rows.filter((row) => showsKept || row.action !== 'keep')
  const table = formatTable(
    [{ header: 'Action' }, { header: 'Size', align: 'right' }, { header: 'Path' }],
    rows.map((row) => [row.action, row.type === 'file' ? formatCount(row.sizeBytes) : row.type, printablePath(row.path)]),
  )
  const conflicts = plan.conflicts.map(({ message, code }) => `conflict: ${message} [${code}]\n`).join('')
  return `${table}${planSummary(plan)} in ${plan.target}, ${formatBytes(plan.totals.sourceBytes)} of content\n${conflicts}`
}
