import { dirname, resolve } from 'node:path'
import {
  ArcError,
  type ArcErrorCode,
  decodePath,
  isArcError,
  type Omission,
  pathProblem,
  printablePath,
} from '@arc/core'
import {
  choiceOption,
  type CommonValues,
  confirm,
  defineCommand,
  flagOption,
  folderOption,
  formatBytes,
  formatCount,
  formatCounted,
  formatTable,
  type Log,
  makeParents,
  missingParents,
  printJson,
  textOption,
  warnOfPaths,
} from '@arc/kit'
import { type DumpSource, openDump } from '@arc/render-md'
import {
  applyRestore,
  idleResult,
  isIdle,
  type LinkPolicy,
  listRestorePoints,
  type PlanOptions,
  planRestore,
  restoreNew,
  type RestorePlan,
  type RestoreResult,
} from '@arc/restore-safe'
import { dumpArgument, openDumpArgument, streamDumpArgument } from '../dump-argument.ts'
import { chosenPaths } from '../only-filter.ts'

export const restore = defineCommand({
  summary: 'Bring a project back from its dump',
  description:
    'All or nothing: everything is written beside the target, every hash is checked, and one rename puts it in place. Without --mode the target must not exist or be empty; folders above it are made.',
  arguments: { dump: dumpArgument },
  options: {
    to: folderOption('the folder to restore to (default: the name of the project, here)'),
    only: textOption('restore only what matches, and what lies below it', { placeholder: 'GLOB', repeatable: true }),
    mode: choiceOption(
      ['new', 'replace', 'merge'],
      'new: into an empty place; replace: make the target exactly the dump; merge: lay the dump over it',
      { default: 'new' },
    ),
    links: choiceOption(
      ['keep', 'inside', 'refuse'],
      'symbolic links: all as they were, none that lead out of the target, or none',
      { default: 'keep' },
    ),
    setId: flagOption('restore set-user-id and set-group-id bits too'),
    partial: flagOption('restore a dump whose binary files were left out, without those'),
    dryRun: flagOption('only show what would be done', { short: 'n' }),
  },
  examples: [
    { command: 'create-dump restore app.dump.md', summary: 'into ./app, which must not exist' },
    { command: "create-dump restore app.dump.md --to /tmp/app --only 'src/**'", summary: 'a part of it' },
    {
      command: 'create-dump restore app.dump.md --to app --mode replace --dry-run',
      summary: 'what going back would change',
    },
  ],
  exitStatus: { 3: 'the dump is damaged or unsafe; nothing was written', 75: 'another restore works on the target' },
  async run(context) {
    const { arguments: args, options, host, common, log, progress, signal } = context
    const check = options.partial ? () => {} : refuseIncomplete
    const listening = { signal, onProgress: progress.listener }
    const rules = { links: options.links, setId: options.setId, ...listening }
    if (options.mode === 'new' && options.only.length === 0 && !options.dryRun) {
      await using source = await streamDumpArgument(args.dump, host, { ...listening, check })
      return await restoreWith(source.name, (target) => restoreNew(source, target, rules))
    }
    await using source = await openDumpArgument(args.dump, host, openDump, listening)
    const only = chosenPaths(source, options.only)
    check(only === undefined ? source.omissions : source.omissions.filter(({ path }) => only(path)))
    const planOptions = { ...rules, only, mode: options.mode }
    if (options.dryRun) return await showPlan()
    return await restoreWith(source.name, (target) =>
      options.mode === 'new' ? restoreNew(source, target, planOptions) : restoreOver(target),
    )

    async function showPlan(): Promise<number> {
      const plan = await withHints(options.links, () =>
        planDryRun(source, resolve(host.cwd, options.to ?? defaultTarget(source.name)), planOptions),
      )
      if (common.json) printJson(host, plan)
      else host.stdout.write(describePlan(plan, common.verbosity > 0))
      return plan.conflicts.length === 0 ? 0 : 1
    }

    async function restoreOver(target: string): Promise<RestoreResult | 'declined'> {
      const plan = await planRestore(source, target, planOptions)
      const { changed, removed } = plan.totals
      if (isIdle(plan)) return idleResult(plan)
      const message = `${planSummary(plan)} in ${plan.target}. Go on?`
      if (changed + removed > 0 && plan.conflicts.length === 0 && !(await confirm(context, { message })))
        return 'declined'
      return applyRestore(plan, source, listening)
    }

    async function restoreWith(
      name: string,
      job: (target: string) => Promise<RestoreResult | 'declined'>,
    ): Promise<number> {
      const shown = options.to ?? defaultTarget(name)
      const target = resolve(host.cwd, shown)
      const result = await withHints(options.links, async () => {
        using _parents = makeParents(target)
        return await job(target)
      })
      if (result === 'declined') return 1
      if (common.json) printJson(host, result)
      else host.stdout.write(`${shown}\n`)
      tell(result, log, common)
      return 0
    }
  },
})

function refuseIncomplete(omissions: readonly Omission[]): void {
  const [first] = omissions
  if (first === undefined) return
  throw new ArcError(
    'ARC_DUMP_INCOMPLETE',
    `the content of ${formatCounted(omissions.length, 'file')} was left out when the dump was made`,
    {
      path: printablePath(first.path),
      hint: 'Dump the project with --binary base64, or restore the rest with --partial.',
      details: { paths: omissions.map(({ path }) => path) },
    },
  )
}

/** The project's own name, if it is a plain one. */
function defaultTarget(name: string): string {
  const path = decodePath(Buffer.from(name))
  if (!name.includes('/') && pathProblem(path, { platform: 'windows' }) === undefined) return name
  throw new ArcError(
    'ARC_PATH_UNSAFE',
    `the dump calls its project ${printablePath(name)}, which is no name for a folder`,
    {
      hint: 'Say where to restore it with --to.',
    },
  )
}

/** Plans need the folder that holds the target; where it is missing, the outermost missing one is as empty as the target would be. */
async function planDryRun(source: DumpSource, target: string, options: PlanOptions): Promise<RestorePlan> {
  const [outermost] = missingParents(target)
  const plan = await planRestore(source, outermost ?? target, options)
  return outermost === undefined ? plan : { ...plan, target }
}

/** Do a job whose errors say what helps in words of the command line. */
async function withHints<T>(links: LinkPolicy, job: () => Promise<T>): Promise<T> {
  try {
    return await job()
  } catch (error) {
    throw isArcError(error) ? withOptions(error, links) : error
  }
}

function withOptions(error: ArcError, links: LinkPolicy): ArcError {
  const { code, message, path, details } = error
  const hint = hintFor(code, links)
  return hint === undefined
    ? error
    : new ArcError(code, message, { hint, details, cause: error, ...(path === undefined ? {} : { path }) })
}

function hintFor(code: ArcErrorCode, links: LinkPolicy): string | undefined {
  if (code === 'ARC_TARGET_NOT_EMPTY') {
    return 'Choose another folder with --to, or restore over this one with --mode replace or --mode merge; --dry-run shows what that would change.'
  }
  return code === 'ARC_PATH_UNSAFE' && links !== 'keep'
    ? 'If you trust the dump, restore its links as they are with --links keep.'
    : undefined
}

function tell(result: RestoreResult, log: Log, common: CommonValues): void {
  const { files, directories, symlinks, mode, writtenBytes, restorePoint, outwardLinks, droppedSetId, target } = result
  const outward = outwardLinks.map(({ path, target: to }) => `${printablePath(path)} -> ${printablePath(to)}`)
  warnOfPaths(outward, 'leading out of the folder', common, log)
  warnOfPaths(droppedSetId.map(printablePath), 'without its set-id bit, which --set-id restores', common, log)
  if (files + directories + symlinks === 0 && mode !== 'new')
    return log.info('nothing to do: the folder is as the dump says')
  const links = symlinks === 0 ? '' : `, ${formatCounted(symlinks, 'link')}`
  log.info(`${formatCounted(files, 'file')}${links}, ${formatBytes(writtenBytes)}, all hashes checked`)
  const point = restorePoint === undefined ? undefined : listRestorePoints(target).find(({ id }) => id === restorePoint)
  if (point === undefined) return
  log.info(`the tree from before is ${point.path}; it stays until the next restore to this folder`)
  log.info(`to go back: remove ${target}, move that folder into its place, and remove ${dirname(point.path)}`)
}

function planSummary({ totals }: RestorePlan): string {
  const { added, changed, removed } = totals
  return `This would add ${formatCount(added)}, change ${formatCount(changed)} and remove ${formatCount(removed)} paths`
}

function describePlan(plan: RestorePlan, showsKept: boolean): string {
  const rows = plan.rows.filter((row) => showsKept || row.action !== 'keep')
  const table = formatTable(
    [{ header: 'Action' }, { header: 'Size', align: 'right' }, { header: 'Path' }],
    rows.map((row) => [
      row.action,
      row.type === 'file' ? formatCount(row.sizeBytes) : row.type,
      printablePath(row.path),
    ]),
  )
  const conflicts = plan.conflicts.map(({ message, code }) => `conflict: ${message} [${code}]\n`).join('')
  const summary = `${planSummary(plan)} in ${plan.target}, ${formatBytes(plan.totals.sourceBytes)} of content\n`
  return `${rows.length === 0 ? '' : table}${summary}${conflicts}`
}
