import {
  defineCommand,
  formatBytes,
  formatCounted,
  nameOption,
  omissionSummary,
  printJson,
  visible,
  shellLine,
} from '@arc/kit'
import type { SnapshotInfo } from '@arc/snapshot'
import { readStatus } from '../exit-status.ts'
import { oneLine, timeText } from '../snapshot-rows.ts'
import { selectionWords } from '../source-options.ts'
import { filterOptions, findSnapshot, openFrom, SNAPSHOT_HELP, vaultOptions } from '../vault-options.ts'

export const show = defineCommand({
  summary: 'Show what is known of a snapshot',
  arguments: { snapshot: nameOption(SNAPSHOT_HELP, { default: 'latest', placeholder: 'SNAPSHOT' }) },
  options: { ...filterOptions, ...vaultOptions },
  examples: [{ command: 'projectclone show latest', summary: 'the newest one' }],
  exitStatus: readStatus,
  async run({ arguments: args, options, host, common }) {
    await using vault = await openFrom(options, host)
    const snapshot = await findSnapshot(vault, args.snapshot, options, host)
    if (common.json) printJson(host, { snapshot })
    else host.stdout.write(describe(snapshot))
  },
})

/** All that is known of a snapshot, line by line. */
export function describe(snapshot: SnapshotInfo): string {
  const { git, statistics, omissions, inconsistent, origin } = snapshot
  const commit = git && [git.branch, git.commit?.slice(0, 12)].filter((part) => part !== undefined).join(' ')
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['snapshot', snapshot.id],
    ['time', `${timeText(snapshot.time)} UTC`],
    ['project', snapshot.project],
    ['host', snapshot.host],
    ['path', snapshot.path],
    ['note', snapshot.note],
    ['tags', snapshot.tags.join(' ')],
    ['git', commit],
    ['left out', snapshot.selection && shellLine(selectionWords(snapshot.selection))],
    [
      'holds',
      statistics &&
        `${formatCounted(statistics.files, 'file')}, ${formatCounted(statistics.directories, 'folder')}, ${formatCounted(statistics.symlinks, 'link')}, ${formatBytes(statistics.contentBytes)}`,
    ],
    [
      'added',
      statistics &&
        `${formatBytes(statistics.newBytes)}, stored as ${formatBytes(statistics.storedBytes)}; ${formatCounted(statistics.unchangedFiles, 'file')} not read again`,
    ],
    ['tree', snapshot.root],
    ['signed by', snapshot.signer],
    ['copy of', origin && `${origin.snapshot} in the vault ${origin.vault}`],
  ]
  const lines = rows.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${name.padEnd(10)} ${oneLine(value)}\n`],
  )
  const changing = inconsistent.map((path) => `kept changing while it was read: ${visible(path)}\n`)
  return `${lines.join('')}${changing.join('')}${omissionSummary(omissions, { all: true })}`
}
