import { ArcError } from '@arc/core'
import {
  type CommandContext,
  createStyle,
  defineCommand,
  flagOption,
  folderOption,
  printJson,
  textOption,
  type Values,
} from '@arc/kit'
import { openStorePlace, secretSource, vaultPlace } from '@arc/kit/vault'
import { type Change, diffSnapshots, type DiffOptions, type SnapshotInfo, type SnapshotStore } from '@arc/snapshot'
import { reportChanges, totalsText } from '../change-report.ts'
import { asEntryPath } from '../entry-argument.ts'
import { lastOf } from '../last-snapshot.ts'
import { patchOf } from '../patch.ts'
import { comparisonOptions, openProject } from '../project-source.ts'
import { filterOptions, findSnapshot, SNAPSHOT_HELP, vaultOptions } from '../vault-options.ts'

const options = {
  root: folderOption('the folder on disk to compare with', { default: '.' }),
  path: textOption('only this path and what is below it', { placeholder: 'PATH', repeatable: true }),
  patch: flagOption('show the lines that differ, as git does; git apply takes it', { short: 'p' }),
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
    'With one snapshot, the disk is what it is compared with: the current folder, or --root. A added, M changed, D removed.',
  arguments: {
    before: textOption(SNAPSHOT_HELP, { default: 'latest', placeholder: 'BEFORE' }),
    after: textOption('another snapshot (default: the disk)', { placeholder: 'AFTER' }),
  },
  options,
  examples: [
    { command: 'projectclone diff', summary: 'the last snapshot of the current folder and the disk' },
    { command: 'projectclone diff latest~1 latest --patch', summary: 'what the newest snapshot changed, line by line' },
    { command: 'projectclone diff release --path src', summary: 'since a tagged snapshot, in one folder' },
  ],
  async run(context) {
    const { arguments: args, options: values, host, common, signal } = context
    if (values.patch && common.json)
      throw new ArcError('ARC_OPTION_INVALID', '--patch is no JSON', { hint: 'Leave one of the two out.' })
    const place = vaultPlace(values.from, host)
    await using vault = await openStorePlace(place, host, { secret: secretSource(values, host) })
    if (args.after !== undefined) {
      const before = await findSnapshot(vault, args.before, values, signal)
      const after = await findSnapshot(vault, args.after, values, signal)
      return await report(vault, before, after.id, { before, after }, context)
    }
    await using project = await openProject(values.root, values, host, place)
    const before = await oneBefore(vault, args.before, values, project, signal)
    return await report(vault, before, project.source, { before, path: project.path }, context)
  },
})

/** `latest` of this folder, unless a filter says of what. */
function oneBefore(
  vault: SnapshotStore,
  name: string,
  values: Values<typeof options>,
  project: { path: string; host: string },
  signal: AbortSignal,
): Promise<SnapshotInfo> {
  const isFiltered = values.project !== undefined || values.host !== undefined || values.tag.length > 0
  return name === 'latest' && !isFiltered ? lastOf(vault, project, signal) : findSnapshot(vault, name, values, signal)
}

async function report(
  vault: SnapshotStore,
  before: SnapshotInfo,
  after: Parameters<typeof diffSnapshots>[2],
  head: object,
  { host, common, log, signal, options: values, color }: Context,
): Promise<number> {
  const compare: DiffOptions = { compare: values.bytes ? 'bytes' : 'times', ignoreTimes: !values.times, signal }
  const batches = within(values.path, diffSnapshots(vault, before.id, after, compare))
  const style = createStyle(color)
  if (values.patch) {
    const patch = new PatchPages(batches, (change) => patchOf(change, style))
    await host.page(patch.text())
    return values.exitCode && patch.count > 0 ? 1 : 0
  }
  const { totals, changes } = await reportChanges(batches, host, { isJson: common.json, style })
  if (common.json) printJson(host, { ...head, totals, changes })
  log.info(totalsText(totals))
  return values.exitCode && totals.added + totals.changed + totals.removed > 0 ? 1 : 0
}

class PatchPages {
  count = 0
  readonly #batches: AsyncIterable<readonly Change[]>
  readonly #format: (change: Change) => Promise<string>

  constructor(batches: AsyncIterable<readonly Change[]>, format: (change: Change) => Promise<string>) {
    this.#batches = batches
    this.#format = format
  }

  async *text(): AsyncGenerator<string, void, void> {
    for await (const batch of this.#batches) {
      for (const change of batch) {
        this.count++
        const text = await this.#format(change)
        if (text !== '') yield text
      }
    }
  }
}

async function* within(
  paths: readonly string[],
  batches: AsyncIterable<readonly Change[]>,
): AsyncGenerator<readonly Change[], void, void> {
  const wanted = paths.map(asEntryPath)
  for await (const batch of batches) {
    if (wanted.length === 0 || wanted.includes(undefined)) yield batch
    else yield batch.filter(({ path }) => wanted.some((each) => path === each || path.startsWith(`${each}/`)))
  }
}
