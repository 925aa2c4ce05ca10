import type { EntryAttributes } from './attributes.ts'
import type { EntryPath } from './entry-path.ts'
import type { EntryTable } from './entry-table.ts'
import type { ProgressListener } from './progress.ts'

/** What an entry is. Sockets, pipes and devices have no state to keep: a source reports them as omissions. */
export type EntryType = 'file' | 'directory' | 'symlink'

/** Content that is at hand: local files, blobs in memory. Reading it never waits, so no promise is paid per file. */
export interface SyncContent {
  readonly kind: 'sync'
  /** Start reading from the first byte. Throws `ARC_ENTRY_UNREADABLE` when that is impossible. */
  open(): ContentReader
  /**
   * Open, read once and close in a single call, where that is cheaper: fill `into[at, at + length)` from the first byte and return
   * how many bytes it holds now. Fewer than `length` means that this was all. Throws what `open` and reading throw.
   */
  readStart?(into: Uint8Array, at: number, length: number): number
}

/** One pass over the bytes of a {@link SyncContent}. */
export interface ContentReader {
  /**
   * Fill `into` from where the last read ended and return how many bytes it holds now. Fewer than asked for, 0 included,
   * means the end was reached.
   */
  read(into: Uint8Array): number
  /**
   * All that is left to read, where it lies; nothing is left afterwards. Present only when the content is in memory, and valid for
   * as long as the content may be read. Not to be written to.
   */
  view?(): Uint8Array
  /** Lower-case hex SHA-256 of the whole content, when the reader has itself computed it over the very bytes it gives. */
  readonly sha256?: string | undefined
  /** Release what reading held. Always called once, whatever happened. */
  close(): void
}

/** Content that arrives: archives, documents, remote objects. */
export interface StreamContent {
  readonly kind: 'stream'
  /** The bytes in pieces of any size; a piece is valid only until the next one is asked for. */
  stream(): AsyncIterable<Uint8Array>
  /**
   * All of the bytes where they happen to be in memory, `undefined` where they must be waited for: then `stream` gives them. Valid
   * only until anything else of the source is asked for. Throws what `stream` would throw.
   */
  atHand?(): Uint8Array | undefined
}

export type EntryContent = SyncContent | StreamContent

/**
 * The state of a file on a local disk. While size, mtime, ctime, device and inode stay equal, so does the content. A source
 * leaves the stamp out when the file changed too recently for its timestamps to tell (git's "racy" rule).
 */
export interface Stamp {
  readonly device: bigint
  readonly inode: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** One path of a project, with its metadata and a way to read its bytes. */
export interface Entry {
  readonly path: EntryPath
  readonly type: EntryType
  /** Permission bits, `0o0000` to `0o7777`; the type is not part of it. */
  readonly mode: number
  /** Length of the content: a file's bytes, a symlink's target in bytes, 0 for a directory. */
  readonly sizeBytes: number
  /** Last modification, nanoseconds since 1970; `undefined` when the source does not know it. */
  readonly mtimeNs?: bigint | undefined
  /** Where a symlink points, as written. Present exactly on symlinks. */
  readonly target?: EntryPath | undefined
  /** Files of one source with the same identity are names of one inode. */
  readonly hardLink?: string | undefined
  /** Present when the content can be recognised as unchanged in a later run. */
  readonly stamp?: Stamp | undefined
  /** SHA-256 of the content in lower-case hex, when the source declares it. A sink that writes checks it. */
  readonly sha256?: string | undefined
  /** Owner, extended attributes and holes, as far as the source was asked for them or found them. */
  readonly attributes?: EntryAttributes | undefined
  /** Present exactly on files. */
  readonly content?: EntryContent | undefined
}

/** Why an entry is not in what a source gave. */
export type OmissionReason =
  | 'unreadable' // the system refused
  | 'vanished' // listed, then gone
  | 'changed' // its bytes kept changing while they were read
  | 'special-file' // socket, pipe or device
  | 'link-loop' // a followed symlink leads back to a folder above it
  | 'submodule' // its commit is known, its files belong to another repository
  | 'nested-repository' // git lists a repository inside the repository as one path
  | 'deleted' // tracked by git, missing from the work tree
  | 'binary' // left out because binary content was not wanted
  | 'filtered' // left out by a filter of this run: include, exclude, size, time, type, content
  | 'own-output' // the document being written, and its companions

/** One path that was left out, and why. */
export interface Omission {
  readonly path: EntryPath
  readonly reason: OmissionReason
  /** More about it, for people: the system's message, the filter, the commit. */
  readonly detail?: string | undefined
}

/** Reasons that the person asked for; `--strict` and the exit status mind only the others. */
const REQUESTED: ReadonlySet<OmissionReason> = new Set(['binary', 'filtered', 'own-output', 'deleted'])

/** True when an omission was not asked for, so that the result is partial. */
export function isTrouble(omission: Omission): boolean {
  return !REQUESTED.has(omission.reason)
}

/** The commit a source was taken from. */
export interface GitState {
  /** `undefined` on a detached HEAD. */
  readonly branch?: string | undefined
  /** Full object id; `undefined` before the first commit. */
  readonly commit?: string | undefined
  /** Whether the work tree differed from the commit; `undefined` when that was not asked. */
  readonly dirty?: boolean | undefined
}

export interface EntrySourceOptions {
  signal?: AbortSignal | undefined
  onProgress?: ProgressListener | undefined
}

/**
 * Anything that can be read as the state of a project. Entries come in batches, because an asynchronous hop per file
 * costs more than reading the file.
 */
export interface EntrySource {
  /** What to call it: the folder's or document's name, without its path. */
  readonly name: string
  /**
   * `random`: content may be read at any time until the source is disposed, in any order, more than once; entries come in
   * byte order of their paths, and asked for again they are the same, whatever has happened since. `sequential`: content can be read once, in order, before the next batch is asked for.
   */
  readonly access: 'random' | 'sequential'
  /** What is known of the repository it was taken from. */
  readonly git?: GitState | undefined
  /** Permission bits of the folder that everything is in, where they are known; complete like `omissions`. */
  readonly rootMode?: number | undefined
  /** What was left out so far; complete once the last batch was given. */
  readonly omissions: readonly Omission[]
  /** Every entry once, parents before children. May be called again only on a `random` source, after the first call has ended. */
  entries(options?: EntrySourceOptions): AsyncIterable<readonly Entry[]>
  /** The same all at once, without an object for each, where a source that is `random` can give it. */
  table?(options?: EntrySourceOptions): Promise<EntryTable>
  [Symbol.asyncDispose](): Promise<void>
}
