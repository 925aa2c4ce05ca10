import { ArcError, printablePath } from '@arc/core'

/** The error for content that is not what its document says. */
export function hashMismatch(path: string, stated: string, found: string): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_HASH_MISMATCH', `${shown}: its content has another SHA-256 than the dump states`, {
    path: shown,
    hint: 'The dump was changed or damaged after it was made. Use an intact copy.',
    details: { stated, found },
  })
}
