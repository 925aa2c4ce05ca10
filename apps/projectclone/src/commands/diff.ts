import { ArcError, type EntryPath, type EntrySource, isArcError, type Omission, printablePath } from '@arc/core'
import {
  type CommandContext,
  createStyle,
  defineCommand,
  flagOption,
  folderOption,
  nameOption,
  printJson,
  reportOmissions,
  textOption,
  type Values,
} from '@arc/kit'
import { openStorePlace, secretSource, snapshotLabel, vaultPlace } from '@arc/kit/vault'
import { type Change, diffSnapshots, type DiffOptions, type SnapshotInfo, type SnapshotStore } from '@arc/snapshot'
import { reportChanges, totalsText } from '../change-report.ts'
import { asEntryPath } from '../entry-argument.ts'
import { readStatus } from '../exit-status.ts'
import { lastOf } from '../last-snapshot.ts'
import { patchOf } from '../patch.ts'
import { locateProject, openProject, type ProjectPlace } from '../project-source.ts'
import { comparisonOptions, recallSelection } from '../source-options.ts'
import { filterOptions, findSnapshot, SNAPSHOT_HELP, vaultOptions } from '../vault-options.ts'

const options = {
  root: folderOption('the folder on disk to compare with', { default: '.' }),
  path: textOption('only this path and what is below it', { placeholder: 'PATH', repeatable: true }),
  patch: flagOption('show what differs, as git does; git apply takes it', { short: 'p' }),
  bytes: flagOption('with the disk: read files to tell whether those of equal size are the same'),
  times: flagOption('do not mind files that differ in their times alone', { default: true }),
  exitCode: flagOption('end with 1 when anything differs'),
  ...filterOptions,
  ...comparisonOptions,
  ...vaultOptions,
}

type Context = CommandContext<{ before: string; after: string | undefined }, Values<typeof options>>

export const diff = defineCommand({
  summary: 'Show what differs between two snapshots, or a snapshot and the disk',
  description:
    'With one snapshot, the disk is what it is compared with: the current folder, or --root, but for what the snapshot was told to leave out, unless options say what is. A added, M changed, D removed.',
  arguments: {
    before: nameOption(SNAPSHOT_HELP, { default: 'latest', placeholder: 'BEFORE' }),
    after: nameOption('another snapshot (default: the disk)', { placeholder: 'AFTER' }),
  },
  options,
  examples: [
    { command: 'projectclone diff', summary: 'the last snapshot of the current folder and the disk' },
    { command: 'projectclone diff latest~1 latest --patch', summary: 'what the newest snapshot changed, line by line' },
    { command: 'projectclone diff release --path src', summary: 'since a tagged snapshot, in one folder' },
  ],
  exitStatus: {
    ...readStatus,
    1: 'something differs, with --exit-code; or it failed',
    4: 'some paths on disk could not be read, or are too large for --patch',
  },
  async run(context) {
    const { arguments: args, options: values, host, common } = context
    if (values.patch && common.json)
      throw new ArcError('ARC_OPTION_INVALID', '--patch is no JSON', { hint: 'Leave one of the two out.' })
    const place = vaultPlace(values.from, host)
    await using vault = await openStorePlace(place, host, { secret: secretSource(values, host) })
    if (args.after !== undefined) {
      const before = await findSnapshot(vault, args.before, values, host, values.root)
      const after = await findSnapshot(vault, args.after, values, host, values.root)
      return await report(vault, before, after, { before, after }, context)
    }
    const located = locateProject(values.root, host, place)
    const before = await oneBefore(vault, args.before, located, context)
    await using project = await openProject(located, recallSelection(values, before.selection), host, place)
    return await report(vault, before, project.source, { before, path: project.path }, context)
  },
})

/** `latest` of this folder, unless a filter says of what. */
function oneBefore(
  vault: SnapshotStore,
  name: string,
  project: ProjectPlace,
  { options: values, host, signal }: Context,
): Promise<SnapshotInfo> {
  const isFiltered = values.project !== undefined || values.host !== undefined || values.tag.length > 0
  if (name === 'latest' && !isFiltered && values.root === '.') return lastOf(vault, project, signal)
  return findSnapshot(vault, name, values, host, values.root)
}

async function report(
  vault: SnapshotStore,
  before: SnapshotInfo,
  after: SnapshotInfo | EntrySource,
  head: object,
  { host, common, log, signal, options: values, color }: Context,
): Promise<number> {
  const compare: DiffOptions = { compare: values.bytes ? 'bytes' : 'times', ignoreTimes: !values.times, signal }
  const batches = within(
    values.path,
    vault,
    before,
    diffSnapshots(vault, before.id, 'id' in after ? after.id : after, compare),
  )
  const style = createStyle(color)
  const sides = `from ${snapshotLabel(before)} to ${'id' in after ? snapshotLabel(after) : 'the disk'}`
  if (values.patch) {
    const patch = new PatchPages(batches, (change) => patchOf(change, style))
    await host.page(patch.text())
    log.info(sides)
    for (const path of patch.leftOut) log.warn(`left out, for it is too large for a patch: ${printablePath(path)}`)
    if (reportOmissions(omissionsOf(after), common, log) || patch.leftOut.length > 0) return 4
    return values.exitCode && patch.count > 0 ? 1 : 0
  }
  const { totals, changes } = await reportChanges(batches, host, { isJson: common.json, style })
  const omissions = omissionsOf(after)
  if (common.json) printJson(host, { ...head, totals, changes, omissions })
  log.info(`${totalsText(totals)}, ${sides}`)
  if (reportOmissions(omissions, common, log)) return 4
  return values.exitCode && totals.added + totals.changed + totals.removed > 0 ? 1 : 0
}

/** What could not be compared with, once the disk was read; snapshots tell of their own elsewhere. */
function omissionsOf(after: SnapshotInfo | EntrySource): readonly Omission[] {
  return 'id' in after ? [] : after.omissions
}

class PatchPages {
  count = 0
  readonly leftOut: EntryPath[] = []
  readonly #batches: AsyncIterable<readonly Change[]>
  readonly #format: (change: Change) => Promise<string | undefined>

  constructor(batches: AsyncIterable<readonly Change[]>, format: (change: Change) => Promise<string | undefined>) {
    this.#batches = batches
    this.#format = format
  }

  async *text(): AsyncGenerator<string, void, void> {
    for await (const batch of this.#batches) {
      for (const change of batch) {
        this.count++
        const text = await this.#format(change)
        if (text === undefined) this.leftOut.push(change.path)
        else if (text !== '') yield text
      }
    }
  }
}

/** What changed at and below these paths. Throws `ARC_ENTRY_MISSING` at the end when one of them is on neither side. */
async function* within(
  paths: readonly string[],
  store: SnapshotStore,
  before: SnapshotInfo,
  batches: AsyncIterable<readonly Change[]>,
): AsyncGenerator<readonly Change[], void, void> {
  const wanted = paths.map(asEntryPath)
  const isEverything = wanted.length === 0 || wanted.includes(undefined)
  const unmet = new Set(isEverything ? [] : wanted)
  for await (const batch of batches) {
    for (const { path } of unmet.size === 0 ? [] : batch)
      for (const each of unmet) if (isWithin(path, each)) unmet.delete(each)
    yield isEverything ? batch : batch.filter(({ path }) => wanted.some((each) => isWithin(path, each)))
  }
  // Where nothing differs both sides have the path, or neither.
  for (const path of unmet) if (path !== undefined) await assertHas(store, before, path)
}

function isWithin(path: string, folder: string | undefined): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

async function assertHas(store: SnapshotStore, { id }: SnapshotInfo, path: EntryPath): Promise<void> {
  try {
    await using source = await store.open(id, { under: path })
    for await (const _ of source.entries()) return
  } catch (error) {
    if (!isArcError(error) || error.code !== 'ARC_ENTRY_MISSING') throw error
    const shown = printablePath(path)
    throw new ArcError('ARC_ENTRY_MISSING', `neither side has an entry ${shown}`, {
      path: shown,
      hint: 'List the entries with projectclone ls, then check the spelling.',
      cause: error,
    })
  }
}
