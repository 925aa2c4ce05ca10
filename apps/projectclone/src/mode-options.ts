import { ArcError } from '@arc/core'
import { choiceOption, type Values } from '@arc/kit'
import type { SnapshotMode } from '@arc/snapshot'

/** How a snapshot is kept. */
export const modeOptions = {
  mode: choiceOption(
    ['vault', 'copy', 'link', 'archive'],
    'how to keep it: in a vault, as a plain copy, as a copy that shares what did not change by hard links, or as an archive (default: vault)',
  ),
  format: choiceOption(['tar', 'tar.gz', 'tar.zst', 'tar.lz4', 'zip'], 'of an archive (default: tar.zst)'),
}

/** What the options say: an archive when a format is given. */
export function modeOf({ mode, format }: Values<typeof modeOptions>): SnapshotMode {
  if (format !== undefined && mode !== undefined && mode !== 'archive')
    throw new ArcError('ARC_OPTION_INVALID', `--format is of archives, not of --mode ${mode}`, {
      hint: 'Leave one out.',
    })
  return mode ?? (format === undefined ? 'vault' : 'archive')
}
