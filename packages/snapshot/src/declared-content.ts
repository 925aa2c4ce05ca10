import { ArcError, type Entry, printablePath, readContent } from '@arc/core'
import { checkedPieces } from '@arc/core/node'

/**
 * The entry with a content that throws `ARC_HASH_MISMATCH` behind its last byte unless it is what the entry declares: a kept tree or a
 * dump may have been changed since. What declares nothing stays as it is.
 */
export function heldToDeclared(entry: Entry): Entry {
  const { path, content, sha256 } = entry
  if (content === undefined || sha256 === undefined) return entry
  const check = (found: string): void => {
    if (found === sha256) return
    const shown = printablePath(path)
    throw new ArcError(
      'ARC_HASH_MISMATCH',
      `the content of ${shown} has SHA-256 ${found}, not ${sha256} as its source says`,
      {
        path: shown,
        hint: 'Nothing was recorded. Verify the source, and get an undamaged copy of it.',
        details: { declared: sha256, actual: found },
      },
    )
  }
  return { ...entry, content: { kind: 'stream', stream: () => checkedPieces(readContent(content), check) } }
}
