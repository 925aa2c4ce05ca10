import { isTrouble } from '@arc/core'
import {
  type CommandContext,
  formatBytes,
  formatCounted,
  type Log,
  type CommonValues,
  reportOmissions,
  visible,
  type Values,
} from '@arc/kit'
import type { RunDraft, SnapshotInfo, SnapshotResult, SnapshotStore, TakeOptions } from '@arc/snapshot'
import { type HookFacts, type HookResult, runHook } from './hook.ts'
import { cacheFolder, locateProject, openProject, type Project, type ProjectPlace } from './project-source.ts'
import { projectName, projectNameIn, rememberProject } from './project-name.ts'
import { recordedSelection } from './last-snapshot.ts'
import type { takeOptions } from './snapshot-options.ts'
import { recallSelection, selectionOf } from './source-options.ts'
import { oneLine, shortId } from './snapshot-rows.ts'
import { openToWrite, placeToWrite } from './store-to-write.ts'

type Context = Pick<CommandContext<unknown, unknown>, 'host' | 'log' | 'progress' | 'signal'>

const PARTIAL_STATUS = 4

/** What else there is to a snapshot. */
export interface TakeProjectOptions {
  /** Leave out what the snapshot before left out, unless the options say what. */
  readonly recalls?: boolean
  /** What it is taken after. */
  readonly run?: (store: SnapshotStore, project: Project) => Promise<RunDraft>
}

/** Take a snapshot of a folder as the options say, making the vault if that is meant. */
export async function takeProject(
  root: string,
  note: string | undefined,
  values: Values<typeof takeOptions>,
  { host, log, progress, signal }: Context,
  { recalls = false, run }: TakeProjectOptions = {},
): Promise<TakenProject> {
  const place = placeToWrite(values, host)
  const located = locateProject(root, host, place)
  let name = values.project ?? projectName(located.path, host)
  const facts: HookFacts = {
    ARC_PROJECT_PATH: located.path,
    ARC_PROJECT: name,
    ...(note && { ARC_NOTE: note }),
  }
  const before = await runHook('before', values, facts, { host, log })
  let result: SnapshotResult | undefined
  let after: HookResult | undefined
  try {
    await using store = await openToWrite(place, values, host, log)
    name = values.project ?? (await projectNameIn(store, located, { host, log, signal }))
    const chosen = recalls ? recallSelection(values, await recordedSelection(store, located, signal)) : values
    await using project = await openProject(located, chosen, host, place)
    result = await store.take(project.source, {
      ...draftOf(located, name, note, chosen),
      run: await run?.(store, project),
      cacheFolder: cacheFolder(host),
      paranoid: values.paranoid,
      jobs: values.jobs,
      signal,
      onProgress: progress.listener,
    })
    if (values.project === undefined) rememberProject(store, located, name, host)
  } finally {
    const ended = {
      ARC_PROJECT: name,
      ARC_STATUS: statusWord(result?.snapshot),
      ...(result && { ARC_SNAPSHOT: result.snapshot.id }),
    }
    after = await runHook('after', values, { ...facts, ...ended }, { host, log })
  }
  const hooks = [before, after].filter((hook) => hook !== undefined)
  return { ...result, ...(hooks.length > 0 && { hooks }) }
}

/** A snapshot, and what became of the hooks around it. */
export interface TakenProject extends SnapshotResult {
  readonly hooks?: readonly HookResult[]
}

function statusWord(snapshot: SnapshotInfo | undefined): string {
  if (snapshot === undefined) return 'failed'
  return snapshot.omissions.some(isTrouble) || snapshot.inconsistent.length > 0 ? 'partial' : 'ok'
}

/** What is recorded of a snapshot besides its entries. */
export function draftOf(
  { host, path }: ProjectPlace,
  project: string,
  note: string | undefined,
  values: Values<typeof takeOptions>,
): TakeOptions & { project: string } {
  return {
    project,
    host,
    path,
    note,
    tags: values.tag,
    selection: selectionOf(values),
  }
}

/** Say in a line what a snapshot holds and took. */
export function describeSnapshot({ snapshot, isChanged }: SnapshotResult): string {
  const { statistics, project } = snapshot
  const what = `${oneLine(project)}: ${formatCounted(statistics.files, 'file')}, ${formatBytes(statistics.contentBytes)}`
  return isChanged ? `${what}, ${formatBytes(statistics.storedBytes)} added` : `${what}, nothing has changed`
}

/** Tell what is not in a snapshot, or not in one state. Returns the exit status that follows. */
export function reportGaps(snapshot: SnapshotInfo, common: CommonValues, log: Log): number {
  const { omissions, omissionCount, inconsistent } = snapshot
  const status = reportOmissions(omissions, common, log)
  const more = omissionCount - omissions.length
  if (more > 0) log.warn(`${formatCounted(more, 'more path')} left out; only the first are recorded`)
  for (const path of inconsistent) log.warn(`kept changing while it was read: ${visible(path)}`)
  return inconsistent.length > 0 ? PARTIAL_STATUS : status
}

/** What a snapshot's command prints. */
export function shownId(result: SnapshotResult): string {
  return `${shortId(result.snapshot.id)}\n`
}
