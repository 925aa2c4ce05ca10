import {
  ArcError,
  assertSafePath,
  type Entry,
  entryChanged,
  isArcError,
  type Omission,
  printablePath,
  type SyncContent,
} from '@arc/core'
import { Manifest, MANIFEST_NAME } from './manifest.ts'

/** Takes entries one after another and makes an archive of them. */
export interface EntryWriter {
  readonly record: WriteRecord
  /** Add an entry; answers with a promise only where bytes have to wait. */
  add(entry: Entry): void | Promise<void>
  /** Add what comes at the end. */
  finish(): Promise<void>
}

const NO_LIMITS = { maxDepth: Infinity, maxNameBytes: Infinity, maxPathBytes: Infinity }

/** Trouble with one file, which is listed, and what it is listed as. */
const OMITTED: Readonly<Partial<Record<string, Omission['reason']>>> = {
  ARC_ENTRY_CHANGED: 'changed',
  ARC_ENTRY_UNREADABLE: 'unreadable',
  ARC_NOT_FOUND: 'vanished',
}

/** What was written so far, and what could not be. */
export class WriteRecord {
  entries = 0
  contentBytes = 0
  readonly omissions: Omission[] = []
  readonly manifest: Manifest | undefined

  constructor(options: { manifest: boolean }) {
    this.manifest = options.manifest ? new Manifest() : undefined
  }

  /** Throw `ARC_PATH_UNSAFE` for what no reader would take. How long a path may be is up to the reader. */
  admit({ path }: Entry): void {
    assertSafePath(path, { limits: NO_LIMITS })
  }

  /** Whether {@link WriteRecord.note} needs the SHA-256 of an entry's content. */
  needsHash({ sha256, hardLink }: Entry): boolean {
    return this.manifest !== undefined || sha256 !== undefined || hardLink !== undefined
  }

  /** True for a file that gives way to the archive's own manifest. */
  yieldsToManifest(entry: Entry): boolean {
    if (this.manifest === undefined || entry.path.length !== MANIFEST_NAME.length || entry.path !== MANIFEST_NAME)
      return false
    this.omissions.push({ path: entry.path, reason: 'own-output', detail: 'the archive has its own manifest' })
    return true
  }

  /** Count an entry that was written; `sha256` is that of its content. Throws `ARC_HASH_MISMATCH` when another was declared. */
  note(entry: Entry, contentBytes: number, sha256: string | undefined): void {
    if (entry.type === 'file' && entry.sha256 !== undefined && sha256 !== undefined && sha256 !== entry.sha256)
      throw mismatch(entry, sha256)
    this.entries++
    this.contentBytes += contentBytes
    if (sha256 !== undefined) this.manifest?.add(entry.path, sha256)
  }

  /** List a file that could not be read; throws what is not the trouble of one file. */
  omit(entry: Entry, error: unknown): void {
    const reason = isArcError(error) ? OMITTED[error.code] : undefined
    if (reason === undefined) throw error
    this.omissions.push({ path: entry.path, reason, detail: (error as ArcError).message })
  }
}

/** Read a whole small file into `into[at, at + length)`, longer than it, so that one that grew is noticed. Throws `ARC_ENTRY_CHANGED`. */
export function readSmall(entry: Entry, into: Uint8Array, at: number, length: number): void {
  if (entry.content?.kind !== 'sync') throw contentMissing(entry)
  const found = entry.content.readStart?.(into, at, length) ?? readAll(entry.content, into.subarray(at, at + length))
  if (found !== entry.sizeBytes) throw entryChanged(entry, found)
}

function readAll(content: SyncContent, into: Uint8Array): number {
  const reader = content.open()
  try {
    return reader.read(into)
  } finally {
    reader.close()
  }
}

/** What to throw for a file whose content the source cannot give (any more). */
export function contentMissing(entry: Entry): ArcError {
  const path = printablePath(entry.path)
  return new ArcError('ARC_ENTRY_UNREADABLE', `the source has no content for ${path}`, {
    path,
    hint: 'It is a further name of a file that comes without content: write a tar archive, which keeps hard links.',
  })
}

function mismatch({ path, sha256 }: Entry, found: string): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_HASH_MISMATCH', `the content of ${shown} has SHA-256 ${found}, not ${sha256}`, {
    path: shown,
    hint: 'Get an undamaged copy of the source.',
    details: { declared: sha256, actual: found },
  })
}
