import {
  ArcError,
  type ContentReader,
  encodePath,
  type Entry,
  type EntryAttributes,
  type EntryPath,
  type Limits,
  PathMap,
  printablePath,
  type SyncContent,
} from '@arc/core'
import { damaged, limitExceeded, unsafe, unsupported } from './problems.ts'
import { isZero } from './byte-feed.ts'
import { dialectOf, isBlank, MAX_OCTAL_SIZE, readName, readNumber, readText, type TarDialect } from './tar-header.ts'
import { archivePath, type TarMeta } from './tar-meta.ts'
import { readPaxSparse } from './tar-sparse.ts'

/** What one header, with the special headers before it, makes known. */
export interface TarMember {
  readonly kind: 'file' | 'directory' | 'symlink' | 'hard-link' | 'special' | 'root'
  readonly path: EntryPath
  readonly mode: number
  readonly mtimeNs: bigint
  /** Bytes that are stored after the header. */
  readonly storedBytes: number
  /** As written, for symlinks and hard links. */
  readonly linkBytes: Uint8Array | undefined
  /** As far as they are wanted. */
  readonly attributes: EntryAttributes | undefined
}

const TYPES: Readonly<Record<string, TarMember['kind']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file', // contiguous, which nobody is any more
  S: 'file', // old GNU sparse
  '8': 'file', // POSIX: what is not known is a regular file
  '9': 'file',
  '1': 'hard-link',
  '2': 'symlink',
  '3': 'special',
  '4': 'special',
  '5': 'directory',
  '6': 'special',
}

/** Read the header at `at`, whose checksum is known to be right. Throws on whatever is not one clear meaning. */
export function readMember(bytes: Uint8Array, at: number, meta: TarMeta, globalMtimeNs: bigint | undefined): TarMember {
  const flag = String.fromCharCode(bytes[at + 156] as number)
  const declared = TYPES[flag]
  if (declared === undefined) throw unsupported(`it holds an entry of the type ${JSON.stringify(flag)}`)
  const dialect = dialectOf(bytes, at)
  assertSparseFields(bytes, at, flag, dialect)
  const sparse = meta.pax.sparse === undefined ? undefined : readPaxSparse(meta.pax.sparse)
  const { path, isFolder } = archivePath(sparse?.name ?? meta.path ?? readName(bytes, at, dialect))
  const storedBytes = readSize(bytes, at, meta.pax.sizeBytes, declared, path)
  let kind = declared
  // Old writers have no type for folders: their names end in a slash.
  if (kind === 'file' && isFolder) {
    if (storedBytes > 0 || flag !== '\0') throw unsafe('a file has the name of a folder', path)
    kind = 'directory'
  }
  if (path === '') {
    if (kind !== 'directory') throw unsafe(`a ${kind} has no name`)
    kind = 'root'
  }
  if (sparse !== undefined && kind !== 'file') throw damaged('what is not a file is sparse', { path })
  const isLink = kind === 'symlink' || kind === 'hard-link'
  return {
    kind,
    path,
    mode: readNumber(bytes, at + 100, 8, 'mode') & 0o7777,
    mtimeNs:
      meta.pax.mtimeNs ?? globalMtimeNs ?? BigInt(readNumber(bytes, at + 136, 12, 'time', true)) * 1_000_000_000n,
    storedBytes,
    linkBytes: isLink ? (meta.linkPath ?? readText(bytes, at + 157, 100)) : undefined,
    attributes: meta.attributesOf(bytes, at, dialect, sparse !== undefined || flag === 'S'),
  }
}

/** The fields of old sparse files are some readers' size in any GNU header, and nothing in a header of another kind. */
function assertSparseFields(bytes: Uint8Array, at: number, flag: string, dialect: TarDialect): void {
  if (flag === 'S' && dialect !== 'gnu') throw unsafe('a sparse file of GNU tar has no header of GNU tar')
  if (flag !== 'S' && dialect === 'gnu' && !isZero(bytes, at + 386, at + 495))
    throw unsafe('what is no sparse file has the header of one')
}

function readSize(
  bytes: Uint8Array,
  at: number,
  paxBytes: number | undefined,
  kind: TarMember['kind'],
  path: EntryPath,
): number {
  const header = readNumber(bytes, at + 124, 12, 'size')
  if (kind === 'file' && paxBytes === undefined && isBlank(bytes, at + 124, 12))
    throw damaged('a file has no size', { path })
  // The extended header is for sizes that the header cannot hold; otherwise the two must agree.
  if (paxBytes !== undefined && paxBytes !== header && paxBytes <= MAX_OCTAL_SIZE)
    throw unsafe('its two headers give two sizes', path)
  const size = paxBytes ?? header
  if (kind !== 'file' && size > 0) throw unsafe(`a ${kind} has content, which some readers take for entries`, path)
  return size
}

/** Remembers what later hard links may point to. */
export class TarLinks {
  readonly #sizes = new PathMap<number>()
  readonly #targets = new Map<EntryPath, EntryPath>()
  readonly #firstNames = new Map<EntryPath, EntryPath>()

  noteFile(path: EntryPath, sizeBytes: number): void {
    this.#sizes.set(path, sizeBytes)
  }

  noteSymlink(path: EntryPath, target: EntryPath): void {
    this.#targets.set(path, target)
  }

  /** The entry of a further name of an inode. Throws unless the link leads to an earlier file or symlink of this archive. */
  resolve(member: TarMember): Entry {
    const target = archivePath(member.linkBytes as Uint8Array).path
    const { path, mode, mtimeNs } = member
    const hardLink = this.#firstNames.get(target) ?? target
    this.#firstNames.set(path, hardLink)
    const sizeBytes = this.#sizes.get(hardLink)
    if (sizeBytes !== undefined) return { path, type: 'file', mode, mtimeNs, sizeBytes, hardLink }
    const text = this.#targets.get(hardLink)
    if (text === undefined) {
      throw unsafe(`it is a hard link to ${printablePath(target)}, which is no earlier file of this archive`, path)
    }
    return { path, type: 'symlink', mode, mtimeNs, sizeBytes: encodePath(text).length, target: text, hardLink }
  }
}

/** Throws unless a symlink's target is one: not empty, no NUL, not too long. */
export function assertTarget(bytes: Uint8Array, path: EntryPath, limits: Readonly<Limits>): void {
  if (bytes.length === 0) throw damaged('a symlink points nowhere', { path })
  if (bytes.includes(0)) throw unsafe("a symlink's target holds a NUL byte", path)
  if (bytes.length > limits.maxTargetBytes)
    throw limitExceeded('maxTargetBytes', limits.maxTargetBytes, "the length of a symlink's target", path)
}

/** Throws `ARC_ARCHIVE_UNSAFE` for a device, pipe or socket. */
export function refuseSpecial(path: EntryPath): never {
  throw unsafe('it is a device or pipe, which no project needs', path)
}

/** Whether content that was handed out may still be read; moved on with every batch. */
export interface Turn {
  current: number
}

/** The content of a small file, as it lies in the reader's window until the next batch is asked for. */
export class WindowContent implements SyncContent, ContentReader {
  readonly kind = 'sync'
  readonly #bytes: Uint8Array
  readonly #turn: Turn
  readonly #mine: number
  #at = 0

  constructor(bytes: Uint8Array, turn: Turn) {
    this.#bytes = bytes
    this.#turn = turn
    this.#mine = turn.current
  }

  open(): ContentReader {
    this.#at = 0
    return this
  }

  read(into: Uint8Array): number {
    const left = this.view()
    const part = left.length <= into.length ? left : left.subarray(0, into.length)
    into.set(part)
    this.#at += part.length - left.length
    return part.length
  }

  view(): Uint8Array {
    if (this.#turn.current !== this.#mine) throw tooLate()
    const left = this.#at === 0 ? this.#bytes : this.#bytes.subarray(this.#at)
    this.#at = this.#bytes.length
    return left
  }

  close(): void {}
}

/** What to throw when content of a sequential archive is asked for after its turn. */
export function tooLate(): ArcError {
  return new ArcError(
    'ARC_ENTRY_UNREADABLE',
    'the content of an archive that is read once can only be had before the next batch',
    {
      hint: 'Read the content of each batch before asking for the next one.',
    },
  )
}
