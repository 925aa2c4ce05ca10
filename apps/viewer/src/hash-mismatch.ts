import { ArcError, type EntryPath, printablePath } from '@arc/core'

/** The error for content that is not what the list of an archive or dump says. */
export function hashMismatch(path: EntryPath): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_HASH_MISMATCH', `${shown}: its content has another SHA-256 than is stated`, {
    path: shown,
    hint: 'It was changed or damaged after it was made. Use an intact copy.',
  })
}
