import { ArcError, type EntryPath, type GitState, printablePath, type SyncContent } from '@arc/core'

/** One entry as a document states it. */
export interface DumpRecord {
  path: EntryPath
  type: 'file' | 'directory' | 'symlink'
  /** Permission bits; 0 for a symbolic link. */
  mode: number
  sizeBytes: number
  /** Hex SHA-256 of the content; `undefined` for a directory. */
  sha256: string | undefined
  mtimeNs?: bigint | undefined
  /** The content was left out when the document was made. */
  isOmitted: boolean
  /** The file that this hard link is another name of. */
  linkOf?: EntryPath | undefined
  /** Where a symbolic link points. */
  target?: EntryPath | undefined
  /** The content of a file that is no hard link. */
  content?: SyncContent | undefined
}

/** What a document holds, found by reading it once. */
export interface DumpIndex {
  name: string
  git: GitState | undefined
  /** Permission bits of folders that are only implied. */
  directoryMode: number
  records: DumpRecord[]
}

/** The error for a document that does not follow its format. */
export function damaged(what: string, at: number, path?: string): ArcError {
  const shown = path === undefined ? undefined : printablePath(path)
  return new ArcError(
    'ARC_DUMP_DAMAGED',
    `the dump is damaged: ${shown === undefined ? '' : `${shown}: `}${what} (at byte ${at})`,
    {
      ...(shown === undefined ? {} : { path: shown }),
      hint: 'Use an intact copy. If somebody edited the dump, make a new one from the project.',
      details: { offset: at },
    },
  )
}

/** The error for a document that ends too early. */
export function truncated(sizeBytes: number): ArcError {
  return new ArcError('ARC_DUMP_DAMAGED', `the dump is cut off: it has no footer (${sizeBytes} bytes)`, {
    hint: 'Copy or download it again.',
    details: { offset: sizeBytes },
  })
}
