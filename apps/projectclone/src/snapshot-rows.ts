import { type Entry, printablePath } from '@arc/core'
import { plainAttributes } from '@arc/core/node'
import { formatBytes, formatCount, formatTable, visible } from '@arc/kit'
import type { SnapshotInfo } from '@arc/snapshot'

const ID_DIGITS = 12

/** As much of an id as people need. */
export function shortId(id: string): string {
  return id.slice(0, ID_DIGITS)
}

/** `2026-11-21 13:40:12`, UTC. */
export function timeText(time: string): string {
  return time.slice(0, 19).replace('T', ' ')
}

/** Text of somebody's choice, for a cell or a line. */
export function oneLine(text: string): string {
  return visible(text).replaceAll('\n', ' ')
}

/** A note can be a page long; `show` has all of it. */
const MAX_NOTE_LENGTH = 100

function beginning(text: string): string {
  return text.length <= MAX_NOTE_LENGTH ? text : `${text.slice(0, MAX_NOTE_LENGTH - 1)}…`
}

/** Snapshots as a table, one a line. */
export function snapshotTable(snapshots: readonly SnapshotInfo[]): string {
  return formatTable(
    [
      { header: 'Id' },
      { header: 'Time (UTC)' },
      { header: 'Project' },
      { header: 'Host' },
      { header: 'Files', align: 'right' },
      { header: 'Size', align: 'right' },
      { header: 'Added', align: 'right' },
      { header: 'Tags' },
      { header: 'Note' },
    ],
    snapshots.map(({ id, time, project, host, statistics, tags, note }) => [
      shortId(id),
      timeText(time),
      oneLine(project),
      oneLine(host),
      ...(statistics === undefined
        ? ['', '', '']
        : [formatCount(statistics.files), formatBytes(statistics.contentBytes), formatBytes(statistics.storedBytes)]),
      oneLine(tags.join(' ')),
      beginning(oneLine(note ?? '')),
    ]),
  )
}

const TYPE_LETTERS = { file: '-', directory: 'd', symlink: 'l' } as const

/** Mode, size, time and path of an entry, as the cells of a table. */
export function entryCells(entry: Entry): string[] {
  const { type, mode, sizeBytes, mtimeNs, target, path } = entry
  const time = mtimeNs === undefined ? '' : timeText(new Date(Number(mtimeNs / 1_000_000n)).toISOString())
  const link = target === undefined ? '' : ` -> ${printablePath(target)}`
  const name = `${printablePath(path)}${type === 'directory' ? '/' : link}`
  return [`${TYPE_LETTERS[type]}${mode.toString(8).padStart(3, '0')}`, formatCount(sizeBytes), time, name]
}

/** The columns of {@link entryCells}. */
export const ENTRY_COLUMNS = [
  { header: 'Mode' },
  { header: 'Size', align: 'right' },
  { header: 'Modified (UTC)' },
  { header: 'Path' },
] as const

/** An entry as `--json` prints it. */
export function entryJson({ path, type, mode, sizeBytes, mtimeNs, target, hardLink, attributes }: Entry): object {
  const row = { path, type, mode: mode.toString(8), sizeBytes, mtimeNs: mtimeNs?.toString(), target, hardLink }
  return attributes === undefined ? row : { ...row, ...plainAttributes(attributes) }
}
