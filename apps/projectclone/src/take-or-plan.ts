import { printablePath } from '@arc/core'
import {
  type CommandContext,
  flagOption,
  formatBytes,
  formatCounted,
  printJson,
  reportOmissions,
  textOption,
  type Values,
  visible,
} from '@arc/kit'
import { planSnapshot, type SnapshotPlan } from '@arc/snapshot'
import { projectNameIn } from './project-name.ts'
import { locateProject, openProject } from './project-source.ts'
import type { takeOptions } from './snapshot-options.ts'
import { openToPlan, placeToWrite } from './store-to-write.ts'
import { describeSnapshot, draftOf, reportGaps, shownId, takeProject } from './take-project.ts'

/** What the commands that only take a snapshot have besides `takeOptions`. */
export const noteOptions = {
  note: textOption('what to call it', { short: 'm' }),
  dryRun: flagOption('only show what has changed since the snapshot before', { short: 'n' }),
}

type Context = CommandContext<unknown, Values<typeof noteOptions & typeof takeOptions>>

const SIGNS = { added: '+', changed: '~', removed: '-' } as const

/** Take a snapshot of a folder and tell of it, or only say what it would store. Returns the exit status. */
export async function takeOrPlan(root: string, note: string | undefined, context: Context): Promise<number> {
  const { options, host, common, log } = context
  if (options.dryRun) return plan(root, note, context)
  const result = await takeProject(root, note, options, context)
  if (common.json) printJson(host, result)
  else host.stdout.write(shownId(result))
  log.info(describeSnapshot(result))
  const status = reportGaps(result.snapshot, common, log)
  return result.hooks?.some((hook) => hook.status !== 0) === true ? 1 : status
}

async function plan(root: string, note: string | undefined, context: Context): Promise<number> {
  const { options, host, common, log, signal } = context
  const place = placeToWrite(options, host)
  await using project = await openProject(locateProject(root, host, place), options, host, place)
  await using store = await openToPlan(place, options, host, log)
  const name = options.project ?? (await projectNameIn(store, project, { host, log, signal }))
  const found = await planSnapshot(store, project.source, { ...draftOf(project, name, note, options), signal })
  if (common.json) printJson(host, found)
  else host.stdout.write(describePlan(found))
  if (found.base === undefined)
    log.info(`it would be the first snapshot of ${visible(found.project)} at ${found.location}`)
  return reportOmissions(found.omissions, common, log)
}

function describePlan({ changes, totals }: SnapshotPlan): string {
  const { added, changed, removed, changedBytes } = totals
  const lines = changes.map(({ action, path }) => `${SIGNS[action]} ${printablePath(path)}\n`)
  const more = added + changed + removed - changes.length
  if (more > 0) lines.push(`… and ${formatCounted(more, 'more path')}\n`)
  return `${lines.join('')}would store: ${added} added, ${changed} changed, ${removed} removed; ${formatBytes(changedBytes)} to read\n`
}
